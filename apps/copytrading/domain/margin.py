"""How much of an account's equity is bound as margin, and when that is said to be too much."""

from __future__ import annotations

import enum
from decimal import Decimal

from apps.trading.quantity import ZERO

#: A level is left only when used margin has fallen so many points below its threshold: an account
#: that stands on it is not warned with every tick.
HYSTERESIS = Decimal(5)
_ALL = Decimal(100)
#: Margin level in percent below which platforms close positions, unless they say otherwise.
STOP_OUT = Decimal(50)
#: Shown for what is beyond all measure.
MOST = Decimal("999.99")


class MarginLevel(enum.StrEnum):
    """How far an account is leveraged for its equity."""

    NORMAL = "normal"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return list(MarginLevel).index(self)


def used_percent(margin_used: Decimal, equity: Decimal) -> Decimal:
    """Used margin as percent of equity; margin without any equity is 999.99, the most there is."""
    if margin_used <= 0:
        return ZERO
    if equity <= 0:
        return MOST
    return min(MOST, margin_used / equity * _ALL)


def margin_level(
    used: Decimal, before: MarginLevel, *, warning: Decimal, critical: Decimal
) -> MarginLevel:
    """The level of an account at ``before`` that uses so many percent of its equity now.

    A threshold of 0 is switched off. A higher level is reached at its threshold; it is left
    ``HYSTERESIS`` points below.
    """
    for level, threshold in ((MarginLevel.CRITICAL, critical), (MarginLevel.WARNING, warning)):
        if threshold <= 0:
            continue
        limit = threshold - HYSTERESIS if before.rank >= level.rank else threshold
        if used >= max(limit, ZERO) and used > 0:
            return level
    return MarginLevel.NORMAL


def margin_percent(equity: Decimal, margin_used: Decimal) -> Decimal | None:
    """The *margin level* as terminals show it: equity as percent of used margin, None without."""
    return equity / margin_used * _ALL if margin_used > 0 else None


def room_to_stop_out(
    equity: Decimal, margin_used: Decimal, stop_out: Decimal = STOP_OUT
) -> Decimal | None:
    """What an account may still lose until its platform closes positions, in its currency.

    Equity less ``stop_out`` percent of the used margin, 0 where that is reached; None where no
    margin is used, so that there is nothing to close.
    """
    if margin_used <= 0:
        return None
    return max(ZERO, equity - margin_used * stop_out / _ALL)


def times_equity(equity: Decimal, margin_used: Decimal, leverage: Decimal) -> Decimal | None:
    """The *leverage* in use: how many times its equity an account holds.

    What is held is judged by the margin that the platform asks for it and the ``leverage`` of the
    account; None without equity, where no number is large enough.
    """
    if margin_used <= 0:
        return ZERO
    return margin_used * leverage / equity if equity > 0 else None
