"""Whatever is traded, the venue's books add up."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.openapi_wire.enums import TradeSide
from apps.papervenue.engine import Account, Refused
from tests.unit.papervenue.venue_desk import BUY, EURUSD, NOW, SELL, Desk

STEP = 100_000
sides = st.sampled_from([BUY, SELL])
volumes = st.integers(1, 40).map(lambda steps: steps * STEP)
prices = st.integers(100_000, 125_000)
actions = st.lists(
    st.one_of(
        st.tuples(st.just("order"), sides, volumes),
        st.tuples(st.just("close"), st.integers(0, 5), st.integers(1, 40)),
        st.tuples(st.just("price"), prices, st.just(0)),
        st.tuples(st.just("cash"), st.integers(-100_000, 100_000), st.just(0)),
        st.tuples(st.just("night"), st.just(0), st.just(0)),
    ),
    max_size=40,
)


def run(desk: Desk, account: Account, script: list[tuple[str, object, object]]) -> None:
    """Play a script; what the venue refuses changes nothing and is passed over."""
    now = NOW
    for kind, first, second in script:
        try:
            if kind == "order":
                assert isinstance(first, TradeSide)
                assert isinstance(second, int)
                desk.place(account, first, second)
            elif kind == "close" and account.positions:
                assert isinstance(first, int)
                assert isinstance(second, int)
                position = list(account.positions.values())[first % len(account.positions)]
                desk.close(position, min(position.volume, second * STEP))
            elif kind == "price":
                assert isinstance(first, int)
                desk.price(EURUSD, first, first + 10)
                desk.engine.sweep(now)
            elif kind == "cash":
                assert isinstance(first, int)
                desk.engine.change_balance(account, first, now)
            elif kind == "night":
                desk.engine.rollover(now, now + 86_400_000)
                now += 86_400_000
        except Refused:
            continue


@pytest.mark.parametrize("netting", [False, True])
@pytest.mark.parametrize("currency", ["USD", "EUR", "JPY"])
@settings(max_examples=60, deadline=None)
@given(script=actions)
def test_balance_is_deposits_plus_results_plus_costs(
    netting: bool, currency: str, script: list[tuple[str, object, object]]
) -> None:
    desk = Desk()
    account = desk.account(netting=netting, currency=currency, deposit=2_000_000)
    run(desk, account, script)
    cash = sum(event.cash.delta for event in desk.notes.events if event.cash)
    closes = [deal.close for deal in desk.notes.deals if deal.close]
    booked = sum(close.gross + close.swap + close.commission for close in closes)
    assert account.balance == cash + booked
    assert account.balance_version == len(closes) + sum(
        1 for event in desk.notes.events if event.cash
    )
    paid = sum(deal.commission for deal in desk.notes.deals)
    open_commission = sum(position.commission for position in account.positions.values())
    assert paid == sum(close.commission for close in closes) + open_commission


@pytest.mark.parametrize("netting", [False, True])
@settings(max_examples=60, deadline=None)
@given(script=actions)
def test_positions_are_what_deals_left(
    netting: bool, script: list[tuple[str, object, object]]
) -> None:
    desk = Desk()
    account = desk.account(netting=netting, deposit=2_000_000)
    run(desk, account, script)
    held: dict[int, int] = {}
    for deal in desk.notes.deals:
        sign = 1 if deal.side == BUY else -1
        held[deal.position_id] = held.get(deal.position_id, 0) + sign * deal.volume
    open_now = {p.position_id: p.sign * p.volume for p in account.positions.values()}
    assert {number: volume for number, volume in held.items() if volume} == open_now
    assert all(position.margin > 0 for position in account.positions.values())
    if netting:
        assert len(account.positions) <= 1


@settings(max_examples=60, deadline=None)
@given(fills=st.lists(st.tuples(volumes, prices), min_size=1, max_size=8), exit_price=prices)
def test_closing_at_once_gives_the_exact_result_of_all_fills(
    fills: list[tuple[int, int]], exit_price: int
) -> None:
    """On a USD account EURUSD needs no conversion: the exact result is known."""
    desk = Desk()
    account = desk.account(netting=True, deposit=10**10, leverage=500)
    exact = Fraction(0)
    for volume, price in fills:
        desk.price(EURUSD, price - 10, price)
        desk.place(account, BUY, volume)
        exact += Fraction(volume * (exit_price - price), 100 * 100_000 // 100)
    desk.price(EURUSD, exit_price, exit_price + 10)
    for position in list(account.positions.values()):
        desk.close(position)
    gross = sum(deal.close.gross for deal in desk.notes.deals if deal.close)
    total = sum(volume for volume, _ in fills)
    rounding = Fraction(1, 2) + Fraction(total * len(fills), 10**10)
    assert abs(gross - exact) <= rounding


@settings(max_examples=40, deadline=None)
@given(total=st.integers(1, 60), parts=st.lists(st.integers(1, 60), max_size=12))
def test_closing_in_parts_books_all_costs_and_no_more(total: int, parts: list[int]) -> None:
    desk = Desk()
    account = desk.account(deposit=10**9)
    desk.place(account, BUY, total * STEP)
    [position] = account.positions.values()
    opening = position.commission
    for part in parts:
        if position.volume:
            desk.close(position, min(part * STEP, position.volume))
    if position.volume:
        desk.close(position)
    assert (position.commission, position.swap, position.margin) == (0, 0, 0)
    deals = desk.notes.deals
    assert sum(d.close.commission for d in deals if d.close) == opening + sum(
        d.commission for d in deals if d.close
    )


@settings(max_examples=40, deadline=None)
@given(volume=volumes, leverage=st.integers(1, 500), price=prices)
def test_an_order_is_accepted_exactly_when_the_margin_is_there(
    volume: int, leverage: int, price: int
) -> None:
    desk = Desk()
    desk.price(EURUSD, price, price + 10)
    account = desk.account(deposit=50_000, leverage=leverage)
    spec = desk.spec()
    need = desk.book.margin(account, spec, volume) - desk.book.commission(account, spec, volume)
    if need <= account.balance:
        desk.place(account, BUY, volume)
        assert desk.book.used_margin(account) <= 50_000
    else:
        with pytest.raises(Refused, match="NOT_ENOUGH_MONEY"):
            desk.place(account, BUY, volume)
        assert not account.positions


@settings(max_examples=60, deadline=None)
@given(script=actions)
def test_after_a_sweep_no_account_stands_below_the_stop_out_level(
    script: list[tuple[str, object, object]],
) -> None:
    desk = Desk()
    account = desk.account(deposit=100_000, leverage=500)
    run(desk, account, script)
    desk.engine.sweep(NOW)
    used = desk.book.used_margin(account)
    assert not used or desk.book.equity(account) * 2 > used
