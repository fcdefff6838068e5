"""Sending: slices in order of priority, claimed as the platform's limits allow."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from itertools import chain

import structlog

from apps.execution.gateway.claims import (
    Claims,
    HaltedCloses,
    Hold,
    Part,
    Slice,
    Verdict,
    lateness,
)
from apps.execution.gateway.db import UNAVAILABLE
from apps.execution.gateway.guards import Guards
from apps.execution.gateway.lease import Lease
from apps.execution.gateway.retries import LOOK_S, Retries
from apps.execution.gateway.tickets import Ticket, Tickets, ticket_of
from apps.execution.intents import Col, request_of
from apps.platforms.ports import Connector, SubmitResult
from apps.trading.orders import Leg, OrderState

#: Items of several slices that are claimed together; bounds the first slice's wait.
_TOGETHER = 500
#: A slice of this size is likely followed by another, which a worker is just planning: what
#: may wait (fills, write-back) leaves the processor to it for this long.
_BURST, _BURST_PAUSE_S = 50, 0.04
_HALTED_PAUSE_S, _CLOSED_PAUSE_S = 1.0, 2.0
_REMEMBERED = 20_000
_FINAL_HOLD = {
    **dict.fromkeys(Hold, OrderState.WITHHELD),
    Hold.WITHDRAWN: OrderState.CANCELLED,
    Hold.TOO_LATE: OrderState.EXPIRED,
}

_log = structlog.get_logger(__name__)


class Sender:
    """The one road out of a session. ``busy`` while something can be sent right now.

    ``claims_lost``: a claim may have been committed without this session hearing of it, so that
    what it took must be looked for.
    """

    def __init__(
        self,
        connector: Connector,
        lease: Lease,
        claims: Claims,
        guards: Guards,
        tickets: Tickets,
        changed: Callable[[Ticket], None],
        lease_over: Callable[[], None],
    ) -> None:
        self._connector = connector
        self._lease = lease
        self._claims = claims
        self._guards = guards
        self._retries = Retries(tickets, guards)
        self._tickets = tickets
        self._changed = changed
        self._lease_over = lease_over
        self._waiting: dict[int, Slice] = {}
        self._done: OrderedDict[int, int] = OrderedDict()  # from which item on it was ours
        self._work = asyncio.Event()
        self._ready = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._quiet_from = 0.0
        self.up = False
        self.claims_lost = False

    # --- coming in -----------------------------------------------------------------------------
    def knows(self, batch_id: int) -> bool:
        return batch_id in self._waiting or batch_id in self._done

    def has_sent(self, batch_id: int, ordinal: int) -> bool:
        """Whether this session has claimed the item, or is about to, and keeps its ticket.

        A claim whose commit was not answered is dropped and found again by the sweep behind
        the items that it took: those are nobody's.
        """
        slice = self._waiting.get(batch_id)
        first = slice.first if slice is not None else self._done.get(batch_id)
        return first is not None and ordinal >= first

    def waiting_ids(self) -> list[int]:
        return list(self._waiting)

    def add(self, slice: Slice) -> None:
        """Take a slice up, unless it is known already."""
        if slice.left > 0 and not self.knows(slice.batch_id):
            self._waiting[slice.batch_id] = slice
            if self.up and not slice.held_until:
                self._idle.clear()
            self._work.set()

    def set_up(self, up: bool) -> None:
        """Whether the session stands."""
        self.up = up
        self._work.set()

    async def idle(self, timeout: float) -> None:
        """Return when nothing can or will presently be sent, or after ``timeout`` seconds."""
        end = time.monotonic() + timeout
        while self.busy and (left := end - time.monotonic()) > 0:
            if not self._idle.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await self._idle.wait()
            else:
                await asyncio.sleep(min(left, max(0.0, self._quiet_from - time.monotonic())))

    @property
    def busy(self) -> bool:
        """Whether something waits to be sent, or a burst has hardly ended."""
        return not self._idle.is_set() or time.monotonic() < self._quiet_from

    # --- going out ----------------------------------------------------------------------------
    @property
    def begun(self) -> bool:
        return self._ready.is_set()

    def begin(self) -> None:
        """What was claimed before is known; claiming may begin."""
        self._ready.set()

    async def run(self) -> None:
        await self._ready.wait()
        await asyncio.sleep(self._lease.wait_s())
        while True:
            self._work.clear()
            try:
                pause = await self._step()
            except UNAVAILABLE as error:
                _log.warning("claim waits for PostgreSQL", error=str(error)[:200])
                pause = 0.3
            if pause is None:
                continue
            self._idle.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._work.wait()

    async def _step(self) -> float | None:
        """Send what is most urgent; seconds to wait when nothing can leave now."""
        if self.up and self._retries and await self._send_again():
            return None
        parts, tokens = self._late_parts(datetime.now(UTC)), 0
        if not parts:
            wanted = self._most_urgent()
            if not wanted:
                return self._pause()
            if wanted[0].leg == Leg.CLOSE and await self._wait_for_market(wanted):
                return None
            tokens = self._connector.limits.take_orders(sum(s.left for s in wanted))
            if tokens <= 0:
                return max(0.001, self._connector.limits.requests.wait_s())
            parts = _parts(wanted, tokens)
        try:
            verdict = await self._claims.claim(parts)
        except HaltedCloses as halted:
            self._connector.limits.orders_stay(tokens)
            slices = [part.slice for part in parts]
            await self._hold(slices, halted.client_order_ids, _HALTED_PAUSE_S)
            return None
        if verdict is None:
            self._connector.limits.orders_stay(tokens)
            self._forget(parts)
            return None
        sent = self._send(parts, verdict)
        self._connector.limits.orders_stay(tokens - sent)
        return None

    def _pause(self) -> float:
        """How long to sleep when nothing wants to leave."""
        if self._waiting:
            return 0.25
        return LOOK_S if self._retries else 3600.0

    async def _send_again(self) -> bool:
        """Closes whose market was closed; whether any left."""
        due = self._retries.due()
        if not due:
            return False
        halted = await self._claims.halted([ticket.row for ticket in due])
        ready = [ticket for ticket in due if ticket.cid not in halted]
        ready = ready[: self._connector.limits.take_orders(len(ready))]
        self._retries.taken(ready)
        for ticket in ready:
            ticket.again()
        if ready:
            self._write(ready)
        return bool(ready)

    def _most_urgent(self) -> list[Slice]:
        """The first slices of the most urgent leg that may leave, if the session stands."""
        if not self.up:
            return []
        clock = time.monotonic()
        ready = sorted(
            (s for s in self._waiting.values() if s.held_until <= clock), key=lambda s: s.urgency
        )
        chosen: list[Slice] = []
        total = 0
        for slice in ready:
            if slice.leg != ready[0].leg or (chosen and total + slice.left > _TOGETHER):
                break
            chosen.append(slice)
            total += slice.left
        return chosen

    def _late_parts(self, now: datetime) -> list[Part]:
        """What is too late to leave needs no token and no session to be said so."""
        moment = now.timestamp()
        for slice in self._waiting.values():
            stop = slice.claimed
            for row in slice.rows[slice.claimed :]:
                not_after = row[Col.NOT_AFTER]
                if not_after is None or not_after >= moment:
                    break
                stop += 1
            if stop > slice.claimed:
                return [Part(slice, slice.claimed, stop)]
        return []

    def _send(self, parts: list[Part], verdict: Verdict) -> int:
        """Write what nothing holds; answers how many that were."""
        # Judged only now: the claim may have waited for PostgreSQL.
        now = datetime.now(UTC)
        moment, guards = now.timestamp(), self._guards.sending(now, verdict.standings)
        held = verdict.held
        tickets: list[Ticket] = []
        for part in parts:
            slice = part.slice
            for ordinal in range(part.start, part.stop):
                ticket = ticket_of(slice.rows[ordinal], slice.batch_id, ordinal, slice.committed_at)
                self._tickets.add(ticket)
                hold = held.get(ticket.cid) or lateness(ticket.row, moment) or guards.judge(ticket)
                if hold is not None:
                    reason, message = hold
                    ticket.finish(_FINAL_HOLD[reason], datetime.now(UTC), reason.value, message)
                    self._changed(ticket)
                else:
                    tickets.append(ticket)
            slice.claimed = part.stop
            if slice.left == 0:
                self._finished(slice)
        if tickets:
            self._write(tickets)
        if len(tickets) >= _BURST:
            self._quiet_from = time.monotonic() + _BURST_PAUSE_S
        return len(tickets)

    def _write(self, tickets: list[Ticket]) -> None:
        requests = [(ticket.account, request_of(ticket.row)) for ticket in tickets]
        if not self._lease.valid():
            # The successor finds these claimed and asks the platform; nothing leaves here.
            self._lease_over()
            return
        self._connector.limits.orders_leave()
        futures = self._connector.submit_many(requests)
        sent_at = datetime.now(UTC)
        for ticket, future in zip(tickets, futures, strict=True):
            ticket.sent_at = sent_at
            self._changed(ticket)
            if future.done():
                self._answered(ticket, future)
            else:
                future.add_done_callback(partial(self._answered, ticket))

    def _answered(self, ticket: Ticket, future: asyncio.Future[SubmitResult]) -> None:
        if not future.cancelled():
            ticket.answer(future.result(), datetime.now(UTC))
            self._tickets.index(ticket)
            self._changed(ticket)
            refused = ticket.leg == Leg.CANCEL and ticket.state is OrderState.REJECTED
            if refused and (target := self._tickets.doubt_target(ticket)) is not None:
                self._changed(target)
            if ticket.waits:
                self._retries.add(ticket)
                self._work.set()
            else:
                self._retries.ended(ticket)

    # --- exceptions -----------------------------------------------------------------------------
    async def _wait_for_market(self, slices: list[Slice]) -> bool:
        """Put closes aside whose symbol is not traded now; whether there were any."""
        now = datetime.now(UTC)
        rows = chain.from_iterable(slice.rows[slice.claimed :] for slice in slices)
        if closed := self._guards.closed(rows, now):
            await self._hold(slices, closed, _CLOSED_PAUSE_S)
        return bool(closed)

    async def _hold(self, slices: list[Slice], waiting: set[str], pause: float) -> None:
        """Closes that wait are looked at again after a pause; others of their slices may go."""
        for slice in slices:
            mine = {row[0] for row in slice.rows[slice.claimed :]} & waiting
            if not mine:
                continue
            again = time.monotonic() + pause
            parted = await self._claims.split(slice, mine)
            if not parted:
                slice.held_until = again
                continue
            self._finished(slice)
            free, held = parted
            held.held_until = again
            self.add(free)
            self.add(held)

    def _forget(self, parts: list[Part]) -> None:
        """Claimed by another or cut: the sweep reads the batches as they are now."""
        for part in parts:
            self._waiting.pop(part.slice.batch_id, None)
        self.claims_lost = True

    def _finished(self, slice: Slice) -> None:
        self._waiting.pop(slice.batch_id, None)
        self._done[slice.batch_id] = slice.first
        while len(self._done) > _REMEMBERED:
            self._done.popitem(last=False)


def _parts(slices: list[Slice], tokens: int) -> list[Part]:
    parts: list[Part] = []
    for slice in slices:
        take = min(tokens, slice.left)
        if take <= 0:
            break
        parts.append(Part(slice, slice.claimed, slice.claimed + take))
        tokens -= take
    return parts
