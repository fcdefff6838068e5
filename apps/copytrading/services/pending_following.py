"""What copies of resting orders ask for beside events: cancels, and events that may go on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.utils import timezone

from apps.common.database import Query
from apps.copytrading.domain.adoption import follow
from apps.copytrading.domain.events import MasterEvent
from apps.copytrading.domain.order_events import follow_order
from apps.copytrading.domain.pending import LIVE, PendingState
from apps.copytrading.domain.rows import Market, Row
from apps.copytrading.services import sql
from apps.copytrading.services.events import master_event
from apps.copytrading.services.isolating import in_isolation
from apps.copytrading.services.load import Master, load_master, load_rows
from apps.copytrading.services.market import load_market
from apps.copytrading.services.orders import SOURCE
from apps.copytrading.services.pending_book import CAUSE, Book
from apps.copytrading.services.pending_planning import link_keys, tell
from apps.copytrading.services.pending_settling import settle_orders
from apps.copytrading.services.pending_store import (
    Pendings,
    live_pendings,
    pendings_of_orders,
    with_pendings,
)
from apps.copytrading.services.waiting import forget_waits
from apps.execution import api as execution
from apps.execution.api import Fence
from apps.execution.intents import Intent, client_order_id
from apps.execution.selectors import OrderResult, events_by_id, rested_orders
from apps.trading.orders import Leg, Side

_ANY = """
    SELECT EXISTS (SELECT 1 FROM copytrading_pendinglink
                   WHERE master_account_id = %(account)s AND closed_at IS NULL)
        OR EXISTS (SELECT 1 FROM copytrading_waitingevent WHERE master_account_id = %(account)s)
"""

_TO_CANCEL = """
    SELECT p.id, p.subscription_id, replace(s.uuid::text, '-', ''), p.account_id,
           a.platform_account_id, a.connection_id, p.instrument_id, p.side,
           p.platform_order_id, p.cancel_cause
    FROM copytrading_pendinglink p
    JOIN copytrading_copysubscription s ON s.id = p.subscription_id
    JOIN platforms_tradingaccount a ON a.id = p.account_id
    WHERE p.master_account_id = %s AND p.closed_at IS NULL AND p.cancel_cause <> ''
      AND p.in_flight = '' AND p.platform_order_id <> '' AND p.state = ANY(%s)
      AND (p.retry_at IS NULL OR p.retry_at <= %s)
    LIMIT 2000
"""

_UNDER_WAY = """
    UPDATE copytrading_pendinglink p SET in_flight = x.cid
    FROM unnest(%s::bigint[], %s::text[]) AS x (id, cid) WHERE p.id = x.id
"""

# What waits for an order in flight, of its link or of its resting copy, does not belong here,
# nor what waits for the end of a position of which the master is out.
_FREE = """
    FROM copytrading_waitingevent w
    LEFT JOIN copytrading_tradelink l ON l.subscription_id = w.subscription_id
        AND l.master_account_id = w.master_account_id AND l.position_key = w.position_key
        AND l.state = 'open'
    LEFT JOIN copytrading_pendinglink p ON w.position_key LIKE 'order:%%'
        AND p.subscription_id = w.subscription_id AND p.order_key = substr(w.position_key, 7)
    LEFT JOIN copytrading_tradelink h ON p.position_key <> ''
        AND h.subscription_id = w.subscription_id
        AND h.master_account_id = w.master_account_id AND h.position_key = p.position_key
        AND h.state = 'open'
    WHERE coalesce(l.in_flight, '') = '' AND coalesce(h.in_flight, '') = ''
      AND coalesce(p.in_flight, '') = ''
      AND NOT (coalesce(p.cancel_cause, '') <> '' AND p.state = ANY(%(live)s))
      AND NOT coalesce(l.held_units > 0 AND l.target_units <= 0 AND l.master_units <= 0, false)
