"""What settling needs to know about final orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import orjson

from apps.common.database import ids_array, texts_array
from apps.copytrading.services import sql
from apps.execution.selectors import (
    JournaledEvent,
    OrderResult,
    events_by_id,
    orders_by_client_id,
)
from apps.trading.orders import Leg


class Place(NamedTuple):
    """Where a link stands."""

    subscription_id: int
    position_key: str


class Stored(NamedTuple):
    """A decision as it was committed."""

    event_id: int
    subscription_id: int
    leg: Leg
    client_order_id: str
    numbers: dict[str, Any]
    decided_at: datetime
    text: str


@dataclass(slots=True)
class Known:
    """Links by the order in flight, decisions by order, what waits, and positions' stops.

    ``unlinked`` are orders of planned events or of no event whose link waits for another
    order or for none; there is nothing left to do for them.
    """

    links: dict[str, Place] = field(default_factory=dict)
    decisions: dict[str, Stored] = field(default_factory=dict)
    unlinked: set[str] = field(default_factory=set)
    waiting: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    journaled: dict[int, JournaledEvent] = field(default_factory=dict)
    positions: dict[tuple[int, str], tuple[Decimal | None, Decimal | None]] = field(
        default_factory=dict
    )
    siblings: dict[tuple[int, int], list[Stored]] = field(default_factory=dict)
    sibling_orders: dict[str, OrderResult] = field(default_factory=dict)

    def lead(self, stored: Stored, result: OrderResult) -> tuple[Stored, OrderResult]:
        """Of several orders of one event the one whose numbers tell the story: open, close."""
        siblings = self.siblings.get((stored.event_id, stored.subscription_id), [])
        for sibling in sorted(siblings, key=lambda s: _LEAD.index(s.leg)):
            if sibling.client_order_id == result.client_order_id:
                return stored, result
            order = self.sibling_orders.get(sibling.client_order_id)
            if order is not None:
                return sibling, order
        return stored, result


_LEGS = {leg.value: leg for leg in Leg}
_LEAD = [Leg.OPEN, Leg.CLOSE, Leg.PROTECT, Leg.CANCEL]
_DECISION = (
    "SELECT event_id, subscription_id, leg, client_order_id, numbers, decided_at "
    "FROM copytrading_decision "
)


def load_known(results: Sequence[OrderResult]) -> Known:
    """Read what belongs to these orders, a handful of queries whatever their number."""
    known = Known()
    ids = [result.client_order_id for result in results]
    found = sql.binary_rows(
        "SELECT in_flight, subscription_id, position_key FROM copytrading_tradelink "
        "WHERE in_flight = ANY(%s)",
        [texts_array(ids)],
    )
    known.links = {row[0]: Place(row[1], row[2]) for row in found}
    known.decisions = decisions_of_orders(ids)
    _load_waiting(known)
    event_ids = {decision.event_id for decision in known.decisions.values()}
    event_ids.update(pk for waiting in known.waiting.values() for pk in waiting)
    known.journaled = events_by_id(sorted(event_ids))
    _load_positions(known, results)
    _load_siblings(known)
    _find_unlinked(known, results)
    return known


def decisions_of_orders(client_order_ids: Sequence[str]) -> dict[str, Stored]:
    """The decisions behind these orders; one without a decision is left out."""
    of_orders = "WHERE client_order_id = ANY(%s)"
    found = sql.binary_rows(_DECISION + of_orders, [texts_array(client_order_ids)])
    return {row[3]: _stored(row) for row in found}


def _stored(row: tuple[Any, ...]) -> Stored:
    return Stored(row[0], row[1], _LEGS[row[2]], row[3], orjson.loads(row[4]), row[5], row[4])


def _load_waiting(known: Known) -> None:
    places = list(known.links.values())
    found = sql.binary_rows(
        "SELECT w.subscription_id, w.position_key, w.event_id FROM copytrading_waitingevent w "
        "JOIN unnest(%s::bigint[], %s::text[]) AS p (subscription_id, position_key) "
        "USING (subscription_id, position_key) ORDER BY w.event_id",
        [
            ids_array(place.subscription_id for place in places),
            texts_array(place.position_key for place in places),
        ],
    )
    for subscription_id, position_key, event_id in found:
        known.waiting.setdefault((subscription_id, position_key), []).append(event_id)


def _load_positions(known: Known, results: Sequence[OrderResult]) -> None:
    # Only an open with stops is compared with what the platform made of them.
    wanted = [r for r in results if r.leg is Leg.OPEN and r.filled_units and r.position_id]
    found = sql.binary_rows(
        "SELECT p.account_id, p.position_id, p.stop_loss, p.take_profit FROM execution_position p "
        "JOIN unnest(%s::bigint[], %s::text[]) AS w (account_id, position_id) "
        "USING (account_id, position_id) WHERE p.closed_at IS NULL",
        [ids_array(r.account_id for r in wanted), texts_array(r.position_id for r in wanted)],
    )
    known.positions = {(row[0], row[1]): (row[2], row[3]) for row in found}


def _load_siblings(known: Known) -> None:
    # Exact stops follow an open, and a reversal opens after its close.
    wanted = {
        (d.event_id, d.subscription_id)
        for d in known.decisions.values()
        if d.leg is not Leg.CLOSE and d.event_id in known.journaled
    }
    if not wanted:
        return
    found = sql.binary_rows(
        "SELECT client_order_id FROM copytrading_decision WHERE (event_id, subscription_id) IN "
        "(SELECT * FROM unnest(%s::bigint[], %s::bigint[]))",
        [ids_array(pair[0] for pair in wanted), ids_array(pair[1] for pair in wanted)],
    )
    unknown = [row[0] for row in found if row[0] not in known.decisions]
    others = decisions_of_orders(unknown) if unknown else {}
    for stored in (*known.decisions.values(), *others.values()):
        pair = (stored.event_id, stored.subscription_id)
        if pair in wanted:
            known.siblings.setdefault(pair, []).append(stored)
    ended = [
        stored.client_order_id
        for siblings in known.siblings.values()
        for stored in siblings
        if stored.client_order_id not in known.links
    ]
    if ended:
        known.sibling_orders = orders_by_client_id(ended)


def _find_unlinked(known: Known, results: Sequence[OrderResult]) -> None:
    loose = {r.client_order_id: r.cause for r in results if r.client_order_id not in known.links}
    if not loose:
        return
    # The decision is stored with the link; until then the order itself says what it is for.
    event_of = {
        cid: int(cause.removeprefix("event:"))
        for cid, cause in loose.items()
        if cause.startswith("event:")
    }
    unplanned = {
        row[0]
        for row in sql.binary_rows(
            "SELECT id FROM execution_accountevent WHERE id = ANY(%s) AND planned_at IS NULL",
            [sorted(set(event_of.values()))],
        )
    }
    known.unlinked = {cid for cid in loose if event_of.get(cid) not in unplanned}
