"""Closed trades for tests of figures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from apps.analytics.domain.trades import ClosedTrade
from apps.trading.orders import Side

START = datetime(2026, 3, 2, 8, tzinfo=UTC)  # a Monday


def trade(
    result: object,
    *,
    opened: float = 0,
    hours: float = 1,
    symbol: str = "EURUSD",
    side: Side = Side.BUY,
    volume: object = 1,
    price: object = "1.1",
) -> ClosedTrade:
    """A trade with a net result, opened so many hours after START and held for ``hours``."""
    begin = START + timedelta(hours=opened)
    money = Decimal(str(result))
    return ClosedTrade(
        symbol=symbol,
        side=side,
        volume=Decimal(str(volume)),
        opened_at=begin,
        closed_at=begin + timedelta(hours=hours),
        open_price=Decimal(str(price)),
        close_price=Decimal(str(price)),
        profit=money + 3,
        commission=Decimal(-2),
        swap=Decimal(-1),
    )
