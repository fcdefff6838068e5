"""What lists of masters need beside the figures, kept up so that no page has to count.

Trades are read anew for masters that traded, followers and their money for all masters at once.
Every step may run twice without changing anything.
"""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from apps.analytics.copies import follower_earnings
from apps.platforms.selectors import currency_rates
from apps.trading.errors import NoConversionRate

#: A master's usual trades are so many of its last ones.
USUAL_TRADES = 100
#: Accounts whose trades are read together.
_TOGETHER = 500
#: Deals are numbered before they are committed: so many numbers, not older than this, are looked
#: at again.
_LATE_DEALS, _LATE = 10_000, timedelta(minutes=5)
_LOCK = 0x6D617374

_MISSING = """
INSERT INTO analytics_mastersummary
    (account_id, platform, mode, symbols, seen_deal_id, followers, strangers, following, sample)
SELECT m.account_id, a.platform, g.mode, '{}', 0, 0, 0, 0, 0
FROM copytrading_copymaster m
JOIN platforms_tradingaccount a ON a.id = m.account_id
JOIN platforms_accountgroup g ON g.id = a.group_id
WHERE m.archived_at IS NULL
ON CONFLICT (account_id) DO NOTHING RETURNING account_id
"""
_TRADED = """
SELECT DISTINCT s.account_id
FROM execution_deal d JOIN analytics_mastersummary s ON s.account_id = d.account_id
WHERE d.id > %(seen)s OR (d.id > %(seen)s - %(late)s AND d.received_at > %(since)s)
"""

# Orders that were filled in parts opened one trade: some deals more are read than trades kept.
_TRADES = """
WITH opened AS (
    SELECT d.account_id, d.instrument_id, sum(d.units) AS units,
           row_number() OVER (PARTITION BY d.account_id ORDER BY max(d.executed_at) DESC,
                              max(d.id) DESC)
    FROM unnest(%(accounts)s::bigint[]) chosen (account_id) CROSS JOIN LATERAL (
        SELECT * FROM execution_deal WHERE account_id = chosen.account_id AND effect = 'open'
        ORDER BY executed_at DESC LIMIT 4 * %(usual)s) d
    GROUP BY d.account_id, d.instrument_id, coalesce(nullif(d.platform_order_id, ''), d.deal_id)
), sizes AS (
    SELECT o.account_id, coalesce(y.folded, o.instrument_id) AS symbol, o.units, count(*) AS times
    FROM opened o
    JOIN platforms_tradingaccount a ON a.id = o.account_id
    LEFT JOIN platforms_symbol y
        ON y.connection_id = a.connection_id AND y.instrument_id = o.instrument_id
    WHERE o.row_number <= %(usual)s
    GROUP BY 1, 2, 3
), usual AS (
    SELECT account_id, array_agg(DISTINCT symbol) AS symbols,
           json_agg(json_build_array(symbol, trim_scale(units)::text, times)
                    ORDER BY times DESC, symbol, units)::text AS openings
    FROM sizes GROUP BY account_id
), kept AS (
    INSERT INTO analytics_usualtrades (account_id, openings) SELECT account_id, openings FROM usual
    ON CONFLICT (account_id) DO UPDATE SET openings = excluded.openings
)
UPDATE analytics_mastersummary t
SET seen_deal_id = %(newest)s, symbols = coalesce(u.symbols, '{}')
FROM unnest(%(accounts)s::bigint[]) chosen (account_id) LEFT JOIN usual u USING (account_id)
WHERE t.account_id = chosen.account_id
"""

