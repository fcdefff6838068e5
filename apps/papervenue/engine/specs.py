"""The symbols that the venue trades, and their terms."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

PRICE_DIGITS = 5
"""Prices are integers of 10 to the minus this, whatever digits a symbol shows."""

UNIT = 100
"""Volumes are hundredths of a unit."""


@dataclass(frozen=True, slots=True)
class SymbolSpec:
    """Terms of one symbol. Volumes are hundredths of a unit, the spread is in 1/100000.

    ``commission`` is in USD for a million USD traded, each way; swaps are pips for a night.
    """

    symbol_id: int
    name: str
    base: str
    quote: str
    digits: int
    pip_position: int
    lot: int
    min_volume: int
    step_volume: int
    max_volume: int
    spread: int
    commission: int
    swap_long: Decimal
    swap_short: Decimal
    description: str = ""

    @property
    def price_step(self) -> int:
        """Smallest change of a price, in 1/100000."""
        return int(10 ** (PRICE_DIGITS - self.digits))

    @property
    def pip(self) -> int:
        """One pip in 1/100000."""
        return int(10 ** (PRICE_DIGITS - self.pip_position))


def _forex(number: int, name: str, pips: str, swaps: tuple[str, str]) -> SymbolSpec:
    """A currency pair: lot 100,000 units, minimum and step 1,000; ``pips`` is the spread."""
    base, quote = name[:3], name[3:]
    digits = 3 if quote == "JPY" else 5
    whole, tenths = pips.split(".")
    return SymbolSpec(
        symbol_id=number,
        name=name,
        base=base,
        quote=quote,
        digits=digits,
        pip_position=digits - 1,
        lot=100_000 * UNIT,
        min_volume=1_000 * UNIT,
        step_volume=1_000 * UNIT,
        max_volume=50_000_000 * UNIT,
        spread=int(whole + tenths) * int(10 ** (PRICE_DIGITS - digits)),
        commission=30,
        swap_long=Decimal(swaps[0]),
        swap_short=Decimal(swaps[1]),
        description=f"{base} against {quote}",
    )


DEFAULT_SYMBOLS: tuple[SymbolSpec, ...] = (
    _forex(1, "EURUSD", "0.4", ("-0.62", "0.24")),
    _forex(2, "GBPUSD", "0.8", ("-0.35", "-0.12")),
    _forex(3, "USDJPY", "0.6", ("1.10", "-2.05")),
    _forex(4, "AUDUSD", "0.6", ("-0.21", "-0.05")),
    _forex(5, "USDCAD", "0.8", ("0.08", "-0.52")),
    _forex(6, "USDCHF", "0.8", ("0.64", "-1.12")),
    _forex(7, "NZDUSD", "0.9", ("-0.18", "-0.10")),
    _forex(8, "EURGBP", "0.7", ("-0.55", "0.16")),
    _forex(9, "EURJPY", "0.9", ("0.72", "-1.64")),
    _forex(10, "GBPJPY", "1.4", ("1.30", "-2.60")),
    _forex(11, "EURCHF", "1.0", ("0.35", "-0.90")),
    _forex(12, "AUDNZD", "1.5", ("-0.30", "-0.25")),
    _forex(13, "AUDJPY", "1.0", ("0.60", "-1.40")),
    _forex(14, "EURAUD", "1.4", ("-0.90", "0.30")),
    _forex(15, "CADJPY", "1.2", ("0.45", "-1.20")),
    _forex(16, "GBPCHF", "1.6", ("0.80", "-1.60")),
    SymbolSpec(
        *(17, "XAUUSD", "XAU", "USD", 2, 1, 100 * UNIT, UNIT, UNIT, 10_000 * UNIT),
        *(20_000, 0, Decimal("-3.1"), Decimal("1.2"), "Gold against USD"),
    ),
    SymbolSpec(
        *(18, "BTCUSD", "BTC", "USD", 2, 0, UNIT, 1, 1, 100 * UNIT),
        *(500_000, 0, Decimal(-12), Decimal(-12), "Bitcoin against USD"),
    ),
)
"""Currency pairs always have prices; gold and bitcoin trade where recorded prices are given."""
