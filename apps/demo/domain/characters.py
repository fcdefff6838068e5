"""The demo's masters: four first ones here, others in :mod:`apps.demo.domain.others`."""

from __future__ import annotations

from decimal import Decimal
from random import Random

from apps.demo.domain.character import Character, along
from apps.demo.domain.others import OTHERS
from apps.demo.domain.words import Action, Holding, Increase, Protect, Reduce, View
from apps.trading.quantity import floor_to_step

__all__ = ["CHARACTERS", "Character"]


class Swing(Character):
    """Calm: few positions on majors, held long; the stop goes to break-even and is left."""

    HOLD_S = 900

    def manage(self, holding: Holding, view: View, chance: Random) -> Action | None:
        if holding.age_s(view.now) > self.HOLD_S:
            return Reduce(holding, holding.units)
        safe = view.price(
            holding.symbol,
            holding.price + holding.side.sign * view.pips(holding.symbol, 1),
        )
        if view.profit_pips(holding) >= 6 and not _as_safe(holding, safe):
            return Protect(holding, safe, holding.take_profit)
        return None

    def enter(self, view: View, chance: Random) -> Action | None:
        symbol = self._pick(view, chance)
        if symbol is None or chance.random() > 0.5:
            return None
        lots = Decimal(chance.randrange(4, 9)) / 10
        return self._open(view, symbol, along(view.drift_pips(symbol), chance), lots)


class Scalper(Character):
    """Many small trades with tight stops, in and out within a minute."""

    HOLD_S = 40

    def manage(self, holding: Holding, view: View, chance: Random) -> Action | None:
        result = view.profit_pips(holding)
        if result >= 3 or result <= -4 or holding.age_s(view.now) > self.HOLD_S:
            return Reduce(holding, holding.units)
        return None

    def enter(self, view: View, chance: Random) -> Action | None:
        symbol = self._pick(view, chance)
        if symbol is None or chance.random() > 0.6:
            return None
        lots = Decimal(chance.randrange(5, 16)) / 100
        return self._open(view, symbol, along(view.drift_pips(symbol), chance), lots)


class Trend(Character):
    """Follows the move, adds to what goes well and trails its stop behind the price."""

    HOLD_S = 600
    ADD_EVERY_S = 45
    STEPS = 4

    def manage(self, holding: Holding, view: View, chance: Random) -> Action | None:
        if holding.age_s(view.now) > self.HOLD_S:
            return Reduce(holding, holding.units)
        stop = self._trailed(holding, view)
        if stop is not None:
            return Protect(holding, stop, holding.take_profit)
        base = holding.base_units
        taken = int(holding.units / base)
        due = holding.age_s(view.now) > taken * self.ADD_EVERY_S
        if taken < self.STEPS and due and view.profit_pips(holding) > -5:
            return Increase(holding, base)
        return None

    def enter(self, view: View, chance: Random) -> Action | None:
        symbol = self._pick(view, chance)
        if symbol is None or chance.random() > 0.5:
            return None
        side = along(view.drift_pips(symbol), chance)
        return self._open(view, symbol, side, self.max_lots / self.STEPS)

    def _trailed(self, holding: Holding, view: View) -> Decimal | None:
        """A stop nearer to the price by at least a pip, or None where it is near enough."""
        sign = holding.side.sign
        distance = view.pips(holding.symbol, self.stop_pips)
        price = view.ticks[holding.symbol].exit_price(holding.side) - sign * distance
        stop = view.price(holding.symbol, price)
        if holding.stop_loss is None:
            return stop
        better = (stop - holding.stop_loss) * sign
        return stop if better >= view.pips(holding.symbol, 1) else None


class Reverter(Character):
    """Trades against a stretched move and takes its profit in thirds."""

    PART_S = 35
    PARTS = 3

    def manage(self, holding: Holding, view: View, chance: Random) -> Action | None:
        step = view.instruments[holding.symbol].step_units
        part = max(floor_to_step(holding.base_units / self.PARTS, step), step)
        stage = int((holding.base_units - holding.units) / part) + 1
        result = view.profit_pips(holding)
        if result < stage * 2 and holding.age_s(view.now) < stage * self.PART_S:
            return None
        last = stage >= self.PARTS or holding.units <= part
        return Reduce(holding, holding.units if last else part)

    def enter(self, view: View, chance: Random) -> Action | None:
        symbol = self._pick(view, chance)
        if symbol is None or chance.random() > 0.6:
            return None
        lots = Decimal(chance.choice((30, 45, 60))) / 100
        side = along(-view.drift_pips(symbol), chance)
        return self._open(view, symbol, side, lots)


def _as_safe(holding: Holding, stop: Decimal) -> bool:
    """Whether the holding's stop loss is at ``stop`` or better."""
    return holding.stop_loss is not None and (holding.stop_loss - stop) * holding.side.sign >= 0


CHARACTERS: dict[str, Character] = {
    c.name: c
    for c in (
        Swing("harbour", ("EURUSD", "GBPUSD", "USDJPY"), 12.0, 3, Decimal("0.80"), 40, 80),
        Scalper("quickstep", ("EURUSD", "USDCHF", "EURGBP"), 5.0, 2, Decimal("0.15"), 6, 8),
        Trend("longtide", ("GBPJPY", "AUDUSD", "USDCAD"), 9.0, 2, Decimal("1.20"), 12, 120),
        Reverter("pendulum", ("EURCHF", "AUDNZD", "NZDUSD"), 8.0, 2, Decimal("0.60"), 25, 25),
        *OTHERS,
    )
}
