"""What the journal says of an event: the payload of an account event in plain values.

Decimals travel as strings. A payload is written once by the gateway and read by every consumer,
so its field names are part of the journal: add, never rename.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.trading.deals import DealEffect
from apps.trading.orders import OrderState, OrderType, Side


@dataclass(frozen=True, slots=True)
class DealPayload:
    """A deal, and its position right after it.

    ``units`` were filled at ``price``. ``position_units`` is 0 and ``position_side`` None when
    the position is gone; ``position_price`` is its average entry price. ``stop_loss`` and
    ``take_profit`` are the position's after the deal. ``own`` says that one of our own orders
    made the deal (a chain: a follower that is followed itself).
    """

    deal_id: str
    platform_order_id: str
    client_order_id: str
    position_id: str
    instrument_id: str
    symbol: str
    side: Side
    units: Decimal
    price: Decimal
    effect: DealEffect
    position_units: Decimal
    position_side: Side | None
    position_price: Decimal | None
    stop_loss: Decimal | None
    take_profit: Decimal | None
    own: bool = False


@dataclass(frozen=True, slots=True)
class ProtectionPayload:
    """Stop loss or take profit of a position were set, changed or removed (None)."""

    position_id: str
    instrument_id: str
    symbol: str
    side: Side
    units: Decimal
    stop_loss: Decimal | None
    take_profit: Decimal | None


@dataclass(frozen=True, slots=True)
class OrderPayload:
    """A pending order was placed, changed, or ended without being filled to its end.

    ``state`` is ACCEPTED or PARTIALLY_FILLED while it rests, then CANCELLED, EXPIRED or
    REJECTED. The terms are those after the change. Fills are no events of an order: they are
    deals with its ``platform_order_id``. ``units`` is the whole order and ``filled_units`` what
    the deals journaled before amount to. ``own``: placed by an order of ours (a chain).
    """

    platform_order_id: str
    client_order_id: str
    instrument_id: str
    symbol: str
    side: Side
    type: OrderType
    units: Decimal
    filled_units: Decimal
    state: OrderState
    price: Decimal | None
    stop_price: Decimal | None
    stop_loss: Decimal | None
    take_profit: Decimal | None
    expires_at: datetime | None
    own: bool = False


@dataclass(frozen=True, slots=True)
class PositionPayload:
    """A position that was there already, told to one ``relation`` that shall take it over.

    The values are those of the moment at which it was told.
    """

    position_id: str
    instrument_id: str
    symbol: str
    side: Side
    units: Decimal
    price: Decimal
    stop_loss: Decimal | None
    take_profit: Decimal | None
    relation: str


Payload = DealPayload | ProtectionPayload | OrderPayload | PositionPayload


def dump(payload: Payload) -> str:
    """The payload as JSON text."""
    return json.dumps(values(payload), separators=(",", ":"))


def values(payload: Payload) -> dict[str, object]:
    """The payload as plain values that JSON knows."""
    if isinstance(payload, DealPayload):
        return _deal_values(payload)
    if isinstance(payload, OrderPayload):
        return _order_values(payload)
    told: dict[str, object] = {
        "position_id": payload.position_id,
        "instrument_id": payload.instrument_id,
        "symbol": payload.symbol,
        "side": payload.side,
        "units": str(payload.units),
        "stop_loss": _text(payload.stop_loss),
        "take_profit": _text(payload.take_profit),
    }
    if isinstance(payload, PositionPayload):
        told |= {"price": str(payload.price), "relation": payload.relation}
    return told


def load(text: str | bytes) -> Payload:
    """The payload that :func:`dump` wrote."""
    v = json.loads(text)
    if "filled_units" in v:
        return _order(v)
    if "relation" in v:
        return _position(v)
    if "deal_id" not in v:
        return ProtectionPayload(
            v["position_id"],
            v["instrument_id"],
            v["symbol"],
            Side(v["side"]),
            Decimal(v["units"]),
            _decimal(v["stop_loss"]),
            _decimal(v["take_profit"]),
        )
    return DealPayload(
        v["deal_id"],
        v["platform_order_id"],
        v["client_order_id"],
        v["position_id"],
        v["instrument_id"],
        v["symbol"],
        Side(v["side"]),
        Decimal(v["units"]),
        Decimal(v["price"]),
        DealEffect(v["effect"]),
        Decimal(v["position_units"]),
        Side(v["position_side"]) if v["position_side"] else None,
        _decimal(v["position_price"]),
        _decimal(v["stop_loss"]),
        _decimal(v["take_profit"]),
        bool(v["own"]),
    )


def _deal_values(p: DealPayload) -> dict[str, object]:
    return {
        "deal_id": p.deal_id,
        "platform_order_id": p.platform_order_id,
        "client_order_id": p.client_order_id,
        "position_id": p.position_id,
        "instrument_id": p.instrument_id,
        "symbol": p.symbol,
        "side": p.side,
        "units": str(p.units),
        "price": str(p.price),
        "effect": p.effect,
        "position_units": str(p.position_units),
        "position_side": p.position_side,
        "position_price": _text(p.position_price),
        "stop_loss": _text(p.stop_loss),
        "take_profit": _text(p.take_profit),
        "own": p.own,
    }


def _position(v: dict[str, Any]) -> PositionPayload:
    return PositionPayload(
        v["position_id"],
        v["instrument_id"],
        v["symbol"],
        Side(v["side"]),
        Decimal(v["units"]),
        Decimal(v["price"]),
        _decimal(v["stop_loss"]),
        _decimal(v["take_profit"]),
        v["relation"],
    )


def _order_values(p: OrderPayload) -> dict[str, object]:
    return {
        "platform_order_id": p.platform_order_id,
        "client_order_id": p.client_order_id,
        "instrument_id": p.instrument_id,
        "symbol": p.symbol,
        "side": p.side,
        "type": p.type,
        "units": str(p.units),
        "filled_units": str(p.filled_units),
        "state": p.state,
        "price": _text(p.price),
        "stop_price": _text(p.stop_price),
        "stop_loss": _text(p.stop_loss),
        "take_profit": _text(p.take_profit),
        "expires_at": p.expires_at.isoformat() if p.expires_at else None,
        "own": p.own,
    }


def _order(v: dict[str, Any]) -> OrderPayload:
    return OrderPayload(
        v["platform_order_id"],
        v["client_order_id"],
        v["instrument_id"],
        v["symbol"],
        Side(v["side"]),
        OrderType(v["type"]),
        Decimal(v["units"]),
        Decimal(v["filled_units"]),
        OrderState(v["state"]),
        _decimal(v["price"]),
        _decimal(v["stop_price"]),
        _decimal(v["stop_loss"]),
        _decimal(v["take_profit"]),
        datetime.fromisoformat(v["expires_at"]) if v["expires_at"] else None,
        bool(v["own"]),
    )


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def _decimal(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)
