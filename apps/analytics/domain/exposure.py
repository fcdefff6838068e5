"""How much of an account is at work: exposure and margin against equity, over time."""

from __future__ import annotations

import numpy as np

from apps.analytics.domain.standing import FloatArray, IntArray, Standing
from apps.analytics.domain.table import FigureTable, column

#: Names of the figures of exposure, in the order in which they are shown.
EXPOSURE_FIGURES = (
    "time_in_market",
    "average_exposure",
    "peak_exposure",
    "average_margin_use",
    "peak_margin_use",
)


def exposure_figures(
    owner: IntArray, equity: FloatArray, exposure: FloatArray, margin: FloatArray, owners: int
) -> FigureTable:
    """Figures from samples taken at equal distances, a row an owner.

    ``exposure`` is the value of all open positions without regard to side, ``margin`` the margin
    they use, both in account currency like ``equity``. ``time_in_market``: share of samples with
    an open position. ``average_exposure`` and ``peak_exposure``: exposure ÷ equity, mean over all
    samples and largest, a multiple (1 is the whole equity; also called effective leverage).
    ``average_margin_use`` and ``peak_margin_use``: margin ÷ equity, fractions. Source: the field's
    usage; quantstats ``exposure`` is the share of days with a return and corresponds to
    ``time_in_market`` by days. Samples that are not finite or without positive equity are passed
    over. An owner's samples may come in any order. ValueError for an owner that is not there.
    """
    if len(owner) and not (owner.min() >= 0 and owner.max() < owners):
        raise ValueError(f"owners are numbered from 0 to {owners - 1}")
    sound = np.isfinite(equity) & np.isfinite(exposure) & np.isfinite(margin) & (equity > 0)
    owner, equity = owner[sound], equity[sound]
    loads = {"exposure": exposure[sound] / equity, "margin_use": margin[sound] / equity}
    count = np.bincount(owner, minlength=owners)
    none = (count == 0, Standing.NO_DATA)
    some = np.maximum(count, 1)
    busy = np.bincount(owner, loads["exposure"] > 0, minlength=owners)
    columns = {"time_in_market": column(busy / some, none)}
    for name, load in loads.items():
        columns[f"average_{name}"] = column(np.bincount(owner, load, minlength=owners) / some, none)
        peak = np.zeros(owners)
        np.maximum.at(peak, owner, load)
        columns[f"peak_{name}"] = column(peak, none)
    return FigureTable({name: columns[name] for name in EXPOSURE_FIGURES})
