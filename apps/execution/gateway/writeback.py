"""Write-back: what became of orders, in bulk and yielding to sending.

Nothing here is lost while PostgreSQL is away: records stay in memory until they are stored,
longer than the session that made them.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import structlog

from apps.common.tracing import log_steps
from apps.execution import receivers
from apps.execution.gateway import records
from apps.execution.gateway.db import UNAVAILABLE, Database, as_json
from apps.execution.gateway.journaling import TellEvents
from apps.execution.gateway.lease import Lease
from apps.execution.gateway.records import Record
from apps.execution.gateway.statements import (
    DEAL_EVENTS,
    DEALS,
    ORDERS,
    ORDERS_WITHOUT_SUCCESSOR,
    POSITIONS,
    POSITIONS_WITHOUT_SUCCESSOR,
    SETTLE_BATCHES,
    SETTLE_BATCHES_WITHOUT_SUCCESSOR,
)
from apps.execution.gateway.tickets import Ticket, Tickets, utc_now
from apps.execution.intents import Col
from apps.trading.deals import Deal
from apps.trading.positions import Position

#: Answers that arrive together are stored together, those of one burst when all have come or
#: after so long.
GATHER_S, _BURST_S = 0.01, 0.05
#: An order on its way is not written until it is answered, or has waited so long: whoever finds
#: it claimed and without a row knows as much.
_ANSWER_S = 0.3
#: How long writing gives way to sending.
_YIELD_S = 0.5

_JOURNALED = "SELECT id FROM platforms_tradingaccount WHERE journaled AND id = ANY(%s)"

Chain = tuple[int, Callable[[], Record]]
TellOrders = Callable[[str, Sequence[int]], None]
_log = structlog.get_logger(__name__)


class Writeback:
    """Stores tickets, deals and positions of one connection."""

    def __init__(
        self,
        database: Database,
        connection_id: int,
        tickets: Tickets,
        tell_events: TellEvents,
        tell_orders: TellOrders,
        lease: Lease | None = None,
    ) -> None:
        self._lease = lease
        self._database = database
        self._connection_id = connection_id
        self._tickets = tickets
        self._tell_events = tell_events
        self._tell_orders = tell_orders
        self._dirty: dict[str, Ticket] = {}
        self._deals: dict[tuple[int, str], Record] = {}
        self._positions: dict[tuple[int, str], Record] = {}
        self._chains: list[Chain] = []
        self._chained: set[int] = set()  # accounts of chains that are not stored yet
        self._batches: dict[int, int] = {}
        self._work = asyncio.Event()
        self._lock = asyncio.Lock()
        self.give_way: Callable[[float], Awaitable[None]] | None = None

    # --- what is to be stored ---------------------------------------------------------------
    def ticket(self, ticket: Ticket) -> None:
        self._dirty[ticket.cid] = ticket
        self._work.set()

    def deal(self, account_id: int, deal: Deal, cid: str, received_at: datetime) -> None:
        self._deals[account_id, deal.deal_id] = records.deal_record(
            account_id, deal, cid, received_at
        )
        self._work.set()

    def position(
        self, account_id: int, position: Position, closed_at: datetime | None, now: datetime
    ) -> None:
        self._positions[account_id, position.position_id] = records.position_record(
            account_id, position, closed_at, now
        )
        self._work.set()

    def chain(self, account_id: int, event: Callable[[], Record]) -> None:
        """A deal of our own order, journaled where its account is watched itself."""
        self._chains.append((account_id, event))
        self._chained.add(account_id)
        self._work.set()

    async def chained(self, account_id: int) -> None:
        """Return when the account's own deals are journaled, so that others come after them."""
        while account_id in self._chained:
            await self.flush()
            async with self._lock:  # another flush may be storing them
                pass

    def batch(self, batch_id: int, items: int) -> None:
        """A batch of whose first ``items`` none is on its way any more."""
        self._batches[batch_id] = items
        self._work.set()

    @property
    def empty(self) -> bool:
        return not (self._dirty or self._deals or self._positions or self._chains or self._batches)

    @asynccontextmanager
    async def at_rest(self) -> AsyncIterator[None]:
        """Nothing is being stored meanwhile: an order whose ticket is gone has its row."""
        async with self._lock:
            yield

    # --- storing ---------------------------------------------------------------------------------
    async def run(self) -> None:
        while True:
            await self._work.wait()
            await self._gather()
            if self.give_way is not None:
                await self.give_way(_YIELD_S)
            self._work.clear()
            await self.flush(patient=True)
            if self._dirty:
                asyncio.get_running_loop().call_later(_ANSWER_S, self._work.set)

    async def _gather(self) -> None:
        end = time.monotonic() + _BURST_S
        await asyncio.sleep(GATHER_S)
        while any(t.on_its_way for t in self._dirty.values()) and time.monotonic() < end:
            await asyncio.sleep(GATHER_S)

    def _young(self) -> dict[str, Ticket]:
        """Orders that were sent a moment ago and will be answered in the next."""
        since = utc_now() - timedelta(seconds=_ANSWER_S)
        return {
            cid: ticket
            for cid, ticket in self._dirty.items()
            if ticket.on_its_way and ticket.sent_at is not None and ticket.sent_at > since
        }

    def _waits(self, patient: bool) -> bool:
        if patient and not (self._deals or self._positions or self._chains or self._batches):
            return len(self._dirty) > len(self._young())
        return not self.empty

    async def flush(self, *, patient: bool = False) -> None:
        """Store all there is; while PostgreSQL is away, wait for it.

        ``patient``: orders that will be answered in a moment are left for the next time.
        """
        pause = 0.1
        while self._waits(patient):
            try:
                async with self._lock:
                    await self._store(patient)
            except UNAVAILABLE as error:
                _log.warning("write-back waits for PostgreSQL", error=str(error)[:200])
                await asyncio.sleep(pause)
                pause = min(pause * 2, 2.0)
            except Exception:  # nothing is thrown away: it stays here and is told loudly
                _log.exception("write-back failed", connection=self._connection_id)
                await asyncio.sleep(2.0)

    async def _store(self, patient: bool) -> None:
        young = self._young() if patient else {}
        tickets = {cid: t for cid, t in self._dirty.items() if cid not in young}
        self._dirty = young
        deals, self._deals = self._deals, {}
        positions, self._positions = self._positions, {}
        chains, self._chains = self._chains, []
        batches, self._batches = self._batches, {}
        done = [t for t in tickets.values() if t.final or t.resting]
        finished = batches | self._tickets.stored(done)
        # Of this moment, as the positions are: what is filled from now on is stored with its own.
        orders = self._order_records(tickets.values())
        try:
            events = await self._watched(chains)
            answers = await self._database.run_all(
                self._statements(orders, deals, positions, events, finished)
            )
        except BaseException:
            for ticket in done:
                self._tickets.add(ticket)
                self._tickets.index(ticket)
            self._dirty = tickets | self._dirty
            self._deals = deals | self._deals
            self._positions = positions | self._positions
            self._chains = chains + self._chains
            self._batches = batches | self._batches
            self._work.set()
            raise
        log_steps(
            _log,
            "orders stored",
            ((t.row[Col.TRACE_ID], str(t.state)) for t in done),
            connection=self._connection_id,
        )
        if finished:
            settled = answers[-2] if events else answers[-1]
            self._tickets.settled(row[0] for row in settled)
        self._chained = {account_id for account_id, _ in self._chains}
        if events:
            self._tell_events({(row[0], "") for row in answers[-1]})
        self._tell(done)

    async def _watched(self, chains: Sequence[Chain]) -> list[Record]:
        """Events of those accounts that are watched; few are, so few are made."""
        if not chains:
            return []
        accounts = sorted({account_id for account_id, _ in chains})
        rows = await self._database.rows(_JOURNALED, [accounts])
        watched = {row[0] for row in rows}
        return [event() for account_id, event in chains if account_id in watched]

    def _order_records(self, tickets: Iterable[Ticket]) -> list[Record]:
        wanted = receivers.sources()
        return [
            records.order_record(
                t, self._connection_id, t.final and t.row[Col.SOURCE] not in wanted
            )
            for t in tickets
        ]

    def _statements(
        self,
        orders: list[Record],
        deals: dict[tuple[int, str], Record],
        positions: dict[tuple[int, str], Record],
        events: list[Record],
        finished: dict[int, int],
    ) -> list[tuple[str, list[object]]]:
        statements: list[tuple[str, list[object]]] = []
        if orders:
            statements.append(self._as_held(ORDERS, ORDERS_WITHOUT_SUCCESSOR, as_json(orders)))
        if deals:
            statements.append((DEALS, [as_json(list(deals.values()))]))
        if positions:
            ordered = [positions[key] for key in sorted(positions)]
            statements.append(
                self._as_held(POSITIONS, POSITIONS_WITHOUT_SUCCESSOR, as_json(ordered))
            )
        if finished:
            done = [list(finished), list(finished.values())]
            statements.append(
                self._as_held(SETTLE_BATCHES, SETTLE_BATCHES_WITHOUT_SUCCESSOR, *done)
            )
        if events:
            statements.append((DEAL_EVENTS, [self._connection_id, as_json(events)]))
        return statements

    def _as_held(self, always: str, alone: str, *values: object) -> tuple[str, list[object]]:
        """A statement as it is while no successor holds the lease, and with the doubt after it.

        A successor reads positions itself, and what it has read must stand. It asks for every
        order that it has found claimed: one that ended here as well would be made anew while the
        successor still looks for it, and might take the new one's deal for its own.
        """
        lease = self._lease
        if lease is None or lease.valid():
            return always, list(values)
        return alone, [*values, lease.connection_id, lease.epoch]

    def _tell(self, done: Sequence[Ticket]) -> None:
        keys: dict[str, set[int]] = defaultdict(set)
        for ticket in done:
            if ticket.tell():
                keys[ticket.row[Col.SOURCE]].add(ticket.row[Col.WAKE_KEY])
        for source, wake_keys in keys.items():
            self._tell_orders(source, sorted(wake_keys))
