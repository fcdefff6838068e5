"""Everything that is recorded of a subscription, read with a handful of queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    OrderNews,
    Reopened,
    Result,
    Taken,
)
from apps.copytrading.models import LinkCorrection
from apps.copytrading.services import sql
from apps.copytrading.services.events import master_event
from apps.copytrading.services.tape_orders import order_news
from apps.execution.selectors import (
    JournaledEvent,
    OrderResult,
    events_by_id,
    orders_by_client_id,
)
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
    """An order for a cause of its own: when it was committed, and when its end was noted."""

    begun: Begun | Reopened
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
                    said: Written | OrderResult = order
                    filled = order.filled_units
                    if rested:
                        said = self.written[made.event_id]
                        filled = said.filled
                    found[made.event_id, made.leg] = Answer(
                        order.state, order.code, order.message, said.units, filled,
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
_CORRECTIONS = """
    SELECT c.kind, c.at, l.position_key, c.held_before, c.held_after, o.settled_at, o.state,
           o.code, o.message, o.units, o.filled_units, o.average_price
    FROM copytrading_tradelink l
    JOIN copytrading_linkcorrection c ON c.link_id = l.id
    LEFT JOIN execution_order o ON o.client_order_id = c.client_order_id
        AND c.client_order_id <> ''
    WHERE l.subscription_id = %s ORDER BY c.id
"""
# What a repair closes belongs to no copy.
_OWN = """
    SELECT client_order_id, position_id, cause, committed_at, settled_at, state, code, message,
           units, filled_units, average_price
    FROM execution_order
    WHERE account_id = %s AND relation = %s AND source = 'copy' AND leg = 'close'
      AND cause NOT LIKE 'event:%%' AND cause NOT LIKE 'repair:%%' AND settled_at IS NOT NULL
    ORDER BY id
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
    """What changed links that no event had asked for: what others took, and our own orders."""
    for kind, at, key, before, after, settled_at, state, *rest in sql.rows(
        _CORRECTIONS, [record.subscription_id]
    ):
        if kind == LinkCorrection.Kind.TAKEN:
            record.taken.append((at, Taken(key, before, after)))
        elif settled_at is not None:
            answer = Answer(OrderState(state), *rest)
            begun = Reopened(key, before, after, answer.units)
            record.own.append(Own(begun, at, settled_at, answer))
    _read_positions(record)


def _read_positions(record: Record) -> None:
    """What is told by the copied position: its closes for causes of their own, its detaching."""
    keys = {(row[0], row[1]): row[2] for row in sql.rows(_LEGS, [record.subscription_id])}
    if not keys:
        return
    account_id = min(place[0] for place in keys)
    for row in sql.rows(_OWN, [account_id, f"sub:{record.subscription_id}"]):
        key = keys.get((account_id, row[1]))
        if key is not None:
            answer = Answer(OrderState(row[5]), *row[6:])
            record.own.append(Own(Begun(key, answer.units, row[2]), row[3], row[4], answer))
    for at, position_id in sql.rows(_DETACHED, [record.subscription_id]):
        record.taken.append((at, Detached(keys[account_id, position_id])))
