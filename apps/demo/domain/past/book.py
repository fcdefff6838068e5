"""One account of the past: what it holds, what it books, and what it was worth over time.

Booked as the paper venue does: the commission of an opening goes into the balance with the close,
in proportion to the volume, and the swap of every night with the close of the position.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import NamedTuple

from apps.demo.domain.past.calendar import DAY, HOUR, Calendar
from apps.demo.domain.past.prices import PastPrices
from apps.trading.deals import DealEffect
from apps.trading.orders import Side

#: The steps before the end that are sampled more often.
RECENT = 45 * DAY
_CENT = Decimal("0.01")
_MILLISECOND = timedelta(milliseconds=1)
_MILLION = Decimal(1_000_000)
ZERO = Decimal(0)


@dataclass(slots=True, eq=False)
class Holding:
    """A position, open while it holds units. ``price`` is its average entry.

    ``commission`` and ``swap`` wait to be booked. ``note`` is the strategy's own.
    """

    number: int
    symbol: str
    side: Side
    units: Decimal
    price: Decimal
    step: int
    opened_at: datetime
    commission: Decimal = ZERO
    swap: Decimal = ZERO
    closed_at: datetime | None = None
    stop: Decimal | None = None
    target: Decimal | None = None
    note: int = 0


class Fill(NamedTuple):
    """A deal of the past, with its position right after it.

    ``commission`` is the deal's own; ``balance`` is the account's afterwards where it closed
    something, else None.
    """

    holding: Holding
    step: int
    at: datetime
    effect: DealEffect
    side: Side
    units: Decimal
    price: Decimal
    commission: Decimal
    swap: Decimal
    profit: Decimal
    balance: Decimal | None
    units_after: Decimal
    price_after: Decimal


class Sample(NamedTuple):
    at: datetime
    balance: Decimal
    equity: Decimal
    margin: Decimal
    deposits: Decimal


class Flow(NamedTuple):
    """Money that came into an account (positive) or left it (negative)."""

    at: datetime
    amount: Decimal
    balance: Decimal


@dataclass(slots=True, eq=False)
class PastBook:
    """See the module.

    ``open`` is by number of the position, oldest first; ``sampled`` holds the newest sample of
    each hour, counted from the first step.
    """

    currency: str
    leverage: int
    prices: PastPrices
    calendar: Calendar
    balance: Decimal = ZERO
    open: dict[int, Holding] = field(default_factory=dict)
    holdings: list[Holding] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    sampled: dict[int, Sample] = field(default_factory=dict)
    _new_money: Decimal = ZERO

    def deposit(self, step: int, amount: Decimal) -> None:
        """Money in, or out where negative."""
        self.balance += amount
        self._new_money += amount
        self.flows.append(Flow(self.calendar.at(step), amount, self.balance))

    def buy_or_sell(
        self, step: int, seconds: float, symbol: str, side: Side, units: Decimal, price: Decimal
    ) -> Holding:
        """Open a position."""
        at = self._moment(step, seconds)
        holding = Holding(len(self.holdings) + 1, symbol, side, ZERO, price, step, at)
        self.holdings.append(holding)
        self.open[holding.number] = holding
        self.increase(step, seconds, holding, units, price)
        return holding

    def increase(
        self, step: int, seconds: float, holding: Holding, units: Decimal, price: Decimal
    ) -> None:
        """Add to a position; its entry becomes the average, to eight decimals."""
        total = holding.units + units
        worth = holding.price * holding.units + price * units
        holding.price = (worth / total).quantize(Decimal("1e-8")).normalize()
        holding.units = total
        cost = self._commission(step, holding.symbol, units)
        holding.commission += cost
        self._fill(
            step, seconds, holding, DealEffect.OPEN, holding.side, units, price, cost, ZERO, ZERO
        )

    def reduce(
        self, step: int, seconds: float, holding: Holding, units: Decimal, price: Decimal
    ) -> Decimal:
        """Close ``units`` of a position, all of it at most; what it changed the balance by."""
        closed = min(units, holding.units)
        terms = self.prices.terms[holding.symbol]
        rate = self.prices.rate(terms.quote, self.currency, step)
        profit = _money((price - holding.price) * holding.side.sign * closed * rate)
        own = self._commission(step, holding.symbol, closed)
        opening = _share(holding.commission, closed, holding.units)
        swap = _share(holding.swap, closed, holding.units)
        holding.commission -= opening
        holding.swap -= swap
        holding.units -= closed
        result = profit + swap + own + opening
        self.balance += result
        if not holding.units:
            holding.closed_at = self._moment(step, seconds)
            del self.open[holding.number]
        side = Side.SELL if holding.side is Side.BUY else Side.BUY
        self._fill(step, seconds, holding, DealEffect.CLOSE, side, closed, price, own, swap, profit)
        return result

    def night(self, step: int) -> None:
        """Swap of all that is held over midnight."""
        for holding in self.open.values():
            terms = self.prices.terms[holding.symbol]
            pips = terms.swap_long if holding.side is Side.BUY else terms.swap_short
            rate = self.prices.rate(terms.quote, self.currency, step)
            holding.swap += _money(pips * self.prices.pip(holding.symbol) * holding.units * rate)

    def equity(self, step: int) -> Decimal:
        return self.balance + sum((self.worth(h, step) for h in self.open.values()), ZERO)

    def hour(self, step: int, every: int) -> None:
        """Sample a full hour, of those before the last weeks only each so many-th."""
        recent = step >= self.calendar.steps - RECENT
        if not self.samples or step % (every if recent else 4 * every) == 0:
            self.sample(step)
        self.sampled[step // HOUR] = self.samples[-1]

    def sample(self, step: int) -> None:
        """Note what the account is worth at a step, before anything else happens in it."""
        margin = sum(
            (
                _money(
                    self.prices.rate(self.prices.terms[h.symbol].base, self.currency, step)
                    * h.units
                    / self.leverage
                )
                for h in self.open.values()
            ),
            ZERO,
        )
        money = (self.balance, self.equity(step), margin, self._new_money)
        self.samples.append(Sample(self.calendar.at(step), *money))
        self._new_money = ZERO

    def _moment(self, step: int, seconds: float) -> datetime:
        """So many seconds into a step, and after the deal before."""
        at = self.calendar.at(step, seconds)
        return max(at, self.fills[-1].at + _MILLISECOND) if self.fills else at

    def worth(self, holding: Holding, step: int) -> Decimal:
        """What a position would change the balance by if it were closed at a step."""
        side = Side.SELL if holding.side is Side.BUY else Side.BUY
        terms = self.prices.terms[holding.symbol]
        distance = (self.prices.price(holding.symbol, step, side) - holding.price) * (
            holding.side.sign
        )
        rate = self.prices.rate(terms.quote, self.currency, step)
        return _money(distance * holding.units * rate) + holding.commission + holding.swap

    def _commission(self, step: int, symbol: str, units: Decimal) -> Decimal:
        terms = self.prices.terms[symbol]
        traded = units * self.prices.rate(terms.base, "USD", step)
        cost = traded * terms.commission / _MILLION
        return -_money(cost * self.prices.rate("USD", self.currency, step))

    def _fill(
        self, step: int, seconds: float, holding: Holding, effect: DealEffect, side: Side,
        units: Decimal, price: Decimal, *money: Decimal,
    ) -> None:  # fmt: skip
        commission, swap, profit = money
        at = self._moment(step, seconds)
        balance = self.balance if effect is DealEffect.CLOSE else None
        self.fills.append(
            Fill(
                holding, step, at, effect, side, units, price, commission, swap, profit, balance,
                holding.units, holding.price,
            )
        )  # fmt: skip


def deposited(flows: Sequence[Flow]) -> Decimal:
    """What came in less what left."""
    return sum((flow.amount for flow in flows), ZERO)


def _money(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, rounding=ROUND_HALF_EVEN)


def _share(total: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """The part of an amount that goes with ``part`` of ``whole``, rounded half up."""
    if part == whole:
        return total
    return (total * part / whole).quantize(_CENT, rounding=ROUND_HALF_UP)
