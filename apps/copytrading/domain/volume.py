"""The five volume modes: how many follower units a master's unit is worth.

Contract sizes are aligned through units: one unit of the base asset is the same exposure on
every platform, whatever it calls a lot. A :class:`Size` is made once, when a position is
first copied, and stays with its link.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple, Protocol

from apps.copytrading.domain.codes import Code
from apps.copytrading.domain.rounding import frozen_ratio
from apps.trading.errors import NoConversionRate


class VolumeMode(enum.StrEnum):
    FIXED = "fixed"
    MULTIPLIER = "multiplier"
    EQUITY_RATIO = "equity_ratio"
    BALANCE_RATIO = "balance_ratio"
    EQUITY_BASED = "equity_based"


EQUITY_MODES = frozenset({VolumeMode.EQUITY_RATIO, VolumeMode.EQUITY_BASED})


class Funds(NamedTuple):
    """Money of an account, in its currency, and its age in seconds (None: never known)."""

    currency: str
    equity: Decimal
    balance: Decimal
    age_s: float | None


class Sizing(NamedTuple):
    """The settings that decide a volume. ``fixed_volume`` is lots of the follower's symbol,
    ``base_equity`` and ``allocated_capital`` money of the follower's account."""

    mode: VolumeMode
    risk_multiplier: Decimal
    fixed_volume: Decimal
    base_equity: Decimal | None
    allocated_capital: Decimal


class Size(NamedTuple):
    """What a position of the master means for a subscription.

    ``ratio`` is follower units per master unit. ``target`` is what to hold for the units
    that were opened. ``grows`` says whether increases of the master add to it: a size given
    in lots belongs to the position as a whole and does not grow. ``capital`` and ``rate``
    (follower's currency to the master's) are what it was computed from.
    """

    ratio: Decimal
    target: Decimal
    grows: bool
    capital: Decimal | None = None
    master_capital: Decimal | None = None
    rate: Decimal | None = None


class Converts(Protocol):
    def rate(self, source: str, target: str) -> Decimal: ...


Sizer = Callable[[Funds, Decimal], Size | Code]


def size(
    sizing: Sizing,
    *,
    units: Decimal,
    lot_units: Decimal,
    master: Funds,
    follower: Funds,
    own_result: Decimal,
    stale_after_s: float,
    rates: Converts,
) -> Size | Code:
    """Size a position of ``units`` that a master opened, or the code why it cannot be.

    ``lot_units`` is one lot of the follower's symbol, ``own_result`` what the subscription
    itself has won or lost, which grows and shrinks its allocated capital.
    """
    sized = sizer(
        sizing,
        units=units,
        lot_units=lot_units,
        master=master,
        currency=follower.currency,
        stale_after_s=stale_after_s,
        rates=rates,
    )
    return sized(follower, own_result)


def sizer(
    sizing: Sizing,
    *,
    units: Decimal,
    lot_units: Decimal,
    master: Funds,
    currency: str,
    stale_after_s: float,
    rates: Converts,
) -> Sizer:
    """How copies of these settings and this currency size a position, see :func:`size`.

    The answer takes a follower's money and its own result; a thousand copies share one.
    """
    mode = sizing.mode
    if mode is VolumeMode.MULTIPLIER:
        proportional = _proportional(sizing.risk_multiplier, units)
        return lambda follower, own_result: proportional
    if mode is VolumeMode.FIXED:
        fixed = _whole(sizing.fixed_volume * lot_units, units)
        return lambda follower, own_result: fixed
    if mode is VolumeMode.EQUITY_BASED:
        return _by_base_equity(sizing, units, lot_units, stale_after_s)
    return _by_ratio(sizing, units, master, currency, stale_after_s, rates)


def _by_ratio(
    sizing: Sizing,
    units: Decimal,
    master: Funds,
    currency: str,
    stale_after_s: float,
    rates: Converts,
) -> Sizer:
    of_balance = sizing.mode is VolumeMode.BALANCE_RATIO
    master_capital = master.balance if of_balance else master.equity
    master_is_stale = master.age_s is None or master.age_s > stale_after_s
    allocated, multiplier = sizing.allocated_capital, sizing.risk_multiplier
    try:
        rate = rates.rate(currency, master.currency)
    except NoConversionRate:
        rate = None

    def sized(follower: Funds, own_result: Decimal) -> Size | Code:
        if master_is_stale or follower.age_s is None or follower.age_s > stale_after_s:
            return Code.STALE_ACCOUNT
        capital = follower.balance if of_balance else follower.equity
        if allocated > 0:
            capital = allocated + own_result
        if capital <= 0 or master_capital <= 0:
            return Code.NO_EQUITY
        if rate is None:
            return Code.NO_RATE
        ratio = frozen_ratio(capital * rate * multiplier / master_capital)
        return Size(ratio, ratio * units, True, capital, master_capital, rate)

    return sized


def _by_base_equity(
    sizing: Sizing, units: Decimal, lot_units: Decimal, stale_after_s: float
) -> Sizer:
    def sized(follower: Funds, own_result: Decimal) -> Size | Code:
        if follower.age_s is None or follower.age_s > stale_after_s:
            return Code.STALE_ACCOUNT
        allocated = sizing.allocated_capital
        capital = allocated + own_result if allocated > 0 else follower.equity
        if capital <= 0 or not sizing.base_equity or sizing.base_equity <= 0:
            return Code.NO_EQUITY
        factor = capital * sizing.risk_multiplier / sizing.base_equity
        if sizing.fixed_volume > 0:
            return _whole(sizing.fixed_volume * lot_units * factor, units, capital)
        return _proportional(factor, units, capital)

    return sized


def _proportional(exact: Decimal, units: Decimal, capital: Decimal | None = None) -> Size:
    ratio = frozen_ratio(exact)
    return Size(ratio, ratio * units, True, capital)


def _whole(target: Decimal, units: Decimal, capital: Decimal | None = None) -> Size:
    return Size(frozen_ratio(target / units), target, False, capital)
