"""The list of followers for staff: filtered, searched, sorted and paged in PostgreSQL.

Money comes from the states of accounts as gateways keep them, levels from the alarms that the
guards keep: a list of those at risk reads these alone, however many follow.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, NamedTuple

from django.db import connection

from apps.accounts.selectors import product_config
from apps.analytics.follower_query import (
    ACCOUNTS_NAMED,
    BY_UUID,
    KEPT,
    Level,
    Sort,
    Wanted,
    direction,
    kept_selection,
    naming,
    selection,
)
from apps.analytics.follower_rows import FollowerRow, ratio_of_settings
from apps.common.database import prepared_rows
from apps.platforms.selectors import currency_rates
from apps.trading.money import Rates

#: Rows that are read at once for a file.
CHUNK = 1_000

#: So many can be paged through where more fit than may be sorted for a page, and so many accounts
#: at most fit a text.
MOST = 1_000
#: Copies that are sorted for a page by the figures of now.
_SORTED = 3_000

_PAGE = """
WITH fitting AS MATERIALIZED ({selection})
SELECT id, (SELECT count(*) FROM fitting) FROM (
    SELECT id FROM fitting ORDER BY key {direction}, id DESC LIMIT %(size)s
    OFFSET greatest(least(%(page)s::bigint, (SELECT (count(*) - 1) / %(size)s + 1 FROM fitting))
                    - 1, 0) * %(size)s) page
"""
_ROWS = """
SELECT s.id, s.uuid, s.status, s.status_reason, s.enabled AND f.enabled,
       s.archived_at IS NOT NULL, s.created_at, s.volume_mode, s.risk_multiplier, s.fixed_volume,
       s.base_equity, s.allocated_capital, m.uuid, m.strategy_name, m.status, m.enabled,
       a.login, a.name, a.currency, a.platform, a.leverage, u.uuid, coalesce(u.email, ''),
       coalesce(c.name, ''), st.equity, st.balance, coalesce(st.margin_used, 0),
       st.account_id IS NOT NULL AND extract(epoch FROM %(now)s - CASE WHEN st.synced
           THEN greatest(st.as_of, cs.live_at) ELSE st.as_of END) <= %(stale_s)s,
       coalesce(w.level, ''), w.since, ma.currency, coalesce(ms.equity, 0),
       coalesce(ms.balance, 0), s.result, coalesce(o.floating, 0), coalesce(o.links, 0), o.ratio,
       sf.growth
FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY chosen (id, place)
JOIN copytrading_copysubscription s ON s.id = chosen.id
JOIN copytrading_copyfollower f ON f.id = s.follower_id
JOIN copytrading_copymaster m ON m.id = s.master_id
JOIN platforms_tradingaccount ma ON ma.id = m.account_id
JOIN platforms_tradingaccount a ON a.id = f.account_id
LEFT JOIN platforms_accountstate ms ON ms.account_id = m.account_id
LEFT JOIN platforms_accountstate st ON st.account_id = a.id
LEFT JOIN platforms_connectionstate cs ON cs.connection_id = a.connection_id
LEFT JOIN copytrading_marginalarm w ON w.account_id = a.id
LEFT JOIN accounts_user u ON u.id = a.owner_id
LEFT JOIN accounts_customer c ON c.user_id = u.id
LEFT JOIN analytics_subscriptionfigures sf ON sf.subscription_id = s.id
LEFT JOIN LATERAL (
    SELECT sum(p.open_result * least(1, l.held_units / nullif(p.units, 0))) AS floating,
           count(*) AS links, avg(l.held_units / nullif(l.master_units, 0)) AS ratio
    FROM copytrading_tradelink l
    LEFT JOIN execution_position p ON p.account_id = l.account_id
         AND p.position_id = l.position_id AND p.closed_at IS NULL
    WHERE l.subscription_id = s.id AND l.state = 'open' AND l.held_units > 0
) o ON true
ORDER BY chosen.place
"""
# Accounts, not copies: one that follows two masters is one account at risk.
_COUNTS = """
SELECT count(DISTINCT w.account_id) FILTER (WHERE w.level = 'critical'),
       count(DISTINCT w.account_id) FILTER (WHERE w.level = 'warning'), count(*)
FROM copytrading_marginalarm w
JOIN copytrading_copyfollower f ON f.account_id = w.account_id
JOIN copytrading_copysubscription s ON s.follower_id = f.id
WHERE s.status <> 'disabled' {which}
"""
_OF_MASTER = f"""
SELECT count(*) FROM (
    SELECT 1 FROM copytrading_copysubscription
    WHERE master_id = coalesce(%(master_id)s::bigint, {BY_UUID}) AND status <> 'disabled'
    LIMIT %(most)s) followers
