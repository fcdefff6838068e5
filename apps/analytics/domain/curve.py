"""Equity curves and what is read off them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What an account was worth at a moment, in its currency."""

    at: datetime
    equity: Decimal
    balance: Decimal


def maximum_drawdown(curve: Sequence[CurvePoint]) -> Decimal | None:
    """Largest fall of equity from an earlier high, as a share of that high (0 to 1).

    None below two points or where no high is positive: there is nothing to fall from.
    Deposits and withdrawals are not taken out, so this describes the account's money.
    """
    if len(curve) < 2:
        return None
    high = Decimal(0)
    worst: Decimal | None = None
    for point in curve:
        high = max(high, point.equity)
        if high > 0:
            fall = (high - point.equity) / high
            worst = fall if worst is None else max(worst, fall)
    return worst
