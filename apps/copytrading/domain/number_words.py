"""The numbers behind an outcome, as rows that people read."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from apps.copytrading.domain.explain import lots, money
from apps.copytrading.domain.legible import PRICE_DIGITS, SIGNIFICANT, significant


class NumberRow(NamedTuple):
    """A number with its name."""

    name: str
    value: str


#: What each number is: its name, and how it is written.
_WORDS = {
    "master_units": ("Master's volume", "master_lots"),
    "master_units_before": ("Master's position before", "master_lots"),
    "master_units_after": ("Master's position after", "master_lots"),
    "price": ("Master's price", "number"),
    "mode": ("Volume mode", "word"),
    "equity": ("Your equity", "money"),
    "balance": ("Your balance", "money"),
    "age_s": ("Age of your equity", "seconds"),
    "master_equity": ("Master's equity", "master_money"),
    "master_balance": ("Master's balance", "master_money"),
    "master_age_s": ("Age of the master's equity", "seconds"),
    "capital": ("Capital that was sized on", "money"),
    "allocated_capital": ("Allocated capital", "money"),
    "own_result": ("Result of this copy so far", "money"),
    "base_equity": ("Base equity", "money"),
    "fixed_volume": ("Fixed volume", "lots_set"),
    "multiplier": ("Multiplier", "number"),
    "rate": ("Exchange rate", "number"),
    "ratio": ("Your units for one of the master's", "computed"),
    "raw_units": ("Exact volume to be held", "lots_computed"),
    "held_units": ("Held before", "lots"),
    "rounding": ("Rounding", "word"),
    "step_units": ("Step of the symbol", "lots"),
    "min_units": ("Minimum of the symbol", "lots"),
    "max_units": ("Maximum of the symbol", "lots"),
    "min_volume": ("Your minimum volume", "lots_set"),
    "max_volume": ("Your maximum volume", "lots_set"),
    "stop_loss": ("Stop loss", "number"),
    "take_profit": ("Take profit", "number"),
    "bid": ("Bid on your platform", "number"),
    "ask": ("Ask on your platform", "number"),
    "quote": ("Price on your platform", "number"),
    "limit_price": ("Worst price allowed", "number"),
    "max_slippage": ("Slippage tolerance", "percent"),
    "open_links": ("Open trades of this copy", "number"),
    "max_positions": ("Maximum of open trades", "number"),
    "min_equity": ("Minimum equity", "money"),
    "margin_used": ("Margin in use", "money"),
    "margin_needed": ("Margin of this open", "money"),
    "margin_level": ("Margin level after it", "percent"),
    "min_margin_level": ("Minimum margin level", "percent"),
    "leverage": ("Leverage", "number"),
    "late_s": ("Time since the master's deal", "seconds"),
    "max_delay_s": ("Maximum delay", "seconds"),
    "revision": ("Settings of this copy, number", "number"),
}


def number_rows(numbers: Mapping[str, Any], lot_units: Decimal) -> list[NumberRow]:
    """The numbers that are there, in the order in which they are used."""
    return [
        NumberRow(name, text)
        for key, (name, kind) in _WORDS.items()
        if (text := _written(numbers, key, kind, lot_units))
    ]


def _written(numbers: Mapping[str, Any], key: str, kind: str, lot_units: Decimal) -> str:
    value = numbers.get(key)
    if value is None or value == "":
        return ""
    if kind == "word":
        return str(value).replace("_", " ")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return str(value)
    return _number(numbers, number, kind, lot_units)


def _number(numbers: Mapping[str, Any], number: Decimal, kind: str, lot_units: Decimal) -> str:
    if kind == "lots_computed":
        return f"{lots(significant(number, down=True), lot_units)} lots"
    if kind == "lots":
        return f"{lots(number, lot_units)} lots"
    if kind == "lots_set":
        return f"{lots(number, Decimal(1))} lots"
    if kind == "master_lots":
        return f"{lots(number, Decimal(str(numbers.get('master_lot_units') or 1)))} lots"
    if kind == "money":
        return money(number, str(numbers.get("currency") or ""))
    if kind == "master_money":
        return money(number, str(numbers.get("master_currency") or ""))
    unit = {"seconds": " s", "percent": " %"}.get(kind, "")
    number = significant(number, PRICE_DIGITS if kind == "number" else SIGNIFICANT)
    return f"{number.normalize():,f}{unit}"
