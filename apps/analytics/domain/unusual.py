"""How masters trade against how they traded before, in arrays: one entry a master.

The measures are what alarms compare with their thresholds, see
:class:`apps.analytics.domain.alarms.AlarmKind`; the minimums keep few or small numbers from
saying anything. All definitions are this product's own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from apps.analytics.domain.cleaning import clean
from apps.analytics.domain.drawdowns import REGAINED, drawdown_curve
from apps.analytics.domain.standing import MINIMUM_DAYS, BoolArray, FloatArray, IntArray
from apps.analytics.domain.streaks import longest_of_owners

#: An earlier drawdown below this counts as this: half a percent more than nothing is no news.
LEAST_FALL = 0.05
#: So many trades must follow a lost one before their size says anything.
LEAST_CASES = 5
#: Margin below this share of equity is never sudden leverage, whatever was usual.
LEAST_BOUND = 0.10
#: Days on which margin was used that are needed to know what is usual.
LEAST_MARGIN_DAYS = 10
#: A pause shorter than this is no silence, so that no weekend is one; and the trades that are
#: needed to know the usual pause.
LEAST_SILENCE_S = 4 * 86_400
LEAST_TRADES = 20
#: The usual pause counts as this at least.
_SHORTEST_PAUSE_S = 3600.0
_MILLISECONDS = 2**44


def worst_before(returns: FloatArray) -> FloatArray:
    """The deepest drawdown before the high from which a record falls now; a fraction.

    ``returns`` are daily, a row a record, the newest day in the last column, NaN where a day does
    not count. NaN where fewer than 20 days before that high count.
    """
    days = clean(returns)
    curve = drawdown_curve(days)
    number = np.arange(curve.shape[-1])
    last_high = np.max(np.where(curve <= REGAINED, number, -1), axis=-1, initial=-1)
    before = number <= last_high[:, None]
    worst = np.max(np.where(before, curve, 0.0), axis=-1, initial=0.0)
    known = (before & days.counted).sum(axis=-1) >= MINIMUM_DAYS
    return np.where(known, worst, np.nan)


def fall_measure(fall: FloatArray, worst: FloatArray) -> FloatArray:
    """How many times the deepest drawdown before a fall is; 0 where that is not known."""
    found = fall / np.maximum(worst, LEAST_FALL)
    return np.where(np.isfinite(found), found, 0.0)


class Sizes(NamedTuple):
    """Sizes after lost and after won trades, one entry an owner.

    ``lost`` and ``won`` are the typical ratios (geometric means) of a trade's volume to that of
    the trade before it; ``cases`` how many followed a lost one. ``before`` has, for each trade,
    the place of the one before it, -1 where there is none.
    """

    lost: FloatArray
    won: FloatArray
    cases: IntArray
    before: IntArray

    def measure(self) -> FloatArray:
        """Growth after losses, what is done after wins taken out; 0 for fewer than 5 cases."""
        found = self.lost / np.maximum(self.won, 1.0)
        return np.where(self.cases >= LEAST_CASES, found, 0.0)


def sizes_after(
    owners: int,
    owner: IntArray,
    symbol: IntArray,
    opened: IntArray,
    closed: IntArray,
    volume: FloatArray,
    result: FloatArray,
) -> Sizes:
    """What each trade's volume is against the symbol's trade that was closed last before it.

    One entry a trade: ``symbol`` numbers the symbols from 0 over all owners, so that no two share
    one; times are in milliseconds. As :func:`apps.analytics.domain.behaviour.growing_after_losses`
    counts it, for many owners at once.
    """
    order = np.argsort(symbol * _MILLISECONDS + closed, kind="stable")
    keys = (symbol * _MILLISECONDS + closed)[order]
    place = np.searchsorted(keys, symbol * _MILLISECONDS + opened, side="right") - 1
    before = np.where(place >= 0, order[np.maximum(place, 0)], -1)
    same = (before >= 0) & (symbol[before] == symbol) & (before != np.arange(len(symbol)))
    fits = same & (volume[before] > 0) & (volume > 0)
    before = np.where(fits, before, -1)
    ratio = np.zeros(len(volume))
    ratio[fits] = np.log(volume[fits] / volume[before[fits]])
    lost = fits & (result[before] < 0)
    won = fits & (result[before] > 0)
    cases = np.bincount(owner[lost], minlength=owners)
    return Sizes(
        _typical(owners, owner, ratio, lost), _typical(owners, owner, ratio, won), cases, before
    )


def _typical(owners: int, owner: IntArray, ratio: FloatArray, hit: BoolArray) -> FloatArray:
    count = np.bincount(owner[hit], minlength=owners)
    total = np.bincount(owner[hit], weights=ratio[hit], minlength=owners)
    return np.asarray(np.exp(total / np.maximum(count, 1)))


def worse_in_a_row(group: IntArray, price: FloatArray, bought: BoolArray) -> IntArray:
    """Most entries of each group in a row, each at a worse price than the one before.

    ``group`` numbers from 0 what belongs together (a symbol and side of one account), in order
    and oldest entry first. Worse is lower for a buy, higher for a sell. 1 where none is.
    """
    groups = int(group[-1]) + 1 if len(group) else 0
    starts = np.searchsorted(group, np.arange(groups + 1))
    moved = np.diff(price, prepend=price[:1])
    worse = np.where(bought, moved < 0, moved > 0)
    worse[starts[:-1]] = False
    return 1 + longest_of_owners(worse, starts, groups)


def margin_measure(bound: FloatArray, days: FloatArray) -> tuple[FloatArray, FloatArray]:
    """How many times the usual share of equity is bound as margin; and what is usual.

    ``days`` has the largest share of each of the last days, a row a master, NaN or 0 where none
    was used: usual is their median. The measure is 0 below a share of 10 %, and where margin was
    used on fewer than 10 days.
    """
    used = np.where(days > 0, days, np.nan)
    known = np.isfinite(used).sum(axis=-1) >= LEAST_MARGIN_DAYS
    usual = np.full(len(bound), np.nan)
    if known.any():
        usual[known] = np.nanmedian(used[known], axis=-1)
    with np.errstate(invalid="ignore"):
        found = np.where(bound >= LEAST_BOUND, bound / usual, 0.0)
    return np.where(known, found, 0.0), usual


def silence_measure(silent_s: FloatArray, span_s: FloatArray, trades: IntArray) -> FloatArray:
    """How many times the usual pause between trades a master has been silent.

    The usual pause is the time from its first to its last trade, ``span_s``, by their number less
    one. 0 for fewer than 20 trades and for less than four days.
    """
    pause = np.maximum(span_s / np.maximum(trades - 1, 1), _SHORTEST_PAUSE_S)
    judged = (trades >= LEAST_TRADES) & (silent_s >= LEAST_SILENCE_S)
    return np.where(judged, silent_s / pause, 0.0)
