"""A batch is settled when all of its orders have come to their end, and not a moment before.

Nobody would ask for the rest of a settled batch after a crash.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from apps.execution.gateway.db import Database
from apps.execution.gateway.resolve import claimed_before
from apps.execution.gateway.tickets import Ticket, Tickets, ticket_of
from apps.execution.gateway.writeback import Writeback
from apps.execution.intents import Intent, dump, rows_of
from apps.execution.models import Batch, Order
from apps.trading.orders import Leg, OrderState, Side

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime.now(UTC)
CONNECTION = 1


class Desk:
    """A batch of three opens, of which ``claimed`` are claimed, and who stores what they become."""

    def __init__(self, claimed: int) -> None:
        intents = [
            Intent(f"c{n}", n, f"a{n}", Leg.OPEN, "copy", side=Side.BUY, units=Decimal(1000))
            for n in range(3)
        ]
        self.items = dump(intents)
        self.batch = Batch.objects.create(
            connection_id=CONNECTION, leg="open", priority=3, size=3, claimed=claimed,
            items=self.items, created_at=NOW,
        )  # fmt: skip
        self.database, self.tickets = Database(), Tickets()
        self.writeback = Writeback(
            self.database, CONNECTION, self.tickets, lambda _: None, lambda *_: None
        )

    def ticket(self, ordinal: int) -> Ticket:
        ticket = ticket_of(rows_of(self.items)[ordinal], self.batch.pk, ordinal, NOW)
        self.tickets.add(ticket)
        return ticket

    async def end(self, *tickets: Ticket) -> None:
        for ticket in tickets:
            ticket.finish(OrderState.REJECTED, NOW, "NO")
            self.writeback.ticket(ticket)
        await self.writeback.flush()

    async def claim(self, claimed: int) -> None:
        await self.database.rows("UPDATE execution_batch SET claimed = %s", [claimed])

    async def settled(self) -> bool:
        return bool((await self.database.rows("SELECT settled FROM execution_batch"))[0][0])


def run(desk: Desk, work: Callable[[], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        await desk.database.open()
        await work()
        await desk.database.close()

    asyncio.run(all_of_it())


def test_a_claim_that_is_under_way_keeps_its_batch_from_being_settled() -> None:
    """The first item ends while the others are claimed, of which no ticket is there yet."""
    desk = Desk(claimed=1)

    async def work() -> None:
        first = desk.ticket(0)
        await desk.claim(3)
        await desk.end(first)
        assert not await desk.settled()
        await desk.end(desk.ticket(1), desk.ticket(2))
        assert await desk.settled()

    run(desk, work)


def test_what_was_done_at_the_beginning_settles_no_more_than_was_claimed_then() -> None:
    desk = Desk(claimed=1)
    row = {
        "account_id": 0, "connection_id": CONNECTION, "batch_id": desk.batch.pk, "ordinal": 0,
        "source": "copy", "wake_key": 0, "leg": "open", "side": "buy", "units": 1000,
        "state": "rejected", "committed_at": NOW, "final_at": NOW,
    }  # fmt: skip
    Order.objects.create(client_order_id="c0", **row)

    async def work() -> None:
        found, done = await claimed_before(desk.database, CONNECTION, desk.tickets)
        assert (found, done) == ([], {desk.batch.pk: 1})
        await desk.claim(3)
        for batch_id, items in done.items():
            desk.writeback.batch(batch_id, items)
            desk.tickets.know(batch_id, 0, items)
        await desk.writeback.flush()
        assert not await desk.settled()
        await desk.end(desk.ticket(1), desk.ticket(2))
        assert await desk.settled()

    run(desk, work)


def test_items_that_nobody_looked_at_keep_their_batch_from_being_settled() -> None:
    """Their claim was committed unheard, and those behind them were claimed and have ended."""
    desk = Desk(claimed=3)

    async def work() -> None:
        await desk.end(desk.ticket(2))
        assert not await desk.settled()
        found, _ = await claimed_before(desk.database, CONNECTION, desk.tickets)
        assert [ticket.ordinal for ticket in found] == [0, 1]
        for ticket in found:
            desk.tickets.add(ticket)
        await desk.end(*found)
        assert await desk.settled()

    run(desk, work)


def test_what_was_claimed_by_others_counts_as_known() -> None:
    """Only the unknown ones have tickets; the batch is settled with the last of them."""
    desk = Desk(claimed=3)
    ended = {"account_id": 0, "connection_id": CONNECTION, "batch_id": desk.batch.pk}
    ended |= {"source": "copy", "wake_key": 0, "leg": "open", "side": "buy", "units": 1000}
    ended |= {"state": "rejected", "committed_at": NOW, "final_at": NOW}
    for ordinal in (1, 2):
        Order.objects.create(client_order_id=f"c{ordinal}", ordinal=ordinal, **ended)

    async def work() -> None:
        (unknown,), done = await claimed_before(desk.database, CONNECTION, desk.tickets)
        assert done == {}
        desk.tickets.add(unknown)
        await desk.end(unknown)
        assert await desk.settled()

    run(desk, work)


def test_a_batch_is_settled_also_when_storing_its_last_order_fails_at_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk(claimed=3)

    async def work() -> None:
        first, second, third = (desk.ticket(n) for n in range(3))
        await desk.end(second, third)
        store, times = desk.database.run_all, iter([True])

        async def away(*asked: object) -> object:
            if next(times, False):
                raise OSError("PostgreSQL is away")
            return await store(*asked)  # type: ignore[arg-type]

        monkeypatch.setattr(desk.database, "run_all", away)
        await desk.end(first)
        assert await desk.settled()

    run(desk, work)


def test_of_a_settled_batch_nothing_is_remembered() -> None:
    desk = Desk(claimed=3)

    async def work() -> None:
        await desk.end(*[desk.ticket(n) for n in range(3)])
        assert await desk.settled()

    run(desk, work)
    assert (desk.tickets.of_batch, desk.tickets._known_to) == ({}, {})
