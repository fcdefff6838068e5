"""What is found of an unknown order is stored with the position that it left."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from apps.execution.gateway.closes import Closes
from apps.execution.gateway.lease import Lease
from apps.execution.gateway.resolve import Resolver
from apps.execution.gateway.tickets import Ticket
from apps.execution.gateway.writeback import Writeback
from apps.execution.intents import Col
from apps.trading.deals import DealEffect
from apps.trading.orders import Leg, OrderState, Side
from apps.trading.positions import Position
from tests.unit.execution.test_reading_accounts import Desk, NoDeals, own_open, run

D = Decimal


class Ended(NoDeals):
    """The gateway before has stored, a moment too late, that the order was refused."""

    async def rows(self, statement: str, values: Sequence[object] = ()) -> list[Any]:
        return [("rejected", "NO_QUOTES", "")] if "final_at" in statement else []


class Storing(NoDeals):
    """PostgreSQL takes its time to commit, and shows nothing of it before."""

    def __init__(self) -> None:
        self.begun, self.commit = asyncio.Event(), asyncio.Event()

    async def run_all(self, statements: Sequence[object]) -> list[list[Any]]:
        self.begun.set()
        await self.commit.wait()
        return [[] for _ in statements]

    async def rows(self, statement: str, values: Sequence[object] = ()) -> list[Any]:
        if "platform_order_id = ANY" in statement and self.commit.is_set():
            return [(number,) for number in cast(list[str], values[4])]
        return []


def resolver(
    desk: Desk,
    changed: list[tuple[str, str]],
    database: NoDeals | None = None,
    writeback: Writeback | None = None,
) -> Resolver:
    lease = Lease(1, "me", 1, deadline=time.monotonic() + 60, send_from=0.0)
    at_rest = writeback.at_rest if writeback else nullcontext
    closes = Closes(cast(Any, database or NoDeals()), desk.connector, desk.tickets, at_rest)

    def note(ticket: Ticket) -> None:
        changed.append((ticket.cid, ticket.state))

    return Resolver(
        desk.connector, lease, desk.tickets, closes, note, desk.events.take, lambda: True
    )


def test_a_found_increase_is_not_final_before_its_position_is_known() -> None:
    """Else it could be stored alone, and the copy would seem to have been reduced again."""

    async def work() -> None:
        desk = Desk()
        _, position = desk.platform.open("a0", Side.BUY, D(5000), "c0")
        await desk.read()
        own_open(desk, "c1")
        ticket = desk.tickets.by_client_id["c1"]
        ticket.state = OrderState.UNKNOWN
        grow(desk, position, D(1000), "c1")
        deal, master = desk.platform.open("a0", Side.BUY, D(7000))
        desk.written.gate.clear()  # PostgreSQL is away: events wait for their turn
        events = asyncio.create_task(desk.tell(deal, master))
        await asyncio.sleep(0.01)
        changed: list[tuple[str, str]] = []
        asking = asyncio.create_task(resolver(desk, changed)._ask(ticket))
        await asyncio.sleep(0.05)
        assert not ticket.final
        assert desk.written.units[position.position_id] == 5000
        desk.written.gate.set()
        await asyncio.gather(events, asking)
        assert ticket.final
        assert desk.written.units[position.position_id] == 6000
        assert changed[-1] == ("c1", OrderState.FILLED)

    run(work())


def test_a_found_close_is_shown_with_what_it_left() -> None:
    """Not with a snapshot that was taken before the close was carried out."""

    async def work() -> None:
        desk = Desk()
        _, position = desk.platform.open("a0", Side.BUY, D(5000), "c0")
        ticket = own_close(desk, "c1", position.position_id)
        late = [lambda: desk.platform.close("a0", position.position_id, D(1000))]
        for name in ("snapshot", "deals_since"):
            read = getattr(desk.connector, name)
            setattr(desk.connector, name, then_once(read, late))
        asks = resolver(desk, [])
        await asks._ask(ticket)
        await asks._ask(ticket)
        assert ticket.state is OrderState.FILLED
        assert desk.written.units[position.position_id] == 4000

    run(work())


def then_once(read: Callable[..., Any], late: list[Callable[[], object]]) -> Callable[..., Any]:
    """A read after which, where it is the first of all, something happens on the platform."""

    async def reading(*arguments: Any) -> Any:
        seen = await read(*arguments)
        if late:
            late.pop()()
        return seen

    return reading


def test_a_close_that_had_ended_takes_no_other_close_for_its_own() -> None:
    """What it left is closed anew meanwhile, by an order that has no answer yet either."""

    async def work() -> None:
        desk = Desk()
        _, position = desk.platform.open("a0", Side.BUY, D(5000), "c0")
        ticket = own_close(desk, "c1", position.position_id)
        desk.platform.close("a0", position.position_id, D(1000))
        changed: list[tuple[str, str]] = []
        await resolver(desk, changed, Ended())._ask(ticket)
        assert (ticket.state, ticket.code, ticket.filled) == (OrderState.REJECTED, "NO_QUOTES", 0)
        assert changed == [("c1", OrderState.REJECTED)]
        assert desk.written.deal_ids == []

    run(work())


def test_a_lost_close_takes_no_other_close_of_the_same_position_for_a_part_of_its_own() -> None:
    """Links of a netting account share a position; the other one's answer is on its way."""

    async def work() -> None:
        desk, lost, other = two_closes(17_000, 2_000)
        desk.platform.close("a0", position_of(lost), D(2_000))
        asks = resolver(desk, [])
        await asks._ask(lost)
        await asks._ask(lost)
        assert (lost.state, lost.filled, lost.platform_order_id) == (OrderState.UNKNOWN, D(0), "")
        await asks._ask(other)
        assert (other.state, other.filled) == (OrderState.FILLED, D(2_000))

    run(work())


