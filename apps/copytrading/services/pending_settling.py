"""Taking note of copies of resting orders: that they rest, were filled, were changed or ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from apps.copytrading.domain.adoption import empty_link, filled_link
from apps.copytrading.domain.conclude import conclude
from apps.copytrading.domain.events import MasterEvent, link_key
from apps.copytrading.domain.link import Link, LinkState
from apps.copytrading.domain.pending import Pending, PendingState, Told, newly_filled, told
from apps.copytrading.domain.plan import PendingChange
from apps.copytrading.domain.rows import Row
from apps.copytrading.services import sql
from apps.copytrading.services.events import master_event
from apps.copytrading.services.links import add_results, store_legs, store_links
from apps.copytrading.services.load import Master, load_rows
from apps.copytrading.services.outcomes import Record, insert_outcomes, record_of_order
from apps.copytrading.services.pending_book import CAUSE, before_of
from apps.copytrading.services.pending_planning import tell
from apps.copytrading.services.pending_store import (
    note_links,
    pendings_of_client_ids,
    store_pendings,
)
from apps.copytrading.services.settling_load import Stored, decisions_of_orders
from apps.execution import api as execution
from apps.execution.selectors import OrderResult, events_by_id
from apps.trading.orders import FINAL_STATES, Leg, OrderState
from apps.trading.quantity import ZERO

_LINK_IDS = """
    SELECT l.subscription_id, l.position_key, l.id FROM copytrading_tradelink l
    JOIN unnest(%s::bigint[], %s::text[]) AS w (s, k)
        ON l.subscription_id = w.s AND l.position_key = w.k
    WHERE l.state = 'open'
