"""From the deals of a position to its rounds: from flat to flat, or through to the other side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from apps.trading.deals import DealEffect
from apps.trading.orders import Side
from apps.trading.quantity import ZERO


class Fill(NamedTuple):
    """One deal of a position; ``costs`` are commission and swap, negative where paid."""

    deal_id: str
    at: datetime
    side: Side
    effect: DealEffect
    units: Decimal
    price: Decimal
    costs: Decimal


class Part(NamedTuple):
    """Units that came in or went out at a price."""

    deal_id: str
    at: datetime
    units: Decimal
    price: Decimal


@dataclass(slots=True)
class Round:
    """What a position did from flat to flat. ``costs`` in the account's currency."""

    side: Side
    entries: list[Part] = field(default_factory=list)
    exits: list[Part] = field(default_factory=list)
    costs: Decimal = ZERO

    @property
    def key(self) -> str:
        """The deal that began it."""
        return (self.entries or self.exits)[0].deal_id

    @property
    def opened_at(self) -> datetime:
        return (self.entries or self.exits)[0].at

    @property
    def opened(self) -> Decimal:
        return sum((part.units for part in self.entries), ZERO)

    @property
    def held(self) -> Decimal:
        return self.opened - sum((part.units for part in self.exits), ZERO)

    @property
    def ended_at(self) -> datetime | None:
        return self.exits[-1].at if self.exits and self.held <= 0 else None

    @property
    def entry(self) -> Decimal:
        """Average price of what was opened."""
        return average(self.entries)

    def deal_ids(self) -> set[str]:
        return {part.deal_id for part in (*self.entries, *self.exits)}

    def since(self, start: datetime) -> tuple[list[Part], Decimal]:
        """What was closed from ``start`` on, and the share of all units that this and what is
        still held make."""
        exits = [part for part in self.exits if part.at >= start]
        units = sum((part.units for part in exits), ZERO) + max(ZERO, self.held)
        return exits, units / self.opened if self.opened > 0 else ZERO


def average(parts: Sequence[Part]) -> Decimal:
    """Mean price by units; 0 of nothing."""
    units = sum((part.units for part in parts), ZERO)
    if units <= 0:
        return ZERO
    return sum((part.units * part.price for part in parts), ZERO) / units


def rounds(fills: Iterable[Fill]) -> list[Round]:
    """Rounds of one position from its deals, which are in the order in which they were done.

    A deal that goes through to the other side ends one round and begins the next, its costs
    shared by units. What closes more than the deals before opened was opened before the record
    began: at which price is not known, so it is left out.
    """
    made: list[Round] = []
    for fill in fills:
        current = made[-1] if made and made[-1].held > 0 else None
        left = fill.units
        if fill.effect is not DealEffect.OPEN:
            if current is not None:
                closed = min(left, current.held)
                _take(current, current.exits, fill, closed)
                left -= closed
            if fill.effect is not DealEffect.REVERSE:
                continue
            current = None
        if left <= 0:
            continue
        if current is None:
            current = Round(fill.side)
            made.append(current)
        _take(current, current.entries, fill, left)
    return made


def _take(into: Round, parts: list[Part], fill: Fill, units: Decimal) -> None:
    parts.append(Part(fill.deal_id, fill.at, units, fill.price))
    into.costs += fill.costs * units / fill.units if fill.units > 0 else ZERO
