"""Which limit holds where product, follower account and subscription each may set one."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple, Protocol, TypeVar

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


class Guards(NamedTuple):
    """The guards of a product, an account or a subscription; 0 is 'not set'.

    Money in the account's currency, slippage and margin level in percent, the delay in seconds.
    """

    max_positions: int
    min_equity: Decimal
    max_slippage: Decimal
    max_delay_s: int
    loss_limit: Decimal
    min_margin_level: Decimal


class HasGuards(Protocol):
    """Whatever carries the guards under their names: configuration, follower, subscription."""

    @property
    def max_positions(self) -> int: ...
    @property
    def min_equity(self) -> Decimal: ...
    @property
    def max_slippage(self) -> Decimal: ...
    @property
    def max_delay_s(self) -> int: ...
    @property
    def loss_limit(self) -> Decimal: ...
    @property
    def min_margin_level(self) -> Decimal: ...


def strictest(product: HasGuards, *others: HasGuards) -> Guards:
    """The guards in effect where product, follower and subscription each may set them."""
    levels = [product, *others]
    return Guards(
        strictest_maximum(*(level.max_positions for level in levels)),
        strictest_minimum(*(level.min_equity for level in levels)),
        strictest_maximum(*(level.max_slippage for level in levels)),
        strictest_maximum(*(level.max_delay_s for level in levels)),
        strictest_maximum(*(level.loss_limit for level in levels)),
        strictest_minimum(*(level.min_margin_level for level in levels)),
    )