"""
_WAITING = (
    f"SELECT w.subscription_id, w.position_key, w.event_id {_FREE} "
    "AND w.master_account_id = %(account)s ORDER BY w.event_id LIMIT 5000"
)

# Whatever holds opens back has a gate: a pause, a stop, the module's switch, a kill switch.
_GATED = """
    FROM execution_gate g, platforms_tradingaccount a
    WHERE p.closed_at IS NULL AND p.cancel_cause = '' AND p.state IN ('placing', 'resting')
      AND a.id = p.account_id AND (
        g.scope = 'global' OR (g.scope = 'platform' AND g.key = a.platform)
        OR (g.scope = 'connection' AND g.key = a.connection_id::text)
        OR (g.scope = 'account' AND g.key = a.id::text)
        OR (g.scope = 'source' AND g.key IN ('copy', 'copy:' || p.master_account_id))
        OR (g.scope = 'relation' AND g.key = 'sub:' || p.subscription_id))
"""
_TAKE_BACK = (
    "UPDATE copytrading_pendinglink p SET cancel_cause = 'gate:' || g.scope "
    f"{_GATED} AND p.master_account_id = %s"
)
_GATED_MASTERS = (
    "SELECT DISTINCT p.master_account_id FROM copytrading_pendinglink p "
    f"WHERE p.closed_at IS NULL AND EXISTS (SELECT 1 {_GATED})"
)

_MASTERS = f"""
    SELECT w.master_account_id {_FREE}
    UNION
    {_GATED_MASTERS}
    UNION
    SELECT master_account_id FROM copytrading_pendinglink
    WHERE closed_at IS NULL AND cancel_cause <> '' AND in_flight = '' AND platform_order_id <> ''
      AND state = ANY(%(live)s) AND (retry_at IS NULL OR retry_at <= %(now)s)
