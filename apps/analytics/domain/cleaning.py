"""What a daily return may be, decided once: arrays of days along the last axis."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from apps.analytics.domain.standing import BoolArray, FloatArray


class Days(NamedTuple):
    """Daily returns ready for arithmetic: a day that does not count is 0 in ``returns``."""

    returns: FloatArray
    counted: BoolArray

    def until(self, days: int) -> Days:
        """The last ``days`` calendar days."""
        return Days(self.returns[..., -days:], self.counted[..., -days:])


def clean(returns: npt.ArrayLike | Days) -> Days:
    """Tell the days that count from those that do not.

    NaN (no day, no sample, a weekend) and infinities do not count. Nobody can lose more than
    everything: a return below -1 counts as -1. What is clean already is handed back.
    """
    if isinstance(returns, Days):
        return returns
    given = np.asarray(returns, dtype=np.float64)
    counted = np.isfinite(given)
    return Days(np.maximum(np.where(counted, given, 0.0), -1.0), counted)
