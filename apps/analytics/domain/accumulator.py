"""What is remembered of a whole record, and what one more day makes of it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from apps.analytics.domain.cleaning import Days, clean
from apps.analytics.domain.drawdowns import REGAINED, Falls
from apps.analytics.domain.standing import FloatArray, IntArray

#: Where the accumulator of an empty record does not begin with 0.
_STARTS = {
    "index": 1.0,
    "high": 1.0,
    "month": np.nan,
    "high_day": -1,
    "trough_day": -1,
    "back_day": -1,
}


@dataclass(frozen=True, slots=True, eq=False)
class Accumulator:
    """Seventeen numbers a record: arrays with one entry for each.

    ``mean`` and ``squares`` are the running mean of daily returns and the sum of squared
    deviations from it, ``short`` the sum of squared shortfalls below the risk-free rate.
    ``index`` is the value of one unit of money, ``high`` its highest, ``fall`` the share below
    it. Days are counted from the first that was added: ``high_day`` is the last day at a high,
    ``trough_day`` the lowest day of the ``deepest`` fall, ``back_day`` the day on which the high
    before that fall (``trough_high``) was regained; -1 is 'the start' or 'not yet'. ``longest``
    is the most days in a row below a high, ``gains`` the days in profit, ``losing`` and
    ``streak`` the present and the longest run of days with a loss. ``month`` is what one unit of
    money became in the current month, NaN before its first counted day.
    """

    count: IntArray
    mean: FloatArray
    squares: FloatArray
    short: FloatArray
    index: FloatArray
    high: FloatArray
    fall: FloatArray
    deepest: FloatArray
    trough_high: FloatArray
    month: FloatArray
    high_day: IntArray
    trough_day: IntArray
    back_day: IntArray
    longest: IntArray
    gains: IntArray
    losing: IntArray
    streak: IntArray

    @classmethod
    def empty(cls, records: int) -> Accumulator:
        """Records of which no day is known yet."""
        columns: dict[str, Any] = {
            f.name: np.full(records, _STARTS.get(f.name, 0), dtype=_kind(str(f.type)))
            for f in fields(cls)
        }
        return cls(**columns)

    @classmethod
    def from_matrix(cls, numbers: npt.ArrayLike) -> Accumulator:
        """The accumulator whose :meth:`matrix` this is. ValueError where the shape differs."""
        rows = np.asarray(numbers, dtype=np.float64)
        names = fields(cls)
        if rows.ndim != 2 or rows.shape[1] != len(names):
            raise ValueError(f"an accumulator has {len(names)} numbers for each record")
        columns: dict[str, Any] = {
            f.name: rows[:, place].astype(_kind(str(f.type))) for place, f in enumerate(names)
        }
        return cls(**columns)

    def matrix(self) -> FloatArray:
        """All numbers, records × fields, to be stored; whole numbers are exact in it."""
        return np.column_stack([getattr(self, f.name) for f in fields(self)]).astype(np.float64)

    def __len__(self) -> int:
        return len(self.count)

    def falls(self) -> Falls:
        """Depth and length of falls, as :func:`apps.analytics.domain.drawdowns.falls` has them."""
        recovery = np.where(self.back_day < 0, -1, self.back_day - self.trough_day)
        return Falls(
            self.deepest, self.fall, np.where(self.deepest > REGAINED, recovery, 0), self.longest
        )


def after(
    before: Accumulator, number: int, returns: npt.ArrayLike, *, free: float, new_month: bool
) -> Accumulator:
    """The accumulator after day ``number`` (days may be left out, never repeated).

    ``returns`` has one entry a record, NaN where the day does not count; ``free`` is the daily
    risk-free rate. The formulas are those of the full computation, one step of each:
    mean and squares by Welford's method (B. P. Welford, 1962), all others by their definition.
    """
    days = clean(returns)
    if days.returns.shape != before.count.shape:
        raise ValueError(f"{len(before)} records need as many returns, one for each")
    value, counted = days
    some = np.maximum(before.count + counted, 1)
    off = np.where(counted, value - before.mean, 0.0)
    mean = before.mean + off / some
    short = np.where(counted, np.minimum(value - free, 0.0), 0.0)
    return Accumulator(
        count=before.count + counted,
        mean=mean,
        squares=before.squares + off * np.where(counted, value - mean, 0.0),
        short=before.short + short * short,
        month=_month(before, days, new_month),
        gains=before.gains + (value > 0),
        **_run(before, days),
        **_fall(before, value, number),
    )


def _kind(annotation: str) -> type[np.float64] | type[np.int64]:
    return np.float64 if annotation == "FloatArray" else np.int64


def _month(before: Accumulator, days: Days, new_month: bool) -> FloatArray:
    month = np.full(len(before), np.nan) if new_month else before.month
    return np.where(days.counted, np.where(np.isnan(month), 1.0, month) * (1 + days.returns), month)


def _run(before: Accumulator, days: Days) -> dict[str, Any]:
    lost = days.returns < 0
    losing = np.where(days.counted, np.where(lost, before.losing + 1, 0), before.losing)
    return {"losing": losing, "streak": np.maximum(before.streak, losing)}


def _fall(before: Accumulator, value: FloatArray, number: int) -> dict[str, Any]:
    """Index and falls; the days since the last one, if there are any, were as that one."""
    index = before.index * (1 + value)
    high = np.maximum(before.high, index)
    fall = np.maximum(1 - index / high, 0.0)
    deeper = fall > before.deepest
    trough_high = np.where(deeper, high, before.trough_high)
    back = (before.back_day < 0) & (index >= trough_high * (1 - REGAINED)) & ~deeper
    was_high = np.where(before.fall > REGAINED, before.high_day, number - 1)
    high_day = np.where(fall > REGAINED, was_high, number)
    under = np.maximum(number - 1 - was_high, number - high_day)
    return {
        "index": index,
        "high": high,
        "fall": fall,
        "deepest": np.maximum(fall, before.deepest),
        "trough_high": trough_high,
        "high_day": high_day,
        "trough_day": np.where(deeper, number, before.trough_day),
        "back_day": np.where(deeper, -1, np.where(back, number, before.back_day)),
        "longest": np.maximum(before.longest, under),
    }
