"""What the gateway remembers of an order, by what it hears in any order."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from apps.execution.gateway.tickets import Ticket, Tickets, ticket_of
from apps.execution.intents import Intent, dump, load, request_of, rows_of
from apps.platforms.ports import Answer, SubmitResult
from apps.trading.deals import Deal, DealEffect
from apps.trading.orders import (
    CancelRequest,
    CloseRequest,
    Leg,
    Order,
    OrderRequest,
    OrderState,
    OrderType,
    ProtectRequest,
    Side,
)

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
D = Decimal


def intent(leg: Leg = Leg.OPEN, units: str = "3000") -> Intent:
    return Intent(
        client_order_id="c1",
        account_id=7,
        platform_account="a7",
        leg=leg,
        source="copy",
        relation="sub:1",
        wake_key=3,
        instrument_id="1",
        side=Side.BUY,
        units=D(units),
        position_id="p9" if leg in {Leg.CLOSE, Leg.PROTECT} else "",
        platform_order_id="o9" if leg is Leg.CANCEL else "",
        stop_loss=D("1.05"),
        reference_price=D("1.1"),
        not_after=NOW,
    )


def ticket(leg: Leg = Leg.OPEN, units: str = "3000") -> Ticket:
    (row,) = rows_of(dump([intent(leg, units)]))
    return ticket_of(row, 1, 0, NOW)


def deal(number: int, units: str, price: str = "1.1") -> Deal:
    return Deal(
        f"d{number}", "o1", "p1", "1", Side.BUY, D(units), D(price), DealEffect.OPEN, NOW, "c1"
    )


def accepted() -> SubmitResult:
    return SubmitResult("c1", Answer.ACCEPTED, "o1", answered_at=NOW)


def test_intents_travel_unchanged() -> None:
    intents = [intent(leg) for leg in Leg]
    assert load(dump(intents)) == intents


@pytest.mark.parametrize("leg", list(Leg))
def test_a_row_gives_the_request_of_its_intent(leg: Leg) -> None:
    (row,) = rows_of(dump([intent(leg)]))
    kinds = {
        Leg.OPEN: OrderRequest,
        Leg.CLOSE: CloseRequest,
        Leg.PROTECT: ProtectRequest,
        Leg.CANCEL: CancelRequest,
    }
    assert request_of(row) == intent(leg).request()
    assert isinstance(request_of(row), kinds[leg])


def test_partial_fills_add_up_whatever_comes_first() -> None:
    t = ticket()
    t.deal(deal(1, "1000", "1.1"), NOW, position_gone=False)
    t.answer(accepted(), NOW)
    assert (t.state, t.platform_order_id) == (OrderState.PARTIALLY_FILLED, "o1")
    t.deal(deal(1, "1000", "1.1"), NOW, position_gone=False)
    t.deal(deal(2, "2000", "1.4"), NOW, position_gone=False)
    assert (t.state, t.filled, t.notional) == (OrderState.FILLED, 3000, 3900)


def test_a_final_state_stays() -> None:
    t = ticket()
    t.deal(deal(1, "3000"), NOW, position_gone=False)
    t.answer(SubmitResult("c1", Answer.UNKNOWN), NOW)
    t.answer(SubmitResult("c1", Answer.REJECTED, code="LATE"), NOW)
    assert (t.state, t.code) == (OrderState.FILLED, "")


def test_unknown_ends_with_the_deal() -> None:
    t = ticket()
    t.answer(SubmitResult("c1", Answer.UNKNOWN, code="NO_ANSWER"), NOW)
    assert (t.state, t.code) == (OrderState.UNKNOWN, "NO_ANSWER")
    t.deal(deal(1, "1000"), NOW, position_gone=False)
    assert (t.state, t.code) == (OrderState.PARTIALLY_FILLED, "")


@pytest.mark.parametrize("leg", [Leg.PROTECT, Leg.CANCEL])
def test_acknowledged_is_done_where_there_is_nothing_to_fill(leg: Leg) -> None:
    t = ticket(leg)
    t.answer(accepted(), NOW)
    assert (t.state, t.accepted_at) == (OrderState.FILLED, NOW)


def test_a_close_is_done_when_nothing_is_left() -> None:
    t = ticket(Leg.CLOSE)
    t.deal(deal(1, "2000"), NOW, position_gone=False)
    assert not t.final
    t.deal(deal(2, "500"), NOW, position_gone=True)
    assert (t.state, t.filled) == (OrderState.FILLED, 2500)


def test_a_cancelled_rest_keeps_what_was_filled() -> None:
    t = ticket()
    t.deal(deal(1, "1000"), NOW, position_gone=False)
    shown = Order(
        "o1", "c1", "1", Side.BUY, OrderType.MARKET, D(3000), D(1000), OrderState.CANCELLED
    )
    t.order(shown, "NO_LIQUIDITY", NOW)
    assert (t.state, t.code, t.filled) == (OrderState.CANCELLED, "NO_LIQUIDITY", 1000)


def test_tickets_are_found_by_both_ids_and_leave_with_their_batch() -> None:
    tickets = Tickets()
    first, second = ticket(), ticket()
    second.cid = "c2"
    tickets.add(first)
    tickets.add(second)
    first.platform_order_id = "o1"
    tickets.index(first)
    stranger = Deal("d", "o1", "p", "1", Side.BUY, D(1), D(1), DealEffect.OPEN, NOW)
    assert tickets.of_deal("a7", stranger) is first
    assert tickets.of_deal("a8", stranger) is None
    first.finish(OrderState.FILLED, NOW)
    second.finish(OrderState.REJECTED, NOW)
    assert tickets.stored([first]) == {}
    assert tickets.of_deal("a7", stranger) is None
    assert tickets.stored([second]) == {1: 1}


def resting() -> Ticket:
    """A limit order that the platform has accepted."""
    limit = intent()._replace(type=OrderType.LIMIT, price=D("1.05"))
    (row,) = rows_of(dump([limit]))
    t = ticket_of(row, 1, 0, NOW)
    t.answer(accepted(), NOW)
    return t


def shown(units: str, filled: str, state: OrderState = OrderState.ACCEPTED) -> Order:
    return Order("o1", "c1", "1", Side.BUY, OrderType.LIMIT, D(units), D(filled), state)


def test_an_accepted_pending_order_rests_and_a_market_order_does_not() -> None:
    t = ticket()
    t.answer(accepted(), NOW)
    assert not t.resting
    t = resting()
    assert (t.resting, t.rested_at, t.state) == (True, NOW, OrderState.ACCEPTED)


def test_a_resting_order_leaves_its_batch_and_is_found_by_its_deal() -> None:
    tickets, t = Tickets(), resting()
    tickets.add(t)
    tickets.index(t)
    assert tickets.stored([t]) == {1: 1}
    assert tickets.by_client_id == {}
    assert tickets.knows("a7", "c1")
    assert tickets.of_deal("a7", deal(1, "3000")) is t
    t.deal(deal(1, "3000"), NOW, position_gone=False)
    tickets.stored([t])
    assert not tickets.knows("a7", "c1")
    assert tickets.of_deal("a7", deal(1, "3000")) is None


def test_parts_of_a_resting_order_are_told_and_it_goes_on_resting() -> None:
    t = resting()
    assert (t.tell(), t.tell()) == (True, False)
    t.deal(deal(1, "1000"), NOW, position_gone=False)
    assert (t.state, t.resting, t.tell(), t.tell()) == (
        OrderState.PARTIALLY_FILLED,
        True,
        True,
        False,
    )
    t.order(shown("3000", "1000", OrderState.EXPIRED), "", NOW)
    assert (t.state, t.resting, t.filled, t.tell()) == (OrderState.EXPIRED, False, 1000, True)


def test_an_amended_order_is_filled_when_its_new_volume_is() -> None:
    t = resting()
    t.order(shown("2000", "0"), "", NOW)
    assert (t.units, t.state) == (2000, OrderState.ACCEPTED)
    t.deal(deal(1, "2000"), NOW, position_gone=False)
    assert t.state is OrderState.FILLED


def test_a_resting_order_in_doubt_is_asked_for_and_may_rest_again() -> None:
    tickets, t = Tickets(), resting()
    tickets.add(t)
    tickets.stored([t])
    t.doubt()
    tickets.add(t)
    assert tickets.unknown() == [t]
    t.order(shown("3000", "0"), "", NOW)
    assert (t.resting, t.state) == (True, OrderState.ACCEPTED)
