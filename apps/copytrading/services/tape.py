"""Reading the record of a subscription as a tape that can be played again.

Which events were planned together is told by the journal (they ended planning at one moment),
what waited by the moment at which it was decided on. What was known is told by the numbers of
decisions and outcomes; where they do not say it, what was known last is taken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import orjson

from apps.copytrading.domain.codes import Code, OutcomeState
from apps.copytrading.domain.events import EventKind, MasterEvent
from apps.copytrading.domain.replay_items import (
    Answer,
    Answers,
    Begun,
    Detached,
    Ended,
    GoesOn,
    Item,
    OrderNews,
    Result,
    Run,
    Settled,
    Taken,
)
from apps.copytrading.services import sql
from apps.copytrading.services.events import master_event
from apps.copytrading.services.tape_orders import order_news
from apps.execution.selectors import (
    JournaledEvent,
    OrderResult,
    deals_of_positions,
    events_by_id,
    orders_by_client_id,
)
from apps.trading.deals import DealEffect
from apps.trading.orders import Leg, OrderState

Numbers = Mapping[str, Any]


class Written(NamedTuple):
    """An outcome as it was written; volumes in units."""

    event_id: int
    state: OutcomeState
    code: Code
    units: Decimal
    filled: Decimal
    fill_price: Decimal | None
    numbers: Numbers
    master_deal_at: datetime
    planned_at: datetime
    final_at: datetime
    position_key: str
    kind: str


class Decided(NamedTuple):
    """A decision as it was committed."""

    event_id: int
    leg: Leg
    client_order_id: str
    numbers: Numbers
    decided_at: datetime


class Own(NamedTuple):
    """A close for a cause of its own: when it was committed, and when note of its end was taken."""

    key: str
    committed_at: datetime
    settled_at: datetime
    answer: Answer


class Moment(NamedTuple):
    """A moment of deciding: when, and the outcomes and decisions that came of it."""

    at: datetime
    written: tuple[Written, ...]
    decided: tuple[Decided, ...]


@dataclass(slots=True)
class Record:
    """All that is recorded of one subscription, by event; ``left_out`` cannot be replayed."""

    subscription_id: int
    written: dict[int, Written] = field(default_factory=dict)
    events: dict[int, MasterEvent] = field(default_factory=dict)
    planned_at: dict[int, datetime] = field(default_factory=dict)
    decided: dict[int, list[Decided]] = field(default_factory=dict)
    orders: dict[str, OrderResult] = field(default_factory=dict)
    taken: list[tuple[datetime, Taken | Detached]] = field(default_factory=list)
    own: list[Own] = field(default_factory=list)
    news: list[tuple[datetime, OrderNews]] = field(default_factory=list)
    left_out: set[int] = field(default_factory=set)

    def results(self) -> dict[int, Result]:
        """What was recorded of the events that can be replayed."""
        return {
            pk: Result(pk, w.state, w.code, w.units, w.filled, w.fill_price)
            for pk, w in self.written.items()
            if pk not in self.left_out
        }

    def answers(self) -> Answers:
        """How the orders of events ended, by event and leg."""
        found = {}
        for decisions in self.decided.values():
            for made in decisions:
                order = self.orders.get(made.client_order_id)
                if order is not None:
                    rested = order.rested_at is not None
                    # Those of a resting order are its last ones; its outcome has the first.
                    units = self.written[made.event_id].units if rested else order.units
                    found[made.event_id, made.leg] = Answer(
                        order.state, order.code, order.message, units, order.filled_units,
                        order.average_price, rested=rested,
                    )  # fmt: skip
        return found

    def moment(self, event_ids: Iterable[int], at: datetime) -> Moment:
        """What came of deciding on these events at a time."""
        written, decided = [], []
        for pk in event_ids:
            decisions = self.decided.get(pk, [])
            decided += [made for made in decisions if self.decided_on(pk, made) == at]
            end = self.written[pk]
            second_half = end.kind == EventKind.REVERSED and end.final_at == at
            if second_half if decisions else end.planned_at == at:
                written.append(end)
        return Moment(at, tuple(written), tuple(decided))

    def decided_on(self, event_id: int, made: Decided) -> datetime:
        """When a decision was taken: at its event's planning, or later, when it had waited."""
        planned = self.planned_at[event_id]
        return planned if made.decided_at <= planned else made.decided_at


