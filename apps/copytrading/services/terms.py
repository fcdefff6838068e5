"""The settings of a subscription as planning wants them, made once for all alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache

from apps.accounts.selectors import ProductSettings
from apps.copytrading.domain.guards import strictest_maximum, strictest_minimum
from apps.copytrading.domain.rows import Rules


@dataclass(frozen=True, slots=True)
class Terms:
    """What a subscription copies under which guards; the strictest of each holds."""

    rules: Rules
    max_delay: timedelta
    closes_only: bool


@lru_cache(maxsize=20_000)
def terms_of(text: str, product: ProductSettings) -> Terms:
    """Terms from the columns that the query of the rows joins by '|', the symbols last.

    Thousands of subscriptions share a few combinations, and planning needs them in the hottest
    moment, so they travel and are compared as one text.
    """
    partial, pending, reverse, mode, *numbers = text.split("|", 17)
    limits, (symbols_mode, symbols) = numbers[:12], numbers[12:]
    positions = strictest_maximum(product.max_positions, int(limits[0]), int(limits[1]))
    delay = strictest_maximum(product.max_delay_s, int(limits[2]), int(limits[3]))
    equity, slippage, margin, loss = (
        (Decimal(limits[i]), Decimal(limits[i + 1])) for i in (4, 6, 8, 10)
    )
    names = frozenset(name for part in symbols.split(",") if (name := part.strip().upper()))
    rules = Rules(
        partial_close=partial == "t",
        pending_orders=pending == "t",
        reverse=reverse == "t",
        opens_only=mode == "open_only",
        include=names if symbols_mode == "include" else None,
        exclude=names if symbols_mode == "exclude" else frozenset(),
        max_positions=positions,
        min_equity=strictest_minimum(product.min_equity, *equity),
        max_slippage=strictest_maximum(product.max_slippage, *slippage),
        min_margin_level=strictest_minimum(product.min_margin_level, *margin),
        loss_limit=strictest_maximum(product.loss_limit, *loss),
    )
    return Terms(rules, timedelta(seconds=delay), mode == "close_only")
