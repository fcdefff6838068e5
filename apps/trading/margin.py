"""Margin and open result of positions."""

from __future__ import annotations

from decimal import Decimal

from apps.trading.orders import Side


def used_margin(units: Decimal, base_to_account: Decimal, leverage: Decimal) -> Decimal:
    """Margin in account currency for ``units`` of the base asset: notional ÷ leverage."""
    if leverage <= 0:
        raise ValueError(f"leverage must be positive, got {leverage}")
    return units * base_to_account / leverage


def open_result(side: Side, units: Decimal, entry: Decimal, exit_price: Decimal) -> Decimal:
    """Gross result in quote currency of closing ``units`` at ``exit_price`` now."""
    return (exit_price - entry) * units * side.sign


def margin_level(equity: Decimal, margin: Decimal) -> Decimal | None:
    """Equity ÷ used margin in percent; None without margin in use."""
    return None if margin <= 0 else equity / margin * 100
