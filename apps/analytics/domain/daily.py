"""Figures of daily returns: for one record, and for thousands of records at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from apps.analytics.domain.cleaning import Days, clean
from apps.analytics.domain.drawdowns import falls, maximum_drawdown
from apps.analytics.domain.measures import Measures, figures_from, joined
from apps.analytics.domain.ratios import daily_rate
from apps.analytics.domain.standing import LOOK_BACK, WINDOWS, Figure, FloatArray
from apps.analytics.domain.streaks import longest_of_rows
from apps.analytics.domain.table import FigureTable
from apps.analytics.domain.windows import total_return, value_at_risk

#: Rows computed together: few enough that their days stay in a core's cache.
_CHUNK = 128


@dataclass(frozen=True, slots=True, eq=False)
class DailySeries:
    """Daily returns of one record: the UTC days that count, in order, and a return for each."""

    days: npt.NDArray[np.datetime64]
    returns: FloatArray

    def __post_init__(self) -> None:
        if self.days.shape != self.returns.shape or self.days.ndim != 1:
            raise ValueError("there must be one return for each day")
        if len(self.days) > 1 and not (np.diff(self.days) > np.timedelta64(0, "D")).all():
            raise ValueError("the days must be in order and each of them once")


def grid(series: Sequence[DailySeries], last_day: date, width: int | None = None) -> FloatArray:
    """Series as one array: a row a record, a column a calendar day, the last is ``last_day``.

    NaN where a record has no counted day. Without ``width`` the grid reaches back to the first
    day of all; days after ``last_day`` or before the grid are left out.
    """
    last = np.datetime64(last_day, "D")
    if width is None:
        begins = [s.days[0] for s in series if len(s.days)]
        width = max(int((last - min(begins)).astype(int)) + 1, 0) if begins else 0
    rows = np.full((len(series), width), np.nan)
    for row, record in zip(rows, series, strict=True):
        places = (record.days.astype("datetime64[D]") - last).astype(int) + width - 1
        inside = (places >= 0) & (places < width)
        row[places[inside]] = record.returns[inside]
    return rows


def figures_of_many(returns: npt.ArrayLike, risk_free: float = 0.0) -> FigureTable:
    """Every figure of daily returns for every row of a grid (records × calendar days).

    NaN and infinities are days that do not count. ``risk_free`` is the rate of a year, as a
    fraction. The last column is the day on which all windows end. ValueError where the grid has
    not two dimensions or the rate makes no sense.
    """
    rows = np.asarray(returns, dtype=np.float64)
    if rows.ndim != 2:
        raise ValueError(f"a grid has records and days, this array has {rows.ndim} dimension(s)")
    free = daily_rate(risk_free)
    chunks = [rows[i : i + _CHUNK] for i in range(0, max(len(rows), 1), _CHUNK)]
    return figures_from(joined([_measure(clean(chunk), free) for chunk in chunks]))


def figures_of(
    series: DailySeries, last_day: date | None = None, risk_free: float = 0.0
) -> dict[str, Figure]:
    """Every figure of one record; its windows end on ``last_day``, by default its last day."""
    if last_day is None:
        last_day = series.days[-1].astype(date) if len(series.days) else date.min
    return figures_of_many(grid([series], last_day), risk_free).row(0)


def _measure(days: Days, free: float) -> Measures:
    returns, counted = days
    count = counted.sum(axis=-1)
    some = np.maximum(count, 1)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = returns.sum(axis=-1) / some
        spread = np.where(counted, returns - mean[:, None], 0.0)
        squares = np.einsum("ij,ij->i", spread, spread)
        short = np.where(counted, np.minimum(returns - free, 0.0), 0.0)
        downside = np.sqrt(np.einsum("ij,ij->i", short, short) / some)
        deviation = np.sqrt(squares / np.maximum(count - 1, 1))
    recent, longer = days.until(LOOK_BACK), returns.shape[-1] > LOOK_BACK
    whole, growth = falls(days), total_return(days) + 1
    growths = {n: total_return(days, n) + 1 for n in WINDOWS[:-1]}
    drawdowns = {n: maximum_drawdown(days.until(n)) for n in WINDOWS[:-1]}
    return Measures(
        count=count,
        recent=recent.counted.sum(axis=-1),
        mean=mean,
        deviation=np.where(count > 1, deviation, np.nan),
        downside=downside,
        growth=growth,
        growths=growths | {LOOK_BACK: total_return(recent) + 1 if longer else growth},
        drawdowns=drawdowns | {LOOK_BACK: maximum_drawdown(recent) if longer else whole.deepest},
        tail=value_at_risk(recent),
        falls=whole,
        gains=(returns > 0).sum(axis=-1),
        streak=longest_of_rows(returns < 0, counted),
        free=free,
    )
