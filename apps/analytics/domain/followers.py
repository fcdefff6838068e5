"""What the followers of a master really earned."""

from __future__ import annotations

import numpy as np

from apps.analytics.domain.standing import MINIMUM_FOLLOWERS, FloatArray, IntArray, Standing
from apps.analytics.domain.table import FigureTable, column

#: Names of the figures of followers, in the order in which they are shown.
FOLLOWER_FIGURES = ("followers", "followers_median", "followers_in_profit")


def follower_figures(master: IntArray, returns: FloatArray, masters: int) -> FigureTable:
    """Figures of the followers of many masters, a row a master (numbered from 0).

    ``returns`` holds the return of each subscription after trading costs and fees, a fraction of
    the money that followed, with the number of its master beside it, in any order; what is not
    finite is left out. ``followers_median`` is the middle return, the mean of the two middle ones
    where their number is even; ``followers_in_profit`` the share above 0. Both stand only from
    five followers on. ValueError for a master that is not there.
    """
    if len(master) and not (master.min() >= 0 and master.max() < masters):
        raise ValueError(f"masters are numbered from 0 to {masters - 1}")
    known = np.isfinite(returns)
    order = np.lexsort((returns[known], master[known]))
    owner, ordered = master[known][order], returns[known][order]
    starts = np.searchsorted(owner, np.arange(masters + 1))
    count = np.diff(starts)
    few = (count < MINIMUM_FOLLOWERS, Standing.TOO_FEW_FOLLOWERS)
    some = np.maximum(count, 1)
    padded = np.append(ordered, np.nan)
    lower = np.where(count > 0, starts[:-1] + (count - 1) // 2, len(ordered))
    upper = np.where(count > 0, starts[:-1] + count // 2, len(ordered))
    gained = np.bincount(owner[ordered > 0], minlength=masters)
    columns = {
        "followers": column(count),
        "followers_median": column((padded[lower] + padded[upper]) / 2, few),
        "followers_in_profit": column(gained / some, few),
    }
    return FigureTable({name: columns[name] for name in FOLLOWER_FIGURES})
