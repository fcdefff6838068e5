"""What masters are worth now against before: loss of the day, drawdown, leverage. In arrays.

One entry a master; NaN where a figure is not known. Fractions, where 0.1 is ten percent; money in
the currency of each account. Deposits and withdrawals count as if they had been made at the
beginning, so that they are neither a gain nor a loss.
"""

from __future__ import annotations

import numpy as np

from apps.analytics.domain.standing import FloatArray


def growth(before: FloatArray, flows: FloatArray, now: FloatArray) -> FloatArray:
    """What one unit of money became: now ÷ (before + flows). NaN where nothing was at work."""
    base = before + flows
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(base > 0, now / np.where(base > 0, base, 1.0), np.nan)


def loss(before: FloatArray, flows: FloatArray, now: FloatArray) -> FloatArray:
    """The share that was lost since ``before``; 0 where there is a gain."""
    return np.maximum(1 - growth(before, flows, now), 0.0)


def fall_now(fall: FloatArray, since: FloatArray) -> FloatArray:
    """Drawdown now, of a ``fall`` below the high and what one unit became ``since`` then.

    1 - (1 - fall) × growth, 0 where the high is passed. An unknown fall counts as none.
    """
    left = 1 - np.where(np.isnan(fall), 0.0, fall)
    return np.maximum(1 - left * since, 0.0)


def times_equity(worth: FloatArray, equity: FloatArray) -> FloatArray:
    """Leverage: the value of all open positions, bought and sold ones added up, ÷ equity.

    Infinite where positions are held without equity, 0 where none are held.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(equity > 0, worth / equity, np.inf)
    unknown = np.isnan(equity) | np.isnan(worth)
    return np.where(unknown, np.nan, np.where(worth == 0, 0.0, found))
