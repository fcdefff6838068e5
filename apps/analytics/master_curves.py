"""The charts of a master's page: its money over time, or what one unit of it became."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np

from apps.analytics.domain.daily import DailySeries
from apps.analytics.list_query import Period
from apps.analytics.records import HOURLY, daily_series, index_points
from apps.analytics.selectors import IndexPoint, RecordPoint, equity_curve
from apps.common.charts import Chart, Marker, Moment, Series
from apps.common.templatetags.figures import signed

_BEGINNING = datetime(1990, 1, 1, tzinfo=UTC)


def curves(
    account_id: int,
    currency: str,
    period: Period,
    view: str,
    now: datetime,
    record: DailySeries | None = None,
) -> Chart:
    """Equity and balance with deposits marked, or the return; the drawdown below either.

    By the hour over short periods, else by the day. ``record`` spares reading the daily returns
    where the page has them all.
    """
    if record is None:
        record = daily_series([account_id], until=now.date(), days=period.days).get(account_id)
    days = index_points(_since(record, now.date(), period.days)) if record is not None else []
    if view == "return":
        return Chart("curves", "Return and drawdown", [_return(days), _drawdown(days, {})])
    since = now - timedelta(days=period.days) if period.days else _BEGINNING
    points = equity_curve([account_id], since=since, until=now).get(account_id, [])
    hourly = now - since <= HOURLY
    times = _times(points, hourly)
    ends = {_day(point.at): at for at, point in zip(times, points, strict=True)}
    return Chart(
        "curves",
        "Equity, balance and drawdown",
        [
            Series(
                "Equity",
                [(at, point.equity) for at, point in zip(times, points, strict=True)],
                "area",
                currency=currency,
            ),
            Series(
                "Balance",
                [(at, point.balance) for at, point in zip(times, points, strict=True)],
                currency=currency,
            ),
            _drawdown([p for p in days if not hourly or p.day in ends], ends if hourly else {}),
        ],
        [
            _deposit(at, point.deposits, currency)
            for at, point in zip(times, points, strict=True)
            if point.deposits
        ],
    )


def _since(record: DailySeries, until: date, days: int | None) -> DailySeries:
    """The part of a record that the last ``days`` days are, or all of it."""
    if days is None:
        return record
    kept = record.days > np.datetime64(until - timedelta(days=days))
    return DailySeries(record.days[kept], record.returns[kept])


def _times(points: Sequence[RecordPoint], hourly: bool) -> list[Moment]:
    return [point.at if hourly else _day(point.at) for point in points]


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()


def _return(days: Sequence[IndexPoint]) -> Series:
    return Series("Return", [(p.day, p.index - 1) for p in days], "area", "percent")


def _drawdown(days: Sequence[IndexPoint], ends: dict[date, Moment]) -> Series:
    points = [(ends.get(p.day, p.day), -p.drawdown) for p in days]
    return Series("Drawdown", points, "baseline", "percent", tone="loss", pane=1)


def _deposit(at: Moment, money: Decimal, currency: str) -> Marker:
    words = "Deposit" if money > 0 else "Withdrawal"
    text = f"{words} {signed(money, currency)} {currency}"
    return Marker(at, text, "deposit" if money > 0 else "withdrawal")
