"""The events that were copied last, and how long their hops took."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.core.cache import cache

from apps.common.database import prepared_rows
from apps.copytrading.rows import LatencyFigures, LiveEvent, Quantiles
from apps.copytrading.services import sql
from apps.copytrading.services.events import master_event
from apps.execution.selectors import JournaledEvent, events_by_id

# Of an event whose outcomes are as many as are known already, nothing is summed up again.
_LIVE = """
    WITH e AS (
        SELECT e.id, e.account_id, e.received_at
        FROM execution_accountevent e
        JOIN copytrading_copymaster m ON m.account_id = e.account_id
        WHERE {which}
        ORDER BY e.id DESC LIMIT %(limit)s)
    SELECT e.id, m.uuid, m.strategy_name, coalesce(y.digits, 5), coalesce(y.lot_units, 1),
           (SELECT count(*) FROM copytrading_waitingevent w WHERE w.event_id = e.id)
           + (SELECT count(DISTINCT d.subscription_id) FROM copytrading_decision d
              WHERE d.event_id = e.id AND NOT EXISTS (
                  SELECT 1 FROM copytrading_outcome x
                  WHERE x.event_id = d.event_id AND x.subscription_id = d.subscription_id)),
           n.size, coalesce(o.counts, '{{}}')::text, o.planned, o.sent, o.filled
    FROM e
    JOIN execution_accountevent j ON j.id = e.id
    JOIN copytrading_copymaster m ON m.account_id = e.account_id
    LEFT JOIN platforms_symbol y ON y.connection_id = j.connection_id
         AND y.instrument_id = j.payload ->> 'instrument_id'
    LEFT JOIN unnest(%(known)s::bigint[], %(sizes)s::bigint[]) AS k (event_id, size)
         ON k.event_id = e.id
    CROSS JOIN LATERAL (
        SELECT count(*) AS size FROM copytrading_outcome WHERE event_id = e.id) n
    LEFT JOIN LATERAL (
        SELECT jsonb_object_agg(state, n) AS counts, max(planned) AS planned,
               max(sent) AS sent, max(filled) AS filled
        FROM (SELECT state, count(*) AS n, max(planned_at) AS planned, max(sent_at) AS sent,
                     max(filled_at) AS filled
              FROM copytrading_outcome
              WHERE event_id = e.id AND n.size IS DISTINCT FROM k.size GROUP BY state) t
    ) o ON true
    ORDER BY e.id DESC
"""
#: It is kept what came of an event with so many outcomes, of the newest ones, for some seconds.
_MANY, _EVENTS_KEPT, _KEPT_S = 200, 100, 3600
_KEPT = "copytrading:came_of:{}"


class _CameOf(NamedTuple):
    """How many outcomes an event has, by state, and when the last of each hop was done."""

    size: int
    counts: Mapping[str, int]
    planned: datetime | None
    sent: datetime | None
    filled: datetime | None


def live_feed(
    *, limit: int = 50, master_account_id: int | None = None, cursor: int | None = None
) -> list[LiveEvent]:
    """Recent events of all masters (or one), newest first, with what became of them."""
    which = "true" if master_account_id is None else "e.account_id = %(account)s"
    if cursor is not None:
        which += " AND e.id < %(cursor)s"
    key = _KEPT.format(master_account_id or "all")
    known: dict[int, _CameOf] = cache.get(key) or {}
    values = {
        "account": master_account_id,
        "cursor": cursor,
        "limit": limit,
        "known": list(known),
        "sizes": [came_of.size for came_of in known.values()],
    }
    found = prepared_rows(_LIVE.format(which=which), values)
    came_of = {row[0]: _came_of(row, known) for row in found}
    _keep(key, known, came_of)
    journaled = events_by_id([row[0] for row in found])
    return [_live_event(row, journaled, came_of[row[0]]) for row in found if row[0] in journaled]


def _came_of(v: tuple[Any, ...], known: Mapping[int, _CameOf]) -> _CameOf:
    """What came of an event. An outcome is never changed nor deleted: as many as were known are
    the same ones, so that thousands of them are summed up once, not for every look."""
    before = known.get(v[0])
    if before is not None and before.size == v[6]:
        return before
    return _CameOf(v[6], json.loads(v[7]), *v[8:])


def _keep(key: str, known: Mapping[int, _CameOf], found: Mapping[int, _CameOf]) -> None:
    """Remember what came of events with many outcomes, the newest of them."""
    many = {event_id: each for event_id, each in found.items() if each.size >= _MANY}
    if all(known.get(event_id) is each for event_id, each in many.items()):
        return
    newest = sorted(({**known, **many}).items(), reverse=True)[:_EVENTS_KEPT]
    cache.set(key, dict(newest), _KEPT_S)


def _live_event(
    v: tuple[Any, ...], journaled: Mapping[int, JournaledEvent], came_of: _CameOf
) -> LiveEvent:
    source = journaled[v[0]]
    event = master_event(source, 0)

    def since(at: Any) -> float | None:
        return None if at is None else (at - event.received_at).total_seconds() * 1000

    units = event.units or event.units_after
    return LiveEvent(
        event_id=v[0],
        master_account_id=source.account_id,
        master_uuid=v[1],
        strategy_name=v[2],
        kind=event.kind.value,
        symbol=event.symbol,
        digits=v[3],
        side=event.order_side.value,
        lots=units / v[4],
        price=event.price,
        master_deal_at=event.ts_event,
        received_at=event.received_at,
        counts=dict(came_of.counts),
        moving=v[5],
        to_planned_ms=since(came_of.planned),
        to_sent_ms=since(came_of.sent),
        to_filled_ms=since(came_of.filled),
    )


_LATENCY = """
    SELECT {hops} FROM copytrading_outcome
    WHERE sent_at IS NOT NULL {which}
    ORDER BY event_id DESC, subscription_id DESC LIMIT %s
"""
_HOPS = ", ".join(
    f"(1000 * extract(epoch FROM {at} - received_at))::float8"
    for at in ("planned_at", "sent_at", "accepted_at", "filled_at")
)


def latency(*, limit: int = 1000, master_account_id: int | None = None) -> LatencyFigures:
    """Quantiles over the orders that were sent last."""
    which = "AND master_account_id = %s" if master_account_id is not None else ""
    values = [master_account_id] if master_account_id is not None else []
    found = sql.rows(_LATENCY.format(hops=_HOPS, which=which), [*values, limit])
    hops = [sorted(row[hop] for row in found if row[hop] is not None) for hop in range(4)]
    return LatencyFigures(len(found), *(_quantiles(values) for values in hops))


def _quantiles(ordered: Sequence[float]) -> Quantiles:
    if not ordered:
        return Quantiles(None, None, None)
    last = len(ordered) - 1
    return Quantiles(*(round(ordered[min(last, int(q * len(ordered)))], 1) for q in _QUANTILES))


_QUANTILES = (0.5, 0.95, 0.99)