"""

_LONGEST_PAUSE = timedelta(minutes=1)


def is_of_pending(result: OrderResult) -> bool:
    """Whether an order is about a resting order rather than a position."""
    return result.cause.startswith(CAUSE)


def settle_orders(master: Master, results: Sequence[OrderResult]) -> None:
    """Settle orders that rest or have ended, in the running transaction."""
    now = timezone.now()
    found = pendings_of_client_ids(
        master.account_id, [result.client_order_id for result in results]
    )
    if found:
        _Settlement(master, found, now).run(results)
    execution.mark_settled([r.id for r in results if r.state in FINAL_STATES], now)
    resting = {r.id: r.filled_units for r in results if r.state not in FINAL_STATES}
    execution.mark_rest_settled(resting, now)


@dataclass(slots=True)
class _Place:
    """One pending link with its subscription, as it changes."""

    row: Row
    pending: Pending


@dataclass(slots=True)
class _Settlement:
    """One settling; collects what is written at its end."""

    master: Master
    found: Sequence[tuple[int, Pending]]
    now: datetime
    places: dict[str, _Place] = field(default_factory=dict)
    decisions: dict[str, Stored] = field(default_factory=dict)
    events: dict[int, MasterEvent] = field(default_factory=dict)
    links: dict[tuple[int, str], tuple[Row, Link]] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    legs: list[tuple[tuple[int, str], dict[str, Any]]] = field(default_factory=list)
    money: list[tuple[tuple[int, str], Decimal]] = field(default_factory=list)

    def run(self, results: Sequence[OrderResult]) -> None:
        self._load([result.client_order_id for result in results])
        for result in results:
            place = self.places.get(result.client_order_id)
            if place is not None:
                self._settle(place, result)
        self._write()

    def _load(self, ids: Sequence[str]) -> None:
        keys = {link_key(p.order_key) for _, p in self.found}
        keys |= {p.position_key for _, p in self.found if p.position_key}
        subscriptions = sorted({subscription for subscription, _ in self.found})
        rows = load_rows(self.master, sorted(keys), self.now, subscriptions)
        by_id = {row.subscription_id: row for row in rows}
        for subscription_id, pending in self.found:
            place = _Place(by_id[subscription_id], pending)
            for cid in (pending.client_order_id, pending.in_flight):
                if cid:
                    self.places[cid] = place
        self.decisions = decisions_of_orders(ids)
        journaled = events_by_id(sorted({d.event_id for d in self.decisions.values()}))
        offset = self.master.clock_offset_ms
        self.events = {pk: master_event(event, offset) for pk, event in journaled.items()}

    def _settle(self, place: _Place, result: OrderResult) -> None:
        before = place.pending
        if result.client_order_id == before.client_order_id:
            self._news(place, result)
        elif result.leg is Leg.PROTECT:
            self._amended(place, result)
        else:
            place.pending = before._replace(in_flight="")
            if before.live:
                place.pending = place.pending._replace(cancel_cause=_again(before.cancel_cause))

    def _news(self, place: _Place, result: OrderResult) -> None:
        """The placement rests, was filled in part, or has ended."""
        before, ended = place.pending, result.state in FINAL_STATES
        news = Told(
            result.platform_order_id,
            result.filled_units,
            result.average_price,
            result.position_id,
            result.state if ended else None,
        )
        place.pending = told(before, news)
        if before.in_flight == before.client_order_id:
            rested = result.rested_at is not None or result.filled_units > 0
            self._conclude(place, result, as_wanted=rested)
        units, price = newly_filled(before, place.pending)
        self._hold(place, before, units, price, result, ended=ended)

    def _hold(
        self,
        place: _Place,
        before: Pending,
        units: Decimal,
        price: Decimal | None,
        result: OrderResult,
        *,
        ended: bool,
    ) -> None:
        row = place.row
        key = link_key(before.order_key)
        if before.position_key and before.state is not PendingState.UNWANTED:
            key = before.position_key
        link = row.links.get(key)
        if link is not None and link.state is not LinkState.OPEN:
            link = None
        known = place.pending._replace(state=before.state) if before.live else place.pending
        changed = filled_link(known, link, units, ended=ended)
        if changed is None:
            return
        where = (row.subscription_id, key)
        self.links[where] = (row, changed)
        links = row.links
        assert isinstance(links, dict)
        links[key] = changed
        if units > 0:
            leg = {"account_id": row.account_id, "position_id": changed.position_id}
            self.legs.append((where, leg | {"change": units, "price": price or ZERO}))
        if ended and result.filled_units > 0:
            self.money.append((where, result.profit + result.commission + result.swap))

    def _amended(self, place: _Place, result: OrderResult) -> None:
        pending = place.pending._replace(in_flight="")
        stored = self.decisions.get(result.client_order_id)
        if result.state is not OrderState.FILLED and stored is not None:
            pending = pending._replace(terms=before_of(stored.numbers) or pending.terms)
        place.pending = pending
        self._conclude(place, result)

    def _conclude(self, place: _Place, result: OrderResult, *, as_wanted: bool = False) -> None:
        """The outcome of a placement (``as_wanted`` once it rests) or of an amendment."""
        stored = self.decisions.get(result.client_order_id)
        if stored is None:
            return
        conclusion = conclude(
            leg=result.leg,
            state=OrderState.FILLED if as_wanted else result.state,
            code=result.code,
            message=result.message,
            units=result.units,
            filled=result.units if as_wanted else result.filled_units,
            numbers=stored.numbers,
        )
        numbers = {key: value for key, value in stored.numbers.items() if key != "before"}
        self.records.append(
            record_of_order(
                self.master.account_id,
                self.events[stored.event_id],
                result,
                empty_link(place.pending),
                subscription_id=place.row.subscription_id,
                conclusion=conclusion,
                numbers=numbers,
                decided_at=stored.decided_at,
                quote_to_account=None,
                now=self.now,
            )
        )

    def _write(self) -> None:
        now, master_account_id = self.now, self.master.account_id
        places = {place.pending.pending_id: place for place in self.places.values()}
        changes = [PendingChange(place.row, place.pending) for place in places.values()]
        store_links(master_account_id, list(self.links.values()), now)
        store_pendings(master_account_id, changes, now)
        ids = _link_ids(self.links) if self.legs or self.money else {}
        store_legs(
            [leg | {"link_id": ids[where]} for where, leg in self.legs if where in ids], (), now
        )
        results: dict[int, Decimal] = {}
        for where, amount in self.money:
            if where in ids:
                results[ids[where]] = results.get(ids[where], ZERO) + amount
        add_results(results)
        if self.links:
            note_links(list(places))
        _pause(
            [
                p.pending
                for p in places.values()
                if p.pending.live and p.pending.cancel_cause and not p.pending.in_flight
            ],
            now,
        )
        insert_outcomes(self.records)
        tell(master_account_id, sorted(self.events), len(places))


def _link_ids(where: Iterable[tuple[int, str]]) -> dict[tuple[int, str], int]:
    places = list(where)
    found = sql.rows(_LINK_IDS, [[place[0] for place in places], [place[1] for place in places]])
    return {(row[0], row[1]): row[2] for row in found}


def _again(cause: str) -> str:
    """The cause of the next attempt to cancel."""
    base, _, number = cause.partition("#")
    return f"{base}#{int(number or 1) + 1}"


def _pause(pendings: Sequence[Pending], now: datetime) -> None:
    """A cancel that did not end its order is tried again, after growing pauses."""
    again = {
        p.pending_id: now + min(_LONGEST_PAUSE, timedelta(seconds=2 ** min(int(attempt), 6)))
        for p in pendings
        if (attempt := p.cancel_cause.partition("#")[2])
    }
    if again:
        sql.execute(
            "UPDATE copytrading_pendinglink p SET retry_at = x.at "
            "FROM unnest(%s::bigint[], %s::timestamptz[]) AS x (id, at) WHERE p.id = x.id",
            [list(again), list(again.values())],
        )
