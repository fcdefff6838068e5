"""On which terms an event is opened: what is the same for all rows with the same settings.

A thousand followers share a handful of offers, so each is worked out once for a planning.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from apps.copytrading.domain.events import EventKind, MasterEvent
from apps.copytrading.domain.mapping import Symbol
from apps.copytrading.domain.opening import Refusal, limit_price, market_refusal
from apps.copytrading.domain.rounding import Limits
from apps.copytrading.domain.rows import Market, Row
from apps.copytrading.domain.stops import wanted_stops
from apps.trading.orders import Side


class Offer(NamedTuple):
    """Terms of an open: the market's refusal if there is one, volume rules, stops of a new
    position, the worst price at which it may leave, and where relative stops are counted from."""

    refused: Refusal | None
    limits: Limits
    stops: tuple[Decimal | None, Decimal | None]
    limit_price: Decimal | None
    reference_price: Decimal | None


def offer_of(row: Row, event: MasterEvent, market: Market, symbol: Symbol, side: Side) -> Offer:
    """The terms for a row that would open or add on ``side``."""
    key = (
        event.id,
        row.connection_id,
        symbol.instrument_id,
        side,
        id(row.rules),
        row.copy_sl,
        row.copy_tp,
        row.min_volume,
        row.max_volume,
        row.round_up,
    )
    found: Offer | None = market.offers.get(key)
    if found is None:
        found = market.offers[key] = _offer(row, event, market, symbol, side)
    return found


def _offer(row: Row, event: MasterEvent, market: Market, symbol: Symbol, side: Side) -> Offer:
    taken_over = event.kind is EventKind.EXISTING
    tolerance, worst, reference = row.rules.max_slippage, None, event.price
    if tolerance and event.price is not None and not taken_over:
        worst = limit_price(event.price, side, tolerance)
    quote = market.quote(row, symbol.instrument_id, event)
    if taken_over and quote is not None:  # the master's own price may be days old
        reference = quote.against(side)
    return Offer(
        refused=market_refusal(row, event, market, symbol, side),
        limits=market.limits(row, symbol),
        stops=wanted_stops(row, event, symbol.digits, None, side),
        limit_price=worst,
        reference_price=reference,
    )
