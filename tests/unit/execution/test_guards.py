"""What holds an open back at the moment of sending, with numbers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.execution.gateway.claims import Hold
from apps.execution.gateway.guards import Guards, Sending
from apps.execution.gateway.state import Account, Book, Figures
from apps.execution.gateway.tickets import Ticket, Tickets, ticket_of
from apps.execution.intents import Intent, SendGuards, dump, rows_of
from apps.execution.standings import Standing, Standings
from apps.platforms.ports import QuoteUpdate
from apps.trading.orders import Leg, OrderState, OrderType, Side
from apps.trading.positions import Position
from apps.trading.schedule import Holiday, make_schedule
from apps.trading.symbols import Instrument

D = Decimal
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)  # a Wednesday
STRICT = SendGuards(min_margin_level=D(150))


class Desk:
    """A book with one account of 1,000 USD at 1:100 and EURUSD at 1.1000 / 1.1002."""

    def __init__(self, **instrument: Any) -> None:
        self.book, self.tickets = Book(), Tickets()
        values: dict[str, Any] = {"digits": 5, "pip_digits": 4}
        volumes = (D(100_000), D(1_000), D(1_000), D(10_000_000))
        self.book.instruments["1"] = Instrument(
            "1", "EURUSD", "EUR", "USD", values["digits"], values["pip_digits"], *volumes,
            **instrument,
        )  # fmt: skip
        self.account = Account(7, "a7", "USD", D(100), False, NOW, D(1000), True, True)
        self.book.add(self.account)
        self.price("1.1000", "1.1002")
        self.count = 0

    def price(self, bid: str, ask: str) -> None:
        self.book.quote(QuoteUpdate("1", D(bid), D(ask), NOW))

    def ticket(self, guards: SendGuards | None, **values: Any) -> Ticket:
        self.count += 1
        defaults: dict[str, Any] = {
            "source": "copy", "instrument_id": "1", "side": Side.BUY, "units": D(10_000)
        }  # fmt: skip
        intent = Intent(f"c{self.count}", 7, "a7", Leg.OPEN, guards=guards, **(defaults | values))
        (row,) = rows_of(dump([intent]))
        ticket = ticket_of(row, 1, self.count, NOW)
        self.tickets.add(ticket)
        return ticket

    def judge(self, guards: SendGuards | None, **values: Any) -> tuple[Hold, str] | None:
        return self.sending().judge(self.ticket(guards, **values))

    def sending(self, standings: Standings | None = None) -> Sending:
        return Guards(self.book, self.tickets).sending(NOW, standings)

    def hold(self, units: int, *, side: Side = Side.BUY, entry: str = "1.1000") -> None:
        key = f"p{len(self.account.positions)}"
        self.account.positions[key] = Position(key, "1", side, D(units), D(entry), NOW)


def test_without_guards_nothing_is_judged() -> None:
    desk = Desk(schedule=make_schedule([], [Holiday(date(2026, 3, 4))]))
    assert desk.judge(None, units=D(100_000_000)) is None


@pytest.mark.parametrize(
    ("side", "limit", "held"),
    [
        (Side.BUY, "1.1002", False),
        (Side.BUY, "1.1001", True),
        (Side.BUY, "1.2000", False),
        (Side.SELL, "1.1000", False),
        (Side.SELL, "1.1001", True),
        (Side.SELL, "1.0000", False),
    ],
)
def test_only_a_worse_price_holds(side: Side, limit: str, held: bool) -> None:
    found = Desk().judge(SendGuards(D(limit)), side=side)
    assert (found is not None) is held
    if found:
        price, verb = ("1.1002", "bought") if side is Side.BUY else ("1.1000", "sold")
        assert found[0] is Hold.SLIPPAGE
        assert f"EURUSD would be {verb} at {price}" in found[1] and limit in found[1]


def test_a_price_that_is_not_known_holds_nothing() -> None:
    desk = Desk()
    desk.book.quotes.clear()
    desk.hold(10_000)
    assert desk.judge(SendGuards(D("1.0"), D(5000), D(500))) is None


def test_equity_below_the_minimum_holds() -> None:
    desk = Desk()
    assert desk.judge(SendGuards(min_equity=D(1000))) is None
    desk.hold(10_000, entry="1.1100")  # 100 points of 0.10 USD lost: 900 USD are left
    assert desk.judge(SendGuards(min_equity=D("900.00"))) is None
    assert desk.judge(SendGuards(min_equity=D(901))) == (
        Hold.MIN_EQUITY,
        "equity is 900.00 USD, below the minimum of 901",
    )


def test_the_margin_level_counts_what_is_held_and_the_order_itself() -> None:
    desk = Desk()
    # 60,000 EUR are 66,006 USD at the middle price, 660.06 of margin: 151.50 %
    assert desk.judge(STRICT, units=D(60_000)) is None
    assert desk.judge(STRICT, units=D(61_000)) is not None
    desk = Desk()
    desk.hold(40_000)
    # 440.04 for what is held and 220.02 for the order, equity 1,000
    assert desk.judge(STRICT, units=D(20_000)) is None
    desk.tickets.opens.clear()
    hold, message = desk.judge(STRICT, units=D(21_000)) or (None, "")
    assert hold is Hold.MARGIN
    assert message == (
        "the margin level would be 149.01 %, below 150 % (equity 1000.00, margin 671.06 USD)"
    )


def test_what_was_sent_and_does_not_show_yet_is_reserved() -> None:
    desk = Desk()
    sending = desk.sending()
    first = desk.ticket(STRICT, units=D(40_000))
    assert sending.judge(first) is None
    second = desk.ticket(STRICT, units=D(40_000))
    assert sending.judge(second) is not None
    second.finish(OrderState.WITHHELD, NOW)
    third = desk.ticket(STRICT, units=D(20_000))
    assert sending.judge(third) is None
    # The first was refused: its margin is free again, for later sendings too.
    first.finish(OrderState.REJECTED, NOW)
    assert desk.judge(STRICT, units=D(40_000)) is None
    assert desk.judge(STRICT, units=D(10_000)) is not None


def test_what_is_filled_counts_once() -> None:
    desk = Desk()
    ticket = desk.ticket(STRICT, units=D(40_000))
    ticket.filled = D(30_000)
    desk.hold(30_000)
    # 330.03 held, 110.01 still to be filled, 220.02 for the order
    assert desk.judge(STRICT, units=D(20_000)) is None
    assert desk.judge(STRICT, units=D(1_000)) is not None


def test_opens_without_guards_and_of_others_use_margin_too() -> None:
    desk = Desk()
    desk.ticket(None, units=D(50_000), source="bot", relation="bot:1")
    assert desk.judge(STRICT, units=D(20_000)) is not None


def test_resting_orders_reserve_nothing_and_are_judged_by_money_only() -> None:
    desk = Desk(schedule=make_schedule([], [Holiday(date(2026, 3, 4))]))
    resting = {"type": OrderType.LIMIT, "price": D("1.0900")}
    assert desk.judge(SendGuards(D("1.0")), **resting) is None
    desk.ticket(None, units=D(900_000), **resting)
    assert desk.judge(STRICT, units=D(50_000), **resting) is None
    found = desk.judge(STRICT, units=D(70_000), **resting)
    assert found is not None and found[0] is Hold.MARGIN


def test_an_account_that_was_not_read_is_not_judged() -> None:
    desk = Desk()
    desk.account.read = False
    assert desk.judge(SendGuards(None, D(5000), D(500))) is None


def test_a_closed_market_holds_and_says_until_when() -> None:
    desk = Desk(schedule=make_schedule([], [Holiday(date(2026, 3, 4))]))
    found = desk.judge(SendGuards())
    assert found == (Hold.MARKET_CLOSED, "EURUSD is closed until 2026-03-05 00:00 UTC")


def test_closes_of_closed_markets_are_told_apart() -> None:
    desk = Desk(schedule=make_schedule([], [Holiday(date(2026, 3, 4))]))
    closed = desk.ticket(None).row
    other = desk.ticket(None, instrument_id="2").row
    guards = Guards(desk.book, desk.tickets)
    assert guards.closed([closed, other], NOW) == {closed[0]}
    assert guards.closed([closed], datetime(2026, 3, 5, tzinfo=UTC)) == set()


def test_hours_are_not_believed_while_the_price_moves() -> None:
    desk = Desk(schedule=make_schedule([], [Holiday(date(2026, 3, 4))]))
    row = desk.ticket(None).row
    guards = Guards(desk.book, desk.tickets)
    desk.price("1.1000", "1.1002")
    assert guards.closed([row], NOW) == {row[0]}
    desk.price("1.1000", "1.1003")
    assert guards.closed([row], NOW + timedelta(seconds=59)) == set()
    assert guards.closed([row], NOW + timedelta(seconds=61)) == {row[0]}
    assert desk.judge(SendGuards()) is not None


def test_opens_are_forgotten_with_their_tickets() -> None:
    desk = Desk()
    ticket = desk.ticket(None)
    assert list(desk.tickets.opens) == ["a7"]
    ticket.finish(OrderState.FILLED, NOW)
    desk.tickets.stored([ticket])
    assert desk.tickets.opens == {}


@given(st.integers(0, 5_000), st.integers(1, 40), st.integers(0, 60), st.integers(0, 3_000))
def test_figures_of_the_last_second_let_nothing_pass_that_is_refused_now(
    least_equity: int, thousands: int, held: int, level: int
) -> None:
    guards = SendGuards(min_equity=D(least_equity), min_margin_level=D(level))
    exact, quick = Desk(), Desk()
    for desk in (exact, quick):
        if held:
            desk.hold(held * 1_000)
    found = quick.book.figures(quick.account, quick.book.factors())
    assert found is not None
    quick.account.figures, quick.account.dirty = found[0], False
    units = D(thousands * 1_000)
    assert quick.judge(guards, units=units) == exact.judge(guards, units=units)


def test_figures_from_before_a_deal_or_beside_another_open_are_not_used() -> None:
    desk = Desk()
    desk.account.figures = Figures(D(10_000), D(10_000), D(0), D(0), 0)
    desk.account.dirty = True
    assert desk.judge(SendGuards(min_equity=D(2_000))) is not None
    desk.account.dirty = False
    assert desk.judge(SendGuards(min_equity=D(2_000))) is not None  # the first still is on its way


COUNTED = SendGuards(max_positions=2)


def stands(
    *orders: str, realised: int = 0, shares: dict[str, int] | None = None
) -> dict[str, Standing]:
    shares = shares or {}
    units = [D(units) for units in shares.values()]
    return {"sub:1": Standing(D(realised), orders, list(shares), units)}


def test_positions_held_and_on_their_way_count_once_each() -> None:
    desk = Desk()
    mine: dict[str, Any] = {"relation": "sub:1"}
    sending = desk.sending(stands(""))  # one is held
    first = desk.ticket(COUNTED, **mine)
    assert sending.judge(first) is None
    full = (Hold.MAX_POSITIONS, "2 of 2 positions are open or on their way")
    second = desk.ticket(COUNTED, **mine)
    assert sending.judge(second) == full
    second.finish(OrderState.WITHHELD, NOW)  # what does not leave takes no place
    third = desk.ticket(COUNTED, **mine)
    assert desk.sending(stands()).judge(third) is None
    third.finish(OrderState.REJECTED, NOW)
    # The first is known to its source by now: it is no position more.
    known = desk.sending(stands("", first.cid))
    assert known.judge(desk.ticket(COUNTED, **mine)) == full
    assert known.judge(desk.ticket(COUNTED, **mine, position_id="p1")) is None
    assert known.judge(desk.ticket(COUNTED, relation="sub:2")) is None


def test_an_order_is_not_counted_against_itself() -> None:
    desk = Desk()
    ticket = desk.ticket(COUNTED, relation="sub:1")
    assert desk.sending(stands("", ticket.cid)).judge(ticket) is None
    resting = desk.ticket(COUNTED, relation="sub:1", type=OrderType.LIMIT, price=D("1.09"))
    found = desk.sending(stands("", ticket.cid, resting.cid)).judge(resting)
    assert found == (Hold.MAX_POSITIONS, "2 of 2 positions are open or on their way")


@pytest.mark.parametrize(
    ("realised", "shares", "held"),
    [
        (0, {}, False),
        (-100, {}, True),  # realised alone
        (-99, {}, False),
        (0, {"p0": 10_000}, True),  # 10,000 at 0.01 below the entry
        (0, {"p0": 9_999}, False),
        (-50, {"p0": 5_000}, True),  # half of it is somebody else's
        (50, {"p0": 10_000}, False),
        (0, {"gone": 10_000}, False),
        (0, {"p0": 90_000}, True),  # never more than is there
    ],
)
def test_a_loss_at_the_limit_opens_nothing(
    realised: int, shares: dict[str, int], held: bool
) -> None:
    desk = Desk()
    desk.hold(10_000, entry="1.1100")
    guards = SendGuards(loss_limit=D("100.00"))
    found = desk.sending(stands(realised=realised, shares=shares)).judge(
        desk.ticket(guards, relation="sub:1", position_id="p0")
    )
    assert found == (
        (Hold.LOSS_LIMIT, "the result is -100.00 USD, the limit is a loss of 100") if held else None
    )


def test_without_a_price_only_what_is_realised_counts() -> None:
    desk = Desk()
    desk.hold(10_000, entry="1.1100")
    desk.book.quotes.clear()
    guards = SendGuards(loss_limit=D(100))
    for realised, reason in ((-99, None), (-100, Hold.LOSS_LIMIT)):
        found = desk.sending(stands(realised=realised, shares={"p0": 10_000})).judge(
            desk.ticket(guards, relation="sub:1")
        )
        assert (found and found[0]) == reason
