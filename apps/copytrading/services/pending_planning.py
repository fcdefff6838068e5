"""Planning what masters do with resting orders: one planning for all followers of an event.

Resting orders do not race against the price, so all of a planning is one transaction, and an
interrupted one leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import transaction
from django.utils import timezone

from apps.common.events import publish
from apps.copytrading.domain.events import EventKind, MasterEvent, link_key
from apps.copytrading.domain.order_events import follow_order
from apps.copytrading.domain.pending import Pending, PendingState
from apps.copytrading.domain.plan import group
from apps.copytrading.domain.rows import Market, Row
from apps.copytrading.services.events import master_event
from apps.copytrading.services.load import Master, Pages
from apps.copytrading.services.market import load_market
from apps.copytrading.services.pending_book import Book
from apps.copytrading.services.pending_store import Pendings, pendings_of_orders
from apps.execution import api as execution
from apps.execution.api import Fence
from apps.execution.journal import OrderPayload
from apps.execution.selectors import JournaledEvent

CHANGED = "copy.changed"


def leading(journaled: list[JournaledEvent], begun: int) -> list[JournaledEvent]:
    """The first events that are all of resting orders, or all of positions.

    What fills an order is told as a deal of a position; taken in turns they stay in order.
    Events of positions up to the id ``begun`` have been begun, and come first.
    """
    of_orders = [isinstance(event.payload, OrderPayload) for event in journaled]
    if not any(of_orders):
        return journaled
    if begun:
        mine = zip(journaled, of_orders, strict=True)
        return [event for event, of_order in mine if event.id <= begun and not of_order]
    same = next((n for n, kind in enumerate(of_orders) if kind is not of_orders[0]), None)
    return journaled[:same]


def plan_orders(master: Master, journaled: Sequence[JournaledEvent], fence: Fence) -> None:
    """Plan events of resting orders of a master and mark them planned. Raises Overtaken."""
    now = timezone.now()
    events = [master_event(event, master.clock_offset_ms) for event in journaled]
    found = pendings_of_orders(master.account_id, {event.order_key for event in events})
    book, count = Book(master.account_id, now), 0
    overtaken: list[str] = []
    for page in Pages(master, link_keys(events, found), now).all():
        market = load_market(master, events, page, now)
        for row in page:
            pendings = found.get(row.subscription_id, {})
            _plan_row(book, row, pendings, events, market)
            overtaken += _overtaken(pendings, events)
        count += len(page)
    with transaction.atomic():
        execution.pass_fence(fence)
        book.write()
        execution.mark_planned([event.id for event in events], now)
        execution.withdraw(overtaken, reason="the master cancelled", now=now)
        tell(master.account_id, [event.id for event in events], count)


def link_keys(events: Iterable[MasterEvent], found: Pendings) -> list[str]:
    """Where trade links of these orders may stand."""
    keys = {link_key(event.order_key) for event in events}
    keys |= {p.position_key for mine in found.values() for p in mine.values() if p.position_key}
    return sorted(keys)


def tell(master_account_id: int, event_ids: Sequence[int], subscriptions: int) -> None:
    """Have pages look anew after the commit."""
    publish(
        CHANGED,
        master_account_id=master_account_id,
        event_ids=list(event_ids),
        subscriptions=subscriptions,
    )


def _plan_row(
    book: Book,
    row: Row,
    pendings: dict[str, Pending],
    events: Sequence[MasterEvent],
    market: Market,
) -> None:
    mine = [event for event in events if event.id > row.started_after]
    for _, of_order in group(mine):
        step = follow_order(row, pendings.get(of_order[0].order_key), of_order, market)
        book.add_orders(row, step)
        if step.pending is not None and not step.pending.pending_id and row.rules.max_positions:
            row = row._replace(open_links=row.open_links + 1)


def _overtaken(pendings: dict[str, Pending], events: Sequence[MasterEvent]) -> list[str]:
    """Placements that may not have left yet, of orders that the master has taken back."""
    ended = {e.order_key for e in events if e.kind in (EventKind.CANCELLED, EventKind.EXPIRED)}
    return [
        pendings[key].client_order_id
        for key in ended
        if key in pendings and pendings[key].state is PendingState.PLACING
    ]
