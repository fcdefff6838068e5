"""What is still under way: orders without an answer, and events that wait for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from apps.common.database import prepared_rows
from apps.execution.waiting_closes import ClosesHold, waiting_closes

#: A close that has not left after this time is held up by something.
HELD_AFTER = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class UnderWay:
    """Something that has no outcome yet. ``state`` is waiting, committed, sent, accepted,
    partially_filled, unknown, or unresolved where the platform has answered and that could not
    be taken note of; ``units`` are of an order, 0 where it waits. ``why`` is what it is held up
    by, '' where that is only its turn or the platform's answer."""

    key: str
    subscription_uuid: UUID
    strategy_name: str
    account_name: str
    account_login: str
    symbol: str
    leg: str
    state: str
    units: Decimal
    lot_units: Decimal
    event_id: int | None
    since: datetime
    why: str = ""

    @property
    def lots(self) -> Decimal:
        return self.units / self.lot_units

    @property
    def state_label(self) -> str:
        return _STATES.get(self.state, self.state)

    @property
    def doing(self) -> str:
        return _LEGS.get(self.leg, self.leg)


_STATES = {
    "waiting": "Waiting",
    "committed": "Committed",
    "sent": "In flight",
    "accepted": "In flight",
    "partially_filled": "In flight",
    "unknown": "Unknown",
    "unresolved": "Unresolved",
}
_LEGS = {
    "open": "Open",
    "close": "Close",
    "protect": "Set stops",
    "cancel": "Cancel",
    "event": "Waits for the order in flight",
}

#: Copies of which something is under way, so that not all copies are looked through for it.
_CONCERNED = """s.id = ANY(ARRAY(
        SELECT l.subscription_id FROM copytrading_tradelink l WHERE l.in_flight <> ''
        UNION ALL
        SELECT p.subscription_id FROM copytrading_pendinglink p
        WHERE p.in_flight <> '' AND p.closed_at IS NULL
        UNION ALL
        SELECT substr(o.relation, 5)::bigint FROM execution_settletrouble t
        JOIN execution_order o ON o.client_order_id = t.client_order_id
        WHERE o.relation LIKE 'sub:%%'
        UNION ALL
        SELECT w.subscription_id FROM copytrading_waitingevent w))"""
_UNDER_WAY = """
    WITH mine AS (
        SELECT s.id, s.uuid, m.strategy_name, a.name, a.login, a.connection_id
        FROM copytrading_copysubscription s
        JOIN copytrading_copymaster m ON m.id = s.master_id
        JOIN copytrading_copyfollower f ON f.id = s.follower_id
        JOIN platforms_tradingaccount a ON a.id = f.account_id
        WHERE {which}),
    flying AS (
        SELECT l.subscription_id, l.symbol, l.instrument_id, l.in_flight, l.opened_at
        FROM copytrading_tradelink l WHERE l.in_flight <> ''
        UNION ALL
        SELECT p.subscription_id, p.symbol, p.instrument_id, p.in_flight, p.opened_at
        FROM copytrading_pendinglink p WHERE p.in_flight <> '' AND p.closed_at IS NULL),
    troubled AS (
        SELECT o.client_order_id, o.relation, o.instrument_id, o.leg, o.units, o.committed_at,
               t.error, t.attempts, t.trace_id
        FROM execution_settletrouble t
        JOIN execution_order o ON o.client_order_id = t.client_order_id
        WHERE o.settled_at IS NULL AND (o.final_at IS NOT NULL OR o.rest_settled_at IS NULL))
    SELECT 'order-' || f.in_flight, mine.uuid, mine.strategy_name, mine.name, mine.login, f.symbol,
           coalesce(d.leg, o.leg, 'close'), coalesce(o.state, 'committed'),
           coalesce(d.units, o.units, 0), coalesce(y.lot_units, 1), d.event_id,
           coalesce(o.committed_at, d.decided_at, f.opened_at),
           CASE o.code WHEN '' THEN '' WHEN 'MARKET_CLOSED' THEN 'The market is closed.'
                       ELSE coalesce(nullif(o.message, ''), o.code, '') END
    FROM flying f JOIN mine ON mine.id = f.subscription_id
    LEFT JOIN copytrading_decision d ON d.client_order_id = f.in_flight
    LEFT JOIN execution_order o ON o.client_order_id = f.in_flight
    LEFT JOIN platforms_symbol y ON y.connection_id = mine.connection_id
         AND y.instrument_id = f.instrument_id
    WHERE NOT EXISTS (SELECT 1 FROM troubled WHERE troubled.client_order_id = f.in_flight)
    UNION ALL
    SELECT 'order-' || o.client_order_id, mine.uuid, mine.strategy_name, mine.name, mine.login,
           coalesce(y.name, o.instrument_id), o.leg, 'unresolved', o.units,
           coalesce(y.lot_units, 1), d.event_id, o.committed_at,
           CASE WHEN {for_staff} THEN format('%%s; tried %%s times, trace %%s', o.error,
                                             o.attempts, o.trace_id)
                ELSE 'It is answered, but could not be booked yet; that is tried again.' END
    FROM troubled o JOIN mine ON o.relation = 'sub:' || mine.id
    LEFT JOIN copytrading_decision d ON d.client_order_id = o.client_order_id
    LEFT JOIN platforms_symbol y ON y.connection_id = mine.connection_id
         AND y.instrument_id = o.instrument_id
    UNION ALL
    SELECT 'event-' || w.event_id || '-' || w.subscription_id, mine.uuid, mine.strategy_name,
           mine.name, mine.login, coalesce(e.payload ->> 'symbol', ''), 'event', 'waiting', 0, 1,
           w.event_id, e.received_at, ''
    FROM copytrading_waitingevent w JOIN mine ON mine.id = w.subscription_id
    JOIN execution_accountevent e ON e.id = w.event_id
    ORDER BY 12, 1 LIMIT %s
"""


def under_way(
    *,
    user_id: int | None = None,
    subscription_id: int | None = None,
    master_account_id: int | None = None,
    account_ids: tuple[int, ...] | None = None,
    limit: int = 25,
) -> list[UnderWay]:
    """Orders without an answer and events that wait for them, the oldest first.

    What could not be settled says why to staff, for whom no ``user_id`` is given. One query, and
    those of :func:`apps.execution.waiting_closes.waiting_closes` where a close has
    not left in time.
    """
    given = {
        "a.owner_id": user_id,
        "s.id": subscription_id,
        "m.account_id": master_account_id,
    }
    which = [f"{column} = %s" for column, value in given.items() if value is not None]
    values: list[object] = [value for value in given.values() if value is not None]
    if account_ids is not None:
        which.append("a.id = ANY(%s)")
        values.append(list(account_ids))
    statement = _UNDER_WAY.format(
        which=" AND ".join(which) or _CONCERNED, for_staff="TRUE" if user_id is None else "FALSE"
    )
    return _with_reasons([UnderWay(*row) for row in prepared_rows(statement, [*values, limit])])


def _with_reasons(rows: list[UnderWay]) -> list[UnderWay]:
    """Say of closes that wait at the gateway what for: a kill switch, or their market."""
    now = timezone.now()
    unsent = (row for row in rows if row.state == "committed" and row.leg == "close")
    if not any(now - row.since >= HELD_AFTER for row in unsent):
        return rows
    reasons = {
        f"order-{close.client_order_id}": close.why
        for close in waiting_closes(now)
        if close.hold is not ClosesHold.QUEUE
    }
    return [replace(row, why=reasons.get(row.key, row.why)) for row in rows]
