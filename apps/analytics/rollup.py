"""From samples to hours, to days, and to the daily returns of all accounts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

import numpy as np
from django.db import connection, transaction

from apps.analytics import partitions
from apps.analytics.domain.flows import Flows, Samples, counted, day_returns, milliseconds
from apps.analytics.domain.standing import BoolArray, FloatArray, IntArray
from apps.analytics.models import FigureBook, RollUp
from apps.execution.booked import days_with_deals

#: What lies so far before the last roll-up is rolled up again: deposits are found late.
AGAIN = timedelta(minutes=15)
#: A day is closed so long after its end: deposits are found some minutes late.
SETTLED = timedelta(minutes=15)
_EPOCH = date(1970, 1, 1)

_COLUMNS = (
    "balance, equity, margin_used, lowest, highest, most_margin, deposits, flows, samples, last_at"
)
_HOURS = f"""
INSERT INTO analytics_equityhour AS old (account_id, at, {_COLUMNS})
SELECT account_id, date_trunc('hour', at, 'UTC'), (array_agg(balance ORDER BY at DESC))[1],
       (array_agg(equity ORDER BY at DESC))[1], (array_agg(margin_used ORDER BY at DESC))[1],
       min(equity), max(equity), max(margin_used), sum(deposits),
       count(*) FILTER (WHERE deposits <> 0), count(*), max(at)
FROM analytics_equitysample WHERE at >= %(since)s AND at < %(until)s GROUP BY 1, 2
ON CONFLICT (account_id, at) DO UPDATE SET ({_COLUMNS}) = (
    excluded.balance, excluded.equity, excluded.margin_used, excluded.lowest, excluded.highest,
    excluded.most_margin, excluded.deposits, excluded.flows, excluded.samples, excluded.last_at)
WHERE (old.balance, old.equity, old.margin_used, old.lowest, old.highest, old.most_margin,
       old.deposits, old.flows, old.samples, old.last_at)
   IS DISTINCT FROM (excluded.balance, excluded.equity, excluded.margin_used, excluded.lowest,
       excluded.highest, excluded.most_margin, excluded.deposits, excluded.flows,
       excluded.samples, excluded.last_at)
"""

# A day that changed is open again, and so is the account's next one, whose return begins with
# the equity at which this one ended.
_DAYS = f"""
WITH changed AS (
    INSERT INTO analytics_equityday AS old (account_id, day, {_COLUMNS}, closed)
    SELECT account_id, (at AT TIME ZONE 'UTC')::date, (array_agg(balance ORDER BY at DESC))[1],
           (array_agg(equity ORDER BY at DESC))[1], (array_agg(margin_used ORDER BY at DESC))[1],
           min(lowest), max(highest), max(most_margin), sum(deposits), sum(flows), sum(samples),
           max(last_at), false
    FROM analytics_equityhour WHERE at >= %(since)s AND at < %(until)s GROUP BY 1, 2
    ON CONFLICT (account_id, day) DO UPDATE SET ({_COLUMNS}, closed, imported) = (
        excluded.balance, excluded.equity, excluded.margin_used, excluded.lowest,
        excluded.highest, excluded.most_margin, excluded.deposits, excluded.flows,
        excluded.samples, excluded.last_at, false, false)
    WHERE (old.balance, old.equity, old.margin_used, old.lowest, old.highest, old.most_margin,
           old.deposits, old.flows, old.samples, old.last_at)
       IS DISTINCT FROM (excluded.balance, excluded.equity, excluded.margin_used,
           excluded.lowest, excluded.highest, excluded.most_margin, excluded.deposits,
           excluded.flows, excluded.samples, excluded.last_at)
    RETURNING account_id, day
)
SELECT account_id, day FROM changed WHERE day < (%(until)s::timestamptz AT TIME ZONE 'UTC')::date
"""
_REOPEN = """
UPDATE analytics_equityday d SET closed = false
FROM unnest(%s::bigint[], %s::date[]) changed (account_id, day)
WHERE d.account_id = changed.account_id AND d.closed AND d.day = (
    SELECT min(n.day) FROM analytics_equityday n
    WHERE n.account_id = changed.account_id AND n.day > changed.day)
"""

_OPEN_DAYS = """
SELECT d.account_id, d.day, d.equity::float8, d.last_at, p.equity::float8, p.last_at,
       d.flows > 0 OR d.lowest <= 0 OR coalesce(p.equity <= 0, true)
