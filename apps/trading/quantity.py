"""Rounding of volumes and prices. Decimal only: a float is refused."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

ZERO = Decimal(0)


def floor_to_step(value: Decimal, step: Decimal) -> Decimal:
    """Largest multiple of ``step`` that is not above ``value``; ``step`` must be positive."""
    return _to_step(value, step, ROUND_FLOOR)


def ceil_to_step(value: Decimal, step: Decimal) -> Decimal:
    """Smallest multiple of ``step`` that is not below ``value``; ``step`` must be positive."""
    return _to_step(value, step, ROUND_CEILING)


def round_price(price: Decimal, digits: int) -> Decimal:
    """Price on the instrument's grid, half to even."""
    return price.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_EVEN)


def _to_step(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    if isinstance(value, float) or isinstance(step, float):
        raise TypeError("volumes and prices are Decimal, never float")
    if step <= 0:
        raise ValueError(f"step must be positive, got {step}")
    return (value / step).to_integral_value(rounding=rounding) * step
