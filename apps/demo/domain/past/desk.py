"""What a strategy of the past works with: one look at the market, and what it may do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Protocol

from apps.demo.domain.past.book import Holding, PastBook
from apps.demo.domain.past.calendar import DAY, HOUR
from apps.trading.orders import Side
from apps.trading.quantity import floor_to_step

_STEP_UNITS = Decimal(1_000)


@dataclass(slots=True)
class Desk:
    """A strategy's view of its account at ``step``, and its seeded chance."""

    book: PastBook
    chance: Random
    step: int = 0
    _clock: tuple[int, float] = (-1, 0.0)

    @property
    def hour(self) -> int:
        """Hour of the day, UTC."""
        return self.step % DAY // HOUR

    def held(self, symbol: str | None = None) -> list[Holding]:
        """Open positions, oldest first."""
        return [h for h in self.book.open.values() if symbol in (None, h.symbol)]

    def free(self, symbols: tuple[str, ...]) -> str | None:
        """A symbol that is not held, by chance."""
        taken = {h.symbol for h in self.book.open.values()}
        free = [symbol for symbol in symbols if symbol not in taken]
        return self.chance.choice(free) if free else None

    def moved(self, symbol: str, hours: float) -> float:
        """Pips that the price went in the last hours."""
        return self.book.prices.pips(symbol, self.step, int(hours * HOUR))

    def side(self, symbol: str, lean: float, hours: float, edge: float) -> Side:
        """The side of ``lean`` (above 0: buy), or with the chance ``edge`` the right one.

        A master worth following guesses right a little more often than not: a demo's prices
        have nothing that could be known, so the market of the next ``hours`` is looked up.
        """
        if self.chance.random() < edge:
            ahead = int(hours * HOUR)
            lean = self.book.prices.pips(symbol, self.step + ahead, ahead)
        return Side.BUY if lean > 0 else Side.SELL

    def units(self, symbol: str, leverage: float) -> Decimal:
        """Units worth ``leverage`` times the balance, on the step, at least the minimum."""
        base = self.book.prices.terms[symbol].base
        rate = self.book.prices.rate(self.book.currency, base, self.step)
        wanted = max(self.book.balance, Decimal(0)) * rate * Decimal(str(leverage))
        return max(floor_to_step(wanted, _STEP_UNITS), _STEP_UNITS)

    def enter(
        self, symbol: str, side: Side, leverage: float, stop: float = 0, target: float = 0
    ) -> Holding:
        """Open a position; stop and target are pips from its price, 0 for none."""
        price = self.book.prices.price(symbol, self.step, side)
        units = self.units(symbol, leverage)
        holding = self.book.buy_or_sell(self.step, self._seconds(), symbol, side, units, price)
        pip = self.book.prices.pip(symbol) * side.sign
        if stop:
            holding.stop = price - pip * Decimal(str(stop))
        if target:
            holding.target = price + pip * Decimal(str(target))
        return holding

    def part(self, holding: Holding, parts: int) -> Decimal:
        """One of so many parts of a position, on the step; all of it where that is too little."""
        return floor_to_step(holding.units / parts, _STEP_UNITS) or holding.units

    def add(self, holding: Holding, units: Decimal) -> None:
        price = self.book.prices.price(holding.symbol, self.step, holding.side)
        self.book.increase(self.step, self._seconds(), holding, units, price)

    def leave(self, holding: Holding, units: Decimal | None = None) -> Decimal:
        """Close a position or a part of it at the market; what it brought."""
        part = holding.units if units is None else units
        return self.book.reduce(self.step, self._seconds(), holding, part, self.exit_price(holding))

    def exit_price(self, holding: Holding) -> Decimal:
        side = Side.SELL if holding.side is Side.BUY else Side.BUY
        return self.book.prices.price(holding.symbol, self.step, side)

    def gain(self, holding: Holding) -> float:
        """Pips that closing now would bring."""
        distance = (self.exit_price(holding) - holding.price) * holding.side.sign
        return float(distance / self.book.prices.pip(holding.symbol))

    def age(self, holding: Holding) -> float:
        """Hours since it was opened."""
        return (self.step - holding.step) / HOUR

    def stopped(self) -> Iterator[Decimal]:
        """Close what has reached its stop or its target; what each brought."""
        for holding in self.held():
            price, sign = self.exit_price(holding), holding.side.sign
            lost = holding.stop is not None and (price - holding.stop) * sign <= 0
            won = holding.target is not None and (price - holding.target) * sign >= 0
            if lost or won:
                yield self.leave(holding)

    def _seconds(self) -> float:
        """Seconds into the step of the next deal, one after the other."""
        step, last = self._clock
        last = last if step == self.step else 0.0
        self._clock = self.step, last + self.chance.uniform(0.1, (290 - last) / 2)
        return round(self._clock[1], 3)


class Strategy(Protocol):
    """A way to trade; looks at the market every ``every`` steps."""

    @property
    def every(self) -> int: ...
    def look(self, desk: Desk) -> None: ...
