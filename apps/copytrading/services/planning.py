"""Planning what waits in a master's journal, and committing it slice by slice.

Orders are committed and sent while later subscriptions are still being planned; links, skips
and waiting events follow in one last transaction that also ends the events. Killed anywhere
in between, the next run finds the events unplanned, keeps every decision that was committed,
and plans only the subscriptions without one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from apps.common.events import publish
from apps.copytrading.domain.events import EventKind, MasterEvent
from apps.copytrading.domain.link import Link
from apps.copytrading.domain.plan import Ended, Plan, Waits, plan
from apps.copytrading.domain.rows import Row
from apps.copytrading.services import sql
from apps.copytrading.services.events import master_event
from apps.copytrading.services.links import store_links
from apps.copytrading.services.load import load_decided, load_master, load_pages
from apps.copytrading.services.market import load_market
from apps.copytrading.services.orders import commit_orders
from apps.copytrading.services.outcomes import insert_outcomes, records_of
from apps.execution import api as execution
from apps.execution import selectors as journal
from apps.execution.journal import OrderPayload

#: Events taken up together; what remains follows in the next round.
EVENTS_AT_ONCE = 200
#: Subscriptions planned and committed together.
SLICE = 250

CHANGED = "copy.changed"


def plan_waiting(master_account_id: int) -> int:
    """Plan the events of a master that wait; answers how many there were."""
    journaled = journal.unplanned_events(master_account_id, EVENTS_AT_ONCE)
    if not journaled:
        return 0
    now = timezone.now()
    master = load_master(master_account_id, now)
    event_ids = [event.id for event in journaled]
    if master is None:
        execution.mark_planned(event_ids, now)
        return len(journaled)
    told = [event for event in journaled if not isinstance(event.payload, OrderPayload)]
    events = [master_event(event, master.clock_offset_ms) for event in told]
    keys = sorted({event.position_key for event in events})
    made, count = _Made(), 0
    for page in load_pages(master, keys, now, load_decided(event_ids)):
        market = load_market(master, events, page, now)
        for start in range(0, len(page), SLICE):
            some = page[start : start + SLICE]
            made.commit(master_account_id, plan(events, some, market), now)
        count += len(page)
    made.finish(master_account_id, event_ids, count)
    return len(journaled)


class _Made:
    """What the slices of one planning have made so far."""

    def __init__(self) -> None:
        self.links: list[tuple[Row, Link]] = []
        self.endings: list[Ended] = []
        self.waits: list[Waits] = []

    def commit(self, master_account_id: int, made: Plan, now: datetime) -> None:
        """Commit the orders of a slice; keep the rest for the end."""
        self.links.extend((c.row, c.link) for c in made.changes if c.order is None)
        self.links.extend((c.row, c.link) for c in made.resumed)
        self.endings.extend(made.endings)
        self.waits.extend(made.waits)
        if made.orders:
            with transaction.atomic():
                sent = commit_orders(master_account_id, made.orders, now)
            self.links.extend(sent)

    def finish(self, master_account_id: int, event_ids: Sequence[int], rows: int) -> None:
        """Store links, outcomes without an order, and what waits; the events are planned."""
        now = timezone.now()
        with transaction.atomic():
            store_links(master_account_id, self.links, now)
            insert_outcomes(records_of(master_account_id, self.endings, now))
            store_waits(master_account_id, self.waits)
            execution.mark_planned(event_ids, now)
            withdraw_overtaken(self.waits, now)
            publish(
                CHANGED,
                master_account_id=master_account_id,
                event_ids=list(event_ids),
                subscriptions=rows,
            )


def store_waits(master_account_id: int, waits: Sequence[Waits]) -> None:
    """Events that wait for the order in flight of their link."""
    if waits:
        sql.execute(
            "INSERT INTO copytrading_waitingevent "
            "(event_id, subscription_id, master_account_id, position_key) "
            "SELECT e, s, %s, p FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) "
            "AS w (e, s, p) ON CONFLICT DO NOTHING",
            [
                master_account_id,
                [wait.event.id for wait in waits],
                [wait.row.subscription_id for wait in waits],
                [wait.event.position_key for wait in waits],
            ],
        )


def withdraw_overtaken(waits: Sequence[Waits], now: datetime) -> None:
    """A close takes back an open of its link that no gateway has claimed yet."""
    in_flight = [
        link.in_flight
        for wait in waits
        if _ends(wait.event) and (link := wait.row.links.get(wait.event.position_key))
    ]
    if in_flight:
        opens = sql.rows(
            "SELECT client_order_id FROM copytrading_decision "
            "WHERE client_order_id = ANY(%s) AND leg = 'open'",
            [in_flight],
        )
        execution.withdraw([row[0] for row in opens], reason="the master closed", now=now)


def _ends(event: MasterEvent) -> bool:
    return event.kind is EventKind.CLOSED or event.kind is EventKind.REVERSED
