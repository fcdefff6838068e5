"""Why a copy earned another result than its master: the gap, split into its causes.

What the copy would have earned had it been perfect (the master's trades at the master's prices,
scaled by the copy's ratio) is changed into what it did earn one fact at a time: volume, entry
price, exit price, exchange rate, costs. Each step's difference is a part of the gap, so that the
parts always add up; what no fact explains is the residual. Source: sequential substitution, the
arithmetic of performance attribution (after G. Brinson and N. Fachler, 1985).
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from apps.trading.money import currency_digits
from apps.trading.orders import Side
from apps.trading.quantity import ZERO

#: Digits of the arithmetic between the facts and the cent: enough that no product is rounded.
_PRECISION = 80
#: Decimals in which money is stored.
_STORED = 8


class Cause(enum.StrEnum):
    """Parts of a gap, in the order in which they are shown."""

    LATE_START = "late_start"  # positions that were open before the copy began
    SKIPPED = "skipped"  # trades, or parts of them, that were not copied
    ROUNDING = "rounding"  # volumes rounded to the symbol's step, raised or capped
    ENTRY_SLIPPAGE = "entry_slippage"
    EXIT_SLIPPAGE = "exit_slippage"
    COSTS = "costs"  # commission, swap and fees against the master's own
    CURRENCY = "currency"  # the result was booked at another exchange rate
    MANUAL = "manual"  # closed or detached by hand
    RESIDUAL = "residual"


@dataclass(frozen=True, slots=True)
class MasterTrade:
    """A trade of the master, from its opening to its close or to the price of today.

    ``side`` is the direction that the copy takes: the opposite one where it is reversed.
    ``costs`` are commission and swap in the master's account currency (negative: paid).
    """

    side: Side
    units: Decimal
    entry: Decimal
    exit: Decimal
    costs: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class CopiedTrade:
    """What the follower's account made of it.

    ``profit`` is the gross result as booked and ``costs`` commission, swap and fees (negative:
    paid), both in the follower's currency; ``rate`` converted the symbol's quote currency into
    it. ``skipped_units`` is what the copy should have held more, had nothing been skipped.
    ``late``: opened when the copy began, not with the master. ``by_hand``: a person closed it,
    or a limit that the customer had set; where that is so of a part only, ``hand_units`` were
    closed like this at ``hand_exit`` on average.
    """

    units: Decimal
    entry: Decimal
    exit: Decimal
    profit: Decimal
    costs: Decimal = ZERO
    rate: Decimal = Decimal(1)
    skipped_units: Decimal = ZERO
    late: bool = False
    by_hand: bool = False
    hand_units: Decimal = ZERO
    hand_exit: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class PairedTrade:
    """A master's trade and its copy, None where there is none.

    ``ratio`` is how many units the copy should hold for one of the master's. ``rate`` converts
    the symbol's quote currency into the follower's at the moment of the master's exit,
    ``cost_rate`` the master's account currency. ``before_start``: without a copy because it was
    open before the copy began; else it was skipped.
    """

    master: MasterTrade
    copy: CopiedTrade | None
    ratio: Decimal
    rate: Decimal = Decimal(1)
    cost_rate: Decimal = Decimal(1)
    before_start: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """Result of a copy against the perfect one, in the follower's currency.

    ``expected`` and ``actual`` are net of costs; the ``parts`` (one for every cause) add up to
    ``actual`` - ``expected`` to the last digit.
    """

    expected: Decimal
    actual: Decimal
    parts: dict[Cause, Decimal]

    @property
    def total(self) -> Decimal:
        return self.actual - self.expected


def attribute(trades: Iterable[PairedTrade], currency: str) -> Gap:
    """The gap of all trades, rounded as ``currency`` is booked; see :func:`booked`."""
    return booked(map(exactly, trades), currency)


def exactly(trade: PairedTrade) -> Gap:
    """The gap of one trade to the last digit; what no fact explains is the residual."""
    with localcontext(prec=_PRECISION):
        expected = _expected(trade)
        copy = trade.copy
        actual = ZERO if copy is None else copy.profit + copy.costs
        return Gap(expected, actual, dict.fromkeys(Cause, ZERO) | _parts(trade))


def booked(gaps: Iterable[Gap], currency: str) -> Gap:
    """The sum of gaps, rounded as ``currency`` is booked.

    Rounding happens once, at the end; what it takes or gives, less than half of the smallest
    unit for each cause, is in the residual.
    """
    sums = dict.fromkeys(Cause, ZERO)
    expected = actual = ZERO
    with localcontext(prec=_PRECISION):
        for gap in gaps:
            expected += gap.expected
            actual += gap.actual
            for cause, amount in gap.parts.items():
                sums[cause] += amount
        digits = currency_digits(currency)
        return _closed(expected, actual, sums, digits)


def stored(gap: Gap) -> Gap:
    """The gap in as many decimals as money is stored in."""
    return _closed(gap.expected, gap.actual, gap.parts, _STORED)


def _closed(expected: Decimal, actual: Decimal, sums: Mapping[Cause, Decimal], digits: int) -> Gap:
    expected, actual = _booked(expected, digits), _booked(actual, digits)
    parts = {cause: _booked(amount, digits) for cause, amount in sums.items()}
    parts[Cause.RESIDUAL] = ZERO
    parts[Cause.RESIDUAL] = actual - expected - sum(parts.values(), ZERO)
    return Gap(expected, actual, parts)


def _expected(trade: PairedTrade) -> Decimal:
    return _result(
        trade.master.side,
        trade.ratio * trade.master.units,
        trade.master.entry,
        trade.master.exit,
        trade.rate,
    ) + _expected_costs(trade)


def _expected_costs(trade: PairedTrade) -> Decimal:
    return trade.ratio * trade.master.costs * trade.cost_rate


def _parts(trade: PairedTrade) -> dict[Cause, Decimal]:
    """Parts of one trade's gap, exact; the residual is what they leave."""
    copy, master, rate = trade.copy, trade.master, trade.rate
    if copy is None:
        cause = Cause.LATE_START if trade.before_start else Cause.SKIPPED
        return {cause: -_expected(trade)}
    side, entry, exit_price = master.side, master.entry, master.exit
    target = trade.ratio * master.units
    perfect = _result(side, target, entry, exit_price, rate)
    unskipped = _result(side, target - copy.skipped_units, entry, exit_price, rate)
    sized = _result(side, copy.units, entry, exit_price, rate)
    entered = _result(side, copy.units, copy.entry, exit_price, rate)
    left = _result(side, copy.units, copy.entry, copy.exit, rate)
    converted = _result(side, copy.units, copy.entry, copy.exit, copy.rate)
    parts = dict.fromkeys(Cause, ZERO)
    parts[Cause.SKIPPED] = unskipped - perfect
    parts[Cause.ROUNDING] = sized - unskipped
    parts[Cause.LATE_START if copy.late else Cause.ENTRY_SLIPPAGE] = entered - sized
    by_hand = copy.units if copy.by_hand else copy.hand_units
    hand_exit = copy.exit if copy.by_hand else copy.hand_exit
    parts[Cause.MANUAL] = _result(side, by_hand, exit_price, hand_exit, rate)
    parts[Cause.EXIT_SLIPPAGE] = left - entered - parts[Cause.MANUAL]
    parts[Cause.CURRENCY] = converted - left
    parts[Cause.COSTS] = copy.costs - _expected_costs(trade)
    parts[Cause.RESIDUAL] = copy.profit - converted
    return parts


def _result(
    side: Side, units: Decimal, entry: Decimal, exit_price: Decimal, rate: Decimal
) -> Decimal:
    return (exit_price - entry) * units * side.sign * rate


def _booked(amount: Decimal, digits: int) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_EVEN)