def test_of_two_closes_alike_one_waits_for_the_answer_to_the_other() -> None:
    async def work() -> None:
        desk, lost, other = two_closes(2_000, 2_000)
        desk.platform.close("a0", position_of(lost), D(2_000))
        asks = resolver(desk, [])
        await asks._ask(lost)
        assert (lost.state, lost.platform_order_id) == (OrderState.UNKNOWN, "")
        other.sent_at = datetime.now(UTC) - timedelta(seconds=11)  # no answer will come any more
        lost.sent_at = other.sent_at - timedelta(seconds=1)
        await asks._ask(other)
        assert (other.final, other.platform_order_id) == (False, "")
        await asks._ask(lost)
        assert (lost.state, lost.filled) == (OrderState.FILLED, D(2_000))
        await asks._ask(other)
        assert (other.final, other.platform_order_id) == (False, "")

    run(work())


def test_what_either_of_two_closes_may_have_done_waits_for_the_answer() -> None:
    async def work() -> None:
        desk, lost, other = two_closes(17_000, 5_000)
        desk.platform.close("a0", position_of(lost), D(2_000))
        asks = resolver(desk, [])
        await asks._ask(lost)
        assert (lost.filled, lost.platform_order_id) == (D(0), "")
        other.sent_at = datetime.now(UTC) + timedelta(minutes=1)  # it left long after the deal
        await asks._ask(lost)
        assert (lost.filled, lost.platform_order_id != "") == (D(2_000), True)

    run(work())


def test_a_close_that_is_just_being_stored_keeps_its_deals() -> None:
    """Its ticket is forgotten already, and its row is not committed yet."""

    async def work() -> None:
        desk, lost, other = two_closes(31_000, 28_000)
        deal, _ = desk.platform.close("a0", position_of(lost), D(28_000))
        other.deal(deal, datetime.now(UTC), position_gone=False)
        desk.tickets.index(other)
        assert other.state is OrderState.FILLED
        database = Storing()
        writeback = Writeback(cast(Any, database), 1, desk.tickets, print, lambda *_: None)
        writeback.ticket(other)
        storing = asyncio.create_task(writeback.flush())
        await database.begun.wait()
        assert not desk.tickets.knows("a0", "c2")
        asking = asyncio.create_task(resolver(desk, [], database, writeback)._ask(lost))
        await asyncio.sleep(0.02)
        database.commit.set()
        await asyncio.gather(storing, asking)
        assert (lost.state, lost.filled, lost.platform_order_id) == (OrderState.UNKNOWN, D(0), "")

    run(work())


def test_an_order_of_which_a_part_was_told_ends_as_filled_in_part() -> None:
    """The platform knows the order no more, but what it filled has been counted."""

    async def work() -> None:
        desk = Desk()
        own_open(desk, "c1")
        ticket = desk.tickets.by_client_id["c1"]
        ticket.state, ticket.filled = OrderState.UNKNOWN, D(400)
        ticket.sent_at = ticket.committed_at = datetime.now(UTC) - timedelta(minutes=1)
        asks = resolver(desk, [])
        await asks._ask(ticket)
        assert not ticket.final  # a list of orders may be a moment behind
        await asks._ask(ticket)
        assert (ticket.state, ticket.code) == (OrderState.CANCELLED, "PART_FILLED")
        assert ticket.filled == D(400)

    run(work())


def two_closes(lost: int, other: int) -> tuple[Desk, Ticket, Ticket]:
    """A close whose answer is lost, and one of the same position that was sent a moment ago."""
    desk = Desk()
    _, position = desk.platform.open("a0", Side.BUY, D(50_000), "c0")
    first = own_close(desk, "c1", position.position_id, lost)
    second = own_close(desk, "c2", position.position_id, other)
    second.state = OrderState.SENT
    first.sent_at = second.sent_at = datetime.now(UTC)
    return desk, first, second


def position_of(ticket: Ticket) -> str:
    return str(ticket.row[Col.POSITION_ID])


def grow(desk: Desk, position: Position, units: Decimal, cid: str) -> None:
    """The platform adds to a position, and tells nobody."""
    platform = desk.platform
    grown = replace(position, units=position.units + units)
    platform.positions["a0"][position.position_id] = grown
    number = next(platform.numbers)
    platform._deal("a0", number, grown, Side.BUY, units, DealEffect.OPEN, cid)


def own_close(desk: Desk, cid: str, position_id: str, units: int = 1000) -> Ticket:
    own_open(desk, cid)
    ticket = desk.tickets.by_client_id[cid]
    ticket.row[Col.LEG] = ticket.leg = Leg.CLOSE.value
    ticket.row[Col.POSITION_ID] = position_id
    ticket.row[Col.UNITS] = str(units)
    ticket.state, ticket.committed_at = OrderState.UNKNOWN, datetime.now(UTC)
    return ticket
