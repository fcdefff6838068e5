"""Taking note of final orders: links, legs, results, outcomes, and what waited for them.

One transaction for all final orders of a master that are known; one that cannot be settled is
set aside, and the others go on. An order whose link is not stored yet belongs to an interrupted
planning and is left until that has been resumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from apps.common.events import publish
from apps.common.tracing import log_steps
from apps.copytrading.domain.adoption import follow
from apps.copytrading.domain.codes import OutcomeState
from apps.copytrading.domain.conclude import (
    Conclusion,
    conclude,
    never_arrived,
    position_is_gone,
)
from apps.copytrading.domain.events import EventKind, MasterEvent
from apps.copytrading.domain.link import (
    BY_HAND,
    Link,
    LinkState,
    Reply,
    answered,
    finished,
    taken_away,
)
from apps.copytrading.domain.numbers import of_link
from apps.copytrading.domain.plan import Plan
from apps.copytrading.domain.rounding import Rounding
from apps.copytrading.domain.rows import Market, Row
from apps.copytrading.domain.steps import Order, Step
from apps.copytrading.services.closing import again
from apps.copytrading.services.decisions import decisions_of, store_decisions
from apps.copytrading.services.events import master_event
from apps.copytrading.services.holds import hold_symbols
from apps.copytrading.services.isolating import in_isolation
from apps.copytrading.services.links import store_legs, store_links
from apps.copytrading.services.load import Master, load_master, load_rows
from apps.copytrading.services.market import load_market
from apps.copytrading.services.orders import SOURCE, commit_orders
from apps.copytrading.services.outcomes import (
    Record,
    insert_outcomes,
    record_of_order,
    records_of,
)
from apps.copytrading.services.pending_settling import is_of_pending, settle_orders
from apps.copytrading.services.pending_store import live_pendings, store_taken_over, with_pendings
from apps.copytrading.services.planning import CHANGED
from apps.copytrading.services.settling_load import Known, Stored, load_known
from apps.copytrading.services.waiting import forget_waits, store_waits
from apps.execution import api as execution
from apps.execution.api import Fence
from apps.execution.selectors import OrderResult, unsettled_orders
from apps.trading.errors import NoConversionRate
from apps.trading.orders import Leg, OrderState
from apps.trading.quantity import ZERO

_ENDS_STOPS = (EventKind.CLOSED, EventKind.REVERSED, EventKind.PROTECTION)

_log = structlog.get_logger(__name__)

#: Final orders taken up together.
ORDERS_AT_ONCE = 1000


def settle(master_account_id: int, fence: Fence) -> int:
    """Settle final orders of a master; answers how many were settled.

    ``fence`` was read before anything else. Raises Overtaken when somebody else is at it, too.
    """
    results = unsettled_orders(SOURCE, master_account_id, ORDERS_AT_ONCE)
    if not results:
        return 0
    now = timezone.now()
    master = load_master(master_account_id, now)
    if master is None:
        execution.mark_settled([result.id for result in results], now)
        return len(results)
    return in_isolation(lambda some: _settle(master, some, fence, now), results, fence)


def _settle(master: Master, results: Sequence[OrderResult], fence: Fence, now: datetime) -> int:
    of_orders = [result for result in results if is_of_pending(result)]
    results = [result for result in results if not is_of_pending(result)]
    with transaction.atomic():
        execution.pass_fence(fence)
        if of_orders:
            settle_orders(master, of_orders)
        known = load_known(results)
        ready = [result for result in results if result.client_order_id in known.links]
        orphans = [r for r in results if r.client_order_id in known.unlinked]
        _Settlement(master, known, now).run(ready)
        execution.mark_settled([result.id for result in (*ready, *orphans)], now)
    log_steps(
        _log,
        "settled",
        ((result.trace_id, str(result.state)) for result in ready),
        master=master.account_id,
    )
    return len(of_orders) + len(ready) + len(orphans)


@dataclass(slots=True)
class _Settlement:
    """One settling; collects what is written at its end."""

    master: Master
    known: Known
    now: datetime
    made: Plan = field(default_factory=Plan)
    links: list[tuple[Row, Link]] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    results: dict[int, Decimal] = field(default_factory=dict)
    opened: list[dict[str, Any]] = field(default_factory=list)
    held: list[dict[str, Any]] = field(default_factory=list)
    rows: dict[int, Row] = field(default_factory=dict)
    events: dict[int, MasterEvent] = field(default_factory=dict)
    market: Market | None = None

    def run(self, results: Sequence[OrderResult]) -> None:
        """Settle orders whose links are stored."""
        if not results:
            return
        self._load(results)
        for result in results:
            self._settle(result)
        self._write()

    def _load(self, results: Sequence[OrderResult]) -> None:
        known = self.known
        places = [known.links[result.client_order_id] for result in results]
        keys = sorted({place.position_key for place in places})
        ids = sorted({place.subscription_id for place in places})
        offset = self.master.clock_offset_ms
        self.events = {pk: master_event(event, offset) for pk, event in known.journaled.items()}
        rows = load_rows(self.master, keys, self.now, ids)
        if known.waiting:
            pendings = live_pendings(self.master.account_id, self.events.values())
            rows = with_pendings(self.master, rows, pendings, self.now)
        self.rows = {row.subscription_id: row for row in rows}
        self.market = load_market(self.master, self.events.values(), rows, self.now)

    def _settle(self, result: OrderResult) -> None:
        place = self.known.links[result.client_order_id]
        row = self.rows[place.subscription_id]
        before = row.links[place.position_key]
        stored = self.known.decisions.get(result.client_order_id)
        link = self._answered(before, result)
        row = self._counted(row, before, link)
        self._note_money(link, before, result)
        waiting = self.known.waiting.get((place.subscription_id, place.position_key), [])
        events = [self.events[pk] for pk in waiting]
        event = self.events[stored.event_id] if stored else None
        failed_half = event is not None and result.leg is Leg.CLOSE and link.held > 0
        if event is not None and failed_half and event.kind is EventKind.REVERSED:
            events = [other for other in events if other.id != event.id]
        step = self._next(row, link, event, result, events)
        row = self._counted(row, link, step.links[-1], under_way=step.order is not None)
        self._take(row, link, step)
        if event is not None and stored is not None:
            self._conclude(row, link, event, stored, result, step)

    def _counted(self, row: Row, before: Link, after: Link, *, under_way: bool = False) -> Row:
        """The row with one open position more or less: one that has ended makes room at once."""
        change = _takes_place(after, under_way) - _takes_place(before)
        if not change or not row.rules.max_positions:
            return row
        row = row._replace(open_links=row.open_links + change)
        self.rows[row.subscription_id] = row
        return row

    def _answered(self, link: Link, result: OrderResult) -> Link:
        reply = Reply(result.leg, result.units, result.filled_units, result.position_id)
        link = answered(link, reply)
        if position_is_gone(result.leg, result.state, result.code):
            link = taken_away(link, ZERO)._replace(lost=ZERO)  # the order's answer says it
            link = finished(link) if link.master_units <= 0 else link
        shown = self.known.positions.get((result.account_id, link.position_id))
        if shown is not None:
            link = link._replace(shown_sl=shown[0], shown_tp=shown[1])
        if result.cause.startswith(BY_HAND) and link.held <= 0 < link.master_units:
            link = link._replace(state=LinkState.GONE)
        if result.leg is Leg.CLOSE and (link.held <= 0 or result.cause == link.close_cause):
            # A close that was under way before the wish does not fulfil it.
            link = link._replace(close_cause="")
        short = result.leg is Leg.CLOSE and result.filled_units < result.units
        if short and link.held > 0 and not link.close_cause:
            # Computed again from what is held: the rest of a close that did not get through.
            arrived = not never_arrived(result.state, result.code)
            link = link._replace(close_cause=again(result.cause, arrived=arrived))
        return link

    def _note_money(self, link: Link, before: Link, result: OrderResult) -> None:
        money = result.profit + result.commission + result.swap
        self.results[link.link_id] = self.results.get(link.link_id, ZERO) + money
        position = before.position_id or link.position_id
        if result.leg is Leg.OPEN and result.filled_units:
            self.opened.append(
                {
                    "link_id": link.link_id,
                    "account_id": result.account_id,
                    "position_id": link.position_id,
                    "change": result.filled_units,
                    "price": result.average_price or ZERO,
                }
            )
        elif position:
            self.held.append({"link_id": link.link_id, "position_id": position, "held": link.held})

    def _next(
        self,
        row: Row,
        link: Link,
        event: MasterEvent | None,
        result: OrderResult,
        waiting: list[MasterEvent],
    ) -> Step:
        """The exact stops first, then what waited, unless that sets other stops or closes."""
        moot = any(e.kind in _ENDS_STOPS for e in waiting)
        if event is not None and not moot and self._stops_differ(link, result):
            order = Order(
                event, Leg.PROTECT, link.side, link.held, link.position_id, link.stop_loss,
                link.take_profit, None, Rounding.EXACT,
                of_link(event, link, row, self._market()),
            )  # fmt: skip
            return Step((link,), order, (), tuple(waiting))
        if not waiting:
            return Step((link,), None, (), ())
        alive = link if link.state in (LinkState.OPEN, LinkState.GONE) else None
        step = follow(row, alive, waiting, self._market())
        touched = any(other.link_id == link.link_id for other in step.links)
        return step if touched else step._replace(links=(link, *step.links))

    def _stops_differ(self, link: Link, result: OrderResult) -> bool:
        if result.leg is not Leg.OPEN or not result.filled_units or link.held <= 0:
            return False
        known = (result.account_id, link.position_id) in self.known.positions
        return known and (link.stop_loss, link.take_profit) != (link.shown_sl, link.shown_tp)

    def _market(self) -> Market:
        assert self.market is not None
        return self.market

    def _take(self, row: Row, link: Link, step: Step) -> None:
        self.made.add(row, step)
        # The row's link is what later orders of this settling must see.
        links = row.links
        assert isinstance(links, dict)
        links[link.position_key] = step.links[-1]
        self.rows[row.subscription_id] = row.about_to_hold(step.links[-1])

    def _conclude(
        self,
        row: Row,
        link: Link,
        event: MasterEvent,
        stored: Stored,
        result: OrderResult,
        step: Step,
    ) -> None:
        """The outcome of the event, unless something of it is still to come."""
        more_to_come = (step.order is not None and step.order.event.id == event.id) or any(
            other.id == event.id for other in step.waiting
        )
        if more_to_come:
            return
        lead, lead_order = self.known.lead(stored, result)
        conclusion = conclude(
            leg=lead.leg,
            state=lead_order.state,
            code=lead_order.code,
            message=lead_order.message,
            units=lead_order.units,
            filled=lead_order.filled_units,
            numbers=lead.numbers,
        )
        if lead_order is not result and result.leg is Leg.PROTECT:
            conclusion = _with_stops(conclusion, result)
        ended = [e for e in step.endings if e.event.id == event.id]
        if ended:  # a reversal whose old side was closed and whose new side is not opened
            conclusion = Conclusion(OutcomeState.PARTIAL, ended[0].code, ended[0].code.label)
            self.made.endings = [e for e in self.made.endings if e.ending is not ended[0]]
        self.records.append(
            record_of_order(
                self.master.account_id,
                event,
                lead_order,
                link,
                subscription_id=row.subscription_id,
                conclusion=conclusion,
                numbers=lead.numbers,
                decided_at=lead.decided_at,
                quote_to_account=self._quote_to_account(row, event),
                now=self.now,
                numbers_text=lead.text,
            )
        )

    def _quote_to_account(self, row: Row, event: MasterEvent) -> Decimal | None:
        market = self._market()
        symbol = market.symbols.get((row.connection_id, event.instrument_id))
        if symbol is None:
            return None
        try:
            return market.rates.rate(symbol.quote, row.funds.currency)
        except NoConversionRate:
            return None

    def _write(self) -> None:
        now, master_account_id = self.now, self.master.account_id
        forget_waits(self.known.waiting)
        self.made = hold_symbols(self.made)
        self.links.extend((c.row, c.link) for c in self.made.changes if c.order is None)
        if self.made.orders:
            sent = commit_orders(master_account_id, self.made.orders, now)
            store_decisions([*decisions_of(master_account_id, sent, now)])
            self.links.extend((each.planned.row, each.link) for each in sent)
        store_links(master_account_id, self.links, now, self.results)
        store_taken_over(master_account_id, self.made.pendings, now)
        store_legs(self.opened, self.held, now)
        insert_outcomes(self.records + records_of(master_account_id, self.made.endings, now))
        store_waits(master_account_id, self.made.waits)
        publish(
            CHANGED,
            master_account_id=master_account_id,
            event_ids=sorted(self.events),
            subscriptions=len(self.rows),
        )


def _takes_place(link: Link, under_way: bool = False) -> bool:
    """Whether a link counts as an open position; ``under_way``: it is about to get an order."""
    return link.state is LinkState.OPEN and (link.held > 0 or bool(link.in_flight) or under_way)


def _with_stops(conclusion: Conclusion, protect: OrderResult) -> Conclusion:
    # The volume was copied; that its stops could not be made exact must not go unsaid.
    if protect.state is OrderState.FILLED:
        return conclusion
    said = ": ".join(part for part in (protect.code, protect.message) if part)
    message = f"stop loss and take profit were not set exactly ({said or protect.state})"
    return conclusion._replace(message=message[:300])
