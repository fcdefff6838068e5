"""How subscriptions stand: their open result and how many positions they hold.

Read only for those of which a setting asks for it.
"""

from __future__ import annotations

from decimal import Decimal

from apps.copytrading.domain.codes import Code
from apps.copytrading.domain.rows import Row
from apps.copytrading.domain.volume import EQUITY_MODES
from apps.copytrading.services import sql
from apps.trading.quantity import ZERO

_FLOATING = """
    SELECT l.subscription_id, sum(p.open_result * least(1, l.held_units / nullif(p.units, 0)))
    FROM copytrading_tradelink l
    JOIN execution_position p ON p.account_id = l.account_id AND p.position_id = l.position_id
    WHERE l.subscription_id = ANY(%s) AND l.state = 'open' AND p.closed_at IS NULL
    GROUP BY l.subscription_id
"""

# A resting order counts like the position that it may become.
_COUNTS = """
    SELECT subscription_id, count(*) FROM (
        SELECT subscription_id FROM copytrading_tradelink
        WHERE subscription_id = ANY(%(ids)s) AND state = 'open'
          AND (held_units > 0 OR in_flight <> '')
        UNION ALL
        SELECT subscription_id FROM copytrading_pendinglink
        WHERE subscription_id = ANY(%(ids)s) AND closed_at IS NULL
          AND state IN ('placing', 'resting') AND filled_units = 0 AND position_key = '') AS open
    GROUP BY subscription_id
"""

# For the gateway, when an open with such a limit leaves: the same count with the orders behind
# it, the shares of open positions, and the result. The relations are those of the intents.
AT_SENDING = """
    SELECT 'sub:' || s.id, s.result, l.orders || p.orders, l.position_ids, l.units
    FROM copytrading_copysubscription s
    CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(in_flight), '{}') AS orders,
               array_agg(position_id) FILTER (WHERE held_units > 0) AS position_ids,
               array_agg(held_units) FILTER (WHERE held_units > 0) AS units
        FROM copytrading_tradelink
        WHERE subscription_id = s.id AND state = 'open'
          AND (held_units > 0 OR in_flight <> '')) AS l
    CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(client_order_id), '{}') AS orders
        FROM copytrading_pendinglink
        WHERE subscription_id = s.id AND closed_at IS NULL
          AND state IN ('placing', 'resting') AND filled_units = 0 AND position_key = '') AS p
    WHERE s.id IN (SELECT substr(r, 5)::bigint FROM unnest(%s::text[]) AS r
                   WHERE r LIKE 'sub:%%')
"""


def standing(rows: list[Row]) -> list[Row]:
    """The rows as they stand, as far as their settings ask for it."""
    return _with_counts(_with_floating(rows))


def _with_floating(rows: list[Row]) -> list[Row]:
    """Capital that was allocated moves with the open result of what it holds as well.

    A subscription whose result is at its loss limit opens nothing, before the sweep stops it.
    """
    wanted = [row.subscription_id for row in rows if _sizes_on_result(row) or _limits_loss(row)]
    if not wanted:
        return rows
    floating = dict(sql.rows(_FLOATING, [wanted]))
    return [_with_result(row, floating.get(row.subscription_id) or ZERO) for row in rows]


def _sizes_on_result(row: Row) -> bool:
    return row.sizing.allocated_capital > 0 and row.sizing.mode in EQUITY_MODES


def _limits_loss(row: Row) -> bool:
    return bool(row.rules.loss_limit) and row.hold is None


def _with_result(row: Row, floating: Decimal) -> Row:
    total = row.own_result + floating
    if _limits_loss(row) and total <= -row.rules.loss_limit:
        row = row._replace(hold=Code.LOSS_LIMIT)
    return row._replace(own_result=total) if _sizes_on_result(row) else row


def _with_counts(rows: list[Row]) -> list[Row]:
    """Count open positions where their number is limited."""
    wanted = [row.subscription_id for row in rows if row.rules.max_positions]
    if not wanted:
        return rows
    counts = dict(sql.rows(_COUNTS, {"ids": wanted}))
    return [
        row._replace(open_links=counts[row.subscription_id])
        if row.subscription_id in counts
        else row
        for row in rows
    ]