"""
_OF_ALL = """
SELECT count(*) FROM (SELECT 1 FROM copytrading_copysubscription LIMIT %(most)s) followers
"""
_COUNTS_AGE_S = 10.0
#: Masters whose counts are remembered at once.
_MASTERS_COUNTED = 1_000


@dataclass(frozen=True, slots=True)
class FollowerPage:
    """A page of the list. ``total`` counts all copies that fit, ``number`` is this page's.

    ``more``: more fit than can be paged through; ``total`` is how many can be.
    """

    rows: tuple[FollowerRow, ...]
    total: int
    number: int
    size: int
    more: bool

    @property
    def pages(self) -> int:
        return max(-(-self.total // self.size), 1)


class RiskCounts(NamedTuple):
    """Accounts that are beyond a threshold of used margin, and their running copies."""

    critical: int
    warning: int
    copies: int


class _CountsCache:
    """Counts of one master's followers by its id, of everybody's by None; and when they are of."""

    found: ClassVar[dict[int | None, tuple[RiskCounts, float]]] = {}


def follower_page(wanted: Wanted, now: datetime) -> FollowerPage:
    """The page that is asked for, or the last one where there are not so many.

    Where very many fit, an order that is not kept up is that by margin, and the first thousand
    can be paged through. Four queries at most.
    """
    broad = is_broad(wanted)
    if broad:
        sort = wanted.sort if wanted.sort in KEPT else Sort.MARGIN
        statement, values = kept_selection(replace(wanted, sort=sort), MOST + 1)
        way = "DESC"
    else:
        statement, values = selection(wanted, _named(wanted.text))
        way = direction(wanted.sort)
    values |= {"size": wanted.size, "page": max(wanted.page, 1)}
    found = _ask(_PAGE.format(selection=statement, direction=way), values)
    total = found[0][1] if found else 0
    more = broad and total > MOST
    total = min(total, MOST) if broad else total
    number = min(max(wanted.page, 1), max(-(-total // wanted.size), 1))
    rows = tuple(follower_rows([pk for pk, _ in found], now))
    return FollowerPage(rows, total, number, wanted.size, more)


def is_broad(wanted: Wanted) -> bool:
    """Whether so many may fit that only orders that are kept up can be had."""
    if wanted.of_somebody:
        return False
    if wanted.of_master:
        which = {"master_id": wanted.master_id, "master": wanted.master, "most": MOST + 1}
        return int(prepared_rows(_OF_MASTER, which)[0][0]) > MOST
    if wanted.level is Level.ALL:
        return int(prepared_rows(_OF_ALL, {"most": _SORTED + 1})[0][0]) > _SORTED
    return risk_counts().copies > _SORTED


def follower_ids(wanted: Wanted, limit: int | None = None) -> list[int]:
    """Ids of all copies that fit, or of so many, in their order; whatever number that is."""
    statement, values = selection(wanted, _named(wanted.text))
    way = direction(wanted.sort)
    ordered = f"SELECT id FROM ({statement}) fitting ORDER BY key {way}, id DESC LIMIT %(limit)s"
    return [pk for (pk,) in _ask(ordered, values | {"limit": limit})]


def _named(text: str) -> list[int] | None:
    """Accounts that fit a text, None where none is given."""
    if not text.strip():
        return None
    return [pk for (pk,) in _ask(ACCOUNTS_NAMED, naming(text.strip(), MOST))]


def _ask(statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def follower_rows(ids: Sequence[int], now: datetime) -> list[FollowerRow]:
    """These copies as lists show them, in the order of ``ids``; two queries at most."""
    if not ids:
        return []
    values = {"ids": list(ids), "now": now, "stale_s": product_config().stale_account_s}
    rows = [FollowerRow(*found) for found in prepared_rows(_ROWS, values)]
    currencies = {row.currency for row in rows} | {row.master_currency for row in rows}
    rates = currency_rates(currencies) if len(currencies) > 1 else Rates({})
    return [replace(row, next_ratio=ratio_of_settings(row, rates)) for row in rows]


def risk_counts() -> RiskCounts:
    """How many follow while their accounts are beyond a threshold; read once in ten seconds in
    each process."""
    return _counts(None, "")


def risk_counts_of(master_id: int) -> RiskCounts:
    """The same for the followers of one master."""
    return _counts(master_id, "AND s.master_id = %(master_id)s")


def _counts(master_id: int | None, which: str) -> RiskCounts:
    now = time.monotonic()
    counts, read_at = _CountsCache.found.get(master_id, (None, 0.0))
    if counts is None or now - read_at > _COUNTS_AGE_S:
        counts = RiskCounts(*_ask(_COUNTS.format(which=which), {"master_id": master_id})[0])
        if len(_CountsCache.found) >= _MASTERS_COUNTED:
            _CountsCache.found.clear()
        _CountsCache.found[master_id] = counts, now
    return counts


def forget_risk_counts() -> None:
    """Count anew at the next use."""
    _CountsCache.found.clear()
