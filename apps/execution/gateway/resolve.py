"""Orders of which nobody knows: the platform is asked until it gives an answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import structlog

from apps.execution.gateway import resting
from apps.execution.gateway.closes import QUIET, Closes
from apps.execution.gateway.db import UNAVAILABLE, Database
from apps.execution.gateway.lease import Lease
from apps.execution.gateway.tickets import Ticket, Tickets, ticket_of
from apps.execution.intents import Col, ids_of, rows_of
from apps.platforms.ports import Connector, DealDone, Event, Finding, PlatformError, Presence
from apps.trading.orders import FINAL_STATES, Leg, Order, OrderState
from apps.trading.positions import Position

#: Absence counts when it is seen this long after sending, and twice.
_GRACE = timedelta(seconds=5)
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0

_CLAIMED = """
    SELECT id, items, claimed, created_at, claimed_at FROM execution_batch
    WHERE connection_id = %s AND NOT settled AND claimed > 0
"""
_ORDERS = """
    SELECT client_order_id, state, platform_order_id, position_id, filled_units, average_price,
        sent_at, accepted_at, rested_at
    FROM execution_order WHERE client_order_id = ANY(%s)
"""

_log = structlog.get_logger(__name__)


async def claimed_before(
    database: Database, connection_id: int, tickets: Tickets
) -> tuple[list[Ticket], dict[int, int]]:
    """Tickets for what was claimed and has no final order row, and batches that are done so far.

    Whoever claimed it may have sent it: each is UNKNOWN until the platform was asked. Those
    of which this process still holds a ticket are left out. Orders whose rows say that they
    rest are put into ``tickets`` as such; their batches do not wait for them.
    """
    batches = await database.rows(_CLAIMED, [connection_id])
    ids = [cid for _, items, claimed, *_ in batches for cid in ids_of(items)[:claimed]]
    orders = await database.rows(_ORDERS, [ids])
    known = {row[0]: row[1:] for row in orders}
    found: list[Ticket] = []
    for ticket in await resting.rested_before(database, connection_id, tickets):
        if ticket.resting:
            tickets.rest(ticket)
        else:
            found.append(ticket)
    done: dict[int, int] = {}
    for batch_id, items, claimed, created_at, claimed_at in batches:
        open_ones = [
            _unknown(row, batch_id, ordinal, created_at, claimed_at, known.get(row[0]))
            for ordinal, row in enumerate(rows_of(items)[:claimed])
            if row[0] not in known or not _done(known[row[0]])
        ]
        for ticket in open_ones:
            ticket.known = (0, claimed)
        found += [t for t in open_ones if not tickets.knows(t.account, t.cid)]
        if not open_ones:
            done[batch_id] = claimed
    return found, done


def _done(stored: tuple[object, ...]) -> bool:
    """Whether an order's row says that its batch need not wait for it."""
    return stored[0] in FINAL_STATES or stored[7] is not None


def _unknown(
    row: list[object],
    batch_id: int,
    ordinal: int,
    committed_at: datetime,
    claimed_at: datetime | None,
    stored: tuple[object, ...] | None,
) -> Ticket:
    ticket = ticket_of(row, batch_id, ordinal, committed_at)
    ticket.state = OrderState.UNKNOWN
    ticket.code = "CLAIMED_BEFORE"
    ticket.sent_at = claimed_at
    if stored is not None:
        ticket.platform_order_id = str(stored[1])
        ticket.position_id = str(stored[2])
        ticket.sent_at = stored[5] or claimed_at  # type: ignore[assignment]
        ticket.accepted_at = stored[6]  # type: ignore[assignment]
    return ticket


