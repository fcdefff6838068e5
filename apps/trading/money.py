"""Amounts with their currency, and conversion through known rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from apps.trading.errors import NoConversionRate

_ZERO_DIGITS = frozenset({"JPY", "KRW", "HUF", "CLP", "VND", "ISK"})


def currency_digits(currency: str) -> int:
    """Decimals in which a currency is booked."""
    return 0 if currency in _ZERO_DIGITS else 2


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency. Sums need the same currency; scaling keeps it."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if isinstance(self.amount, float):
            raise TypeError("money is Decimal, never float")

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def booked(self) -> Money:
        """Rounded to the decimals in which the currency is booked."""
        step = Decimal(1).scaleb(-currency_digits(self.currency))
        return Money(self.amount.quantize(step, rounding=ROUND_HALF_EVEN), self.currency)

    def _same(self, other: Money) -> Decimal:
        if other.currency != self.currency:
            raise ValueError(f"{other.currency} cannot be added to {self.currency}")
        return other.amount


class Rates:
    """Conversion between currencies from mid prices of currency pairs.

    ``pairs`` maps (base, quote) to the price of one base in quote. A missing pair is looked
    for inverted, then crossed through one third currency (USD and EUR first, then any that
    the pairs hold).

    >>> Rates({("EUR", "USD"): Decimal("1.25")}).rate("USD", "EUR")
    Decimal('0.8')
    """

    __slots__ = ("_cache", "_pairs", "_pivots")

    def __init__(self, pairs: Mapping[tuple[str, str], Decimal]) -> None:
        self._pairs = {pair: price for pair, price in pairs.items() if price > 0}
        held = {currency for pair in self._pairs for currency in pair}
        self._pivots = [c for c in ("USD", "EUR") if c in held]
        self._pivots += sorted(held - set(self._pivots))
        self._cache: dict[tuple[str, str], Decimal | None] = {}

    def rate(self, source: str, target: str) -> Decimal:
        """Units of ``target`` for one unit of ``source``; NoConversionRate where unknown."""
        if source == target:
            return Decimal(1)
        key = (source, target)
        if key not in self._cache:
            self._cache[key] = self._find(source, target)
        found = self._cache[key]
        if found is None:
            raise NoConversionRate(source, target)
        return found

    def convert(self, amount: Decimal, source: str, target: str) -> Decimal:
        return amount * self.rate(source, target)

    def _find(self, source: str, target: str) -> Decimal | None:
        direct = self._direct(source, target)
        if direct is not None:
            return direct
        for pivot in self._pivots:
            first, second = self._direct(source, pivot), self._direct(pivot, target)
            if first is not None and second is not None:
                return first * second
        return None

    def _direct(self, source: str, target: str) -> Decimal | None:
        if (price := self._pairs.get((source, target))) is not None:
            return price
        if (price := self._pairs.get((target, source))) is not None:
            return 1 / price
        return None
