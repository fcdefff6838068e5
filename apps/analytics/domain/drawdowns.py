"""Falls from a high: the drawdown curve, the deepest fall, and how long they lasted.

All functions take daily returns with the calendar days along the last axis; NaN is a day that
does not count. Drawdowns are positive fractions of the high (0.25 is a quarter lost).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from apps.analytics.domain.cleaning import Days, clean
from apps.analytics.domain.standing import FloatArray, IntArray

#: The index counts as back at its high from here; products of many factors are not exact.
REGAINED = 1e-12


class Falls(NamedTuple):
    """What is read off drawdown curves; one entry a record.

    ``deepest`` and ``current`` are fractions. ``recovery`` is in calendar days, -1 while the
    high before the deepest fall is not regained; ``longest`` in calendar days.
    """

    deepest: FloatArray
    current: FloatArray
    recovery: IntArray
    longest: IntArray


def index_of(returns: npt.ArrayLike | Days) -> FloatArray:
    """Value of one unit of money after each day: Π (1 + r). The time-weighted curve.

    Source: compounding; empyrical ``cum_returns(starting_value=1)``.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(np.cumprod(1 + clean(returns).returns, axis=-1))


def drawdown_curve(returns: npt.ArrayLike | Days) -> FloatArray:
    """Fall from the highest value so far, after each day: 1 - index ÷ high. Fraction.

    The start counts as a high. Source: quantstats ``to_drawdown_series`` with the other sign.
    """
    index = index_of(returns)
    with np.errstate(invalid="ignore"):
        return np.asarray(1 - index / _highs(index))


def maximum_drawdown(returns: npt.ArrayLike | Days) -> FloatArray:
    """The deepest value of :func:`drawdown_curve`; 0 for a record that never fell or is empty.

    Source: empyrical and quantstats ``max_drawdown``, which give it as a negative number.
    """
    return np.asarray(np.max(drawdown_curve(returns), axis=-1, initial=0.0))


def falls(returns: npt.ArrayLike | Days) -> Falls:
    """Depth and length of falls.

    ``recovery``: calendar days from the lowest day of the deepest fall to the first day on which
    the high before it is regained; 0 where there was no fall. ``longest``: the most calendar days
    in a row that ended below a high. Source: quantstats ``drawdown_details`` (``days``) for the
    latter; the former has no counterpart there.
    """
    index = index_of(returns)
    if index.shape[-1] == 0:
        nothing = np.zeros(index.shape[:-1])
        return Falls(nothing, nothing, nothing.astype(np.int64), nothing.astype(np.int64))
    high = _highs(index)
    with np.errstate(invalid="ignore"):
        curve = 1 - index / high
    trough = np.argmax(curve, axis=-1)
    deepest = np.take_along_axis(curve, trough[..., None], -1)[..., 0]
    before = np.take_along_axis(high, trough[..., None], -1)
    days = np.arange(index.shape[-1])
    back = (index >= before * (1 - REGAINED)) & (days > trough[..., None])
    recovery = np.where(back.any(axis=-1), np.argmax(back, axis=-1) - trough, -1)
    last_high = np.maximum.accumulate(np.where(curve > REGAINED, -1, days), axis=-1)
    return Falls(
        np.maximum(deepest, 0.0),
        np.maximum(curve[..., -1], 0.0),
        np.where(deepest > REGAINED, recovery, 0),
        np.max(days - last_high, axis=-1),
    )


def _highs(index: FloatArray) -> FloatArray:
    return np.maximum(np.maximum.accumulate(index, axis=-1), 1.0)
