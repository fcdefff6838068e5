"""Prices of the past: a seeded path between daily reference rates, five minutes apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from apps.demo.domain.past.calendar import DAY
from apps.trading.orders import Side

_SCALE = 100_000


class Terms(NamedTuple):
    """What the venue asks for a symbol; ``spread`` and ``pip`` are in 1/100000.

    ``commission`` is USD for a million USD traded, each way; swaps are pips for a night.
    """

    instrument_id: str
    name: str
    base: str
    quote: str
    digits: int
    pip: int
    spread: int
    commission: int
    swap_long: Decimal
    swap_short: Decimal

    @property
    def step(self) -> int:
        """Smallest change of a price, in 1/100000."""
        return int(10 ** (5 - self.digits))


class PastPrices:
    """Quotes of every symbol at every step.

    ``rates`` are the logarithms of each currency's price of one euro, a row for each day and one
    for the day after the last; between two days each wanders as a Brownian bridge of the daily
    volatility given, as the venue's own prices do.
    """

    def __init__(
        self,
        terms: Sequence[Terms],
        rates: Mapping[str, Sequence[float]],
        volatility: Mapping[str, float],
        seed: int,
    ) -> None:
        self.terms = {term.name: term for term in terms}
        chance = np.random.default_rng(seed)
        logs = {c: _bridged(np.asarray(rates[c]), volatility[c], chance) for c in sorted(rates)}
        self.steps = len(next(iter(logs.values())))
        logs["EUR"] = np.zeros(self.steps)
        mids = {t.name: np.exp(logs[t.quote] - logs[t.base]) for t in terms}
        # Lists: they are read one by one, millions of times.
        self._bids = {t.name: _on_grid(mids[t.name], t).tolist() for t in terms}
        self._mids = {name: found.tolist() for name, found in mids.items()}
        self._per_euro = {currency: np.exp(found).tolist() for currency, found in logs.items()}

    def pips(self, symbol: str, step: int, back: int) -> float:
        """How far the middle price has moved over the last ``back`` steps, in pips."""
        mids = self._mids[symbol]
        now = min(step, self.steps - 1)
        then = min(max(step - back, 0), self.steps - 1)
        return (mids[now] - mids[then]) * _SCALE / self.terms[symbol].pip

    def price(self, symbol: str, step: int, side: Side) -> Decimal:
        """Price at which an order of this side is filled."""
        term = self.terms[symbol]
        scaled = self._bids[symbol][step] + (term.spread if side is Side.BUY else 0)
        return Decimal(scaled).scaleb(-5)

    def rate(self, source: str, target: str, step: int) -> Decimal:
        """Units of ``target`` for one of ``source``, to nine decimals."""
        if source == target:
            return Decimal(1)
        value = self._per_euro[target][step] / self._per_euro[source][step]
        return Decimal(round(value * 1e9)).scaleb(-9)

    def pip(self, symbol: str) -> Decimal:
        """One pip as a price distance."""
        return Decimal(self.terms[symbol].pip).scaleb(-5)


def _bridged(
    days: npt.NDArray[np.float64], sigma: float, chance: np.random.Generator
) -> npt.NDArray[np.float64]:
    count = len(days) - 1
    walk = chance.normal(0.0, sigma / np.sqrt(DAY), (count, DAY)).cumsum(axis=1)
    walk = np.concatenate([np.zeros((count, 1)), walk[:, :-1]], axis=1) - np.outer(
        walk[:, -1], np.arange(DAY) / DAY
    )
    between = np.outer(np.diff(days), np.arange(DAY) / DAY)
    return np.asarray((days[:-1, None] + between + walk).ravel())


def _on_grid(mids: npt.NDArray[np.float64], term: Terms) -> npt.NDArray[np.int64]:
    """Bids in 1/100000 on the symbol's grid."""
    return np.round((mids * _SCALE - term.spread / 2) / term.step).astype(np.int64) * term.step
