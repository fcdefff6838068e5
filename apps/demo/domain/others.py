"""Masters with habits of their own: interest, averaging down, growing after losses, moments."""

from __future__ import annotations

from decimal import Decimal
from random import Random

from apps.demo.domain.character import Character, along
from apps.demo.domain.words import Action, Holding, Increase, Reduce, View
from apps.trading.orders import Side


class Carry(Character):
    """Buys what earns interest and leaves it alone."""

    HOLD_S = 240

    def manage(self, holding: Holding, view: View, chance: Random) -> Action | None:
        if holding.age_s(view.now) > self.HOLD_S:
            return Reduce(holding, holding.units)
        return None

    def enter(self, view: View, chance: Random) -> Action | None:
        symbol = self._pick(view, chance)
        if symbol is None or chance.random() > 0.5:
            return None
        side = Side.SELL if symbol.startswith("EUR") else Side.BUY
        return self._open(view, symbol, side, Decimal(chance.randrange(2, 6)) / 10)


class Averager(Character):
    """Adds to what goes against it, and leaves with a small gain of the whole."""

    HOLD_S = 420
    STEPS = 4

    def manage(self, holding: Holding, view: View, chance: Random) -> Action | None:
        gain = view.profit_pips(holding)
        if gain >= 2 or holding.age_s(view.now) > self.HOLD_S:
            return Reduce(holding, holding.units)
        taken = int(holding.units / holding.base_units)
        if taken < self.STEPS and gain <= -2 * taken:
            return Increase(holding, holding.base_units)
        return None

    def enter(self, view: View, chance: Random) -> Action | None:
        symbol = self._pick(view, chance)
        if symbol is None or chance.random() > 0.5:
            return None
        side = along(-view.drift_pips(symbol), chance)
        return self._open(view, symbol, side, self.max_lots / self.STEPS)


class Doubling(Character):
    """Trades larger the further the account is below what it began with."""

    HOLD_S = 180

    def manage(self, holding: Holding, view: View, chance: Random) -> Action | None:
        if abs(view.profit_pips(holding)) >= 5 or holding.age_s(view.now) > self.HOLD_S:
            return Reduce(holding, holding.units)
        return None

    def enter(self, view: View, chance: Random) -> Action | None:
        symbol = self._pick(view, chance)
        if symbol is None or chance.random() > 0.4:
            return None
        behind = max(Decimal(0), 1 - view.health)
        lots = Decimal("0.10") * (1 + min(behind * 200, Decimal(7)))
        return self._open(view, symbol, along(view.drift_pips(symbol), chance), lots)


class News(Character):
    """In and out in the first minutes of every quarter of an hour, and still in between."""

    HOLD_S = 60
    MINUTES = 3

    def manage(self, holding: Holding, view: View, chance: Random) -> Action | None:
        if holding.age_s(view.now) > self.HOLD_S:
            return Reduce(holding, holding.units)
        return None

    def enter(self, view: View, chance: Random) -> Action | None:
        if view.now.minute % 15 >= self.MINUTES:
            return None
        symbol = self._pick(view, chance)
        if symbol is None or chance.random() > 0.7:
            return None
        return self._open(view, symbol, along(view.drift_pips(symbol), chance), self.max_lots)


class Night(Character):
    """Quiet crosses back to their mean; busy from evening to morning, nearly idle by day."""

    HOLD_S = 300

    def manage(self, holding: Holding, view: View, chance: Random) -> Action | None:
        if view.profit_pips(holding) >= 2 or holding.age_s(view.now) > self.HOLD_S:
            return Reduce(holding, holding.units)
        return None

    def enter(self, view: View, chance: Random) -> Action | None:
        night = view.now.hour >= 20 or view.now.hour < 5
        if chance.random() > (0.5 if night else 0.1):
            return None
        symbol = self._pick(view, chance)
        if symbol is None:
            return None
        lots = Decimal(chance.randrange(10, 30)) / 100
        return self._open(view, symbol, along(-view.drift_pips(symbol), chance), lots)


class Breakout(Character):
    """Jumps after a move, takes a small profit soon and waits a loss out."""

    HOLD_S = 600

    def manage(self, holding: Holding, view: View, chance: Random) -> Action | None:
        if view.profit_pips(holding) >= 2 or holding.age_s(view.now) > self.HOLD_S:
            return Reduce(holding, holding.units)
        return None

    def enter(self, view: View, chance: Random) -> Action | None:
        symbol = self._pick(view, chance)
        if symbol is None or abs(view.drift_pips(symbol)) < 1 or chance.random() > 0.5:
            return None
        lots = Decimal(chance.randrange(10, 25)) / 100
        return self._open(view, symbol, along(view.drift_pips(symbol), chance), lots)


OTHERS: tuple[Character, ...] = (
    Carry("tradewind", ("USDJPY", "AUDJPY", "CADJPY", "EURAUD"), 10.0, 2, Decimal("0.60"), 60, 90),
    Averager("stairway", ("EURGBP", "AUDNZD"), 9.0, 1, Decimal("0.80"), 40, 40),
    Doubling("phoenix", ("EURUSD", "GBPUSD"), 10.0, 1, Decimal("0.80"), 12, 12),
    News("flashpoint", ("EURUSD", "USDJPY", "GBPUSD", "USDCAD"), 6.0, 2, Decimal("0.25"), 10, 15),
    Night("nightjar", ("EURCHF", "GBPCHF", "EURGBP"), 10.0, 2, Decimal("0.40"), 20, 20),
    Breakout("breakwater", ("EURJPY", "GBPJPY", "AUDJPY"), 10.0, 2, Decimal("0.30"), 40, 20),
)
