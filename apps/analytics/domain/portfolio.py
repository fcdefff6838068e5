"""What several masters mean together for one account: exposure, hedges, correlation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from apps.analytics.domain.standing import MINIMUM_DAYS, FloatArray, IntArray
from apps.trading.money import Rates
from apps.trading.orders import Side
from apps.trading.quantity import ZERO

#: Returns that swing less than this share of their mean are all the same.
_NO_SPREAD = 1e-9


@dataclass(frozen=True, slots=True)
class Holding:
    """An open position and the master it is copied from.

    ``units`` of the base asset, valued at ``price`` in the quote currency.
    """

    master_id: int
    symbol: str
    base: str
    quote: str
    side: Side
    units: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True)
class SymbolExposure:
    """Units bought and sold of one symbol, both positive; ``masters`` is net units by master."""

    long: Decimal
    short: Decimal
    masters: dict[int, Decimal]

    @property
    def net(self) -> Decimal:
        return self.long - self.short

    @property
    def hedged(self) -> Decimal:
        """Units that stand on both sides: they cost spread and swap, and earn nothing."""
        return min(self.long, self.short)


class Hedge(NamedTuple):
    """Two masters on opposite sides of one symbol, and how many units cancel out."""

    symbol: str
    buyer: int
    seller: int
    units: Decimal


def by_symbol(holdings: Iterable[Holding]) -> dict[str, SymbolExposure]:
    """Units by symbol, in order of name."""
    sides: dict[str, dict[Side, Decimal]] = defaultdict(lambda: dict.fromkeys(Side, ZERO))
    masters: dict[str, dict[int, Decimal]] = defaultdict(dict)
    for held in holdings:
        sides[held.symbol][held.side] += held.units
        net = masters[held.symbol].get(held.master_id, ZERO)
        masters[held.symbol][held.master_id] = net + held.units * held.side.sign
    return {
        symbol: SymbolExposure(side[Side.BUY], side[Side.SELL], masters[symbol])
        for symbol, side in sorted(sides.items())
    }


def by_currency(holdings: Iterable[Holding], rates: Rates, currency: str) -> dict[str, Decimal]:
    """Net exposure to each currency or asset, valued in ``currency``; the largest first.

    Buying a symbol is buying its base and selling its quote currency: 100,000 EURUSD at 1.10 is
    +100,000 EUR and -110,000 USD. The account's own currency is left out, since holding it is no
    risk. The base is valued by the symbol's own price. NoConversionRate where no price leads from
    a quote currency to ``currency``.
    """
    exposure: dict[str, Decimal] = defaultdict(Decimal)
    for held in holdings:
        value = held.units * held.price * rates.rate(held.quote, currency) * held.side.sign
        exposure[held.base] += value
        exposure[held.quote] -= value
    exposure.pop(currency, None)
    return dict(sorted(exposure.items(), key=lambda item: (-abs(item[1]), item[0])))


def hedges(holdings: Iterable[Holding]) -> list[Hedge]:
    """Masters that hold against each other, the largest first within each symbol.

    Each pair of a net buyer and a net seller is told with the units that cancel out between the
    two; a master that hedges itself is none of them.
    """
    found = []
    for symbol, exposure in by_symbol(holdings).items():
        for one, other in combinations(sorted(exposure.masters), 2):
            first, second = exposure.masters[one], exposure.masters[other]
            if first * second < 0:
                buyer, seller = (one, other) if first > 0 else (other, one)
                found.append(Hedge(symbol, buyer, seller, min(abs(first), abs(second))))
    return sorted(found, key=lambda hedge: (hedge.symbol, -hedge.units, hedge.buyer, hedge.seller))


def correlations(returns: npt.ArrayLike) -> tuple[FloatArray, IntArray]:
    """Pearson correlation of daily returns between records, and the days each pair shares.

    ``returns`` is a grid of records × days; of each pair the days that count for both are
    compared. A number from -1 to 1; NaN where fewer than 20 days are shared, or where one of the
    two never changed on them. Source: K. Pearson; pandas ``DataFrame.corr(min_periods=20)``.
    """
    rows = np.asarray(returns, dtype=np.float64)
    if rows.ndim != 2:
        raise ValueError(f"a grid has records and days, this array has {rows.ndim} dimension(s)")
    counted = np.isfinite(rows)
    common = counted.astype(np.int64) @ counted.astype(np.int64).T
    days = common.diagonal()
    whole = [_part(row[own]) if own.any() else None for row, own in zip(rows, counted, strict=True)]
    result = np.full(common.shape, np.nan)
    for one in range(len(rows)):
        for other in range(one, len(rows)):
            if common[one, other] < MINIMUM_DAYS:
                continue
            first, second = whole[one], whole[other]
            if not common[one, other] == days[one] == days[other]:
                shared = counted[one] & counted[other]
                first, second = _part(rows[one, shared]), _part(rows[other, shared])
            if first is not None and second is not None:
                result[one, other] = result[other, one] = _correlation(first, second)
    return result, common


class _Part(NamedTuple):
    """Daily returns without their mean, how far they spread, and whether they never changed."""

    centred: FloatArray
    spread: float
    still: bool


def _part(returns: FloatArray) -> _Part:
    centred = returns - returns.mean()
    spread = float(np.sqrt(centred @ centred))
    return _Part(centred, spread, spread <= _NO_SPREAD * float(np.sqrt(returns @ returns)))


def _correlation(one: _Part, other: _Part) -> float:
    if one.still or other.still:
        return float("nan")
    product = float(one.centred @ other.centred) / (one.spread * other.spread)
    return min(max(product, -1.0), 1.0)
