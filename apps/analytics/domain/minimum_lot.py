"""How much of a master's trading an account can copy, its money and the smallest lots given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from apps.copytrading.domain.rounding import Limits, Rounding, holding

ZERO = Decimal(0)


class Opening(NamedTuple):
    """A trade that a master opened, ``times`` times in this size.

    ``symbol`` is its name as :func:`apps.trading.symbols.fold` reduces it, ``units`` its size.
    """

    symbol: str
    units: Decimal
    times: int


class Lots(NamedTuple):
    """Smallest and largest volume of a symbol and the step between, in units; 0 is no maximum."""

    minimum: Decimal
    step: Decimal
    maximum: Decimal


@dataclass(frozen=True, slots=True)
class Copyable:
    """What an account could copy of a master's usual trades.

    ``share`` is a fraction of its equity, see :func:`copyable`; the rest counts trades: ``whole``
    or rounded down ones are ``copied``, the others are ``too_small``, or of a symbol that is
    ``missing`` where the account trades.
    """

    share: float
    copied: int
    too_small: int
    missing: int

    @property
    def trades(self) -> int:
        return self.copied + self.too_small + self.missing


def copyable(
    openings: Iterable[Opening], lots: Mapping[str, Lots], ratio: Decimal
) -> Copyable | None:
    """The share of an account's equity that the minimum lot lets work as the master's does.

    The copy is proportional to equity: it wants ``ratio`` (equity of the account ÷ equity of the
    master, in one currency) times the master's units. What it can hold of that is rounded down to
    the symbol's step, nothing below the smallest volume, and no more than the largest. For each
    trade the part is held ÷ wanted; the share is the mean of the parts, each trade counting the
    same: 0.8 means that on average four fifths of the equity are at work as the master's is. Twice
    or three times the equity never copies a smaller share, as long as no largest volume is in
    the way; some dollars more may, for what is rounded down is cut off at a step.

    None without a trade, or where the ratio is not above 0.
    """
    if ratio <= 0:
        return None
    parts, copied, small, missing = ZERO, 0, 0, 0
    for symbol, units, times in openings:
        if symbol not in lots:
            missing += times
        elif part := _part(units * ratio, lots[symbol]):
            copied += times
            parts += part * times
        else:
            small += times
    trades = copied + small + missing
    return Copyable(float(parts / trades), copied, small, missing) if trades else None


def _part(wanted: Decimal, lots: Lots) -> Decimal:
    """Held ÷ wanted of one trade, 0 to 1."""
    limits = Limits(lots.step, lots.minimum, lots.minimum, lots.maximum, round_up=False)
    held, rounding = holding(wanted, limits, opening=True)
    return ZERO if rounding is Rounding.NONE else min(held / wanted, Decimal(1))
