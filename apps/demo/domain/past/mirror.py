"""Copies of the past: what follower accounts made of the trades of their masters.

Volumes come from the product's own rules (:mod:`apps.copytrading.domain.volume`), fills a moment
later and sometimes a little worse than the master's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import NamedTuple

from apps.copytrading.domain.codes import Code
from apps.copytrading.domain.rounding import Limits, holding
from apps.copytrading.domain.volume import Funds, Size, Sizing, VolumeMode, size
from apps.demo.domain.past.book import Fill, Holding, PastBook
from apps.demo.domain.past.calendar import DAY, HOUR
from apps.trading.deals import DealEffect

LOT = Decimal(100_000)
STEP_UNITS = Decimal(1_000)
#: Followers are sampled so many steps apart in the last weeks.
SAMPLE = 2 * HOUR
ZERO = Decimal(0)


class Terms(NamedTuple):
    """How a copy sizes; volumes in units, 0: none."""

    sizing: Sizing
    limits: Limits


@dataclass(slots=True, eq=False)
class PastLink:
    """A master's position and the copy of it; fills are places in the accounts' lists."""

    copied: Holding
    held: Holding
    size: Size
    opened_by: int
    last_fill: int
    result: Decimal = ZERO


class CopyDay(NamedTuple):
    """A day that changed the result of a copy, in account currency.

    ``step`` is the day's last, ``result`` what the copy made since it began and ``floating`` the
    part of it that is open. ``gained`` is what the day changed, ``money`` what copying had to
    work with at its beginning and ``capital`` at its end.
    """

    step: int
    result: Decimal
    floating: Decimal
    capital: Decimal
    gained: Decimal
    money: Decimal


@dataclass(slots=True, eq=False)
class PastCopy:
    """A subscription of the past, from step ``first`` on; from ``paused`` on it opens nothing.

    ``causes`` are the master's fills behind fills of the follower, both as places in the
    accounts' lists. ``held`` are numbers of the account's positions, ``result`` is realised.
    """

    account: str
    master: str
    terms: Terms
    first: int
    paused: int
    links: dict[int, PastLink] = field(default_factory=dict)
    causes: dict[int, int] = field(default_factory=dict)
    held: set[int] = field(default_factory=set)
    result: Decimal = ZERO
    days: list[CopyDay] = field(default_factory=list)
    _before: Decimal = ZERO  # result and capital at the end of the day before
    _capital: Decimal | None = None  # None: nothing was held then

    def end_day(self, book: PastBook, step: int) -> None:
        """Note what the day has changed, as the product does from look to look."""
        own = [holding for holding in book.open.values() if holding.number in self.held]
        floating = sum((book.worth(holding, step) for holding in own), ZERO)
        result = self.result + floating
        gained, self._before = result - self._before, result
        allocated = self.terms.sizing.allocated_capital
        capital = allocated + result if allocated else book.equity(step)
        money = capital - gained if self._capital is None else self._capital
        self._capital = capital if own else None
        if gained:
            self.days.append(CopyDay(step, result, floating, capital, gained, money))


class _Rates(NamedTuple):
    book: PastBook
    step: int

    def rate(self, source: str, target: str) -> Decimal:
        return self.book.prices.rate(source, target, self.step)


def follow(
    book: PastBook,
    copies: Sequence[PastCopy],
    masters: Mapping[str, PastBook],
    *,
    netting: bool,
    seed: str,
    first: int,
    last: int,
    flows: Mapping[int, Decimal],
) -> None:
    """Let an account live from step ``first`` to before ``last`` with its copies."""
    chance = Random(seed)
    news = sorted(
        (
            (fill.at, place, copy)
            for copy in copies
            for place, fill in enumerate(masters[copy.master].fills)
            if fill.step >= copy.first
        ),
        key=lambda told: (told[0], told[2].master, told[1]),
        reverse=True,
    )
    for hour in range(first, last, HOUR):
        if hour % DAY == 0 and hour > first:
            _end_day(book, copies, hour - 1)
        if hour in flows:
            book.deposit(hour, flows[hour])
        if hour % DAY == 0 and book.open:
            book.night(hour)
        book.hour(hour, SAMPLE)
        while news and masters[news[-1][2].master].fills[news[-1][1]].step < hour + HOUR:
            _, place, copy = news.pop()
            _Copying(book, copy, masters[copy.master], chance, netting).take(place)
    _end_day(book, copies, last - 1)
    book.sample(last - 1)


def _end_day(book: PastBook, copies: Sequence[PastCopy], step: int) -> None:
    for copy in copies:
        copy.end_day(book, step)


class _Copying(NamedTuple):
    """One fill of a master, for one copy."""

    book: PastBook
    copy: PastCopy
    master: PastBook
    chance: Random
    netting: bool

    def take(self, place: int) -> None:
        fill = self.master.fills[place]
        link = self.copy.links.get(fill.holding.number)
        if link is None:
            begins = fill.effect is DealEffect.OPEN and fill.units_after == fill.units
            if begins and fill.step < self.copy.paused:
                self._open(place, fill)
        elif link.held.units:
            self._follow(place, fill, link)

    def _open(self, place: int, fill: Fill) -> None:
        symbol = fill.holding.symbol
        if self.netting and any(h.symbol == symbol for h in self.book.open.values()):
            return
        sized = self._size(fill)
        if isinstance(sized, Code):
            return
        units, _ = holding(sized.target, self.copy.terms.limits, opening=True)
        if not units:
            return
        held = self.book.buy_or_sell(
            fill.step, self._moment(fill), symbol, fill.side, units, self._price(fill)
        )
        self.copy.links[fill.holding.number] = PastLink(fill.holding, held, sized, place, place)
        self.copy.held.add(held.number)
        self._because(place)

    def _follow(self, place: int, fill: Fill, link: PastLink) -> None:
        link.last_fill = place
        target = link.size.ratio * fill.units_after
        if not link.size.grows:
            target = link.held.units
            if fill.effect is DealEffect.CLOSE:
                target *= fill.units_after / (fill.units_after + fill.units)
        wanted, _ = holding(target, self.copy.terms.limits, opening=False)
        missing = wanted - link.held.units
        moment, price = self._moment(fill), self._price(fill)
        if fill.effect is DealEffect.CLOSE and (missing < 0 or not fill.units_after):
            gone = link.held.units if not fill.units_after else -missing
            booked = self.book.reduce(fill.step, moment, link.held, gone, price)
            link.result += booked
            self.copy.result += booked
        elif fill.effect is DealEffect.OPEN and missing > 0 and fill.step < self.copy.paused:
            self.book.increase(fill.step, moment, link.held, missing, price)
        else:
            return
        self._because(place)

    def _size(self, fill: Fill) -> Size | Code:
        """By the product's rules; the master's money is that of its last sample."""
        known = self.master.sampled[fill.step // HOUR]
        book = self.book
        return size(
            self.copy.terms.sizing,
            units=fill.units,
            lot_units=LOT,
            master=Funds(self.master.currency, known.equity, known.balance, 0.0),
            follower=Funds(book.currency, book.equity(fill.step), book.balance, 0.0),
            own_result=self.copy.result,
            stale_after_s=60.0,
            rates=_Rates(book, fill.step),
        )

    def _price(self, fill: Fill) -> Decimal:
        """The master's, three times out of ten some tenths of a pip worse."""
        if self.chance.random() > 0.3:
            return fill.price
        tenth = self.book.prices.pip(fill.holding.symbol) / 10
        return fill.price + tenth * self.chance.randrange(1, 5) * fill.side.sign

    def _moment(self, fill: Fill) -> float:
        """Seconds into the step: a moment after the master's."""
        since = (fill.at - self.book.calendar.at(fill.step)).total_seconds()
        return since + self.chance.randrange(40, 400) / 1000

    def _because(self, place: int) -> None:
        self.copy.causes[len(self.book.fills) - 1] = place


def terms(
    *,
    mode: str,
    risk_multiplier: Decimal,
    fixed_volume: Decimal,
    base_equity: Decimal | None,
    allocated_capital: Decimal,
    min_volume: Decimal,
    max_volume: Decimal,
    round_up: bool,
) -> Terms:
    """Terms of a copy from its settings, volumes in lots."""
    sizing = Sizing(VolumeMode(mode), risk_multiplier, fixed_volume, base_equity, allocated_capital)
    limits = Limits(
        STEP_UNITS, STEP_UNITS, max(min_volume * LOT, STEP_UNITS), max_volume * LOT, round_up
    )
    return Terms(sizing, limits)
