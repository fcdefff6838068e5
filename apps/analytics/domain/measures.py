"""From what was measured on daily returns to the figures that are shown, with their standings.

One record, many records and the running accumulator all end here, so that a figure is decided in
one place whatever way its ingredients were computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from apps.analytics.domain import ratios
from apps.analytics.domain.drawdowns import Falls
from apps.analytics.domain.standing import (
    LOOK_BACK,
    MINIMUM_DAYS,
    WINDOWS,
    BoolArray,
    FloatArray,
    IntArray,
    Standing,
)
from apps.analytics.domain.table import Column, FigureTable, column

#: Names of the figures of daily returns, in the order in which they are shown.
DAILY_FIGURES = (
    "days",
    *(f"return_{days}" for days in WINDOWS),
    "return_all",
    "annual_return",
    "volatility",
    "sharpe",
    "sortino",
    "calmar",
    "var_95",
    *(f"drawdown_{days}" for days in WINDOWS),
    "max_drawdown",
    "current_drawdown",
    "recovery_days",
    "longest_drawdown_days",
    "positive_days",
    "losing_days",
    "risk_score",
)


@dataclass(frozen=True, slots=True, eq=False)
class Measures:
    """Ingredients of the figures, one entry a record.

    ``count`` daily returns with their ``mean`` and ``deviation`` (n - 1), the ``downside``
    deviation below the daily ``free`` rate and the ``growth`` of one unit of money; ``recent`` is
    the number of daily returns in the last 365 days and ``tail`` their value at risk. ``growths``
    and ``drawdowns`` are per window. ``gains`` is the number of days in profit and ``streak`` the
    longest run of days with a loss.
    """

    count: IntArray
    recent: IntArray
    mean: FloatArray
    deviation: FloatArray
    downside: FloatArray
    growth: FloatArray
    growths: Mapping[int, FloatArray]
    drawdowns: Mapping[int, FloatArray]
    tail: FloatArray
    falls: Falls
    gains: IntArray
    streak: IntArray
    free: float = 0.0


def joined(parts: Sequence[Measures]) -> Measures:
    """The measures of records that were taken in parts, below one another."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    flat = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("count", "recent", "mean", "deviation", "downside", "growth", "tail")
    }
    return Measures(
        **flat,
        growths={n: np.concatenate([p.growths[n] for p in parts]) for n in first.growths},
        drawdowns={n: np.concatenate([p.drawdowns[n] for p in parts]) for n in first.drawdowns},
        falls=Falls(
            *(np.concatenate(values) for values in zip(*(p.falls for p in parts), strict=True))
        ),
        gains=np.concatenate([part.gains for part in parts]),
        streak=np.concatenate([part.streak for part in parts]),
        free=first.free,
    )


def figures_from(measures: Measures) -> FigureTable:
    """The figures of daily returns; see the catalogue for each one's meaning."""
    empty = (measures.count == 0, Standing.NO_DATA)
    short = (measures.count < MINIMUM_DAYS, Standing.NOT_ENOUGH_HISTORY)
    columns = {"days": column(measures.count)}
    for days, growth in measures.growths.items():
        columns[f"return_{days}"] = column(growth - 1, empty)
    columns["return_all"] = column(measures.growth - 1, empty)
    columns |= _ratio_columns(measures, empty, short)
    for days, drawdown in measures.drawdowns.items():
        columns[f"drawdown_{days}"] = column(drawdown, empty)
    columns |= _fall_columns(measures, empty)
    with np.errstate(invalid="ignore"):
        columns["positive_days"] = column(measures.gains / np.maximum(measures.count, 1), empty)
    columns["losing_days"] = column(measures.streak, empty)
    return FigureTable({name: columns[name] for name in DAILY_FIGURES})


def _ratio_columns(
    m: Measures, empty: tuple[BoolArray, Standing], short: tuple[BoolArray, Standing]
) -> dict[str, Column]:
    annual = ratios.annual_return(m.growth, m.count)
    yearly = ratios.volatility(m.deviation)
    thin = (m.recent < MINIMUM_DAYS, Standing.NOT_ENOUGH_HISTORY)
    return {
        "annual_return": column(annual, empty, short),
        "volatility": column(yearly, empty, short),
        "sharpe": column(ratios.sharpe(m.mean, m.deviation, m.free), empty, short),
        "sortino": column(ratios.sortino(m.mean, m.downside, m.free), empty, short),
        "calmar": column(ratios.calmar(annual, m.falls.deepest), empty, short),
        "var_95": column(m.tail, empty, thin),
        "risk_score": column(ratios.risk_score(yearly, m.drawdowns[LOOK_BACK]), empty, short),
    }


def _fall_columns(m: Measures, empty: tuple[BoolArray, Standing]) -> dict[str, Column]:
    under = (m.falls.recovery < 0, Standing.NOT_RECOVERED)
    return {
        "max_drawdown": column(m.falls.deepest, empty),
        "current_drawdown": column(m.falls.current, empty),
        "recovery_days": column(m.falls.recovery, empty, under),
        "longest_drawdown_days": column(m.falls.longest, empty),
    }
