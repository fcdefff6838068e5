"""Results by symbol, side, weekday and hour: where a record earns and where it loses.

Money is Decimal and exact: the parts of a breakdown add up to the result of all trades.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from typing import TypeVar

from apps.analytics.domain.trades import ClosedTrade
from apps.trading.orders import Side
from apps.trading.quantity import ZERO

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Part:
    """Trades of one group: how many, how many of them won and lost, net money and volume."""

    trades: int = 0
    wins: int = 0
    losses: int = 0
    result: Decimal = ZERO
    volume: Decimal = ZERO

    @property
    def win_rate(self) -> float | None:
        """wins ÷ (wins + losses); None where no trade was won or lost."""
        decided = self.wins + self.losses
        return self.wins / decided if decided else None

    def plus(self, trade: ClosedTrade) -> Part:
        result = trade.result
        return Part(
            self.trades + 1,
            self.wins + (result > 0),
            self.losses + (result < 0),
            self.result + result,
            self.volume + trade.volume,
        )


def breakdown(trades: Iterable[ClosedTrade], key: Callable[[ClosedTrade], Key]) -> dict[Key, Part]:
    """Trades grouped by ``key``, in the order in which the groups first appear."""
    parts: dict[Key, Part] = {}
    for trade in trades:
        group = key(trade)
        parts[group] = parts.get(group, Part()).plus(trade)
    return parts


def by_symbol(trades: Iterable[ClosedTrade]) -> dict[str, Part]:
    """By symbol, the largest gain or loss first."""
    parts = breakdown(trades, lambda trade: trade.symbol)
    return dict(sorted(parts.items(), key=lambda item: (-abs(item[1].result), item[0])))


def by_side(trades: Iterable[ClosedTrade]) -> dict[Side, Part]:
    """Long (buy) and short (sell); both are there, however few trades they have."""
    parts = breakdown(trades, lambda trade: trade.side)
    return {side: parts.get(side, Part()) for side in Side}


def by_weekday(trades: Iterable[ClosedTrade]) -> list[Part]:
    """Monday to Sunday (seven parts) by the UTC day on which the trade was opened."""
    parts = breakdown(trades, lambda trade: trade.opened_at.astimezone(UTC).weekday())
    return [parts.get(day, Part()) for day in range(7)]


def by_hour(trades: Iterable[ClosedTrade]) -> list[Part]:
    """The 24 hours of the day, by the UTC hour in which the trade was opened."""
    parts = breakdown(trades, lambda trade: trade.opened_at.astimezone(UTC).hour)
    return [parts.get(hour, Part()) for hour in range(24)]
