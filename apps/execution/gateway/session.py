"""One connection under one lease: from signing in to leaving."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog

from apps.execution import receivers
from apps.execution.gateway import bus, resolve
from apps.execution.gateway.claims import Claims
from apps.execution.gateway.closes import Closes
from apps.execution.gateway.crew import Crew
from apps.execution.gateway.db import UNAVAILABLE, Database, until_available
from apps.execution.gateway.directory import Directory, StateUpdate
from apps.execution.gateway.duplicates import Duplicates
from apps.execution.gateway.events import Events
from apps.execution.gateway.figures import FiguresWriter
from apps.execution.gateway.guards import Guards
from apps.execution.gateway.journaling import Journal, TellEvents
from apps.execution.gateway.lease import Lease
from apps.execution.gateway.rereading import Rereading
from apps.execution.gateway.roster import Roster
from apps.execution.gateway.sender import Sender
from apps.execution.gateway.state import Account, Book
from apps.execution.gateway.strays import Strays
from apps.execution.gateway.sync import Sync
from apps.execution.gateway.tickets import Tickets
from apps.execution.gateway.waking import Waker, in_thread
from apps.execution.gateway.writeback import Writeback
from apps.platforms.ports import (
    AuthLost,
    AuthRefused,
    ConnectionDown,
    ConnectionUp,
    Connector,
    Event,
    InstrumentsChanged,
    PlatformError,
)

TICK_S = 1.0
_SWEEP_S = 1.0
_RECHECK_S = 30.0
#: How long events wait while orders are being sent.
_PARK_S = 0.4

_log = structlog.get_logger(__name__)


class SessionOver(Exception):
    """This session cannot go on; a new one may be begun at once."""


class Session:
    """Wires the parts of one session and runs them until it is cancelled or fails."""

    def __init__(
        self,
        database: Database,
        lease: Lease,
        connector: Connector,
        directory: Directory,
        tickets: Tickets,
        writeback: Writeback,
        tell_events: TellEvents,
    ) -> None:
        self._database = database
        self._lease = lease
        self._connector = connector
        self._directory = directory
        self._tickets = tickets
        self._writeback = writeback
        self.book = Book()
        self._log = _log.bind(connection=lease.connection_id, epoch=lease.epoch)
        claims = Claims(database, lease, directory.platform)
        self.sender = Sender(
            *(connector, lease, claims, Guards(self.book, tickets), tickets),
            *(writeback.ticket, self._lease_over),
        )
        writeback.give_way = self._give_way
        journal = Journal(database, lease.connection_id, tell_events)
        self._duplicates = Duplicates(database, lease, self.book)
        self._strays = Strays(database, lease, tickets)
        self._events = Events(
            *(self.book, tickets, journal, writeback, writeback.ticket),
            *(self._duplicates.opened, self._strays),
        )
        sync = Sync(database, connector, self.book, self._events, journal, tickets)
        self.roster = Roster(connector, directory, self.book, sync)
        self._figures = FiguresWriter(database, lease.connection_id, self.book, self._give_way)
        self._resolver = resolve.Resolver(
            *(connector, lease, tickets),
            Closes(database, connector, tickets, writeback.at_rest),
            *(writeback.ticket, self._events.take, lambda: self.sender.up),
        )
        self._rereading = Rereading(
            *(lease.connection_id, connector, self.book, tickets, self._strays),
            *(self._read_quietly, lambda: self._calm),
        )
        self._were_read = Waker(in_thread(receivers.tell_read))
        self._status = "connecting"
        self._error = ("", "")
        self._reconnects = 0
        self._last_event_at: datetime | None = None
        self._syncing: asyncio.Task[None] | None = None
        self._reading = 0
        self._crew = Crew()

    # --- life -----------------------------------------------------------------------------------
    async def run(self) -> None:
        """Sign in, read all, then serve until cancelled. Raises what ended it."""
        try:
            await self._say("connecting")
            await self._connector.connect()
            for part in (
                self._serve(),
                self._read_events(),
                self.sender.run(),
                bus.read_stream(self._lease.connection_id, self.sender.add),
                self._sweep(),
                self._tick(),
                self._resolver.run(),
                self._duplicates.run(),
                self._rereading.run(),
                self._rereading.ask(),
            ):
                self._crew.create_task(part)
            await self._crew.hold()
        finally:
            self.sender.set_up(False)
            self._connector.abort()

    async def leave(self) -> None:
        """Say good-bye to the platform; run() ends by being cancelled."""
        with contextlib.suppress(ConnectionError, TimeoutError):
            await asyncio.wait_for(self._connector.close(), 0.5)

    def _lease_over(self) -> None:
        self._connector.abort()
        self._log.warning("lease is over, nothing is sent any more")

    def _give_way(self, timeout: float) -> Coroutine[Any, Any, None]:
        return self.sender.idle(timeout)

    # --- beginning -------------------------------------------------------------------------------
    async def _serve(self) -> None:
        """Take over what was claimed, attach all accounts, then read them."""
        await self._take_over()
        self.sender.begin()
        accounts = await self.roster.begin()
        self.sender.set_up(True)
        await self._read(accounts)

    async def _take_over(self) -> None:
        """What was claimed before and is not known to be final is asked for."""
        found, done = await until_available(
            lambda: resolve.claimed_before(
                self._database, self._lease.connection_id, self._tickets
            ),
            "claimed batches",
        )
        if self.sender.begun:  # what this session has claimed itself it knows better
            mine = {t for t in found if self.sender.has_sent(t.batch_id, t.ordinal)}
            found = [t for t in found if t not in mine]
            of_both = {ticket.batch_id for ticket in mine}
            for ticket in found:
                if ticket.batch_id in of_both:  # the rest of its batch may have no tickets yet
                    ticket.known = (ticket.ordinal, ticket.ordinal + 1)
        for ticket in found:
            self._tickets.add(ticket)
            self._tickets.index(ticket)
            self._writeback.ticket(ticket)
        for batch_id, items in done.items():
            self._tickets.know(batch_id, 0, items)
            self._writeback.batch(batch_id, items)
        if found:
            self._log.info("orders of an earlier session are unknown", count=len(found))

    async def _read(self, accounts: Sequence[Account]) -> None:
        """Bring accounts up to date; the connection is live when all are."""
        await self._say("syncing")
        self._reading += 1
        try:
            await self.roster.read(accounts)
        finally:
            self._reading -= 1
        self._duplicates.look()
        with contextlib.suppress(*UNAVAILABLE):  # the next tick writes them
            await self._figures.write()
        self._were_read.wake([account.id for account in accounts if account.synced])
        if self.sender.up:
            await self._say("live")

    # --- events ---------------------------------------------------------------------------------
    async def _read_events(self) -> None:
        async for group in self._connector.events():
            if self.sender.busy:
                await self.sender.idle(_PARK_S)
            # Answers that came with this group first: they tell the platform's order ids.
            await asyncio.sleep(0)
            self._last_event_at = datetime.now(UTC)
            await self._events.take(group)
            for event in group:
                await self._session_event(event)
        raise SessionOver("the platform's events have ended")

    async def _session_event(self, event: Event) -> None:
        if isinstance(event, ConnectionDown):
            self.sender.set_up(False)
            self.book.unsync()
            self._events.interrupt()
            if self._syncing is not None:
                self._syncing.cancel()
            self._error = ("DISCONNECTED", event.reason)
            await self._say("down")
        elif isinstance(event, ConnectionUp):
            self._reconnects += 1
            self._error = ("", "")
            self.sender.set_up(True)
            self._begin_reading(event.accounts)
        elif isinstance(event, AuthLost):
            await self._auth_lost(event)
        elif isinstance(event, InstrumentsChanged):
            self._spawn(self.roster.load_instruments())

    async def _auth_lost(self, event: AuthLost) -> None:
        if not event.accounts:
            raise AuthRefused(event.reason)
        self.roster.refuse(event.accounts, event.reason)

    def _begin_reading(self, names: Sequence[str]) -> None:
        self._syncing = self._spawn(self._reread(self.roster.again(names)))

    async def _reread(self, accounts: Sequence[Account]) -> None:
        try:
            await self._read(accounts)
        except* ConnectionError:
            self._log.info("reading accounts was interrupted; the next session goes on")

    @property
    def _calm(self) -> bool:
        return self.sender.up and not self.sender.busy and not self._reading

    def _read_quietly(self, names: Sequence[str]) -> None:
        """Accounts that turned out to differ from what is known; the connection stays live."""
        if self.sender.up and not self._reading:
            self._reading += 1
            self._syncing = self._spawn(self._quiet_reading(self.roster.again(names)))

    async def _quiet_reading(self, accounts: Sequence[Account]) -> None:
        try:
            await self.roster.read(accounts)
            self._duplicates.look()
            self._were_read.wake([account.id for account in accounts if account.synced])
        except* ConnectionError:
            self._log.info("reading accounts was interrupted; the next session goes on")
        finally:
            self._reading -= 1

    def _read_again(self) -> None:
        """Accounts whose reading failed for a while; their events wait until it succeeds."""
        if self.sender.up and not self._reading and (names := self.roster.unread()):
            self._begin_reading(names)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return self._crew.create_task(work)

    # --- by the clock ------------------------------------------------------------------------
    async def _sweep(self) -> None:
        """Find batches that the stream did not bring."""
        while True:
            with contextlib.suppress(*UNAVAILABLE):
                known = self.sender.waiting_ids()
                for slice in await bus.unsent(self._database, self._lease.connection_id, known):
                    self.sender.add(slice)
            await asyncio.sleep(_SWEEP_S)

    async def _tick(self) -> None:
        elapsed = 0.0
        while True:
            await asyncio.sleep(TICK_S)
            elapsed += TICK_S
            try:
                await self._figures.write()
                await self._say(self._status)
                await self._strays.write()
                await self._look_for_changes()
                if elapsed >= _RECHECK_S:
                    elapsed = 0.0
                    self._read_again()
                    self.sender.claims_lost = True
                if self.sender.claims_lost:
                    self.sender.claims_lost = False
                    await self._take_over()
            except UNAVAILABLE as error:
                self._log.warning("state not written", error=str(error)[:200])

    async def _look_for_changes(self) -> None:
        """Accounts that were added or removed, credentials that were replaced."""
        if await self.roster.credentials_replaced():
            raise SessionOver("the credentials were replaced")
        new = await self.roster.changes() if self.sender.up else []
        if new:
            self._spawn(self._add(new))

    async def _add(self, accounts: Sequence[Account]) -> None:
        try:
            await self.roster.add(accounts)
            await self._read(accounts)
        except* (ConnectionError, PlatformError) as errors:
            self._log.warning("accounts could not be added yet", error=str(errors.exceptions[0]))
            self.roster.remove(accounts)

    async def _say(self, status: str) -> None:
        self._status = status
        live = status == "live" and self.roster.all_synced()
        update = StateUpdate(
            status=status,
            gateway=self._lease.holder,
            live_at=datetime.now(UTC) if live else None,
            last_event_at=self._last_event_at,
            reconnects=self._reconnects,
            clock_offset_ms=self._connector.clock_offset_ms,
            error_code=self._error[0],
            error=self._error[1],
            busiest_second=self._connector.limits.requests.busiest(),
        )
        self._reconnects = 0
        with contextlib.suppress(*UNAVAILABLE):
            await self._directory.write_state(update)
