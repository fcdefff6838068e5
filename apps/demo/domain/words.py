"""What a scripted trader sees and what it may do.

Volumes are units of the base asset, prices absolute, times aware UTC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from apps.trading.orders import Side
from apps.trading.quantity import floor_to_step, round_price
from apps.trading.symbols import Instrument


@dataclass(frozen=True, slots=True)
class Tick:
    """Best prices of a symbol now."""

    bid: Decimal
    ask: Decimal

    @property
    def mid(self) -> Decimal:
        return (self.bid + self.ask) / 2

    def exit_price(self, side: Side) -> Decimal:
        """Where a position of ``side`` would be closed now."""
        return self.bid if side is Side.BUY else self.ask


@dataclass(frozen=True, slots=True)
class Holding:
    """An open position of the trader; ``label`` is what it wrote on the opening order."""

    position_id: str
    symbol: str
    side: Side
    units: Decimal
    price: Decimal
    stop_loss: Decimal | None
    take_profit: Decimal | None
    opened_at: datetime
    label: str = ""

    @property
    def base_units(self) -> Decimal:
        """Units of the opening order, from the label; a strange label: the units held."""
        _, _, text = self.label.partition("/")
        return Decimal(text) if text.isdigit() and int(text) > 0 else self.units

    def age_s(self, now: datetime) -> float:
        return (now - self.opened_at).total_seconds()


@dataclass(frozen=True, slots=True)
class View:
    """All that a trader decides on.

    ``trails`` holds the latest mid prices of each symbol, oldest first. ``health`` is the
    share of the first deposit that is left, at most 1: sizes shrink with it, so that a demo
    that runs for months never trades itself out.
    """

    now: datetime
    ticks: Mapping[str, Tick]
    trails: Mapping[str, Sequence[Decimal]]
    holdings: Sequence[Holding]
    instruments: Mapping[str, Instrument]
    health: Decimal = Decimal(1)

    def size(self, symbol: str, lots: Decimal) -> Decimal:
        """Units for ``lots`` at the present health, on the step, at least the minimum."""
        instrument = self.instruments[symbol]
        wanted = lots * instrument.lot_units * min(self.health, Decimal(1))
        return max(floor_to_step(wanted, instrument.step_units), instrument.min_units)

    def pips(self, symbol: str, count: Decimal | int) -> Decimal:
        """``count`` pips as a price distance."""
        return Decimal(count).scaleb(-self.instruments[symbol].pip_digits)

    def profit_pips(self, holding: Holding) -> Decimal:
        """What closing the holding now would bring, in pips."""
        price = self.ticks[holding.symbol].exit_price(holding.side)
        distance = (price - holding.price) * holding.side.sign
        return distance.scaleb(self.instruments[holding.symbol].pip_digits)

    def drift_pips(self, symbol: str) -> Decimal:
        """Mid price now minus the mean of its trail, in pips; 0 without a trail."""
        trail = self.trails.get(symbol, ())
        if not trail:
            return Decimal(0)
        mean = sum(trail, Decimal(0)) / len(trail)
        distance = self.ticks[symbol].mid - mean
        return distance.scaleb(self.instruments[symbol].pip_digits)

    def price(self, symbol: str, price: Decimal) -> Decimal:
        return round_price(price, self.instruments[symbol].digits)

    def tradable(self, symbols: Sequence[str]) -> list[str]:
        """Those of ``symbols`` that exist and have a price."""
        return [s for s in symbols if s in self.ticks and s in self.instruments]


@dataclass(frozen=True, slots=True)
class Open:
    """Open a position with stop loss and take profit as distances from its price."""

    symbol: str
    side: Side
    units: Decimal
    stop_distance: Decimal
    target_distance: Decimal
    label: str


@dataclass(frozen=True, slots=True)
class Increase:
    holding: Holding
    units: Decimal


@dataclass(frozen=True, slots=True)
class Reduce:
    """Close ``units`` of a holding; all of it where they are its units."""

    holding: Holding
    units: Decimal


@dataclass(frozen=True, slots=True)
class Protect:
    """Set stop loss and take profit of a holding; ``None`` removes one."""

    holding: Holding
    stop_loss: Decimal | None
    take_profit: Decimal | None


Action = Open | Increase | Reduce | Protect
