"""Which limit holds where product, follower account and subscription each may set one."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeVar

#: Counts and seconds are int, money and percent Decimal; one call never mixes them.
Number = TypeVar("Number", int, Decimal)


def strictest_maximum(first: Number, *others: Number) -> Number:
    """The smallest of the maxima that are set; 0 is 'not set', and the answer when none is.

    For slippage, delay, open trades, loss limit and the number of masters.
    """
    holds = first
    for value in others:
        if value > 0 and (holds <= 0 or value < holds):
            holds = value
    return holds


def strictest_minimum(first: Number, *others: Number) -> Number:
    """The largest of the minima; 0 is 'not set', and the answer when none is.

    For equity and margin level.
    """
    holds = first
    for value in others:
        if value > holds:
            holds = value
    return holds
