"""Which platforms lead and which follow: running copies between connections."""

from __future__ import annotations

from dataclasses import dataclass

from apps.copytrading.kept import kept
from apps.copytrading.services import sql


@dataclass(frozen=True, slots=True)
class Flow:
    """Running copies from masters on one connection to followers on another, with the
    positions that they hold."""

    master_connection: int
    follower_connection: int
    masters: int
    followers: int
    copies: int
    positions: int


_FLOWS = """
    SELECT ma.connection_id, fa.connection_id, count(DISTINCT m.id), count(DISTINCT f.id),
           count(*), coalesce(sum(o.links), 0)
    FROM copytrading_copysubscription s
    JOIN copytrading_copymaster m ON m.id = s.master_id
    JOIN platforms_tradingaccount ma ON ma.id = m.account_id
    JOIN copytrading_copyfollower f ON f.id = s.follower_id
    JOIN platforms_tradingaccount fa ON fa.id = f.account_id
    LEFT JOIN (
        SELECT subscription_id, count(*) AS links FROM copytrading_tradelink
        WHERE state = 'open' AND held_units > 0 GROUP BY subscription_id
    ) o ON o.subscription_id = s.id
    WHERE s.archived_at IS NULL AND s.status = 'active'
    GROUP BY ma.connection_id, fa.connection_id ORDER BY count(*) DESC
"""


def flows() -> list[Flow]:
    """All flows, the busiest first; one query, or none where very many were counted just now."""
    return kept("flows", _count, lambda found: sum(flow.copies for flow in found))


def _count() -> list[Flow]:
    return [Flow(*row) for row in sql.rows(_FLOWS)]