_OUTCOMES = """
    SELECT event_id, state, code, units, filled_units, fill_price, numbers::text, master_deal_at,
           coalesce(planned_at, final_at), final_at, position_key, event_kind
    FROM copytrading_outcome WHERE subscription_id = %s ORDER BY event_id
"""
_DECISIONS = """
    SELECT d.event_id, d.leg, d.client_order_id, d.numbers::text, d.decided_at
    FROM copytrading_decision d
    WHERE d.subscription_id = %s AND d.event_id = ANY(%s) ORDER BY d.decided_at, d.id
"""
_PLANNED = "SELECT id, planned_at FROM execution_accountevent WHERE id = ANY(%s)"
_LEGS = """
    SELECT g.account_id, g.position_id, l.position_key FROM copytrading_linkleg g
    JOIN copytrading_tradelink l ON l.id = g.link_id WHERE l.subscription_id = %s
"""
_OWN = """
    SELECT client_order_id, position_id, committed_at, settled_at, state, code, message, units,
           filled_units, average_price
    FROM execution_order
    WHERE account_id = %s AND relation = %s AND source = 'copy' AND leg = 'close'
      AND cause NOT LIKE 'event:%%' AND settled_at IS NOT NULL ORDER BY id
"""
_DETACHED = """
    SELECT e.at, e.after ->> 'position' FROM accounts_auditentry e
    JOIN copytrading_copysubscription s ON s.uuid::text = e.object_id
    WHERE s.id = %s AND e.action = 'subscription.detach_position' ORDER BY e.at
"""


def load_record(subscription_id: int) -> Record:
    """Read everything that is recorded of a subscription; a handful of queries."""
    record = Record(subscription_id)
    for row in sql.rows(_OUTCOMES, [subscription_id]):
        state: Any = OutcomeState(row[1])  # type: ignore[call-arg]
        values: list[Any] = [row[0], state, Code[row[2]], *row[3:6], orjson.loads(row[6]), *row[7:]]
        record.written[row[0]] = Written(*values)
    ids = list(record.written)
    for pk, leg, client_order_id, numbers, at in sql.rows(_DECISIONS, [subscription_id, ids]):
        made = Decided(pk, Leg(leg), client_order_id, orjson.loads(numbers), at)
        record.decided.setdefault(pk, []).append(made)
    record.planned_at = dict(sql.rows(_PLANNED, [ids]))
    journaled = events_by_id(ids)
    for pk, written in record.written.items():
        _read_event(record, written, journaled.get(pk))
    made_by_us = [d.client_order_id for found in record.decided.values() for d in found]
    record.orders = orders_by_client_id(made_by_us)
    _read_taken(record)
    record.news = order_news(subscription_id)
    return record


def _read_event(record: Record, written: Written, journaled: JournaledEvent | None) -> None:
    pk = written.event_id
    if journaled is None:
        record.left_out.add(pk)
        return
    event = replace(master_event(journaled, 0), happened_at=written.master_deal_at)
    if event.kind is EventKind.EXISTING and "master_units_after" in written.numbers:
        # What the master held when it was taken over, not when it was told.
        event = replace(event, units_after=Decimal(str(written.numbers["master_units_after"])))
    record.events[pk] = event


def _read_taken(record: Record) -> None:
    """Reductions of copied positions that no event had asked for: by others, and our own."""
    keys = {(row[0], row[1]): row[2] for row in sql.rows(_LEGS, [record.subscription_id])}
    if not keys:
        return
    accounts = sorted({place[0] for place in keys})
    ours = {made.client_order_id for found in record.decided.values() for made in found}
    for row in sql.rows(_OWN, [accounts[0], f"sub:{record.subscription_id}"]):
        ours.add(row[0])
        key = keys.get((accounts[0], row[1]))
        if key is not None:
            answer = Answer(OrderState(row[4]), *row[5:])
            record.own.append(Own(key, row[2], row[3], answer))
    for deal in deals_of_positions(accounts, sorted({place[1] for place in keys})):
        key = keys.get((deal.account_id, deal.position_id))
        if key and deal.effect is not DealEffect.OPEN and deal.client_order_id not in ours:
            record.taken.append((deal.received_at, Taken(key, deal.units)))
    for at, position_id in sql.rows(_DETACHED, [record.subscription_id]):
        record.taken.append((at, Detached(keys[accounts[0], position_id])))