_MASTERS = "SELECT id, account_id FROM copytrading_copymaster WHERE archived_at IS NULL"
_CURRENCIES = "SELECT DISTINCT currency FROM platforms_tradingaccount"
_FOLLOWERS = """
WITH running AS (
    SELECT m.account_id, count(*) AS followers,
           count(*) FILTER (WHERE fa.owner_id IS DISTINCT FROM ma.owner_id OR ma.owner_id IS NULL)
               AS strangers,
           sum(CASE WHEN s.allocated_capital > 0 THEN greatest(s.allocated_capital + s.result, 0)
                    ELSE st.equity END
               * CASE WHEN fa.currency = ma.currency THEN 1 ELSE x.rate END) AS following
    FROM copytrading_copysubscription s
    JOIN copytrading_copymaster m ON m.id = s.master_id
    JOIN platforms_tradingaccount ma ON ma.id = m.account_id
    JOIN copytrading_copyfollower f ON f.id = s.follower_id
    JOIN platforms_tradingaccount fa ON fa.id = f.account_id
    LEFT JOIN platforms_accountstate st ON st.account_id = fa.id
    LEFT JOIN unnest(%(sources)s::text[], %(targets)s::text[], %(rates)s::numeric[])
        x (source, target, rate)
        ON x.source = fa.currency AND x.target = ma.currency
    WHERE s.archived_at IS NULL AND s.status <> 'disabled'
    GROUP BY m.account_id
), found AS (
    SELECT t.account_id, coalesce(r.followers, 0) AS followers,
           coalesce(r.strangers, 0) AS strangers,
           round(coalesce(r.following, 0), 8) AS following, g.mode,
           (SELECT min(day) FROM analytics_equityday d WHERE d.account_id = t.account_id) AS since,
           e.earned, e.in_profit, coalesce(e.sample, 0) AS sample
    FROM analytics_mastersummary t
    JOIN platforms_tradingaccount a ON a.id = t.account_id
    JOIN platforms_accountgroup g ON g.id = a.group_id
    LEFT JOIN running r ON r.account_id = t.account_id
    LEFT JOIN unnest(%(masters)s::bigint[], %(earned)s::float8[], %(in_profit)s::float8[],
                     %(samples)s::int[]) e (account_id, earned, in_profit, sample)
        ON e.account_id = t.account_id
)
UPDATE analytics_mastersummary t
SET followers = f.followers, strangers = f.strangers, following = f.following, mode = f.mode,
    since = f.since, earned = f.earned, in_profit = f.in_profit, sample = f.sample
FROM found f
WHERE t.account_id = f.account_id
  AND (t.followers, t.strangers, t.following, t.mode, t.since, t.earned, t.in_profit, t.sample)
      IS DISTINCT FROM
      (f.followers, f.strangers, f.following, f.mode, f.since, f.earned, f.in_profit, f.sample)
"""


def keep_summaries(*, now: datetime) -> bool:
    """Take up what masters traded and who follows them, until ``now``.

    False where somebody else is at it, who will be done soon.
    """
    with transaction.atomic():
        if not _rows("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])[0][0]:
            return False
        newest = _rows("SELECT coalesce(max(id), 0) FROM execution_deal")[0][0]
        fresh = [account for (account,) in _rows(_MISSING)]
        accounts = sorted({*fresh, *_traded(now)})
        for start in range(0, len(accounts), _TOGETHER):
            some = accounts[start : start + _TOGETHER]
            _run(_TRADES, {"accounts": some, "usual": USUAL_TRADES, "newest": newest})
        _run(_FOLLOWERS, {**_conversions(), **_earnings()})
    return True


def _traded(now: datetime) -> list[int]:
    seen = _rows("SELECT coalesce(max(seen_deal_id), 0) FROM analytics_mastersummary")[0][0]
    values = {"seen": seen, "late": _LATE_DEALS, "since": now - _LATE}
    return [account for (account,) in _rows(_TRADED, values)]


def _conversions() -> dict[str, list[Any]]:
    """Pairs of currencies that accounts have, and the rate between; unknown ones are left out."""
    currencies = [currency for (currency,) in _rows(_CURRENCIES)]
    known = currency_rates(currencies)
    found: dict[tuple[str, str], Decimal] = {}
    for source, target in itertools.permutations(currencies, 2):
        try:
            found[source, target] = known.rate(source, target)
        except NoConversionRate:
            continue
    return {
        "sources": [source for source, _ in found],
        "targets": [target for _, target in found],
        "rates": list(found.values()),
    }


def _earnings() -> dict[str, list[Any]]:
    """What followers earned, by the masters' accounts, of those with any follower at all."""
    accounts = dict(_rows(_MASTERS))
    known = {m: earned for m, earned in follower_earnings(accounts).items() if earned.sample}
    return {
        "masters": [accounts[master] for master in known],
        "earned": [earned.median for earned in known.values()],
        "in_profit": [earned.in_profit for earned in known.values()],
        "samples": [earned.sample for earned in known.values()],
    }


def _rows(statement: str, values: Any = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def _run(statement: str, values: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
