"""Orders, fills, protection and accounting, one behaviour each."""

from dataclasses import replace

import pytest

from apps.openapi_wire.enums import ExecutionType, OrderStatus, OrderType, TimeInForce
from apps.papervenue.engine import Refused
from apps.papervenue.engine.triggers import DAY_MS
from tests.unit.papervenue.venue_desk import BUY, EURUSD, LOT, NOW, SELL, USDJPY, Desk, only

ACCEPTED, FILLED = ExecutionType.ORDER_ACCEPTED, ExecutionType.ORDER_FILLED


@pytest.fixture
def desk() -> Desk:
    return Desk()


def refused(code: str) -> object:
    return pytest.raises(Refused, match=code)


def test_a_market_order_is_accepted_and_filled_at_the_side_s_price(desk: Desk) -> None:
    account = desk.account()
    desk.place(account, BUY, LOT)
    assert desk.notes.kinds[-2:] == [ACCEPTED, FILLED]
    position = only(account)
    assert (position.entry, position.volume, position.side) == (110_010 * 100_000, LOT, BUY)
    assert position.margin == 110_005  # 100,000 EUR at the middle price over leverage 100


def test_hedging_keeps_both_sides_and_netting_one_position(desk: Desk) -> None:
    hedging, netting = desk.account(), desk.account(netting=True)
    for account in (hedging, netting):
        desk.place(account, BUY, LOT)
        desk.place(account, SELL, LOT // 2)
    assert sorted(p.volume for p in hedging.positions.values()) == [LOT // 2, LOT]
    assert only(netting).volume == LOT // 2


def test_netting_goes_through_to_the_other_side_in_two_deals(desk: Desk) -> None:
    account = desk.account(netting=True)
    desk.place(account, BUY, LOT)
    first = only(account).position_id
    order = desk.place(account, SELL, 3 * LOT)
    closing, opening = desk.notes.deals[-2:]
    assert closing.close is not None
    assert opening.close is None
    assert (closing.volume, opening.volume) == (LOT, 2 * LOT)
    assert (only(account).side, only(account).volume) == (SELL, 2 * LOT)
    assert only(account).position_id != first
    assert order.status == OrderStatus.ORDER_STATUS_FILLED


def test_an_order_with_a_position_id_adds_to_it(desk: Desk) -> None:
    account = desk.account()
    desk.place(account, BUY, LOT)
    desk.price(EURUSD, 110_100, 110_110)
    desk.place(account, BUY, LOT, position_id=only(account).position_id)
    assert only(account).volume == 2 * LOT
    assert only(account).entry == 110_060 * 100_000


def test_a_partial_close_books_its_share_and_the_last_one_the_rest(desk: Desk) -> None:
    account = desk.account()
    desk.place(account, BUY, LOT)
    desk.price(EURUSD, 110_110, 110_120)
    position = only(account)
    desk.close(position, LOT // 4)
    part = desk.notes.deals[-1].close
    assert part.gross == 2_500  # 25,000 units × 0.00100 = 25.00
    assert position.volume == LOT - LOT // 4
    desk.close(position)
    rest = desk.notes.deals[-1].close
    assert rest.gross == 7_500
    assert account.balance == rest.balance == 1_000_000 + 10_000 + part.commission + rest.commission
    assert not account.positions


def test_closing_what_is_not_there_is_refused(desk: Desk) -> None:
    account = desk.account()
    desk.place(account, BUY, LOT)
    with refused("TRADING_BAD_VOLUME"):
        desk.close(only(account), 2 * LOT)
    with refused("POSITION_NOT_FOUND"):
        desk.place(account, BUY, LOT, position_id=99)


@pytest.mark.parametrize("volume", [0, 50_000, 150_000, 10**12])
def test_volumes_off_the_step_or_beyond_the_limits_are_refused(desk: Desk, volume: int) -> None:
    with refused("TRADING_BAD_VOLUME"):
        desk.place(desk.account(), BUY, volume)


def test_an_order_beyond_the_free_margin_is_refused(desk: Desk) -> None:
    account = desk.account(deposit=100_000)
    with refused("NOT_ENOUGH_MONEY"):
        desk.place(account, BUY, LOT)
    assert not account.positions


def test_market_orders_take_relative_stops_only(desk: Desk) -> None:
    account = desk.account()
    with refused("INVALID_REQUEST"):
        desk.place(account, BUY, LOT, stop_loss=109_000)
    desk.place(account, BUY, LOT, relative_stop_loss=500, relative_take_profit=800)
    assert (only(account).stop_loss, only(account).take_profit) == (109_510, 110_810)


@pytest.mark.parametrize(
    ("bid", "ask"), [(109_510, 109_520), (109_000, 109_010), (110_810, 110_820)]
)
def test_protection_closes_the_position_at_the_market(desk: Desk, bid: int, ask: int) -> None:
    account = desk.account()
    desk.place(account, BUY, LOT, relative_stop_loss=500, relative_take_profit=800)
    desk.price(EURUSD, 109_511, 109_521)
    assert account.positions
    desk.price(EURUSD, bid, ask)
    assert not account.positions
    last = desk.notes.events[-1]
    assert (last.kind, last.server, last.deal.price) == (FILLED, True, bid)
    assert last.order is not None
    assert last.order.type == OrderType.STOP_LOSS_TAKE_PROFIT


def test_a_sold_position_is_protected_on_the_ask(desk: Desk) -> None:
    account = desk.account()
    desk.place(account, SELL, LOT, relative_stop_loss=500)
    desk.price(EURUSD, 110_480, 110_499)
    assert account.positions
    desk.price(EURUSD, 110_480, 110_500)
    assert not account.positions


def test_changing_and_removing_protection_is_told_with_the_position(desk: Desk) -> None:
    account = desk.account()
    desk.place(account, BUY, LOT)
    position = only(account)
    desk.engine.protect(position, 109_000, 111_000, NOW)
    assert desk.notes.kinds[-1] == ExecutionType.ORDER_REPLACED
    assert desk.notes.events[-1].position is position
    with refused("TRADING_BAD_STOPS"):
        desk.engine.protect(position, 110_000, None, NOW)
    desk.engine.protect(position, None, None, NOW)
    assert desk.notes.kinds[-1] == ExecutionType.ORDER_CANCELLED
    desk.price(EURUSD, 105_000, 105_010)
    assert account.positions


def test_a_trailing_stop_follows_and_never_goes_back(desk: Desk) -> None:
    account = desk.account()
    desk.place(account, BUY, LOT)
    desk.engine.protect(only(account), 109_900, None, NOW, trailing=True)
    for bid in (110_050, 110_020, 110_200):
        desk.price(EURUSD, bid, bid + 10)
    assert desk.notes.moved == [109_950, 110_100]
    desk.price(EURUSD, 110_100, 110_110)
    assert not account.positions


def test_limit_and_stop_orders_wait_for_their_price(desk: Desk) -> None:
    account = desk.account(deposit=10_000_000)
    desk.place(account, BUY, LOT, type=OrderType.LIMIT, limit_price=109_900)
    desk.place(account, BUY, LOT, type=OrderType.STOP, stop_price=110_200)
    assert len(account.orders) == 2
    desk.price(EURUSD, 109_880, 109_890)
    assert [deal.price for deal in desk.notes.deals] == [109_890]
    desk.price(EURUSD, 110_190, 110_200)
    assert [deal.price for deal in desk.notes.deals] == [109_890, 110_200]
    assert not account.orders


def test_a_limit_at_a_price_that_is_there_is_filled_at_once(desk: Desk) -> None:
    account = desk.account()
    desk.place(account, BUY, LOT, type=OrderType.LIMIT, limit_price=110_050)
    assert desk.notes.deals[-1].price == 110_010


def test_a_stop_on_the_wrong_side_of_the_market_is_refused(desk: Desk) -> None:
    with refused("TRADING_BAD_PRICES"):
        desk.place(desk.account(), BUY, LOT, type=OrderType.STOP, stop_price=110_000)


def test_a_stop_limit_becomes_a_limit_when_triggered(desk: Desk) -> None:
    account = desk.account()
    order = desk.place(
        account, BUY, LOT, type=OrderType.STOP_LIMIT, stop_price=110_100, slippage_points=20
    )
    desk.price(EURUSD, 110_200, 110_210)  # gapped beyond stop and range
    assert (order.type, order.limit_price) == (OrderType.LIMIT, 110_120)
    assert not account.positions
    desk.price(EURUSD, 110_100, 110_110)
    assert only(account).entry == 110_110 * 100_000


@pytest.mark.parametrize(("base", "filled"), [(110_000, True), (109_989, False)])
def test_a_market_range_is_filled_within_its_range_or_cancelled(
    desk: Desk, base: int, filled: bool
) -> None:
    account = desk.account()
    desk.place(account, BUY, LOT, type=OrderType.MARKET_RANGE, base_price=base, slippage_points=20)
    assert bool(account.positions) is filled
    assert desk.notes.kinds[-1] == (FILLED if filled else ExecutionType.ORDER_CANCELLED)
    assert not account.orders


def test_a_pending_order_carries_its_stops_and_label_to_the_position(desk: Desk) -> None:
    account = desk.account()
    desk.place(
        account,
        BUY,
        LOT,
        type=OrderType.LIMIT,
        limit_price=109_900,
        stop_loss=109_000,
        take_profit=111_000,
        label="mine",
        comment="why",
    )
    desk.price(EURUSD, 109_880, 109_890)
    position = only(account)
    assert (position.stop_loss, position.take_profit) == (109_000, 111_000)
    assert (position.label, position.comment) == ("mine", "why")


def test_orders_are_amended_cancelled_and_expire(desk: Desk) -> None:
    account = desk.account()
    order = desk.place(account, BUY, LOT, type=OrderType.LIMIT, limit_price=109_000)
    desk.engine.amend(order, replace(order, limit_price=109_500, volume=2 * LOT), NOW)
    assert desk.notes.kinds[-1] == ExecutionType.ORDER_REPLACED
    assert (order.limit_price, order.volume) == (109_500, 2 * LOT)
    desk.engine.cancel(order, NOW)
    assert (desk.notes.kinds[-1], account.orders) == (ExecutionType.ORDER_CANCELLED, {})
    terms = {"time_in_force": TimeInForce.GOOD_TILL_DATE, "expires_ms": NOW + 1_000}
    desk.place(account, BUY, LOT, type=OrderType.LIMIT, limit_price=109_000, **terms)
    desk.engine.sweep(NOW + 999)
    assert account.orders
    desk.engine.sweep(NOW + 1_000)
    assert (desk.notes.kinds[-1], account.orders) == (ExecutionType.ORDER_EXPIRED, {})
    with refused("TRADING_BAD_EXPIRATION_DATE"):
        terms["expires_ms"] = NOW
        desk.place(account, BUY, LOT, type=OrderType.LIMIT, limit_price=109_000, **terms)


def test_a_triggered_stop_limit_can_still_be_amended(desk: Desk) -> None:
    account = desk.account()
    order = desk.place(
        account, BUY, LOT, type=OrderType.STOP_LIMIT, stop_price=110_100, slippage_points=20
    )
    desk.price(EURUSD, 110_200, 110_210)
    desk.engine.amend(order, replace(order, limit_price=110_220), NOW)
    assert desk.notes.deals[-1].price == 110_210


def test_a_pending_order_may_be_filled_in_portions(desk: Desk) -> None:
    account = desk.account(deposit=10_000_000)
    order = desk.place(account, BUY, 3 * LOT, type=OrderType.STOP, stop_price=110_100)
    order.portion = 2 * LOT
    desk.price(EURUSD, 110_100, 110_110)
    assert (desk.notes.kinds[-1], order.executed) == (
        ExecutionType.ORDER_PARTIAL_FILL,
        2 * LOT,
    )
    desk.price(EURUSD, 110_000, 110_010)  # back again: the rest waits
    assert (order.executed, account.orders) == (2 * LOT, {order.order_id: order})
    desk.price(EURUSD, 110_110, 110_120)
    assert (desk.notes.kinds[-1], account.orders) == (FILLED, {})
    assert only(account).volume == 3 * LOT


def test_what_a_portion_leaves_may_be_cancelled(desk: Desk) -> None:
    account = desk.account(deposit=10_000_000)
    order = desk.place(account, BUY, 3 * LOT, type=OrderType.LIMIT, limit_price=109_900)
    order.portion, order.gives_up = LOT, True
    desk.price(EURUSD, 109_880, 109_890)
    assert desk.notes.kinds[-2:] == [
        ExecutionType.ORDER_PARTIAL_FILL,
        ExecutionType.ORDER_CANCELLED,
    ]
    assert (order.executed, account.orders, only(account).volume) == (LOT, {}, LOT)


def test_a_pending_order_without_money_at_its_price_is_rejected(desk: Desk) -> None:
    account = desk.account(deposit=100_000)
    desk.place(account, BUY, LOT, type=OrderType.LIMIT, limit_price=109_900)
    desk.price(EURUSD, 109_880, 109_890)
    assert desk.notes.kinds[-1] == ExecutionType.ORDER_REJECTED
    assert desk.notes.events[-1].error == "NOT_ENOUGH_MONEY"


def test_stop_out_closes_the_position_with_most_margin_first(desk: Desk) -> None:
    account = desk.account(deposit=400_000)
    desk.place(account, BUY, 2 * LOT)
    desk.place(account, BUY, LOT)
    desk.price(EURUSD, 109_150, 109_160)  # equity 1,400, margin 3,300
    desk.engine.sweep(NOW)
    assert only(account).volume == LOT
    assert desk.notes.events[-1].order is not None
    assert desk.notes.events[-1].order.stop_out


def test_swap_is_charged_at_night_three_times_on_wednesday(desk: Desk) -> None:
    account = desk.account(currency="JPY", deposit=10_000_000)
    desk.place(account, SELL, LOT, symbol=USDJPY)
    sunday = 1_700_431_200_000  # 19 November 2023, 22:00 UTC
    position = only(account)
    assert not desk.engine.rollover(sunday, sunday + DAY_MS - 1)
    assert desk.engine.rollover(sunday, sunday + DAY_MS)  # Monday's night
    assert position.swap == -2_050  # 2.05 pips of 0.01 on 100,000 units
    desk.engine.rollover(sunday + DAY_MS, sunday + 3 * DAY_MS)  # Tuesday and Wednesday
    assert position.swap == -2_050 * 5
    assert desk.notes.kinds[-1] == ExecutionType.SWAP


def test_no_more_than_the_free_margin_can_be_withdrawn(desk: Desk) -> None:
    account = desk.account()
    desk.place(account, BUY, LOT)
    free = desk.book.free_margin(account)
    with refused("NOT_ENOUGH_MONEY"):
        desk.engine.change_balance(account, -(free + 1), NOW)
    desk.engine.change_balance(account, -free, NOW)
    assert desk.book.free_margin(account) == 0


def test_margin_follows_a_change_of_leverage(desk: Desk) -> None:
    account = desk.account()
    desk.place(account, BUY, LOT)
    desk.engine.change_leverage(account, 50)
    assert desk.notes.margins == [only(account).margin] == [220_010]


def test_protection_of_a_position_that_is_gone_is_put_on_record(desk: Desk) -> None:
    account = desk.account()
    desk.place(account, BUY, LOT, relative_stop_loss=500)
    protection = only(account).protection_id
    desk.close(only(account))
    [order] = desk.notes.recorded
    assert (order.order_id, order.status) == (protection, OrderStatus.ORDER_STATUS_CANCELLED)


@pytest.mark.parametrize("netting", [False, True])
def test_a_pending_order_never_opens_a_position_under_an_old_id(desk: Desk, netting: bool) -> None:
    account = desk.account(netting=netting)
    desk.place(account, BUY, LOT)
    old = only(account)
    terms = {} if netting else {"position_id": old.position_id}
    desk.place(account, BUY, LOT, type=OrderType.LIMIT, limit_price=109_900, **terms)
    desk.close(old)
    desk.price(EURUSD, 109_880, 109_890)
    assert only(account).position_id != old.position_id
