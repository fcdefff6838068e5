"""Deals of long ago as the events that would have been copied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from apps.copytrading.domain.events import EventKind, MasterEvent, classify
from apps.copytrading.domain.mapping import Symbol
from apps.trading.deals import DealEffect
from apps.trading.orders import Side
from apps.trading.quantity import ZERO


class PastDeal(Protocol):
    """What of a deal says what its position held."""

    @property
    def position_id(self) -> str: ...
    @property
    def instrument_id(self) -> str: ...
    @property
    def side(self) -> Side: ...
    @property
    def effect(self) -> DealEffect: ...
    @property
    def units(self) -> Decimal: ...
    @property
    def price(self) -> Decimal: ...
    @property
    def executed_at(self) -> datetime: ...


def events_of(
    deals: Iterable[PastDeal], before: Mapping[str, Decimal], symbols: Mapping[str, Symbol]
) -> list[MasterEvent]:
    """Events of a master from its deals, in their order, numbered from 1.

    ``before`` are the units that positions held before the first deal, sold ones negative. They
    are received when they happened, so nothing is late.
    """
    held = {position: abs(units) for position, units in before.items()}
    return [_event(number, deal, held, symbols) for number, deal in enumerate(deals, 1)]


def _event(
    number: int, deal: PastDeal, held: dict[str, Decimal], symbols: Mapping[str, Symbol]
) -> MasterEvent:
    # Of a position that was opened before anything is known, a close tells at least its own units.
    had = held.get(deal.position_id, ZERO)
    if deal.effect is DealEffect.OPEN:
        after = had + deal.units
    elif deal.effect is DealEffect.REVERSE and deal.units > had:
        after = deal.units - had
    else:
        after = max(ZERO, had - deal.units)
    held[deal.position_id] = after
    kind, units_before = classify(deal.effect, deal.units, after)
    if kind is EventKind.REVERSED and not units_before:
        kind = EventKind.OPENED
    closes = kind in (EventKind.REDUCED, EventKind.CLOSED)
    symbol = symbols.get(deal.instrument_id)
    return MasterEvent(
        id=number,
        kind=kind,
        position_key=deal.position_id,
        instrument_id=deal.instrument_id,
        symbol=symbol.name if symbol is not None else "",
        side=deal.side.opposite if closes else deal.side,
        units_before=units_before,
        units_after=after,
        price=deal.price,
        stop_loss=None,
        take_profit=None,
        ts_event=deal.executed_at,
        received_at=deal.executed_at,
        happened_at=deal.executed_at,
    )
