"""Strategies of the past with clearly different styles, one for each demo master.

Sizes are leverage: the value of a position as a multiple of the balance. Distances are pips.
"""

from __future__ import annotations

from dataclasses import dataclass

from apps.demo.domain.past.calendar import HOUR
from apps.demo.domain.past.desk import Desk, Strategy
from apps.trading.orders import Side

QUARTER = HOUR // 4


@dataclass(frozen=True, slots=True)
class Swing:
    """Few positions, held for days; the stop goes to break-even once a trade has earned it."""

    symbols: tuple[str, ...] = ("EURUSD", "GBPUSD", "USDJPY")
    every: int = HOUR
    edge: float = 0.3
    size: float = 1.3
    stop: float = 75
    target: float = 130
    rare: float = 0.05

    def look(self, desk: Desk) -> None:
        for _ in desk.stopped():
            pass
        for holding in desk.held():
            if desk.age(holding) > 140:
                desk.leave(holding)
            elif desk.gain(holding) > self.stop * 0.8:
                holding.stop = holding.price
        symbol = desk.free(self.symbols)
        if symbol is None or not 6 <= desk.hour < 19 or desk.chance.random() > self.rare:
            return
        side = desk.side(symbol, desk.moved(symbol, 60), 60, self.edge)
        desk.enter(symbol, side, self.size, self.stop, self.target)


@dataclass(frozen=True, slots=True)
class Scalper:
    """Many small trades with tight stops, closed within the hour."""

    symbols: tuple[str, ...] = ("EURUSD", "USDCHF", "EURGBP")
    every: int = 1
    edge: float = 0.4
    size: float = 2.5
    hours: tuple[int, int] = (7, 17)
    rare: float = 0.03

    def look(self, desk: Desk) -> None:
        for holding in desk.held():
            gain = desk.gain(holding)
            if gain >= 5 or gain <= -6 or desk.age(holding) > 0.7:
                desk.leave(holding)
        first, last = self.hours
        if not first <= desk.hour < last or len(desk.book.open) >= 2:
            return
        if desk.chance.random() < self.rare and (symbol := desk.free(self.symbols)):
            side = desk.side(symbol, -desk.moved(symbol, 0.5), 0.5, self.edge)
            desk.enter(symbol, side, self.size)


@dataclass(frozen=True, slots=True)
class Trend:
    """Follows a move of days, adds to what goes well and trails its stop behind the price."""

    symbols: tuple[str, ...] = ("GBPJPY", "AUDUSD", "USDCAD")
    every: int = HOUR
    edge: float = 0.6
    size: float = 0.5
    steps: int = 3
    trail: float = 210

    def look(self, desk: Desk) -> None:
        for _ in desk.stopped():
            pass
        for holding in desk.held():
            self._manage(desk, holding.number)
        symbol = desk.free(self.symbols)
        if symbol is None or desk.chance.random() > 0.035:
            return
        side = desk.side(symbol, desk.moved(symbol, 48), 96, self.edge)
        desk.enter(symbol, side, self.size, stop=self.trail).note = 1

    def _manage(self, desk: Desk, number: int) -> None:
        holding = desk.book.open[number]
        gain = desk.gain(holding)
        if desk.age(holding) > 240:
            desk.leave(holding)
            return
        if gain > 70 * holding.note and holding.note < self.steps:
            desk.add(holding, desk.part(holding, holding.note))
            holding.note += 1
        room = desk.book.prices.pip(holding.symbol) * int(self.trail) * holding.side.sign
        stop = desk.exit_price(holding) - room
        if holding.stop is None or (stop - holding.stop) * holding.side.sign > 0:
            holding.stop = stop


@dataclass(frozen=True, slots=True)
class Reverter:
    """Trades against a stretched move and takes its profit in thirds."""

    symbols: tuple[str, ...] = ("EURCHF", "AUDNZD", "NZDUSD")
    every: int = QUARTER
    edge: float = 0.1
    size: float = 0.9
    stretch: float = 22

    def look(self, desk: Desk) -> None:
        for _ in desk.stopped():
            pass
        for holding in desk.held():
            gain = desk.gain(holding)
            if desk.age(holding) > 20:
                desk.leave(holding)
            elif gain > 8 * (holding.note + 1):
                desk.leave(holding, desk.part(holding, 3 - holding.note))
                holding.note += 1
        symbol = desk.free(self.symbols)
        if symbol is None or desk.chance.random() > 0.025:
            return
        move = desk.moved(symbol, 6)
        if abs(move) > self.stretch:
            side = desk.side(symbol, -move, 12, self.edge)
            desk.enter(symbol, side, self.size, stop=35)


@dataclass(frozen=True, slots=True)
class Carry:
    """Holds what earns interest every night, for weeks; leaves when the price goes against it."""

    pairs: tuple[tuple[str, Side], ...] = (
        ("USDJPY", Side.BUY),
        ("AUDJPY", Side.BUY),
        ("GBPCHF", Side.BUY),
        ("EURAUD", Side.SELL),
        ("CADJPY", Side.BUY),
    )
    every: int = 4 * HOUR
    size: float = 0.8

    def look(self, desk: Desk) -> None:
        for _ in desk.stopped():
            pass
        for holding in desk.held():
            if desk.age(holding) > 24 * 22:
                desk.leave(holding)
        if len(desk.book.open) >= 3 or desk.hour not in (8, 12) or desk.chance.random() > 0.3:
            return
        symbol = desk.free(tuple(name for name, _ in self.pairs))
        if symbol is not None and desk.moved(symbol, 120) * dict(self.pairs)[symbol].sign > -60:
            desk.enter(symbol, dict(self.pairs)[symbol], self.size, stop=190, target=320)


