"""The orders that would end differences, worked out from what is there now. Nothing is sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from apps.copytrading.domain.codes import Code
from apps.copytrading.domain.drift import Comparison, Difference, DriftKind, Remedy, remedy
from apps.copytrading.domain.events import EventKind, MasterEvent
from apps.copytrading.domain.link import Link, LinkState
from apps.copytrading.domain.opening import margin_refusal, market_refusal, refusal
from apps.copytrading.domain.rows import Market, Row
from apps.copytrading.models import Drift, TradeLink
from apps.copytrading.services import sql
from apps.copytrading.services.events import master_event
from apps.copytrading.services.load import load_master, load_rows
from apps.copytrading.services.market import load_market
from apps.copytrading.services.reconcile import (
    Standing,
    compare_accounts,
    last_repairs,
    standing_on,
)
from apps.execution.selectors import OrderResult, PositionRow, events_by_id, open_positions
from apps.trading.errors import NoConversionRate
from apps.trading.orders import FINAL_STATES, Leg, Side

_CENT = Decimal("0.01")


class Place(NamedTuple):
    """The account of a difference."""

    account_id: int
    connection_id: int
    platform_account: str
    login: str
    currency: str
    owner_id: int | None


@dataclass(frozen=True, slots=True)
class Repair:
    """The order against one difference: at market, or the cancel of one that rests.

    ``estimate`` is in the account's currency at the quotes of this moment: what a close would
    realise, or what an open would cost in spread (negative); None where no price is known.
    ``link`` and ``row`` are there for opens: the link as it is before the order.
    """

    drift: Drift
    place: Place
    order: Remedy
    estimate: Decimal | None
    attempt: int
    link: Link | None = None
    row: Row | None = None
    reference_price: Decimal | None = None

    @property
    def cause(self) -> str:
        """Why the order is sent; once for each attempt."""
        return f"repair:{self.drift.pk}:{self.attempt}"

    @property
    def closes(self) -> bool:
        return self.order.leg is Leg.CLOSE

    @property
    def cancels(self) -> bool:
        return self.order.leg is Leg.CANCEL


@dataclass(frozen=True, slots=True)
class NotNow:
    """Why a difference cannot be repaired at this moment; ``lasting``: not before it changes."""

    drift: Drift
    place: Place
    reason: str
    lasting: bool = False


def places_of(account_ids: Iterable[int]) -> dict[int, Place]:
    """The accounts by their id."""
    found = sql.rows(
        "SELECT id, connection_id, platform_account_id, login, currency, owner_id "
        "FROM platforms_tradingaccount WHERE id = ANY(%s)",
        [sorted(set(account_ids))],
    )
    return {row[0]: Place(*row) for row in found}


def work_out(drifts: Sequence[Drift], now: datetime) -> list[Repair | NotNow]:
    """What would be sent against each of these differences, in their order."""
    return _WorkingOut(drifts, now).result()


class _WorkingOut:
    """Reads everything once, then decides one by one."""

    def __init__(self, drifts: Sequence[Drift], now: datetime) -> None:
        self._drifts = drifts
        self._now = now
        accounts = {drift.account_id for drift in drifts}
        self._places = places_of(accounts)
        self._compared = compare_accounts(accounts, now)
        self._standing = {s.id: s for s in standing_on(accounts)}
        self._repairs = last_repairs(self._standing.values())
        self._positions: Mapping[int, list[PositionRow]] = open_positions(accounts)
        self._openings = _Openings([d for d in drifts if d.kind in _OPENED], now)

    def result(self) -> list[Repair | NotNow]:
        return [self._one(drift) for drift in self._drifts]

    def _one(self, drift: Drift) -> Repair | NotNow:
        place = self._places[drift.account_id]
        standing = self._standing.get(drift.pk)
        if standing is None:
            return NotNow(drift, place, "It has been resolved meanwhile.")
        last = self._repairs.get(standing.repair_cause)
        if standing.repair_cause and (last is None or last.state not in FINAL_STATES):
            return NotNow(drift, place, "A repair is under way.")
        compared = self._compared.get(drift.account_id)
        if compared is None:
            return NotNow(drift, place, "The account is not connected; its positions may be old.")
        found = self._found(drift, standing, compared, last)
        if isinstance(found, str):
            return NotNow(drift, place, found)
        order = remedy(found)
        if order is None:
            return NotNow(drift, place, "It is sent as soon as what holds it back is lifted.")
        attempt = int(standing.repair_cause.rpartition(":")[2] or 0) + 1
        if order.leg is Leg.CLOSE:
            return Repair(drift, place, order, self._realised(place, order), attempt)
        if order.leg is Leg.CANCEL:
            return Repair(drift, place, order, None, attempt)
        return self._opened(drift, place, found, order, attempt)

    def _found(
        self, drift: Drift, standing: Standing, compared: Comparison, last: OrderResult | None
    ) -> Difference | str:
        """The difference as it is now, or why there is none to repair."""
        for one in compared.found:
            if (one.kind, one.key) == (drift.kind, drift.key):
                return one
        if standing.position_id in compared.undecided or standing.link_id in (
            compared.undecided_links
        ):
            return "An order for this position is under way. Look again in a few seconds."
        held = self._openings.held(standing.link_id)
        if last is None or drift.kind not in _OPENED or held is None:
            return "It is not there any more."
        # The link was cut down to what is there when its repair was refused.
        kind = DriftKind.UNDERSIZED if held > 0 else DriftKind.MISSING
        return Difference(
            kind, drift.key, standing.link_id, drift.subscription_id, drift.position_id,
            drift.instrument_id, Side(drift.side), drift.expected_units, held,
        )  # fmt: skip

    def _realised(self, place: Place, order: Remedy) -> Decimal | None:
        for position in self._positions.get(place.account_id, ()):
            if position.position_id == order.position_id and position.units > 0:
                part = min(Decimal(1), order.units / position.units)
                return (position.open_result * part).quantize(_CENT)
        return None

    def _opened(
        self, drift: Drift, place: Place, found: Difference, order: Remedy, attempt: int
    ) -> Repair | NotNow:
        opening = self._openings.opening(drift, order)
        if isinstance(opening, str):
            return NotNow(drift, place, opening, lasting=True)
        row, link, estimate, price = opening
        link = link._replace(
            held=found.actual,
            target=max(link.target, found.expected),
            position_id=order.position_id,
            state=LinkState.OPEN,
        )
        return Repair(drift, place, order, estimate, attempt, link, row, price)


_OPENED = (Drift.Kind.MISSING, Drift.Kind.UNDERSIZED)
Opening = tuple[Row, Link, Decimal | None, Decimal | None]


class _Openings:
    """What opening again needs: links, subscriptions, the master's positions, the market."""

    def __init__(self, drifts: Sequence[Drift], now: datetime) -> None:
        ids = [drift.link_id for drift in drifts if drift.link_id is not None]
        self._now = now
        self._links = {link.pk: link for link in TradeLink.objects.filter(pk__in=ids)}
        self._rows: dict[int, Row] = {}
        self._events: dict[int, MasterEvent] = {}
        self._markets: dict[int, Market] = {}
        self._mastered: dict[int, set[str]] = {}
        by_master: dict[int, list[TradeLink]] = defaultdict(list)
        for link in self._links.values():
            by_master[link.master_account_id].append(link)
        for master_account_id, links in by_master.items():
            self._load(master_account_id, links)

    def _load(self, master_account_id: int, links: Sequence[TradeLink]) -> None:
        master = load_master(master_account_id, self._now)
        if master is None:
            return
        keys = sorted({link.position_key for link in links})
        ids = sorted({link.subscription_id for link in links})
        rows = load_rows(master, keys, self._now, ids)
        journaled = events_by_id([link.opened_event_id for link in links])
        events = {pk: master_event(one, master.clock_offset_ms) for pk, one in journaled.items()}
        # As a position that is taken over: at the current price, however old its opening is.
        self._events |= {pk: replace(e, kind=EventKind.EXISTING) for pk, e in events.items()}
        self._rows |= {row.subscription_id: row for row in rows}
        self._markets[master_account_id] = load_market(master, events.values(), rows, self._now)
        held = open_positions([master_account_id]).get(master_account_id, [])
        self._mastered[master_account_id] = {position.position_id for position in held}

    def held(self, link_id: int | None) -> Decimal | None:
        """What a link holds by its own record; None for one that is not known."""
        link = self._links.get(link_id or 0)
        return None if link is None else link.held_units

    def opening(self, drift: Drift, order: Remedy) -> Opening | str:
        """Subscription, link, cost and price of opening again; a sentence where it must not be."""
        stored = self._links.get(drift.link_id or 0)
        row = self._rows.get(drift.subscription_id or 0)
        event = self._events.get(stored.opened_event_id) if stored else None
        if stored is None or row is None or event is None:
            return "The copy has ended; what is missing can only be accepted."
        if stored.close_cause:
            return "The copied position is being closed."
        if stored.position_key not in self._mastered.get(stored.master_account_id, ()):
            return "The master no longer holds this position; what is missing can be accepted."
        market = self._markets[stored.master_account_id]
        found = self._refused(row, event, market, order, stored)
        if found is not None:
            return f"It is not opened again: {found.label}."
        quote = market.quotes.get((row.connection_id, stored.instrument_id))
        price = quote.against(order.side) if quote else None
        if price is None and (stored.stop_loss or stored.take_profit):
            return "No price is known now from which its stop loss could be set."
        spread = (quote.bid - quote.ask) * order.units if quote else None
        return row, _link_of(stored), self._converted(row, market, event, spread), price

    def _refused(
        self, row: Row, event: MasterEvent, market: Market, order: Remedy, stored: TradeLink
    ) -> Code | None:
        if (found := refusal(row, event, market)) is not None:
            return found.code
        symbol = market.symbol(row, event.instrument_id)
        if symbol is None or symbol.instrument_id != stored.instrument_id:
            return Code.NOT_MAPPED
        holders = market.in_use.get((row.account_id, symbol.instrument_id), ())
        if row.netting and any(holder not in (row.subscription_id, 0) for holder, _ in holders):
            return Code.SYMBOL_IN_USE
        found = market_refusal(row, event, market, symbol, order.side)
        found = found or margin_refusal(row, market, symbol, order.units)
        return found.code if found is not None else None

    def _converted(
        self, row: Row, market: Market, event: MasterEvent, amount: Decimal | None
    ) -> Decimal | None:
        symbol = market.symbol(row, event.instrument_id)
        if amount is None or symbol is None:
            return None
        try:
            return (amount * market.rates.rate(symbol.quote, row.funds.currency)).quantize(_CENT)
        except NoConversionRate:
            return None


def _link_of(stored: TradeLink) -> Link:
    return Link(
        stored.pk, stored.position_key, Side(stored.side), stored.symbol, stored.instrument_id,
        stored.ratio, stored.grows, stored.master_units, stored.target_units, stored.held_units,
        stored.stop_loss, stored.take_profit, stored.master_price, stored.position_id, None, None,
        stored.in_flight, stored.close_cause, stored.opened_event_id, stored.last_event_id,
        LinkState(stored.state),
    )  # fmt: skip
