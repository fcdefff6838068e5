"""When an order is stored: once it is answered, or when an answer does not come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson

from apps.execution.gateway.statements import ORDERS
from apps.execution.gateway.tickets import Ticket, Tickets, ticket_of
from apps.execution.gateway.writeback import Writeback
from apps.execution.intents import Intent, dump, rows_of
from apps.platforms.ports import Answer, SubmitResult
from apps.trading.deals import Deal, DealEffect
from apps.trading.orders import Leg, OrderState, Side


class Stored:
    """Stands for PostgreSQL: keeps the order rows of each transaction."""

    def __init__(self) -> None:
        self.states: list[list[str]] = []

    async def run_all(self, statements: Sequence[tuple[str, Sequence[Any]]]) -> list[list[Any]]:
        for statement, values in statements:
            if statement is ORDERS:
                self.states.append([row["state"] for row in orjson.loads(values[0])])
        return [[] for _ in statements]


def sent(ago: timedelta) -> Ticket:
    intent = Intent("c1", 1, "p1", Leg.OPEN, "bot", instrument_id="1", side=Side.BUY)
    (row,) = rows_of(dump([intent]))
    ticket = ticket_of(row, 1, 0, datetime.now(UTC))
    ticket.sent_at = datetime.now(UTC) - ago
    return ticket


def writing(*tickets: Ticket) -> tuple[Writeback, Stored]:
    stored = Stored()
    writeback = Writeback(stored, 1, Tickets(), lambda _: None, lambda *_: None)  # type: ignore[arg-type]
    for ticket in tickets:
        writeback.ticket(ticket)
    return writeback, stored


async def test_an_order_is_stored_once_when_it_is_answered() -> None:
    ticket = sent(timedelta(0))
    writeback, stored = writing(ticket)
    await writeback.flush(patient=True)
    assert stored.states == [] and not writeback.empty
    ticket.answer(SubmitResult("c1", Answer.REJECTED, code="NO"), datetime.now(UTC))
    writeback.ticket(ticket)
    await writeback.flush(patient=True)
    assert stored.states == [[OrderState.REJECTED]] and writeback.empty


async def test_an_order_that_is_not_answered_soon_is_stored_as_sent() -> None:
    writeback, stored = writing(sent(timedelta(seconds=1)))
    await writeback.flush(patient=True)
    assert stored.states == [[OrderState.SENT]] and writeback.empty


async def test_who_leaves_stores_everything() -> None:
    writeback, stored = writing(sent(timedelta(0)))
    await writeback.flush()
    assert stored.states == [[OrderState.SENT]] and writeback.empty


async def test_what_is_filled_while_the_watched_are_looked_up_is_stored_with_its_position() -> None:
    """Not before it: a copy would seem to have been reduced right after it grew."""
    ticket = sent(timedelta(seconds=1))
    writeback, stored = writing(ticket)
    deal = Deal(
        "d1",
        "o1",
        "p1",
        "1",
        Side.BUY,
        Decimal(1000),
        Decimal("1.1"),
        DealEffect.OPEN,
        datetime.now(UTC),
        "c1",
    )

    async def rows(*_: Any) -> list[Any]:
        if not ticket.deals:
            ticket.deal(deal, datetime.now(UTC), False)
            writeback.ticket(ticket)
        return []

    stored.rows = rows  # type: ignore[attr-defined]
    writeback.chain(7, dict)
    await writeback.flush()
    assert stored.states == [[OrderState.SENT], [OrderState.FILLED]]
