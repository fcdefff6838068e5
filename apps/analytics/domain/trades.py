"""Closed trades, and totals of them that can be added up: for one record and for thousands.

The totals of a day are added to those of all days before it (:meth:`Totals.plus`), so that a new
day costs as much as it has trades, however long the history. Money is in the account's currency.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from apps.analytics.domain.flows import milliseconds
from apps.analytics.domain.standing import BoolArray, FloatArray, IntArray
from apps.analytics.domain.streaks import longest_of_owners
from apps.trading.orders import Side


@dataclass(frozen=True, slots=True)
class ClosedTrade:
    """A position, or the part of one that was closed, from its open to its close.

    ``profit`` is the gross result in account currency, ``commission`` and ``swap`` what was booked
    for it (negative: paid); ``volume`` is in lots or in units, the same for all trades of a
    symbol.
    """

    symbol: str
    side: Side
    volume: Decimal
    opened_at: datetime
    closed_at: datetime
    open_price: Decimal
    close_price: Decimal
    profit: Decimal
    commission: Decimal = Decimal(0)
    swap: Decimal = Decimal(0)

    @property
    def result(self) -> Decimal:
        """What the trade changed the balance by."""
        return self.profit + self.commission + self.swap


class TradeRows(NamedTuple):
    """Closed trades of many owners (numbered from 0), in order of owner, then of closing.

    ``result`` is net money, ``held`` milliseconds between open and close, ``bought`` whether the
    trade was long.
    """

    owner: IntArray
    result: FloatArray
    held: FloatArray
    bought: BoolArray


class Totals(NamedTuple):
    """Sums over trades, one entry an owner.

    A trade of result 0 is neither won nor lost. ``leading`` and ``trailing`` are the runs of
    losses at the start and the end, ``streak`` the longest one.
    """

    trades: IntArray
    wins: IntArray
    losses: IntArray
    won: FloatArray
    lost: FloatArray
    held: FloatArray
    longs: IntArray
    leading: IntArray
    trailing: IntArray
    streak: IntArray

    def plus(self, later: Totals) -> Totals:
        """The totals of these trades and of later ones."""
        return Totals(
            trades=self.trades + later.trades,
            wins=self.wins + later.wins,
            losses=self.losses + later.losses,
            won=self.won + later.won,
            lost=self.lost + later.lost,
            held=self.held + later.held,
            longs=self.longs + later.longs,
            leading=np.where(self.leading < self.trades, self.leading, self.trades + later.leading),
            trailing=np.where(
                later.trailing < later.trades, later.trailing, self.trailing + later.trades
            ),
            streak=np.maximum.reduce([self.streak, later.streak, self.trailing + later.leading]),
        )


def rows_of(records: Sequence[Iterable[ClosedTrade]]) -> TradeRows:
    """Trades as arrays; a record's place in the sequence is its owner's number."""
    flat = [
        (owner, float(t.result), milliseconds(t.closed_at) - milliseconds(t.opened_at), t.side)
        for owner, record in enumerate(records)
        for t in sorted(record, key=lambda trade: (trade.closed_at, trade.opened_at))
    ]
    return TradeRows(
        np.array([row[0] for row in flat], dtype=np.int64),
        np.array([row[1] for row in flat], dtype=np.float64),
        np.array([row[2] for row in flat], dtype=np.float64),
        np.array([row[3] is Side.BUY for row in flat], dtype=np.bool_),
    )


def totals(rows: TradeRows, owners: int) -> Totals:
    """Totals of every owner's trades; zeros for one without. Results that are not finite are
    left out. ValueError where the rows are not in order of owner, or name one that is not there.
    """
    if len(rows.owner) and not (
        (np.diff(rows.owner) >= 0).all() and rows.owner[0] >= 0 and rows.owner[-1] < owners
    ):
        raise ValueError(f"trades must be in order of their owner, of which there are {owners}")
    known = np.isfinite(rows.result)
    owner, result = rows.owner[known], rows.result[known]
    held, bought = rows.held[known], rows.bought[known]
    win, loss = result > 0, result < 0
    starts = np.searchsorted(owner, np.arange(owners + 1))
    count = np.diff(starts)
    return Totals(
        count,
        _number(owner, win, owners),
        _number(owner, loss, owners),
        _sum(owner, np.where(win, result, 0.0), owners),
        _sum(owner, np.where(loss, result, 0.0), owners),
        _sum(owner, np.where(np.isfinite(held), held, 0.0), owners),
        _number(owner, bought, owners),
        _edge(loss, starts, count),
        _edge(loss[::-1], (len(loss) - starts)[::-1], count[::-1])[::-1],
        longest_of_owners(loss, starts, owners),
    )


def _number(owner: IntArray, mask: BoolArray, owners: int) -> IntArray:
    return np.bincount(owner[mask], minlength=owners).astype(np.int64)


def _sum(owner: IntArray, values: FloatArray, owners: int) -> FloatArray:
    return np.bincount(owner, values, minlength=owners).astype(np.float64)


def _edge(loss: BoolArray, starts: IntArray, count: IntArray) -> IntArray:
    """Length of the run of losses with which each owner's trades begin."""
    ends = np.append(np.flatnonzero(~loss), len(loss))
    first_other = ends[np.searchsorted(ends, starts[:-1])] if len(count) else starts[:-1]
    return np.asarray(np.minimum(first_other - starts[:-1], count))
