"""Planning: events of one master and the rows of its subscriptions become a plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from apps.copytrading.domain.adoption import follow
from apps.copytrading.domain.closings import Closings
from apps.copytrading.domain.codes import Code, OutcomeState
from apps.copytrading.domain.events import EventKind, MasterEvent
from apps.copytrading.domain.link import Link, finished
from apps.copytrading.domain.openings import Openings
from apps.copytrading.domain.pending import Pending
from apps.copytrading.domain.rows import Decided, Market, Row
from apps.copytrading.domain.steps import Ending, Order, Step


class Planned(NamedTuple):
    """An order with its subscription and the link as it is while the order is in flight."""

    row: Row
    order: Order
    link: Link


class Ended(NamedTuple):
    row: Row
    ending: Ending


class Changed(NamedTuple):
    """A link's new form. ``in_flight`` names the leg and event of the order it waits for."""

    row: Row
    link: Link
    order: Order | None


class Waits(NamedTuple):
    row: Row
    event: MasterEvent


class PendingChange(NamedTuple):
    """A new form of a copy of a resting order, without an order of its own."""

    row: Row
    pending: Pending


@dataclass(slots=True)
class Plan:
    """What shall be done; nothing of it has happened yet.

    ``resumed`` are links that an interrupted run made before it could store them.
    """

    orders: list[Planned] = field(default_factory=list)
    changes: list[Changed] = field(default_factory=list)
    endings: list[Ended] = field(default_factory=list)
    waits: list[Waits] = field(default_factory=list)
    resumed: list[Changed] = field(default_factory=list)
    pendings: list[PendingChange] = field(default_factory=list)

    def waits_for(self, row: Row, link: Link, order: Order) -> None:
        """A link that waits for this order."""
        self.changes.append(Changed(row, link, order))
        self.orders.append(Planned(row, order, link))

    def add(self, row: Row, step: Step) -> None:
        """Take over what a step made of one link."""
        last = len(step.links) - 1
        for index, link in enumerate(step.links):
            order = step.order if index == last else None
            self.changes.append(Changed(row, link, order))
            if order is not None:
                self.orders.append(Planned(row, order, link))
        for ending in step.endings:
            self.endings.append(Ended(row, ending))
        for event in step.waiting:
            self.waits.append(Waits(row, event))
        for pending in step.pendings:
            self.pendings.append(PendingChange(row, pending))


Groups = Sequence[tuple[str, Sequence[MasterEvent]]]


def group(events: Sequence[MasterEvent]) -> Groups:
    """Events by position, in their order."""
    by_position: dict[str, list[MasterEvent]] = {}
    for event in events:
        by_position.setdefault(event.position_key, []).append(event)
    return list(by_position.items())


def plan(events: Sequence[MasterEvent], rows: Sequence[Row], market: Market) -> Plan:
    """Plan ``events`` of one master, in order, for each subscription; pure and repeatable.

    A subscription takes part in events after its start only. Rows do not depend on each
    other, so they may be planned in slices.
    """
    made = Plan()
    groups = group(events)
    newest_start = max((row.started_after for row in rows), default=0)
    oldest_event = min((event.id for event in events), default=0)
    for_all = newest_start < oldest_event and not any(event.only for event in events)
    plain = Openings.among(events, market) or Closings.among(events, market) if for_all else None
    for row in rows:
        if plain is not None and (found := plain.of(row)) is not None:
            made.waits_for(row, *found)
            continue
        links, decided = row.links, row.decided
        for made_before in decided.values():
            row = row.about_to_hold(made_before.link)
            if row.rules.max_positions and _begun(made_before.link):
                row = row._replace(open_links=row.open_links + 1)
        for key, mine in groups:
            if not for_all:
                mine = [event for event in mine if _concerns(event, row)]
                if not mine:
                    continue
            if decided and key in decided:
                _resume(made, row, mine, decided[key])
                continue
            step = follow(row, links.get(key), mine, market)
            made.add(row, step)
            if step.links:
                row = row.about_to_hold(step.links[-1])
            if row.rules.max_positions and step.begins:
                row = row._replace(open_links=row.open_links + 1)
    return made


def _concerns(event: MasterEvent, row: Row) -> bool:
    return event.id > row.started_after and event.only in (0, row.subscription_id)


def _begun(link: Link) -> bool:
    """Whether an interrupted run has ordered a position with it."""
    return link.held <= 0 and bool(link.in_flight)


def _resume(made: Plan, row: Row, events: Sequence[MasterEvent], decided: Decided) -> None:
    # What the interrupted run decided stands. Events before its own were folded into it,
    # newer ones find the order in flight; the newest stop change before it still counts.
    made.resumed.extend(Changed(row, link, None) for link in _as_decided(row, decided))
    before = [event for event in events if event.id < decided.event_id]
    stops = [event for event in before if event.kind is EventKind.PROTECTION]
    kept = stops[-1:] if decided.link.target > 0 else []
    for event in before:
        if event not in kept:
            superseded = Ending(event, OutcomeState.SUPERSEDED, Code.SUPERSEDED, {}, decided.link)
            made.endings.append(Ended(row, superseded))
    second = [event for event in events if _second_half(event, decided)]
    newer = [event for event in events if event.id > decided.event_id]
    made.waits.extend(Waits(row, event) for event in (*kept, *second, *newer))


def _as_decided(row: Row, decided: Decided) -> tuple[Link, ...]:
    link, stored = decided.link, row.links.get(decided.link.position_key)
    if stored is None:
        return (link,)
    if not link.link_id:  # a new link that follows on one that had come to its end
        return (finished(stored), link)
    # Somebody may have asked for a close since.
    return (link._replace(close_cause=link.close_cause or stored.close_cause),)


def _second_half(event: MasterEvent, decided: Decided) -> bool:
    # A reversal opens the other side once the old one is closed.
    return (
        event.id == decided.event_id
        and event.kind is EventKind.REVERSED
        and decided.link.target <= 0
    )
