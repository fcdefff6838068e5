"""The order that a link wants for an event."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from apps.copytrading.domain.events import EventKind, MasterEvent
from apps.copytrading.domain.link import Link
from apps.copytrading.domain.mapping import Symbol
from apps.copytrading.domain.numbers import Numbers
from apps.copytrading.domain.offers import offer_of
from apps.copytrading.domain.rounding import Rounding
from apps.copytrading.domain.rows import Market, Row
from apps.copytrading.domain.steps import Order
from apps.trading.orders import Leg


def opening(
    row: Row,
    link: Link,
    event: MasterEvent,
    market: Market,
    symbol: Symbol,
    units: Decimal,
    rounding: Rounding,
    numbers: Numbers,
) -> Order:
    """Open or add; a new position gets its stops with it."""
    offer = offer_of(row, event, market, symbol, link.side)
    first = not link.position_id
    numbers["rounding"] = rounding.value
    return Order(
        event,
        Leg.OPEN,
        link.side,
        units,
        link.position_id,
        link.stop_loss if first else None,
        link.take_profit if first else None,
        not_after(row, event, market),
        rounding,
        numbers,
        offer.limit_price,
        offer.reference_price,
    )


def not_after(row: Row, event: MasterEvent, market: Market) -> datetime:
    """Until when an open of ``event`` may leave."""
    # A position that is taken over is not late, but it shall not wait for hours either.
    taken_over = event.kind is EventKind.EXISTING
    return (market.now if taken_over else event.happened_at) + row.max_delay


def closing(
    link: Link, event: MasterEvent, units: Decimal, rounding: Rounding, numbers: Numbers
) -> Order:
    """Close ``units`` of what is held."""
    numbers["rounding"] = rounding.value
    side = link.side.opposite
    return Order(
        event, Leg.CLOSE, side, units, link.position_id, None, None, None, rounding, numbers
    )


def protecting(link: Link, event: MasterEvent, numbers: Numbers) -> Order:
    """Set stop loss and take profit of what is held."""
    numbers["rounding"] = Rounding.EXACT.value
    return Order(
        event,
        Leg.PROTECT,
        link.side,
        link.held,
        link.position_id,
        link.stop_loss,
        link.take_profit,
        None,
        Rounding.EXACT,
        numbers,
    )
