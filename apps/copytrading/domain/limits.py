"""The bounds of settings: far beyond any sensible use, far below what numbers can hold."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple


class Bounds(NamedTuple):
    """The smallest and largest value of a setting; ``places`` None is a whole number."""

    low: int
    high: int
    places: int | None

    @property
    def in_words(self) -> str:
        """What to enter, as a sentence."""
        if self.places is None:
            return f"Use a whole number from {self.low:,} to {self.high:,}."
        return (
            f"Use a number from {self.low:,} to {self.high:,} with at most {self.places} decimals."
        )

    def holds(self, value: Decimal | int) -> bool:
        """Whether a value lies within."""
        return self.low <= value <= self.high


_LOTS = Bounds(0, 1_000_000_000, 4)
_MONEY = Bounds(0, 1_000_000_000_000, 8)

#: By name of the field; volumes in lots, money in the account's currency, durations in seconds.
BOUNDS = {
    "risk_multiplier": Bounds(0, 1000, 4),
    "fixed_volume": _LOTS,
    "base_equity": _MONEY,
    "allocated_capital": _MONEY,
    "min_volume": _LOTS,
    "max_volume": _LOTS,
    "max_positions": Bounds(0, 10_000, None),
    "min_equity": _MONEY,
    "max_slippage": Bounds(0, 100, 4),
    "max_delay_s": Bounds(0, 3600, None),
    "loss_limit": _MONEY,
    "min_margin_level": Bounds(0, 100_000, 2),
    "max_master_count": Bounds(0, 1000, None),
}
#: Of the product's own defaults: these two always hold.
PRODUCT_BOUNDS = {
    **BOUNDS,
    "max_delay_s": Bounds(1, 3600, None),
    "stale_account_s": Bounds(1, 3600, None),
    "margin_warning": Bounds(0, 500, 2),
    "margin_critical": Bounds(0, 500, 2),
    "gate_daily_loss": Bounds(0, 100, 2),
    "gate_drawdown": Bounds(0, 100, 2),
    "gate_leverage": Bounds(0, 10_000, 2),
    "alarm_drawdown": Bounds(0, 1000, 2),
    "alarm_size_growth": Bounds(0, 1000, 2),
    "alarm_averaging_down": Bounds(0, 1000, None),
    "alarm_leverage": Bounds(0, 1000, 2),
    "alarm_silence": Bounds(0, 1000, 2),
}
#: Names in a list of symbols, and pairs in a mapping.
MOST_SYMBOLS = 1000
MOST_PAIRS = 20_000