class Resolver:
    """Asks the platform for unknown orders of one session."""

    def __init__(
        self,
        connector: Connector,
        lease: Lease,
        tickets: Tickets,
        closes: Closes,
        changed: Callable[[Ticket], None],
        take: Callable[[Sequence[Event]], Awaitable[None]],
        up: Callable[[], bool],
    ) -> None:
        self._connector = connector
        self._lease = lease
        self._tickets = tickets
        self._closes = closes
        self._changed = changed
        self._take = take
        self._up = up
        self._next: dict[str, tuple[float, float]] = {}
        self._absent: dict[str, int] = {}

    async def run(self) -> None:
        await asyncio.sleep(self._lease.wait_s())
        while True:
            await asyncio.sleep(0.25)
            if not self._up():
                continue
            due = [t for t in list(self._tickets.by_client_id.values()) if self._due(t)]
            for start in range(0, len(due), 16):
                await asyncio.gather(*(self._ask(t) for t in due[start : start + 16]))

    def _due(self, ticket: Ticket) -> bool:
        if ticket.final or ticket.resting or ticket.waits:
            return False
        if ticket.state is not OrderState.UNKNOWN:
            quiet_since = ticket.accepted_at or ticket.sent_at
            if quiet_since is None or datetime.now(UTC) - quiet_since < QUIET:
                return False
        return self._next.get(ticket.cid, (0.0, 0.0))[0] <= time.monotonic()

    async def _ask(self, ticket: Ticket) -> None:
        pause = self._next.get(ticket.cid, (0.0, _FIRST_PAUSE_S))[1]
        self._next[ticket.cid] = (
            time.monotonic() + pause,
            min(pause * 2, _LONGEST_PAUSE_S),
        )
        try:
            if ticket.leg == Leg.CLOSE and await self._closes.ended(ticket):
                self._changed(ticket)
                self._forget(ticket)
                return
            finding = await self._connector.find_by_client_id(
                ticket.account, ticket.cid, ticket.committed_at, Leg(ticket.leg)
            )
            if finding.presence is Presence.ABSENT and ticket.leg != Leg.OPEN:
                finding = await self._by_effect(ticket)
        except (PlatformError, *UNAVAILABLE) as error:  # of these also ConnectionError
            _log.info("unknown order could not be asked for", error=str(error)[:200])
            return
        if ticket.final:
            return
        if finding.presence is Presence.FOUND:
            await self._found(ticket, finding)
        elif finding.presence is Presence.ABSENT:
            self._missing(ticket)
        if ticket.final or ticket.resting:
            self._forget(ticket)

    def _forget(self, ticket: Ticket) -> None:
        self._next.pop(ticket.cid, None)
        self._absent.pop(ticket.cid, None)

    async def _found(self, ticket: Ticket, finding: Finding) -> None:
        """Take over what the platform shows of it.

        Its deals go the way of those that are told: the order must not be stored as filled
        before its position, which would look as if somebody had taken the fill away again.
        """
        now = datetime.now(UTC)
        self._tickets.index(ticket)
        told = [DealDone(ticket.account, d, finding.position, now) for d in finding.deals]
        if told:
            await self._take(told)
        if finding.order is not None:
            ticket.order(finding.order, "", now)
        if finding.position is not None and not (ticket.final or ticket.resting):
            self._opened(ticket, finding.position, now)
        if ticket.state is OrderState.UNKNOWN and ticket.leg in {Leg.PROTECT, Leg.CANCEL}:
            ticket.finish(OrderState.FILLED, now)
        if not ticket.final and finding.order is None and ticket.filled:
            self._end_unseen(ticket)
        self._tickets.index(ticket)
        self._changed(ticket)
        _log.info("unknown order found", client_order_id=ticket.cid, state=ticket.state)

    def _opened(self, ticket: Ticket, position: Position, now: datetime) -> None:
        """The position that it opened; its deals may be too old to be shown."""
        if ticket.leg != Leg.OPEN or position.tag != ticket.cid:
            return
        ticket.position_id = position.position_id
        if not ticket.deals:
            ticket.filled = position.units
            ticket.notional = position.units * position.price
            ticket.finish(OrderState.FILLED, now)

    def _end_unseen(self, ticket: Ticket) -> None:
        """No order is shown that could be filled, or the rest of it, any more."""
        if self._seen_twice(ticket):
            state, code, message = _unseen(ticket)
            ticket.finish(state, datetime.now(UTC), code, message)

    def _seen_twice(self, ticket: Ticket) -> bool:
        if datetime.now(UTC) - (ticket.sent_at or ticket.committed_at) < _GRACE:
            return False
        self._absent[ticket.cid] = self._absent.get(ticket.cid, 0) + 1
        return self._absent[ticket.cid] >= 2

    def _missing(self, ticket: Ticket) -> None:
        self._end_unseen(ticket)
        if ticket.final:
            self._changed(ticket)
            _log.info("unknown order is not there", client_order_id=ticket.cid, state=ticket.state)

    async def _by_effect(self, ticket: Ticket) -> Finding:
        """Closes, stops and cancels may carry no id of ours: what they should do is looked for."""
        if ticket.leg == Leg.CLOSE:
            return await self._closes.find(ticket)
        snapshot = await self._connector.snapshot(ticket.account)
        resting.compare(self._tickets, ticket.account, snapshot, self._changed)
        position_id = ticket.row[Col.POSITION_ID]
        position = next((p for p in snapshot.positions if p.position_id == position_id), None)
        if ticket.leg == Leg.PROTECT and not position_id:
            done = any(_has_terms(order, ticket.row) for order in snapshot.orders)
        elif ticket.leg == Leg.PROTECT:
            intended = (_price(ticket.row[Col.STOP_LOSS]), _price(ticket.row[Col.TAKE_PROFIT]))
            done = position is not None and intended == (position.stop_loss, position.take_profit)
        else:
            done = all(
                o.platform_order_id != ticket.row[Col.PLATFORM_ORDER_ID] for o in snapshot.orders
            )
        return Finding(Presence.FOUND if done else Presence.ABSENT)


def _has_terms(order: Order, row: list[Any]) -> bool:
    """Whether an order stands as an amendment wants it."""
    wanted = [_price(row[c]) for c in (Col.PRICE, Col.STOP_PRICE, Col.STOP_LOSS, Col.TAKE_PROFIT)]
    stands = [order.price, order.stop_price, order.stop_loss, order.take_profit]
    expires_at = order.expires_at.timestamp() if order.expires_at else None
    return (
        order.platform_order_id == row[Col.PLATFORM_ORDER_ID]
        and order.units == Decimal(row[Col.UNITS])
        and wanted == stands
        and row[Col.EXPIRES_AT] in {None, expires_at}
    )


def _price(value: object) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _unseen(ticket: Ticket) -> tuple[OrderState, str, str]:
    """How an order ends that the platform shows no more: its state, a code and a message."""
    if ticket.filled:
        message = "only a part was filled; the platform shows no order for the rest"
        return OrderState.CANCELLED, "PART_FILLED", message
    if ticket.rested_at is not None:
        message = "it rested, and the platform shows it no more"
        return OrderState.CANCELLED, "NOT_SHOWN", message
    message = "sent, but the platform shows no trace of it"
    return OrderState.NOT_DELIVERED, "NOT_DELIVERED", message
