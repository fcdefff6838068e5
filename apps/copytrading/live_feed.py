"""The events that were copied last, and how long their hops took."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from apps.copytrading.rows import LatencyFigures, LiveEvent, Quantiles
from apps.copytrading.services import sql
from apps.copytrading.services.events import master_event
from apps.execution.selectors import JournaledEvent, events_by_id

_LIVE = """
    WITH e AS (
        SELECT e.id, e.account_id, e.received_at
        FROM execution_accountevent e
        JOIN copytrading_copymaster m ON m.account_id = e.account_id
        WHERE {which}
        ORDER BY e.id DESC LIMIT %s)
    SELECT e.id, m.uuid, m.strategy_name, coalesce(y.digits, 5), coalesce(y.lot_units, 1),
           coalesce(o.counts, '{{}}')::text, o.planned, o.sent, o.filled,
           (SELECT count(*) FROM copytrading_waitingevent w WHERE w.event_id = e.id)
           + (SELECT count(DISTINCT d.subscription_id) FROM copytrading_decision d
              WHERE d.event_id = e.id AND NOT EXISTS (
                  SELECT 1 FROM copytrading_outcome x
                  WHERE x.event_id = d.event_id AND x.subscription_id = d.subscription_id))
    FROM e
    JOIN execution_accountevent j ON j.id = e.id
    JOIN copytrading_copymaster m ON m.account_id = e.account_id
    LEFT JOIN platforms_symbol y ON y.connection_id = j.connection_id
         AND y.instrument_id = j.payload ->> 'instrument_id'
    LEFT JOIN LATERAL (
        SELECT jsonb_object_agg(state, n) AS counts, max(planned) AS planned,
               max(sent) AS sent, max(filled) AS filled
        FROM (SELECT state, count(*) AS n, max(planned_at) AS planned, max(sent_at) AS sent,
                     max(filled_at) AS filled
              FROM copytrading_outcome WHERE event_id = e.id GROUP BY state) t
    ) o ON true
    ORDER BY e.id DESC
"""


def live_feed(
    *, limit: int = 50, master_account_id: int | None = None, cursor: int | None = None
) -> list[LiveEvent]:
    """Recent events of all masters (or one), newest first, with what became of them."""
    which, values = (
        ("true", []) if master_account_id is None else ("e.account_id = %s", [master_account_id])
    )
    if cursor is not None:
        which += " AND e.id < %s"
        values.append(cursor)
    found = sql.rows(_LIVE.format(which=which), [*values, limit])
    journaled = events_by_id([row[0] for row in found])
    return [_live_event(row, journaled) for row in found if row[0] in journaled]


def _live_event(v: tuple[Any, ...], journaled: Mapping[int, JournaledEvent]) -> LiveEvent:
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
        counts=json.loads(v[5]),
        moving=v[9],
        to_planned_ms=since(v[6]),
        to_sent_ms=since(v[7]),
        to_filled_ms=since(v[8]),
    )


_LATENCY = """
    SELECT planned_at, sent_at, accepted_at, filled_at, received_at FROM copytrading_outcome
    WHERE sent_at IS NOT NULL {which}
    ORDER BY event_id DESC, subscription_id DESC LIMIT %s
"""


def latency(*, limit: int = 1000, master_account_id: int | None = None) -> LatencyFigures:
    """Quantiles over the orders that were sent last."""
    which = "AND master_account_id = %s" if master_account_id is not None else ""
    values = [master_account_id] if master_account_id is not None else []
    found = sql.rows(_LATENCY.format(which=which), [*values, limit])
    hops = [
        sorted((row[hop] - row[4]).total_seconds() * 1000 for row in found if row[hop] is not None)
        for hop in range(4)
    ]
    return LatencyFigures(len(found), *(_quantiles(values) for values in hops))


def _quantiles(ordered: Sequence[float]) -> Quantiles:
    if not ordered:
        return Quantiles(None, None, None)
    last = len(ordered) - 1
    return Quantiles(*(round(ordered[min(last, int(q * len(ordered)))], 1) for q in _QUANTILES))


_QUANTILES = (0.5, 0.95, 0.99)
