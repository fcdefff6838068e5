"""The words in which the demo's plan is written.

Amounts are in the account's currency, volumes in lots, as the forms of the product take them.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

ZERO, ONE = Decimal(0), Decimal(1)


@dataclass(frozen=True, slots=True)
class Person:
    """A customer, or staff with a role; who ``signs_in`` has a password that is printed."""

    email: str
    name: str
    role: str = ""
    timezone: str = "UTC"
    signs_in: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    currency: str
    leverage: int = 100


@dataclass(frozen=True, slots=True)
class Account:
    """A trading account that is opened at the paper venue; ``key`` is its name there."""

    key: str
    owner: str
    name: str
    currency: str
    deposit: Decimal
    margin_mode: str = "hedging"


@dataclass(frozen=True, slots=True)
class Master:
    """A strategy on an account of its own; ``character`` says who trades it.

    ``flows`` is money that came (positive) or left, by the business day of its past, which is
    ``days`` long at most (0: as long as there is) and drawn by ``seed``.
    """

    character: str
    account: Account
    strategy: str
    description: str
    seed: int = 0
    days: int = 0
    flows: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Copy:
    """One subscription: which account follows which master, and how it sizes.

    It began ``days`` business days ago, at most (0: by chance).
    """

    account: str
    master: str
    volume_mode: str
    risk_multiplier: Decimal = ONE
    fixed_volume: Decimal = ZERO
    base_equity: Decimal | None = None
    allocated_capital: Decimal = ZERO
    below_minimum: str = "skip"
    min_volume: Decimal = ZERO
    max_volume: Decimal = ZERO
    copy_tp: bool = True
    paused: bool = False
    days: int = 0

    def settings(self) -> dict[str, Any]:
        """The settings of the subscription as the copying app's functions take them."""
        return {
            "volume_mode": self.volume_mode,
            "risk_multiplier": self.risk_multiplier,
            "fixed_volume": self.fixed_volume,
            "base_equity": self.base_equity,
            "allocated_capital": self.allocated_capital,
            "below_minimum": self.below_minimum,
            "min_volume": self.min_volume,
            "max_volume": self.max_volume,
            "copy_tp": self.copy_tp,
        }
