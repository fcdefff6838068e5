"""Figures kept up day by day: what a new day costs does not grow with the history.

An :class:`~apps.analytics.domain.accumulator.Accumulator` takes a day in a fixed number of steps
and answers the figures of the whole record. Three kinds of figures cannot be had that way, since
the day that leaves a window must be known: returns and drawdowns of 7 to 365 days, value at risk,
and the risk score, which looks at the drawdown of 365 days. For them the returns of the last 365
calendar days are kept, and no more; the work on them is bounded by the window.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import numpy.typing as npt

from apps.analytics.domain.accumulator import Accumulator, after
from apps.analytics.domain.cleaning import clean
from apps.analytics.domain.drawdowns import maximum_drawdown
from apps.analytics.domain.measures import Measures, figures_from, joined
from apps.analytics.domain.ratios import daily_rate
from apps.analytics.domain.standing import LOOK_BACK, WINDOWS, FloatArray
from apps.analytics.domain.table import FigureTable
from apps.analytics.domain.windows import total_return, value_at_risk

_CHUNK = 128


@dataclass(frozen=True, slots=True, eq=False)
class Running:
    """Records up to ``last_day``, all of them to the same day.

    ``number`` is that day counted from the first one added, -1 before it. ``recent`` holds the
    returns of the last 365 days as records × 365, the newest in column ``number`` mod 365.
    """

    accumulator: Accumulator
    recent: FloatArray
    last_day: date | None = None
    number: int = -1
    free: float = 0.0

    @classmethod
    def empty(cls, records: int, risk_free: float = 0.0) -> Running:
        """Records of which no day is known yet; ``risk_free`` is the rate of a year."""
        recent = np.full((records, LOOK_BACK), np.nan)
        return cls(Accumulator.empty(records), recent, free=daily_rate(risk_free))

    def with_records(self, more: int) -> Running:
        """The same with ``more`` empty records at the end: masters that are new."""
        rows = np.vstack([self.accumulator.matrix(), Accumulator.empty(more).matrix()])
        recent = np.vstack([self.recent, np.full((more, LOOK_BACK), np.nan)])
        return replace(self, accumulator=Accumulator.from_matrix(rows), recent=recent)

    def with_day(self, day: date, returns: npt.ArrayLike) -> Running:
        """One more UTC day: a return for each record, NaN where the day does not count.

        Days that were left out had no returns. ValueError for a day that is not after the last.
        """
        if self.last_day is not None and day <= self.last_day:
            raise ValueError(f"days come in order: {day} is not after {self.last_day}")
        number = 0 if self.last_day is None else self.number + (day - self.last_day).days
        changed = self.last_day is None or (day.year, day.month) != (
            self.last_day.year,
            self.last_day.month,
        )
        accumulator = after(self.accumulator, number, returns, free=self.free, new_month=changed)
        recent = self.recent.copy()
        for missed in range(max(self.number + 1, number - LOOK_BACK + 1), number):
            recent[:, missed % LOOK_BACK] = np.nan
        recent[:, number % LOOK_BACK] = returns
        return replace(self, accumulator=accumulator, recent=recent, last_day=day, number=number)

    def window(self) -> FloatArray:
        """Returns of the last 365 calendar days, the last day in the last column."""
        split = (self.number + 1) % LOOK_BACK
        return np.concatenate([self.recent[:, split:], self.recent[:, :split]], axis=1)

    def month_return(self) -> FloatArray:
        """Return of the current calendar month so far; NaN before its first counted day."""
        return self.accumulator.month - 1

    def figures(self) -> FigureTable:
        """Every figure of daily returns, as the full computation over all days has them."""
        window, rows = self.window(), self.accumulator.matrix()
        parts = [
            _measure(Accumulator.from_matrix(rows[i : i + _CHUNK]), window[i : i + _CHUNK], self)
            for i in range(0, max(len(rows), 1), _CHUNK)
        ]
        return figures_from(joined(parts))


def _measure(known: Accumulator, window: FloatArray, running: Running) -> Measures:
    days = clean(window)
    spread = np.sqrt(known.squares / np.maximum(known.count - 1, 1))
    return Measures(
        count=known.count,
        recent=days.counted.sum(axis=-1),
        mean=known.mean,
        deviation=np.where(known.count > 1, spread, np.nan),
        downside=np.sqrt(known.short / np.maximum(known.count, 1)),
        growth=known.index,
        growths={n: total_return(days, n) + 1 for n in WINDOWS},
        drawdowns={n: maximum_drawdown(days.until(n)) for n in WINDOWS},
        tail=value_at_risk(days),
        falls=known.falls(),
        gains=known.gains,
        streak=known.streak,
        free=running.free,
    )
