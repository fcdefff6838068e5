"""Figures of masters, equity of the first customer's accounts, and differences."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from apps.analytics import partitions
from apps.benchmarks.pages.rows import execute, multiply
from apps.copytrading.models import Drift

#: Open differences, and those that were resolved.
DRIFTS, RESOLVED = 1_000, 5_000

_DAYS = """
INSERT INTO analytics_equityday (account_id, day, balance, equity, margin_used, lowest, highest,
    most_margin, deposits, flows, samples, last_at, daily_return, closed)
SELECT a.account_id, d::date, 10000, 10000, 0, 9950, 10050, 100, 0, 0, 24,
       d + interval '23 hours', (random() - 0.48) / 50, true
FROM {accounts} a
CROSS JOIN generate_series(%(first)s::date, %(last)s::date, interval '1 day') d
WHERE extract(isodow FROM d) < 6
ON CONFLICT DO NOTHING
"""
_SAMPLES = """
INSERT INTO analytics_equitysample (account_id, at, known_at, balance, equity, margin_used)
SELECT a.id, at, at, 10000, 10000 + a.id %% 50 + extract(hour FROM at) * 3, 100
FROM platforms_tradingaccount a
CROSS JOIN generate_series(%(since)s::timestamptz, %(until)s::timestamptz, interval '1 minute') at
WHERE a.owner_id = (SELECT owner_id FROM platforms_tradingaccount ORDER BY id LIMIT 1)
"""
_HOURS = """
INSERT INTO analytics_equityhour (account_id, at, balance, equity, margin_used, lowest, highest,
    most_margin, deposits, flows, samples, last_at)
SELECT a.id, at, 10000, 10000 + extract(hour FROM at) * 3, 100, 9990, 10080, 120, 0, 0, 60,
       at + interval '59 minutes'
FROM (SELECT account_id AS id FROM copytrading_copymaster ORDER BY id LIMIT 200) a
CROSS JOIN generate_series(%(since)s::timestamptz, %(until)s::timestamptz, interval '1 hour') at
"""


def build(masters: int, days: int, now: datetime) -> None:
    """So many days of every master, a year of the first ones, and the last day by the minute."""
    yesterday = (now - timedelta(days=1)).astimezone(UTC).date()
    _days("copytrading_copymaster", yesterday, days)
    _days("(SELECT account_id FROM copytrading_copymaster ORDER BY id LIMIT 50)", yesterday, 365)
    minute = now.replace(second=0, microsecond=0)
    hour, month = minute.replace(minute=0), timedelta(days=31)
    partitions.ensure(now - month, now)
    execute(_SAMPLES, since=minute - timedelta(days=1), until=minute)
    execute(_HOURS, since=hour - month, until=hour)
    _drifts(now)


def _days(accounts: str, last: date, days: int) -> None:
    execute(_DAYS.format(accounts=accounts), first=last - timedelta(days=days - 1), last=last)


def _drifts(now: datetime) -> None:
    drift = Drift.objects.create(
        account_id=0, kind="missing", key="0", position_id="0", symbol="EURUSD",
        instrument_id="1", side="buy", expected_units=10_000, actual_units=0, lot_units=100_000,
        first_seen_at=now, last_seen_at=now, resolved_at=now, resolution="gone",
    )  # fmt: skip
    links = (
        "(SELECT *, row_number() OVER (ORDER BY id DESC) AS n FROM copytrading_tradelink "
        "ORDER BY id DESC LIMIT {}) l"
    )
    of = {
        "account_id": "l.account_id", "subscription_id": "l.subscription_id",
        "master_account_id": "l.master_account_id", "link_id": "l.id",
        "position_id": "l.position_id", "key": "'link:' || l.id",
        "first_seen_at": "now() - l.n * interval '1 minute'",
    }  # fmt: skip
    multiply(drift, links.format(RESOLVED), **of)
    multiply(drift, links.format(DRIFTS), resolved_at="NULL", resolution="''", **of)
    mine = (
        "(SELECT l.*, row_number() OVER (ORDER BY l.id) AS n FROM copytrading_tradelink l "
        "WHERE l.account_id = (SELECT min(id) FROM platforms_tradingaccount) LIMIT 5) l"
    )
    multiply(drift, mine, resolved_at="NULL", resolution="''", kind="'oversized'", **of)
