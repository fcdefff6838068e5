"""What the demo's scripted masters have in common.

Each is a function of what it sees and a seeded source of chance, without a memory of its own:
whatever it needs to know about its positions stands in the positions, so that a trader that
was restarted goes on where it was. Exposure is bounded by the number of positions, their size
and the stop that every one of them has from its first moment.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from apps.demo.domain.words import Action, Holding, Open, View
from apps.trading.orders import Side


@dataclass(frozen=True, slots=True)
class Character(ABC):
    """A way to trade.

    ``pace_s`` is the mean pause between two looks at the market, ``max_holdings`` and
    ``max_lots`` (of one position) bound the exposure, distances are pips.
    """

    name: str
    symbols: tuple[str, ...]
    pace_s: float
    max_holdings: int
    max_lots: Decimal
    stop_pips: int
    target_pips: int

    def decide(self, view: View, chance: Random) -> Action | None:
        """The one thing to do now; managing what is open comes before opening more."""
        for holding in sorted(view.holdings, key=lambda h: h.opened_at):
            if holding.symbol not in view.ticks or holding.symbol not in view.instruments:
                continue
            action = self.manage(holding, view, chance)
            if action is not None:
                return action
        if len(view.holdings) >= self.max_holdings:
            return None
        return self.enter(view, chance)

    @abstractmethod
    def manage(self, holding: Holding, view: View, chance: Random) -> Action | None:
        """What to do about one position, if anything."""

    @abstractmethod
    def enter(self, view: View, chance: Random) -> Action | None:
        """A new position, if any; called only while there is room."""

    def _open(self, view: View, symbol: str, side: Side, lots: Decimal) -> Open:
        units = view.size(symbol, min(lots, self.max_lots))
        return Open(
            symbol,
            side,
            units,
            view.pips(symbol, self.stop_pips),
            view.pips(symbol, self.target_pips),
            f"{self.name}/{units:.0f}",
        )

    def _pick(self, view: View, chance: Random) -> str | None:
        """A symbol that is not held yet."""
        held = {h.symbol for h in view.holdings}
        free = [s for s in view.tradable(self.symbols) if s not in held]
        return chance.choice(free) if free else None


def along(drift: Decimal, chance: Random) -> Side:
    """The side of the drift; without one, either."""
    if drift == 0:
        return chance.choice((Side.BUY, Side.SELL))
    return Side.BUY if drift > 0 else Side.SELL
