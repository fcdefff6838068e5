"""Reading what copies made of their money, beside what their masters made in the same time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from django.db import connection

from apps.analytics.copies import grown

# The master's closed days since the copy began, and what its account did since the last of them;
# where it has none yet, since its first sample in the copy's time.
_RETURNS = """
SELECT f.subscription_id, f.growth, f.realised + f.floating, f.released, f.capital, f.links <> '{}',
       f.started_at,
       (SELECT exp(sum(ln(greatest(1 + d.daily_return, 1e-12)))) FROM analytics_equityday d
        WHERE d.account_id = m.account_id AND d.closed AND d.daily_return IS NOT NULL
          AND d.day >= (f.started_at AT TIME ZONE 'UTC')::date),
       now.growth, f.master_before
FROM analytics_subscriptionfigures f
JOIN copytrading_copymaster m ON m.id = f.master_id
LEFT JOIN LATERAL (
    SELECT ((max(o.equity) FILTER (WHERE o.last) - least(sum(o.deposits), 0))
            / nullif(max(coalesce(p.equity, first.equity)) + greatest(sum(o.deposits), 0), 0)
           )::float8 AS growth
    FROM (SELECT equity, deposits, day, day = max(day) OVER () AS last, min(day) OVER () AS first
          FROM analytics_equityday WHERE account_id = m.account_id AND NOT closed
            AND day >= (f.started_at AT TIME ZONE 'UTC')::date) o
    LEFT JOIN LATERAL (
        SELECT equity FROM analytics_equityday
        WHERE account_id = m.account_id AND day < o.first ORDER BY day DESC LIMIT 1) p ON true
    LEFT JOIN LATERAL (
        SELECT equity FROM analytics_equitysample
        WHERE account_id = m.account_id AND at >= f.started_at AND p.equity IS NULL
        ORDER BY at LIMIT 1) first ON true
) now ON true
WHERE f.subscription_id = ANY(%s)
"""
_DAYS = """
SELECT day, result, growth FROM analytics_subscriptionday WHERE subscription_id = %s ORDER BY day
"""
_MASTER_DAYS = """
SELECT day, daily_return FROM analytics_equityday
WHERE account_id = %s AND day >= %s AND daily_return IS NOT NULL ORDER BY day
"""


@dataclass(frozen=True, slots=True)
class CopyReturn:
    """Return of a copy and of its master since the copy began, as fractions.

    None where it is not known yet. ``released`` is what positions were worth that left the copy
    open, in account currency: a part of its result.
    """

    started_at: datetime
    own: float | None
    master: float | None
    released: Decimal

    @property
    def ahead(self) -> float | None:
        """By how much the copy returned more than its master, in points of a fraction."""
        if self.own is None or self.master is None:
            return None
        return self.own - self.master


@dataclass(frozen=True, slots=True)
class DayPoint:
    """What one unit of money became by the end of a day: the copy's and its master's.

    ``result`` is the copy's since the start, in account currency.
    """

    day: date
    own: float
    master: float
    result: Decimal


def copy_returns(results: Mapping[int, Decimal]) -> dict[int, CopyReturn]:
    """Returns of copies whose results (realised and open) of now are given; one query.

    Copies that were never looked at are missing from the answer.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RETURNS, [list(results)])
        rows = cursor.fetchall()
    found = {}
    for pk, growth, result, released, capital, at_work, started, closed, today, before in rows:
        step = grown(results[pk] - result, capital if at_work else capital + results[pk] - result)
        master = None if closed is None and today is None else (closed or 1) * (today or 1) / before
        found[pk] = CopyReturn(
            started, growth * step - 1, None if master is None else master - 1, released
        )
    return found


def copy_curve(
    subscription_id: int, *, master_account_id: int, started: datetime, until: date
) -> list[DayPoint]:
    """Copy and master day by day since the copy began, both beginning with 1.

    The master's first day is whole. Days on which neither changed are left out; the last one is
    always there. Two queries.
    """
    first = started.astimezone(UTC).date()
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, [subscription_id])
        own = {day: (result, growth) for day, result, growth in cursor.fetchall()}
        cursor.execute(_MASTER_DAYS, [master_account_id, first])
        master = dict(cursor.fetchall())
    points, mine, theirs, result = [], 1.0, 1.0, Decimal(0)
    for day in sorted({*own, *master, until}):
        if day in own:
            result, growth = own[day]
            mine *= growth
        theirs *= 1 + master.get(day, 0.0)
        points.append(DayPoint(day, mine, theirs, result))
    return points
