"""Reading an account while its platform goes on: nothing is lost, doubled or told stale."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import pytest

from apps.execution.gateway.events import Events
from apps.execution.gateway.records import Record
from apps.execution.gateway.state import Account, Book
from apps.execution.gateway.stored import Stored
from apps.execution.gateway.strays import Strays
from apps.execution.gateway.sync import Sync
from apps.execution.gateway.tickets import Tickets, ticket_of
from apps.execution.intents import Intent, dump, rows_of
from apps.platforms.ports import DealDone, PositionUpdate
from apps.trading.deals import Deal, DealEffect
from apps.trading.orders import Leg, Side
from apps.trading.positions import Position
from tests.support.memory_books import MemoryPlatform
from tests.support.memory_platform import MemoryConnector

D = Decimal
LONG_AGO = datetime.now(UTC) - timedelta(hours=1)


class Written:
    """Stands for journal and write-back: remembers in which order things were committed."""

    def __init__(self) -> None:
        self.journal: list[Record] = []
        self.positions: dict[str, datetime | None] = {}
        self.units: dict[str, Decimal] = {}
        self.deal_ids: list[tuple[str, str]] = []
        self.pending: list[Callable[[], Record]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def deals(
        self,
        events: Sequence[Record],
        positions: Sequence[Record],
        expected: Collection[tuple[int, str]],
    ) -> None:
        await self.gate.wait()
        self.journal += events

    async def protections(self, events: Sequence[Record]) -> None:
        self.journal += events

    async def orders(self, events: Sequence[Record]) -> None:
        self.journal += [event for event in events if event["told"]]

    def deal(self, account_id: int, deal: Deal, cid: str, received_at: datetime) -> None:
        self.deal_ids.append((deal.deal_id, cid))

    def position(
        self, account_id: int, position: Position, closed_at: datetime | None, now: datetime
    ) -> None:
        self.positions[position.position_id] = closed_at
        self.units[position.position_id] = position.units

    def chain(self, account_id: int, event: Callable[[], Record]) -> None:
        self.pending.append(event)

    async def chained(self, account_id: int) -> None:
        self.journal += [event() for event in self.pending]
        self.pending.clear()

    def payloads(self) -> list[dict[str, Any]]:
        return [cast(dict[str, Any], record["payload"]) for record in self.journal]


class NoDeals:
    """A database that knows no deal yet."""

    async def rows(self, statement: str, values: Sequence[object] = ()) -> list[Any]:
        return []


class Desk:
    """One watched account on a platform in memory."""

    def __init__(self, connector: type[MemoryConnector] = MemoryConnector) -> None:
        self.platform = MemoryPlatform()
        self.connector = connector(self.platform)
        self.book, self.tickets, self.written = Book(), Tickets(), Written()
        self.account = Account(1, "a0", "USD", D(100), True, LONG_AGO)
        self.book.add(self.account)
        written = cast(Any, self.written)
        database = cast(Any, NoDeals())
        strays = Strays(database, cast(Any, None), self.tickets)
        self.events = Events(
            self.book, self.tickets, written, written, lambda t: None, lambda a, p: None, strays
        )
        self.sync = Sync(database, self.connector, self.book, self.events, written, self.tickets)
        self.stored = Stored(LONG_AGO, {})

    async def read(self) -> None:
        await self.sync._account(self.account, self.stored)

    async def tell(self, deal: Deal, position: Position | None) -> None:
        await self.events.take([DealDone("a0", deal, position, datetime.now(UTC))])


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def test_a_close_while_history_is_read_is_journaled_as_a_close() -> None:
    class Late(MemoryConnector):
        """The master closes after the snapshot, before the history is answered."""

        closed = False

        async def deals_since(self, account: str, since: datetime) -> list[Deal]:
            if not self.closed:
                self.closed = True
                (position,) = self.platform.positions["a0"].values()
                self.told = self.platform.close("a0", position.position_id, position.units)
            return await super().deals_since(account, since)

    async def work() -> None:
        desk = Desk(Late)
        desk.platform.open("a0", Side.BUY, D(100_000))
        await desk.read()
        await desk.tell(*cast(Any, desk.connector).told)
        opened, closed = desk.written.payloads()
        assert (opened["effect"], opened["position_units"]) == ("open", "100000")
        assert (closed["effect"], closed["position_units"]) == ("close", "0")
        assert desk.account.positions == {}

    run(work())


def test_a_deal_whose_journaling_was_interrupted_is_journaled_with_the_next_reading() -> None:
    async def work() -> None:
        desk = Desk()
        desk.platform.open("a0", Side.BUY, D(1000))
        desk.written.gate.clear()
        reading = asyncio.create_task(desk.read())
        await asyncio.sleep(0.02)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        desk.written.gate.set()
        await desk.read()
        assert [p["deal_id"] for p in desk.written.payloads()] == ["d1"]

    run(work())


def test_stops_told_before_the_snapshot_do_not_come_back() -> None:
    async def work() -> None:
        desk = Desk()
        _, position = desk.platform.open("a0", Side.BUY, D(1000))
        old = desk.platform.protect("a0", position.position_id, D("1.01"))
        now = datetime.now(UTC)
        await desk.events.take([PositionUpdate("a0", old, now, now)])  # parked
        desk.events.interrupt()
        desk.platform.protect("a0", position.position_id, D("1.02"))  # told to nobody
        await desk.read()
        assert desk.account.positions[position.position_id].stop_loss == D("1.02")
        assert [p["stop_loss"] for p in desk.written.payloads()] == ["1.02"]

    run(work())


def test_a_position_that_is_gone_does_not_come_back_with_its_last_stops() -> None:
    async def work() -> None:
        desk = Desk()
        _, position = desk.platform.open("a0", Side.BUY, D(1000))
        old = desk.platform.protect("a0", position.position_id, D("1.01"))
        now = datetime.now(UTC)
        await desk.events.take([PositionUpdate("a0", old, now, now)])  # parked
        await desk.tell(*desk.platform.close("a0", position.position_id, D(1000)))
        await desk.read()
        assert desk.account.positions == {}

    run(work())


def test_stops_and_the_close_after_them_in_one_group_keep_their_order() -> None:
    async def work() -> None:
        desk = Desk()
        _, position = desk.platform.open("a0", Side.BUY, D(1000))
        await desk.read()
        stopped = desk.platform.protect("a0", position.position_id, D("1.01"))
        closing, _ = desk.platform.close("a0", position.position_id, D(1000))
        now = datetime.now(UTC)
        await desk.events.take(
            [PositionUpdate("a0", stopped, now, now), DealDone("a0", closing, None, now)]
        )
        assert desk.account.positions == {}
        assert desk.written.positions[position.position_id] is not None
        kinds = [p.get("effect", "stops") for p in desk.written.payloads()]
        assert kinds == ["open", "stops", "close"]

    run(work())


def own_open(desk: Desk, cid: str) -> None:
    intent = Intent(cid, 1, "a0", Leg.OPEN, "copy", side=Side.BUY, units=D(1000))
    (row,) = rows_of(dump([intent]))
    desk.tickets.add(ticket_of(row, 1, 0, datetime.now(UTC)))


@pytest.mark.parametrize("how", ["close", "stops"])
def test_what_follows_a_copied_open_is_journaled_after_it(how: str) -> None:
    """An account that copies and is copied: its own fills are stored with their orders."""

    async def work() -> None:
        desk = Desk()
        await desk.read()
        own_open(desk, "c1")
        deal, position = desk.platform.open("a0", Side.BUY, D(1000), "c1")
        await desk.tell(deal, position)
        if how == "close":
            await desk.tell(*desk.platform.close("a0", position.position_id, D(1000)))
        else:
            stopped = desk.platform.protect("a0", position.position_id, D("1.01"))
            now = datetime.now(UTC)
            await desk.events.take([PositionUpdate("a0", stopped, now, now)])
        kinds = [p.get("effect", "stops") for p in desk.written.payloads()]
        assert kinds == ["open", how]

    run(work())


def test_a_fill_while_the_account_is_read_is_stored_with_its_position() -> None:
    """Else a copy that grew would seem to have been reduced by somebody."""

    async def work() -> None:
        desk = Desk()
        own_open(desk, "c1")
        deal, position = desk.platform.open("a0", Side.BUY, D(1000), "c1")
        await desk.tell(deal, position)
        assert desk.tickets.by_client_id["c1"].final
        assert position.position_id in desk.written.positions

    run(work())


def test_a_deal_that_was_read_as_a_strangers_gets_our_id_when_it_is_found() -> None:
    async def work() -> None:
        desk = Desk()
        deal, position = desk.platform.open("a0", Side.BUY, D(1000))
        await desk.read()
        own_open(desk, "c1")
        (ticket,) = desk.tickets.by_client_id.values()
        ticket.platform_order_id = deal.platform_order_id
        desk.tickets.index(ticket)
        await desk.tell(deal, position)
        assert desk.written.deal_ids[-1] == (deal.deal_id, "c1")

    run(work())


def test_an_account_that_moves_while_it_is_read_is_stored_as_it_moved() -> None:
    """A fill is told, and stored with its order, after the snapshot that the reading goes by."""

    class Late(MemoryConnector):
        grown = False

        async def deals_since(self, account: str, since: datetime) -> list[Deal]:
            seen = await super().deals_since(account, since)
            if not self.grown:
                self.grown = True
                (position,) = self.platform.positions["a0"].values()
                more = replace(position, units=D(6000))
                self.platform.positions["a0"][position.position_id] = more
                deal = self.platform._deal("a0", 9, more, Side.BUY, D(1000), DealEffect.OPEN, "c1")
                await desk.tell(deal, more)  # parked
            return seen

    desk = Desk(Late)
    stored: list[Decimal] = []
    write = desk.written.position

    def note(account_id: int, position: Position, closed: datetime | None, now: datetime) -> None:
        stored.append(position.units)
        write(account_id, position, closed, now)

    async def work() -> None:
        desk.platform.open("a0", Side.BUY, D(5000))
        desk.platform.deals["a0"].clear()  # long ago
        own_open(desk, "c1")
        await desk.read()
        assert set(stored) == {D(6000)}
        assert {p.units for p in desk.account.positions.values()} == {D(6000)}

    desk.written.position = note  # type: ignore[method-assign]
    run(work())
