"""Masters side by side: their curves on one chart, and what is compared of them line by line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from apps.analytics.domain.catalogue import CATALOGUE
from apps.analytics.domain.definitions import Unit
from apps.analytics.domain.standing import Figure, Standing
from apps.analytics.list_query import Period
from apps.analytics.listing import MasterEntry
from apps.analytics.selectors import drawdown_curves, period_figures
from apps.common.charts import Chart, Series
from apps.common.templatetags.figures import UNKNOWN, amount, percent, signed_percent
from apps.portal.discover_rows import DiscoverRow

#: Figures of the period; those that a period has no say in come from what is kept.
_OF_PERIOD = (
    "return_all", "annual_return", "max_drawdown", "current_drawdown", "volatility", "sharpe",
    "sortino", "calmar", "positive_days",
)  # fmt: skip
_SIGNED = {"return_all", "annual_return", "followers_median"}
_LABELS = {
    "return_all": "Return",
    "max_drawdown": "Maximum drawdown",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is compared: a cell for each master, and which of them are the best.

    ``why`` explains it on demand. Cells without a number say why there is none.
    """

    label: str
    cells: Sequence[str]
    best: Sequence[bool]
    why: str = ""

    @property
    def pairs(self) -> list[tuple[str, bool]]:
        return list(zip(self.cells, self.best, strict=True))


def comparison(rows: Sequence[DiscoverRow], *, period: Period, today: date) -> dict[str, Any]:
    """The chart and the lines of the table for these masters."""
    accounts = [row.entry.account_id for row in rows]
    until = max((row.entry.day for row in rows if row.entry.day), default=today)
    curves = drawdown_curves(accounts, until=until, days=period.days)
    figures = period_figures(accounts, until=until, days=period.days) if rows else {}
    series = [_series(row, curves.get(row.entry.account_id, ())) for row in rows]
    return {
        "chart": Chart("compared", "Return over the period", series),
        "lines": [_line(name, rows, figures) for name in _OF_PERIOD],
        "kept": _kept_lines(rows),
        "until": until,
    }


def _series(row: DiscoverRow, curve: Sequence[Any]) -> Series:
    """From nothing on the day before the first one that counts."""
    start = [(curve[0].day - timedelta(days=1), 0.0)] if curve else []
    points = [*start, *((point.day, point.index - 1) for point in curve)]
    return Series(row.entry.name, points, unit="percent")


def _line(
    name: str, rows: Sequence[DiscoverRow], figures: Mapping[int, Mapping[str, Figure]]
) -> Line:
    return _compared(name, [figures.get(row.entry.account_id, {}).get(name) for row in rows])


def _kept_lines(rows: Sequence[DiscoverRow]) -> list[Line]:
    """What does not belong to the period: the risk score, trades, followers, terms."""
    entries = [row.entry for row in rows]
    score = _compared("risk_score", [entry.figure("risk_score") for entry in entries])
    win_rates = _compared("win_rate", [_figure(entry.win_rate) for entry in entries])
    earned = _compared(
        "followers_median", [_figure(e.earned, Standing.TOO_FEW_FOLLOWERS) for e in entries]
    )
    in_profit = _compared(
        "followers_in_profit", [_figure(e.in_profit, Standing.TOO_FEW_FOLLOWERS) for e in entries]
    )
    return [
        score,
        _plain("Record", [row.record or UNKNOWN for row in rows]),
        win_rates,
        _plain("Closed trades", [f"{entry.trades:,}" for entry in entries]),
        _plain("Instruments", [row.symbols or UNKNOWN for row in rows]),
        _plain("Platform", [row.platform for row in rows]),
        _plain("Followers", [f"{entry.followers:,}" for entry in entries]),
        earned,
        in_profit,
        _plain("Minimum investment", [_minimum(entry) for entry in entries]),
    ]


def _figure(value: float | None, why: Standing = Standing.NO_DATA) -> Figure:
    return Figure(None, why) if value is None else Figure(value)


def _plain(label: str, cells: Sequence[str]) -> Line:
    return Line(label, cells, [False] * len(cells))


def _minimum(entry: MasterEntry) -> str:
    if not entry.min_investment:
        return "none"
    return f"{amount(entry.min_investment, entry.currency)} {entry.currency}"


def _compared(name: str, found: Sequence[Figure | None]) -> Line:
    definition = CATALOGUE[name]
    written = _WRITTEN.get(definition.unit, _number)
    values = [figure.value if figure else None for figure in found]
    cells = [
        _why_none(figure) if value is None else written(value, name)
        for value, figure in zip(values, found, strict=True)
    ]
    best = _best(values, definition.better)
    why = f"{definition.explanation} Computed as {definition.formula}."
    return Line(_LABELS.get(name, definition.label), cells, best, why)


def _why_none(figure: Figure | None) -> str:
    return (figure.standing if figure else Standing.NO_DATA).label


def _best(values: Sequence[float | None], better: int) -> list[bool]:
    """Which are the best of at least two that differ."""
    known = [value for value in values if value is not None]
    if not better or len(known) < 2 or min(known) == max(known):
        return [False] * len(values)
    top = max(known) if better > 0 else min(known)
    return [value == top for value in values]


def _percent(value: float, name: str) -> str:
    return signed_percent(value) if name in _SIGNED else percent(value)


def _number(value: float, name: str) -> str:
    return f"{value:,.2f}".replace("-", "−")


def _score(value: float, name: str) -> str:
    return f"{value:.0f} of 10"


_WRITTEN: Mapping[Unit, Callable[[float, str], str]] = {
    Unit.PERCENT: _percent,
    Unit.SCORE: _score,
}
