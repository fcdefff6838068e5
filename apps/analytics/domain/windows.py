"""Returns over stretches of days: a window, a month, everything. Value at risk.

Daily returns have their calendar days along the last axis; NaN is a day that does not count.
All returns are compound and in fractions.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt

from apps.analytics.domain.cleaning import Days, clean
from apps.analytics.domain.standing import FloatArray, IntArray

#: Share of days that value at risk leaves in the tail.
_TAIL = 0.05


def total_return(returns: npt.ArrayLike | Days, days: int | None = None) -> FloatArray:
    """Return over the last ``days`` calendar days, or all of them: Π (1 + r) - 1. Fraction.

    A record that is shorter than the window counts from its start. Source: empyrical
    ``cum_returns_final``, quantstats ``comp``.
    """
    cleaned = clean(returns)
    if days is not None:
        cleaned = cleaned.until(days)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(np.prod(1 + cleaned.returns, axis=-1) - 1)


def monthly_returns(
    returns: npt.ArrayLike | Days, last_day: date
) -> tuple[npt.NDArray[np.datetime64], FloatArray]:
    """Return of every calendar month (UTC) that the days touch. Fraction.

    ``last_day`` is the day of the last column. Answers the months (as datetime64[M]) and the
    returns with the months along the last axis; NaN for a month without any counted day.
    Source: empyrical ``aggregate_returns(..., "monthly")``; quantstats ``monthly_returns``, which
    writes 0 where nothing was.
    """
    cleaned = clean(returns)
    width = cleaned.returns.shape[-1]
    days = np.datetime64(last_day, "D") - np.arange(width - 1, -1, -1)
    months, starts = np.unique(days.astype("datetime64[M]"), return_index=True)
    if not width:
        return months, np.zeros((*cleaned.returns.shape[:-1], 0))
    with np.errstate(over="ignore", invalid="ignore"):
        grown = np.multiply.reduceat(1 + cleaned.returns, starts, axis=-1) - 1
    present = np.add.reduceat(cleaned.counted, starts, axis=-1, dtype=np.int64) > 0
    return months, np.where(present, grown, np.nan)


def value_at_risk(returns: npt.ArrayLike | Days) -> FloatArray:
    """Value at risk, 95 %: the daily loss that 95 of 100 days stayed within. Fraction.

    Minus the 5th percentile of the daily returns, interpolated linearly; negative where even the
    bad days gained. NaN without any day. Historical, not parametric: nothing is assumed about
    the shape of the returns. Source: empyrical ``value_at_risk`` with the other sign; quantstats
    assumes a normal distribution and answers another number.
    """
    cleaned = clean(returns)
    count = np.asarray(cleaned.counted.sum(axis=-1))
    width = cleaned.returns.shape[-1]
    if width == 0:
        return np.full(count.shape, np.nan)
    return _percentile(np.where(cleaned.counted, cleaned.returns, np.inf), count, width)


def _percentile(values: FloatArray, count: IntArray, width: int) -> FloatArray:
    """Only the tail is put in order: its last place is where a full row would be cut."""
    place = _TAIL * np.maximum(count - 1, 0)
    last = min(int(_TAIL * (width - 1)) + 1, width - 1)
    tail = np.sort(np.partition(values, last, axis=-1)[..., : last + 1], axis=-1)
    low = place.astype(np.int64)
    lower = np.take_along_axis(tail, low[..., None], -1)[..., 0]
    upper = np.take_along_axis(tail, np.minimum(low + 1, last)[..., None], -1)[..., 0]
    share = place - low
    with np.errstate(invalid="ignore"):
        between = np.where(share > 0, lower + (upper - lower) * share, lower)
    return np.where(count > 0, -between, np.nan)
