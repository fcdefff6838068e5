"""Reading the records of accounts: curves, months and figures. One query each.

Every function takes any number of accounts and answers by account; those without a record are
missing. Money is in the account's currency, returns and drawdowns are fractions. Returns and all
that comes of them take in the days of an imported record, which pages have to say: see
:func:`apps.analytics.imported.imported_spans`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from math import isnan
from typing import Any

import numpy as np

from apps.analytics.domain.daily import DailySeries, figures_of_many, grid
from apps.analytics.domain.drawdowns import drawdown_curve, index_of
from apps.analytics.domain.measures import DAILY_FIGURES
from apps.analytics.domain.standing import Figure, Standing
from apps.analytics.domain.windows import monthly_returns as months_of
from apps.analytics.models import AccountFigures
from apps.common.database import prepared_rows
from apps.common.kept_queries import KeptQuery

#: Stretches up to so long are shown by the hour, longer ones by the day.
HOURLY = timedelta(days=31)

_CURVE = """
SELECT account_id, last_at, equity, balance, margin_used, deposits FROM {table}
WHERE account_id = ANY(%(accounts)s) AND {at} >= %(since)s AND {at} < %(until)s{own}
ORDER BY account_id, {at}
"""
# Days since 1970 as numbers: a year of many records is thousands of dates.
_RETURNS = """
SELECT account_id, day - date '1970-01-01', daily_return FROM analytics_equityday
WHERE account_id = ANY(%(accounts)s) AND day > %(after)s AND day <= %(until)s
  AND daily_return IS NOT NULL
ORDER BY account_id, day
"""


_THINNED = """
SELECT account_id, width_bucket(%(until)s::date - day, 0, %(days)s, %(points)s) AS bucket,
       sum(ln(greatest(1 + daily_return, 1e-9)))
FROM analytics_equityday
WHERE account_id = ANY(%(accounts)s) AND day > %(after)s AND day <= %(until)s
  AND daily_return IS NOT NULL
GROUP BY account_id, bucket ORDER BY account_id, bucket DESC
"""


@dataclass(frozen=True, slots=True)
class RecordPoint:
    """Money of an account at the end of an hour or a day.

    ``deposits`` is what came in (positive) or left (negative) during it.
    """

    at: datetime
    equity: Decimal
    balance: Decimal
    margin_used: Decimal
    deposits: Decimal


@dataclass(frozen=True, slots=True)
class IndexPoint:
    """What one unit of money became by the end of a day, and the share below its high."""

    day: date
    index: float
    drawdown: float


@dataclass(frozen=True, slots=True)
class StoredFigures:
    """Figures of a master's account at the end of ``day``."""

    day: date
    figures: Mapping[str, Figure]


def equity_curve(
    account_ids: Collection[int], *, since: datetime, until: datetime
) -> dict[int, list[RecordPoint]]:
    """Equity, balance and margin with deposits marked, oldest first.

    By the hour up to 31 days, else by the UTC day; the days of ``since`` and ``until`` are whole.
    Days of an imported record are left out: their money was that of another account.
    """
    hourly = until - since <= HOURLY
    table, at = ("analytics_equityhour", "at") if hourly else ("analytics_equityday", "day")
    first, last = (since, until) if hourly else (since.date(), until.date() + timedelta(days=1))
    rows = _rows(
        _CURVE.format(table=table, at=at, own="" if hourly else " AND NOT imported"),
        {"accounts": list(account_ids), "since": first, "until": last},
    )
    return {
        account_id: [RecordPoint(*row[1:]) for row in group]
        for account_id, group in groupby(rows, lambda row: row[0])
    }


def drawdown_curves(
    account_ids: Collection[int], *, until: date, days: int | None = None
) -> dict[int, list[IndexPoint]]:
    """Index and drawdown after each day that counts, of the last ``days`` days or of all."""
    return {
        account_id: index_points(series)
        for account_id, series in _series(account_ids, until, days).items()
    }


def index_points(series: DailySeries) -> list[IndexPoint]:
    """The same of returns that were read already."""
    return list(
        map(
            IndexPoint,
            series.days.tolist(),
            index_of(series.returns).tolist(),
            drawdown_curve(series.returns).tolist(),
        )
    )


def return_lines(
    account_ids: Collection[int], *, until: date, days: int, points: int = 48
) -> dict[int, list[float]]:
    """What one unit of money became over the last ``days`` days, for a line a few words long.

    From 1 on, oldest first, thinned to about ``points`` points; the last one is the return.
    """
    values = {
        "accounts": list(account_ids),
        "after": until - timedelta(days=days),
        "until": until,
        "days": days,
        "points": min(points, days),
    }
    return {
        account_id: [1.0, *np.exp(np.cumsum([growth for *_, growth in group])).tolist()]
        for account_id, group in groupby(_rows(_THINNED, values), lambda row: row[0])
    }


def monthly_returns(
    account_ids: Collection[int], *, until: date
) -> dict[int, dict[date, float | None]]:
    """Return of every calendar month (UTC) since an account's first day, by the month's first.

    None for a month without a day that counts.
    """
    return {
        account_id: months_in(series, until)
        for account_id, series in _series(account_ids, until, None).items()
    }


def months_in(series: DailySeries, until: date) -> dict[date, float | None]:
    """The same of returns that were read already, from an account's first day on."""
    months, returns = months_of(grid([series], until), until)
    return {
        month: None if isnan(value) else value
        for month, value in zip(
            months.astype("datetime64[D]").tolist(), returns[0].tolist(), strict=True
        )
    }


def period_figures(
    account_ids: Collection[int], *, until: date, days: int | None = None, risk_free: float = 0.0
) -> dict[int, dict[str, Figure]]:
    """Every figure of the last ``days`` days up to ``until``, or of all days, of any account.

    The period is taken for the whole record: its start counts as a high, and ratios need 20 daily
    returns in it.
    """
    series = _series(account_ids, until, days)
    if not series:
        return {}
    table = figures_of_many(grid(list(series.values()), until), risk_free)
    return {account_id: table.row(row) for row, account_id in enumerate(series)}


def stored_figures(account_ids: Collection[int]) -> dict[int, StoredFigures]:
    """Figures of masters as they were kept up at the end of their last day."""
    found = _STORED(list(account_ids))
    return {row.account_id: StoredFigures(row.day, _figures(row)) for row in found}


_STORED = KeptQuery(AccountFigures.objects.all, "account_id = ANY(%s)")


def daily_series(
    account_ids: Collection[int], *, until: date, days: int | None = None
) -> dict[int, DailySeries]:
    """Daily returns of the days that count, of the last ``days`` days up to ``until`` or of all."""
    return _series(account_ids, until, days)


def _figures(row: AccountFigures) -> dict[str, Figure]:
    return {
        name: Figure(getattr(row, name), Standing(standing))
        for name, standing in zip(DAILY_FIGURES, bytes(row.standings), strict=True)
    }


def _series(account_ids: Collection[int], until: date, days: int | None) -> dict[int, DailySeries]:
    after = date.min if days is None else until - timedelta(days=days)
    rows = _rows(_RETURNS, {"accounts": list(account_ids), "after": after, "until": until})
    series: dict[int, DailySeries] = {}
    for account_id, group in groupby(rows, lambda row: row[0]):
        _, days_since, returns = zip(*group, strict=True)
        series[account_id] = DailySeries(
            np.array(days_since, dtype=np.int64).astype("datetime64[D]"),
            np.array(returns, dtype=np.float64),
        )
    return series


def _rows(statement: str, values: dict[str, Any]) -> list[Any]:
    if not values["accounts"]:
        return []
    return prepared_rows(statement, values)