@dataclass(frozen=True, slots=True)
class Grid:
    """Averages down: another position for every step against it; one exit for all of them."""

    symbols: tuple[str, ...] = ("EURGBP", "AUDNZD")
    every: int = QUARTER
    size: float = 0.6
    gap: float = 16
    most: int = 7
    give_up: float = 0.07

    def look(self, desk: Desk) -> None:
        for symbol in self.symbols:
            basket = desk.held(symbol)
            if not basket:
                if 5 <= desk.hour < 20 and desk.chance.random() < 0.012:
                    side = Side.BUY if desk.moved(symbol, 8) < 0 else Side.SELL
                    desk.enter(symbol, side, self.size)
                continue
            gain = sum(desk.gain(h) * float(h.units) for h in basket)
            whole = sum(float(h.units) for h in basket)
            lost = float((desk.book.equity(desk.step) / desk.book.balance) - 1)
            if gain / whole > 7 or lost < -self.give_up:
                for holding in basket:
                    desk.leave(holding)
            elif len(basket) < self.most and desk.gain(basket[-1]) < -self.gap:
                desk.enter(symbol, basket[-1].side, self.size)


@dataclass(frozen=True, slots=True)
class Doubling:
    """One trade at a time; after a loss the next is larger, until a win pays for all of them."""

    symbols: tuple[str, ...] = ("EURUSD", "GBPUSD")
    every: int = QUARTER
    edge: float = 0.12
    size: float = 1.0
    factor: float = 1.7
    most: int = 5

    def look(self, desk: Desk) -> None:
        for _ in desk.stopped():
            pass
        if desk.book.open or not 6 <= desk.hour < 20 or desk.chance.random() > 0.05:
            return
        symbol = desk.chance.choice(self.symbols)
        side = desk.side(symbol, desk.moved(symbol, 2), 6, self.edge)
        size = self.size * self.factor ** (self._losses(desk) % self.most)
        desk.enter(symbol, side, size, stop=22, target=22)

    def _losses(self, desk: Desk) -> int:
        """Lost trades in a row, as the account's own record has them."""
        count = 0
        for fill in reversed(desk.book.fills):
            if fill.balance is None:
                continue
            if fill.profit > 0:
                break
            count += 1
        return count


@dataclass(frozen=True, slots=True)
class News:
    """In and out around the hours at which figures are published; nothing in between."""

    symbols: tuple[str, ...] = ("EURUSD", "USDJPY", "GBPUSD", "USDCAD")
    every: int = 1
    edge: float = 0.35
    size: float = 4.0

    def look(self, desk: Desk) -> None:
        for _ in desk.stopped():
            pass
        for holding in desk.held():
            if desk.age(holding) > 0.5:
                desk.leave(holding)
        minutes = desk.step % HOUR
        if desk.hour not in (12, 14) or minutes not in (6, 7) or desk.chance.random() > 0.3:
            return
        if len(desk.book.open) < 2 and (symbol := desk.free(self.symbols)):
            side = desk.side(symbol, desk.moved(symbol, 0.2), 0.5, self.edge)
            desk.enter(symbol, side, self.size, stop=14, target=24)


@dataclass(frozen=True, slots=True)
class Night:
    """Quiet crosses in the quiet hours, back to the mean by the morning."""

    symbols: tuple[str, ...] = ("EURCHF", "GBPCHF", "EURGBP")
    every: int = QUARTER
    edge: float = 0.3
    size: float = 2.2

    def look(self, desk: Desk) -> None:
        for _ in desk.stopped():
            pass
        night = desk.hour >= 20 or desk.hour < 4
        for holding in desk.held():
            if not night or desk.gain(holding) > 7:
                desk.leave(holding)
        if night and desk.hour != 3 and desk.chance.random() < 0.05:
            symbol = desk.free(self.symbols)
            if symbol is not None:
                side = desk.side(symbol, -desk.moved(symbol, 3), 3, self.edge)
                desk.enter(symbol, side, self.size, stop=24)


@dataclass(frozen=True, slots=True)
class Breakout:
    """Jumps after every move, takes small profits soon and waits its losses out."""

    symbols: tuple[str, ...] = ("EURJPY", "GBPJPY", "AUDJPY")
    every: int = QUARTER
    size: float = 1.4

    def look(self, desk: Desk) -> None:
        for holding in desk.held():
            gain = desk.gain(holding)
            if gain > 14 or gain < -70 or desk.age(holding) > 60:
                desk.leave(holding)
        symbol = desk.free(self.symbols)
        if symbol is None or not 6 <= desk.hour < 21 or desk.chance.random() > 0.05:
            return
        move = desk.moved(symbol, 4)
        if abs(move) > 20:
            desk.enter(symbol, Side.BUY if move > 0 else Side.SELL, self.size)


STRATEGIES: dict[str, Strategy] = {
    "harbour": Swing(),
    "quickstep": Scalper(),
    "longtide": Trend(),
    "pendulum": Reverter(),
    "tradewind": Carry(),
    "stairway": Grid(),
    "phoenix": Doubling(),
    "flashpoint": News(),
    "nightjar": Night(),
    "breakwater": Breakout(),
}