FROM analytics_equityday d LEFT JOIN LATERAL (
    SELECT equity, last_at FROM analytics_equityday
    WHERE account_id = d.account_id AND day < d.day AND NOT imported ORDER BY day DESC LIMIT 1
) p ON true
WHERE NOT d.closed AND d.day = %(day)s ORDER BY d.account_id
"""
_SAMPLES = """
SELECT account_id, at, equity::float8, deposits::float8 FROM analytics_equitysample
WHERE account_id = ANY(%(accounts)s) AND at >= %(since)s AND at < %(until)s
ORDER BY account_id, at
"""
_CLOSE = """
UPDATE analytics_equityday d SET closed = true, daily_return = nullif(r.value, 'NaN')
FROM unnest(%s::bigint[], %s::float8[]) r (account_id, value)
WHERE d.account_id = r.account_id AND d.day = %s
"""


class _OpenDay(NamedTuple):
    """A day whose return is to be computed; ``whole``: from all of its samples."""

    account_id: int
    day: date
    equity: float
    last_at: datetime
    equity_before: float | None
    before_at: datetime | None
    whole: bool


def roll_up(*, now: datetime, since: datetime | None = None) -> None:
    """Bring hours and days up to date with the samples before ``now``.

    From a quarter of an hour before the end of the last roll-up; from ``since`` where older
    samples were added. What has not changed is not written; repeating changes nothing.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        state = RollUp.objects.select_for_update().get_or_create()[0]
        start = since or (state.rolled_to and state.rolled_to - AGAIN) or _first_sample(cursor)
        if start is not None:
            start = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
            partitions.ensure(start, now)
            cursor.execute(_HOURS, {"since": start, "until": now})
            cursor.execute(_DAYS, {"since": start.replace(hour=0), "until": now})
            changed = cursor.fetchall()
            if changed:
                cursor.execute(_REOPEN, [list(column) for column in zip(*changed, strict=True)])
        if state.rolled_to is None or now > state.rolled_to:
            state.rolled_to = now
            state.save(update_fields=["rolled_to"])


def closable_before(now: datetime) -> date:
    """The first UTC day that is not over and settled at ``now``."""
    return (now - SETTLED).astimezone(UTC).date()


def close_days(*, now: datetime) -> int:
    """Compute the returns of the days that are over, deposits and withdrawals taken out.

    Answers how many account days were closed; those that are closed already stay as they are.
    """
    closed = 0
    with transaction.atomic(), connection.cursor() as cursor:
        state = RollUp.objects.select_for_update().filter(rolled_to__isnull=False).first()
        if state is None:
            return 0
        limit = closable_before(min(now, state.rolled_to or now))
        cursor.execute(
            "SELECT DISTINCT day FROM analytics_equityday WHERE NOT closed AND day < %s ORDER BY 1",
            [limit],
        )
        days = [day for (day,) in cursor.fetchall()]
        for day in days:
            closed += _close(cursor, day)
        if days:
            FigureBook.objects.filter(last_day__gte=days[0]).update(stale=True)
    return closed


def _first_sample(cursor: Any) -> datetime | None:
    cursor.execute("SELECT min(at) FROM analytics_equitysample")
    found: datetime | None = cursor.fetchone()[0]
    return found


def _close(cursor: Any, day: date) -> int:
    cursor.execute(_OPEN_DAYS, {"day": day})
    rows = [_OpenDay(*row) for row in cursor.fetchall()]
    start = datetime.combine(day, time.min, UTC)
    whole = [row.account_id for row in rows if row.whole]
    cursor.execute(
        _SAMPLES, {"accounts": whole, "since": start, "until": start + timedelta(days=1)}
    )
    growth = _growth(rows, day, cursor.fetchall())
    number = np.full(len(rows), (day - _EPOCH).days)
    active = _active(rows, number, growth, start)
    keep = counted(number, growth, active)
    returns = np.where(keep, growth - 1, np.nan)
    cursor.execute(_CLOSE, [[row.account_id for row in rows], returns.tolist(), day])
    return len(rows)


def _growth(rows: Sequence[_OpenDay], day: date, samples: Sequence[Any]) -> FloatArray:
    """1 + return of the day for each row, from the samples that are needed."""
    owners = {row.account_id: owner for owner, row in enumerate(rows)}
    points = [(owners[a], milliseconds(at), money, flow) for a, at, money, flow in samples]
    held = {point[0] for point in points}
    for number, row in enumerate(rows):
        if row.before_at is not None and row.equity_before is not None:
            points.append((number, milliseconds(row.before_at), row.equity_before, 0.0))
        if number not in held:
            points.append((number, milliseconds(row.last_at), row.equity, 0.0))
    points.sort()
    owner = np.array([point[0] for point in points], dtype=np.int64)
    at = np.array([point[1] for point in points], dtype=np.int64)
    equity = np.array([point[2] for point in points], dtype=np.float64)
    flow = np.array([point[3] for point in points], dtype=np.float64)
    flows = Flows(owner[flow != 0], at[flow != 0], flow[flow != 0])
    result = day_returns(Samples(owner, at, equity), flows)
    growth = np.full(len(rows), np.nan)
    today = result.day == (day - _EPOCH).days
    growth[result.owner[today]] = result.growth[today]
    return growth


def _active(
    rows: Sequence[_OpenDay], number: IntArray, growth: FloatArray, start: datetime
) -> BoolArray:
    """Which accounts traded; asked only for those of whom nothing else says that the day counts."""
    doubtful = np.isfinite(growth) & ~counted(number, growth, np.zeros(len(rows), dtype=np.bool_))
    accounts = [row.account_id for row, asked in zip(rows, doubtful, strict=True) if asked]
    traded = {a for a, _ in days_with_deals(accounts, start, start + timedelta(days=1))}
    return np.array([row.account_id in traded for row in rows], dtype=np.bool_)
