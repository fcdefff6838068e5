"""Planning what waits in a master's journal, and committing it slice by slice.

Orders are committed and sent while later subscriptions are still being planned; decisions,
links, skips and waiting events follow in one last transaction that also ends the events. Killed
anywhere in between, the next run finds the events unplanned, keeps every order that was
committed by the notes on its batch, and plans only the subscriptions without one.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import structlog
from django.db import transaction
from django.utils import timezone

from apps.common.database import Query, ask_together, asked_ahead
from apps.common.events import publish
from apps.common.tracing import told
from apps.copytrading.domain.events import MasterEvent
from apps.copytrading.domain.link import Link
from apps.copytrading.domain.plan import Ended, PendingChange, Plan, Waits, plan
from apps.copytrading.domain.rows import Row
from apps.copytrading.services.decisions import decisions_of, store_decisions
from apps.copytrading.services.events import master_event
from apps.copytrading.services.existing import as_they_are
from apps.copytrading.services.holds import hold_symbols
from apps.copytrading.services.links import store_links
from apps.copytrading.services.load import Master, Pages, master_query
from apps.copytrading.services.market import load_market, symbols_query
from apps.copytrading.services.notes import Sent
from apps.copytrading.services.orders import (
    SOURCE,
    WrittenOrders,
    commit_written,
    write_orders,
)
from apps.copytrading.services.outcomes import insert_outcomes, records_of
from apps.copytrading.services.pending_planning import leading, plan_orders
from apps.copytrading.services.pending_store import (
    live_pendings_query,
    store_taken_over,
    with_pendings,
)
from apps.copytrading.services.resuming import Resumed, resumed_from
from apps.copytrading.services.standing import standing
from apps.copytrading.services.waiting import store_waits, withdraw_overtaken
from apps.execution import api as execution
from apps.execution import selectors as journal
from apps.execution.api import Fence
from apps.execution.journal import OrderPayload
from apps.execution.selectors import JournaledEvent, PendingBatch

#: Events taken up together; what remains follows in the next round.
EVENTS_AT_ONCE = 200
#: Subscriptions planned and committed together.
SLICE = 250

#: The gateway, which is just about to send the last orders, has the processor to itself for a
#: moment, longer after so many of them: what is left to store can wait.
_GIVE_WAY_S = 0.004
_BURST, _GIVE_WAY_TO_BURST_S = 50, 0.01

CHANGED = "copy.changed"

#: A plan with its orders written out, unless symbols must be taken for them first.
Ordered = tuple[Plan, WrittenOrders | None]

_log = structlog.get_logger(__name__)


class Waiting(NamedTuple):
    """What planning begins with, as :func:`beginning` asks for it."""

    fence: Fence
    journaled: list[JournaledEvent]
    batches: list[PendingBatch]
    master: Master | None
    now: datetime


def beginning(master_account_id: int, now: datetime) -> tuple[Query[Any], ...]:
    """Asks, in order, for the first fields of :class:`Waiting`; the fence before all else."""
    return (
        execution.fence_query(SOURCE, master_account_id),
        journal.unplanned_query(master_account_id, EVENTS_AT_ONCE),
        journal.pending_batches_query(SOURCE, master_account_id),
        master_query(master_account_id, now),
    )


def plan_waiting(master_account_id: int) -> int:
    """Plan the events of a master that wait; answers how many there were.

    Raises Overtaken when somebody else plans, too.
    """
    now = timezone.now()
    found = ask_together(*beginning(master_account_id, now))
    return plan_found(master_account_id, Waiting._make((*found, now)))


def plan_found(master_account_id: int, waiting: Waiting) -> int:
    """Like :func:`plan_waiting`, with what was read a moment ago."""
    fence, journaled, batches, master, now = waiting
    if not journaled:
        return 0
    resumed = resumed_from(master_account_id, batches)
    journaled = _with_resumed(journaled, resumed)
    made = _Made(master_account_id, fence, resumed)
    if master is None:
        made.finish([event.id for event in journaled], 0)
        return len(journaled)
    journaled = leading(journaled, begun=max(resumed.event_ids, default=0))
    if isinstance(journaled[0].payload, OrderPayload):
        plan_orders(master, journaled, fence)
        return len(journaled)
    events = as_they_are([master_event(event, master.clock_offset_ms) for event in journaled])
    count = _plan_copies(made, master, events, now)
    made.finish([event.id for event in journaled], count)
    _log.info("planned", master=master_account_id, copies=count, traces=_traces(journaled))
    return len(journaled)


def _plan_copies(made: _Made, master: Master, events: Sequence[MasterEvent], now: datetime) -> int:
    """Plan events for all copies of a master, and commit what they order; how many those are."""
    keys = sorted({event.position_key for event in events})
    pages, prices = Pages(master, keys, now, made.resumed.decided), symbols_query(master, events)
    found, links, symbols, pendings = ask_together(
        *pages.first(), prices, live_pendings_query(master.account_id, events)
    )

    def planned() -> list[Ordered]:
        rows = with_pendings(master, standing(pages.rows(found, links)), pendings, now)
        market = load_market(master, events, rows, now, symbols)
        slices = [rows[n : n + SLICE] for n in range(0, len(rows), SLICE)]
        return [made.written(plan(events, slice, market)) for slice in slices]

    count = len(found)
    while following := pages.following(found):
        # PostgreSQL reads the next page meanwhile, and the prices anew.
        with asked_ahead(*following, prices) as ahead:
            plans = planned()
        made.commit_all(plans, now)
        found, links, symbols = ahead.answers()
        count += len(found)
    made.commit_all(planned(), now)
    return count


def _traces(journaled: Sequence[JournaledEvent]) -> list[str]:
    return told(event.trace_id for event in journaled)


def finish_interrupted(master_account_id: int) -> None:
    """Go on from what an interrupted run has committed, before anything else changes links.

    Orders of such a run are under way while their links do not say so yet. Under the lock of
    the master. Raises Overtaken when somebody else plans all the same.
    """
    if journal.pending_batches(SOURCE, master_account_id):
        plan_waiting(master_account_id)


def _with_resumed(journaled: list[JournaledEvent], resumed: Resumed) -> list[JournaledEvent]:
    """With the events that an interrupted run has begun, should they lie behind the limit."""
    behind = resumed.event_ids.difference(event.id for event in journaled)
    if not behind:
        return journaled
    return sorted(
        (*journaled, *journal.events_by_id(sorted(behind)).values()), key=lambda event: event.id
    )


class _Made:
    """What the slices of one planning have made so far."""

    def __init__(self, master_account_id: int, fence: Fence, resumed: Resumed) -> None:
        self._master_account_id = master_account_id
        self._fence = fence
        self.resumed = resumed
        self._sent: list[Sent] = []
        self._links: list[tuple[Row, Link]] = []
        self._endings: list[Ended] = []
        self._waits: list[Waits] = []
        self._pendings: list[PendingChange] = []
        self._decided_at = timezone.now()

    def written(self, made: Plan) -> Ordered:
        """A slice with its orders written out, unless symbols must be taken for them first."""
        if any(planned.row.netting for planned in made.orders):
            return made, None
        return made, self._write(made)

    def commit_all(self, plans: Sequence[Ordered], now: datetime) -> None:
        """Commit the orders of slices, one after the other."""
        for made, written in plans:
            self.commit(made, written, now)

    def commit(self, made: Plan, written: WrittenOrders | None, now: datetime) -> None:
        """Commit the orders of a slice; keep the rest for the end."""
        if written is not None:
            sent = commit_written(written, now, self._fence)
        else:  # one statement is a transaction of its own; taking symbols makes it several
            with transaction.atomic():
                made = hold_symbols(made)
                sent = commit_written(self._write(made), now, self._fence)
        self._decided_at = now
        self._sent.extend(sent)
        self._links.extend((c.row, c.link) for c in made.changes if c.order is None)
        self._links.extend((c.row, c.link) for c in made.resumed)
        self._links.extend((each.planned.row, each.link) for each in sent)
        self._endings.extend(made.endings)
        self._waits.extend(made.waits)
        self._pendings.extend(made.pendings)

    def _write(self, made: Plan) -> WrittenOrders:
        return write_orders(self._master_account_id, made.orders, noted=True)

    def finish(self, event_ids: Sequence[int], rows: int) -> None:
        """Store decisions, links, outcomes without an order, and what waits.

        With that the events are planned.
        """
        if self._sent:
            time.sleep(_GIVE_WAY_TO_BURST_S if len(self._sent) >= _BURST else _GIVE_WAY_S)
        now, master_account_id = timezone.now(), self._master_account_id
        with transaction.atomic():
            execution.pass_fence(self._fence)
            made = decisions_of(master_account_id, self._sent, self._decided_at)
            store_decisions([*self.resumed.decisions, *made])
            store_links(master_account_id, self._links, now)
            store_taken_over(master_account_id, self._pendings, now)
            insert_outcomes(records_of(master_account_id, self._endings, now))
            store_waits(master_account_id, self._waits)
            execution.mark_planned(event_ids, now)
            withdraw_overtaken(self._waits, now)
            # Last: the rows stay locked until the commit, and the gateway may be about to claim.
            batch_ids = {sent.batch_id for sent in self._sent}
            execution.take_over([*self.resumed.batch_ids, *sorted(batch_ids)])
            publish(
                CHANGED,
                master_account_id=master_account_id,
                event_ids=list(event_ids),
                subscriptions=rows,
            )
