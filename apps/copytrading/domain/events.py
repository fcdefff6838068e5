"""What a master did to a position, in the terms in which it is copied."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from apps.trading.deals import DealEffect
from apps.trading.orders import OrderType, Side
from apps.trading.quantity import ZERO


class EventKind(enum.StrEnum):
    OPENED = "opened"
    INCREASED = "increased"
    REDUCED = "reduced"
    CLOSED = "closed"
    REVERSED = "reversed"
    PROTECTION = "protection"
    EXISTING = "existing"  # a position that was there before the copy, to be taken over
    PLACED = "placed"  # a resting order, as are the next three
    AMENDED = "amended"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


OF_ORDERS = frozenset({EventKind.PLACED, EventKind.AMENDED, EventKind.CANCELLED, EventKind.EXPIRED})


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """What a master's resting order waits for; ``units`` is the whole order."""

    type: OrderType
    units: Decimal
    filled: Decimal
    price: Decimal | None
    stop_price: Decimal | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class MasterEvent:
    """One change of a master's position.

    ``side`` is the position's after the change (before it, where it is closed).
    ``units_before`` and ``units_after`` are the position's volume around the change; both
    are equal where only stop loss or take profit moved. ``happened_at`` is the platform's
    time of it on our clock, never later than ``received_at``. ``only`` is the one
    subscription that an event is for, 0 for all. ``order_key`` is the order that a deal
    filled. An event of a resting order has ``terms``, and the key of its order for that of a
    position, see :func:`link_key`; its units are what of the order is filled and what is whole.
    """

    id: int
    kind: EventKind
    position_key: str
    instrument_id: str
    symbol: str
    side: Side
    units_before: Decimal
    units_after: Decimal
    price: Decimal | None
    stop_loss: Decimal | None
    take_profit: Decimal | None
    ts_event: datetime
    received_at: datetime
    happened_at: datetime
    trace_id: str = ""
    only: int = 0
    order_key: str = ""
    terms: OrderTerms | None = None

    @property
    def units(self) -> Decimal:
        """How much was traded; a reversal trades through to the other side."""
        if self.kind is EventKind.REVERSED:
            return self.units_before + self.units_after
        return abs(self.units_after - self.units_before)

    @property
    def order_side(self) -> Side:
        """The side on which the master traded."""
        if self.kind is EventKind.REDUCED or self.kind is EventKind.CLOSED:
            return self.side.opposite
        return self.side


def link_key(order_key: str) -> str:
    """Under which key a link holds what a copy's order filled before the master's did."""
    return f"order:{order_key}"


def classify(effect: DealEffect, units: Decimal, units_after: Decimal) -> tuple[EventKind, Decimal]:
    """Kind of a deal and the position's units before it, from what it left behind."""
    if effect is DealEffect.REVERSE:
        return EventKind.REVERSED, max(ZERO, units - units_after)
    if effect is DealEffect.OPEN:
        before = max(ZERO, units_after - units)
        return (EventKind.INCREASED if before else EventKind.OPENED), before
    before = units_after + units
    return (EventKind.REDUCED if units_after else EventKind.CLOSED), before


def happened_at(ts_event: datetime, received_at: datetime, clock_offset_ms: int) -> datetime:
    """When it happened on our clock: the platform's clock is ahead by ``clock_offset_ms``."""
    return min(received_at, ts_event - timedelta(milliseconds=clock_offset_ms))