class Cut(NamedTuple):
    """A piece of the tape before it is known what was known: its time, and its item's parts."""

    at: datetime
    order: int
    key: str
    events: tuple[MasterEvent, ...]
    settles: tuple[int, Leg] | None
    apart: Taken | Detached | Begun | Answer | OrderNews | None
    moment: Moment


def cuts(record: Record) -> list[Cut]:
    """The pieces of the tape in the order in which they happened."""
    found: list[Cut] = []
    runs: dict[tuple[datetime, str], list[MasterEvent]] = defaultdict(list)
    for pk, event in record.events.items():
        runs[record.planned_at[pk], event.position_key].append(event)
    by_key: dict[str, list[int]] = defaultdict(list)
    for pk, event in record.events.items():
        by_key[event.position_key].append(pk)
    for (at, key), events in runs.items():
        moment = record.moment([event.id for event in events], at)
        found.append(Cut(at, 1, key, tuple(events), None, None, moment))
    for pk in record.events:
        found += _settlings(record, pk, by_key)
    for at, taken in record.taken:
        found.append(Cut(at, 2, taken.key, (), None, taken, Moment(at, (), ())))
    for own in record.own:
        begun, at = Begun(own.key, own.answer.units), own.committed_at
        found.append(Cut(at, 3, own.key, (), None, begun, Moment(at, (), ())))
        moment = _waited_until(record, by_key[own.key], own.settled_at)
        found.append(Cut(own.settled_at, 0, own.key, (), None, own.answer, moment))
    for at, news in record.news:
        found.append(Cut(at, 0, news.key, (), None, news, Moment(at, (), ())))
    found += _resumptions(record, by_key, {(cut.key, cut.at) for cut in found})
    return sorted(found, key=lambda cut: (cut.at, cut.order))


def _resumptions(
    record: Record, by_key: Mapping[str, Sequence[int]], known: set[tuple[str, datetime]]
) -> Iterable[Cut]:
    """When what had waited for a resting order was decided on: at moments of its own."""
    for key, ids in by_key.items():
        times = {at for pk in ids for at in _times(record, pk)}
        for at in sorted(times):
            if (key, at) not in known:
                yield Cut(at, 1, key, (), None, None, _waited_until(record, ids, at))


def _times(record: Record, pk: int) -> Iterable[datetime]:
    decisions = record.decided.get(pk, [])
    if decisions:
        return [record.decided_on(pk, made) for made in decisions]
    return [record.written[pk].planned_at]


def _settlings(record: Record, pk: int, by_key: Mapping[str, Sequence[int]]) -> Iterable[Cut]:
    """When the orders of an event ended: with the next one of it, the last with its outcome."""
    decisions = record.decided.get(pk)
    if not decisions:
        return
    ends = [made.decided_at for made in decisions[1:]] + [record.written[pk].final_at]
    key = record.events[pk].position_key
    for made, at in zip(decisions, ends, strict=True):
        moment = _waited_until(record, by_key[key], at)
        yield Cut(at, 0, key, (), (pk, made.leg), None, moment)


def _waited_until(record: Record, event_ids: Sequence[int], at: datetime) -> Moment:
    """What came of the events of a position that were decided on when an order ended."""
    return record.moment([pk for pk in event_ids if _decided_at(record, pk, at)], at)


def _decided_at(record: Record, pk: int, at: datetime) -> bool:
    decisions = record.decided.get(pk, [])
    if decisions:
        return any(made.decided_at == at for made in decisions)
    return record.written[pk].planned_at == at


def tape_of(found: Iterable[Cut], given: Any) -> list[Item]:
    """The tape; ``given`` makes what was known of a piece."""
    items: list[Item] = []
    for cut in found:
        if isinstance(cut.apart, Answer):
            items.append(Ended(cut.key, cut.apart, given(cut)))
        elif cut.apart is not None:
            items.append(cut.apart)
        elif cut.settles is not None:
            items.append(Settled(cut.key, *cut.settles, given(cut)))
        elif not cut.events:
            items.append(GoesOn(cut.key, given(cut)))
        else:
            items.append(Run(cut.key, cut.events, given(cut)))
    return items
