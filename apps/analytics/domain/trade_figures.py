"""Figures of closed trades: for one record, for thousands, and kept up by adding totals."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from apps.analytics.domain.standing import Figure, Standing
from apps.analytics.domain.table import FigureTable, column
from apps.analytics.domain.trades import ClosedTrade, Totals, rows_of, totals

#: Names of the figures of trades, in the order in which they are shown.
TRADE_FIGURES = (
    "trades",
    "win_rate",
    "profit_factor",
    "expectancy",
    "average_win",
    "average_loss",
    "holding_hours",
    "losing_streak",
    "long_share",
)
_HOUR_MS = 3_600_000


def trade_figures(sums: Totals) -> FigureTable:
    """The figures of trades from their totals, a row an owner.

    ``win_rate``: wins ÷ (wins + losses), a fraction; trades of result 0 are neither (quantstats
    ``win_rate``). ``profit_factor``: money won ÷ money lost, a number (quantstats
    ``profit_factor``). ``expectancy``: net result ÷ trades; ``average_win`` and ``average_loss``
    (negative): mean of the won and of the lost trades; all three in account currency (quantstats
    ``avg_return``, ``avg_win``, ``avg_loss``; V. K. Tharp for expectancy). ``holding_hours``:
    mean time from open to close. ``losing_streak``: most lost trades in a row, by the time of
    closing (quantstats ``consecutive_losses``). ``long_share``: bought trades ÷ trades.
    """
    none = (sums.trades == 0, Standing.NO_DATA)
    count = np.maximum(sums.trades, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        columns = {
            "trades": column(sums.trades),
            "win_rate": column(sums.wins / (sums.wins + sums.losses), none),
            "profit_factor": column(sums.won / -sums.lost, none),
            "expectancy": column((sums.won + sums.lost) / count, none),
            "average_win": column(sums.won / sums.wins, none),
            "average_loss": column(sums.lost / sums.losses, none),
            "holding_hours": column(sums.held / count / _HOUR_MS, none),
            "losing_streak": column(sums.streak, none),
            "long_share": column(sums.longs / count, none),
        }
    return FigureTable({name: columns[name] for name in TRADE_FIGURES})


def trade_figures_of(trades: Iterable[ClosedTrade]) -> dict[str, Figure]:
    """The figures of one record's trades."""
    return trade_figures(totals(rows_of([trades]), 1)).row(0)