"""

_LIVE = sorted(state.value for state in LIVE)
_RESTING = [PendingState.RESTING.value, PendingState.UNWANTED.value]

Places = dict[tuple[int, str], list[int]]


def follow_pendings(master_account_id: int, fence: Fence) -> int:
    """Take note of orders that rest, cancel what shall be cancelled, and go on with what waited.

    Answers how much was done. Raises Overtaken when somebody else is at it, too.
    """
    if not Query(_ANY, {"account": master_account_id}, lambda rows: rows[0][0]).ask():
        return 0
    now = timezone.now()
    master = load_master(master_account_id, now)
    if master is None:
        return 0
    done = _note_rested(master, fence)
    sql.execute(_TAKE_BACK, [master_account_id])
    done += _send_cancels(master_account_id, fence, now)
    # With a time of its own: what was noted above lies before what is decided now.
    return done + _go_on(master, fence, timezone.now())


def masters_with_gated_pendings() -> list[int]:
    """Accounts of masters of whose orders copies rest that must not any more."""
    return sorted(row[0] for row in sql.rows(_GATED_MASTERS))


def masters_with_pendings_due() -> list[int]:
    """Accounts of masters with cancels to send or events that nobody has gone on with."""
    found = sql.rows(_MASTERS, {"live": _LIVE, "now": timezone.now()})
    return sorted(row[0] for row in found)


def _note_rested(master: Master, fence: Fence) -> int:
    results = rested_orders(SOURCE, master.account_id)
    if not results:
        return 0

    def take(some: Sequence[OrderResult]) -> int:
        with transaction.atomic():
            execution.pass_fence(fence)
            settle_orders(master, some)
        return len(some)

    return in_isolation(take, results, fence)


class _Cancel(NamedTuple):
    """A row of ``_TO_CANCEL``."""

    pending_id: int
    subscription_id: int
    key: str
    account_id: int
    platform_account: str
    connection_id: int
    instrument_id: str
    side: str
    platform_order_id: str
    cause: str


def _send_cancels(master_account_id: int, fence: Fence, now: datetime) -> int:
    found = sql.rows(_TO_CANCEL, [master_account_id, _RESTING, now])
    if not found:
        return 0
    wanted = [_Cancel(*row) for row in found]
    intents = [_cancel_intent(master_account_id, cancel) for cancel in wanted]
    connections = {cancel.account_id: cancel.connection_id for cancel in wanted}
    with transaction.atomic():
        execution.pass_fence(fence)
        execution.submit(intents, connection_ids=connections, now=now)
        ids = [cancel.pending_id for cancel in wanted]
        sql.execute(_UNDER_WAY, [ids, [intent.client_order_id for intent in intents]])
    return len(wanted)


def _cancel_intent(master_account_id: int, cancel: _Cancel) -> Intent:
    event, _, number = cancel.cause.partition("#")
    kind, _, event_id = event.partition(":")
    # The first cancel for an event has the event's own identity, like every order for one.
    own = kind == "event" and not number
    about = (int(event_id),) if own else (cancel.cause, cancel.pending_id)
    return Intent(
        client_order_id(about[0], cancel.key, *about[1:], Leg.CANCEL.value),
        cancel.account_id,
        cancel.platform_account,
        Leg.CANCEL,
        SOURCE,
        relation=f"sub:{cancel.subscription_id}",
        wake_key=master_account_id,
        cause=f"{CAUSE}{cancel.cause}",
        instrument_id=cancel.instrument_id,
        side=Side(cancel.side),
        platform_order_id=cancel.platform_order_id,
    )


def _go_on(master: Master, fence: Fence, now: datetime) -> int:
    """Apply events that waited and need not any more."""
    found = sql.rows(_WAITING, {"account": master.account_id, "live": _LIVE})
    if not found:
        return 0
    places: Places = {}
    for subscription_id, key, event_id in found:
        places.setdefault((subscription_id, key), []).append(event_id)
    journaled = events_by_id(sorted({row[2] for row in found}))
    events = {pk: master_event(e, master.clock_offset_ms) for pk, e in journaled.items()}
    order_keys = {event.order_key for event in events.values() if event.terms is not None}
    pendings = pendings_of_orders(master.account_id, order_keys) if order_keys else {}
    keys = {place[1] for place in places}
    keys.update(link_keys((e for e in events.values() if e.terms is not None), pendings))
    ids = sorted({place[0] for place in places})
    rows = load_rows(master, sorted(keys), now, ids)
    rows = with_pendings(master, rows, live_pendings(master.account_id, events.values()), now)
    market = load_market(master, events.values(), rows, now)
    looked = _Look(Book(master.account_id, now), market, pendings, events)
    by_id = {row.subscription_id: row for row in rows}
    taken_up = [
        place
        for place, event_ids in places.items()
        if looked.take(by_id[place[0]], place[1], event_ids)
    ]
    if not taken_up:
        return 0
    with transaction.atomic():
        execution.pass_fence(fence)
        forget_waits(taken_up)
        looked.book.write()
        tell(master.account_id, sorted(events), len(ids))
    return len(taken_up)


class _Look(NamedTuple):
    """One look at what waited."""

    book: Book
    market: Market
    pendings: Pendings
    events: dict[int, MasterEvent]

    def take(self, row: Row, key: str, event_ids: Sequence[int]) -> bool:
        """Apply events at one place; False where they must go on waiting, as they are."""
        mine = [self.events[pk] for pk in event_ids]
        if mine[0].terms is not None:
            pending = self.pendings.get(row.subscription_id, {}).get(mine[0].order_key)
            made = follow_order(row, pending, mine, self.market)
            changes: tuple[Any, ...] = (made.order, made.pending, made.link, made.endings)
            if any(changes):
                self.book.add_orders(row, made)
            return any(changes)
        step = follow(row, row.links.get(key), mine, self.market)
        changes = (step.links, step.order, step.endings, step.pendings)
        if any(changes):
            self.book.add_links(row, step)
        return any(changes)
