"""The settings of a subscription as planning wants them, made once for all alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from apps.accounts.selectors import ProductSettings
from apps.copytrading.domain.guards import strictest_maximum, strictest_minimum
from apps.copytrading.domain.rows import Rules
from apps.copytrading.domain.volume import Sizing, VolumeMode


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


class Sized(NamedTuple):
    """How a subscription sizes, in the order of the fields of :class:`Row`."""

    sizing: Sizing
    round_up: bool
    min_volume: Decimal
    max_volume: Decimal
    copy_sl: bool
    copy_tp: bool


@lru_cache(maxsize=20_000)
def sized_of(text: str) -> Sized:
    """The size settings from the columns that the query of the rows joins by '|'."""
    mode, multiplier, fixed, base, allocated, below, least, most, sl, tp = text.split("|")
    sizing = Sizing(
        VolumeMode(mode),
        Decimal(multiplier),
        Decimal(fixed),
        Decimal(base) if base else None,
        Decimal(allocated),
    )
    return Sized(sizing, below == "round_up", Decimal(least), Decimal(most), sl == "t", tp == "t")
