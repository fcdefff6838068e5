"""Scaled integers of the wire and the Decimals that they mean.

Volumes travel in hundredths of a unit, money in ten to the minus ``moneyDigits``, relative
distances and spot prices in hundred-thousandths, prices of orders and positions as doubles.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from apps.trading.quantity import round_price

RELATIVE_DIGITS: Final = 5
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)


def units_from_wire(volume: int) -> Decimal:
    """Units of the base asset from hundredths of a unit."""
    return Decimal(volume).scaleb(-2)


def units_to_wire(units: Decimal) -> int:
    """Hundredths of a unit; ValueError where the volume is finer than that."""
    return _whole(units.scaleb(2), "volume", units)


def money_from_wire(amount: int, money_digits: int) -> Decimal:
    return Decimal(amount).scaleb(-money_digits)


def money_to_wire(amount: Decimal, money_digits: int) -> int:
    """Scaled amount; ValueError where it has more decimals than ``money_digits``."""
    return _whole(amount.scaleb(money_digits), "amount", amount)


def price_from_wire(price: float, digits: int) -> Decimal:
    """Price at the symbol's digits; the wire's double is only its nearest binary number."""
    return round_price(Decimal(repr(price)), digits)


def price_to_wire(price: Decimal) -> float:
    return float(price)


def relative_from_wire(distance: int) -> Decimal:
    """Distance of a price, or a spot price, from hundred-thousandths."""
    return Decimal(distance).scaleb(-RELATIVE_DIGITS)


def relative_to_wire(distance: Decimal) -> int:
    """Hundred-thousandths; ValueError where the distance is finer."""
    return _whole(distance.scaleb(RELATIVE_DIGITS), "distance", distance)


def time_from_wire(milliseconds: int) -> datetime:
    return _EPOCH + milliseconds * _MS


def time_to_wire(moment: datetime) -> int:
    """Milliseconds since 1970; the moment must be aware."""
    return (moment - _EPOCH) // _MS


def _whole(scaled: Decimal, what: str, value: Decimal) -> int:
    whole = int(scaled)
    if whole != scaled:
        raise ValueError(f"the wire cannot express the {what} {value}: it is too fine")
    return whole
