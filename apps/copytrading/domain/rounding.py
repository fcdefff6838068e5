"""From an exact target to a volume that can be held, and from two holdings to an order."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal

from apps.trading.quantity import ZERO, ceil_to_step

UNIT_DIGITS = Decimal("1e-8")
RATIO_DIGITS = Decimal("1e-18")
_WIDE = Context(prec=60)


class Rounding(enum.StrEnum):
    """What rounding did to the exact volume."""

    EXACT = "exact"
    DOWN = "down"
    UP = "up"
    CAPPED = "capped"
    NONE = "none"  # nothing can be held


@dataclass(frozen=True, slots=True)
class Limits:
    """Volume rules for one subscription and symbol, all in units.

    ``minimum`` is the symbol's own, ``open_minimum`` the greater of it and the
    subscription's, ``maximum`` the smaller of the two maxima (0: none).
    """

    step: Decimal
    minimum: Decimal
    open_minimum: Decimal
    maximum: Decimal
    round_up: bool


def settled_units(exact: Decimal) -> Decimal:
    """An exact volume at the eight decimals in which units are kept.

    A ratio is kept with 18 decimals, so a third of 300,000 would come out a hair below
    100,000 and lose a whole step when it is rounded down; eight decimals absorb that and are
    finer than any platform's step.
    """
    return _WIDE.quantize(exact, UNIT_DIGITS).normalize(_WIDE)


def frozen_ratio(exact: Decimal) -> Decimal:
    """A ratio at the 18 decimals at which a link keeps it."""
    return exact.quantize(RATIO_DIGITS, rounding=ROUND_HALF_EVEN, context=_WIDE)


def holding(target: Decimal, limits: Limits, *, opening: bool) -> tuple[Decimal, Rounding]:
    """Units to hold for an exact ``target``, and what rounding did to it.

    Down to the step; below the minimum nothing, or the minimum where the subscription
    rounds up; above the maximum the maximum. A position that is being reduced obeys the
    symbol's minimum only.
    """
    if target <= 0:
        return ZERO, Rounding.NONE
    exact = _WIDE.quantize(target, UNIT_DIGITS)
    step = limits.step
    units = (exact / step).to_integral_value(rounding=ROUND_FLOOR) * step
    rounding = Rounding.EXACT if units == exact else Rounding.DOWN
    minimum = limits.open_minimum if opening else limits.minimum
    if units < minimum:
        if not limits.round_up or exact <= 0:
            return ZERO, Rounding.NONE
        units, rounding = ceil_to_step(minimum, step), Rounding.UP
    if limits.maximum and units > limits.maximum:
        units = (limits.maximum / step).to_integral_value(rounding=ROUND_FLOOR) * step
        rounding = Rounding.CAPPED
        if units < minimum:
            return ZERO, Rounding.NONE
    return units, rounding
