"""Sides, order types and states, and the request that asks a platform for an order."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


class Side(enum.StrEnum):
    """Direction of an order, a deal or a position."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY

    @property
    def sign(self) -> int:
        """+1 for buy, -1 for sell."""
        return 1 if self is Side.BUY else -1


class OrderType(enum.StrEnum):
    MARKET = "market"
    MARKET_RANGE = "market_range"  # filled within a distance of a base price, or cancelled
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    PROTECTION = "protection"  # the platform's own stop loss or take profit order


class TimeInForce(enum.StrEnum):
    GTC = "gtc"
    GTD = "gtd"
    IOC = "ioc"
    FOK = "fok"


class OrderState(enum.StrEnum):
    """Life of an order of ours, from the moment a gateway has claimed it.

    ``UNKNOWN`` is a state of its own: the platform was asked and has not answered, so the
    order may or may not exist there. It ends only by asking the platform.
    """

    SENT = "sent"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    WITHHELD = "withheld"  # stopped by a gate at the moment of sending; never left the house
    NOT_DELIVERED = "not_delivered"  # sent, but the platform shows no trace of it


FINAL_STATES = frozenset(
    {
        OrderState.FILLED,
        OrderState.REJECTED,
        OrderState.CANCELLED,
        OrderState.EXPIRED,
        OrderState.WITHHELD,
        OrderState.NOT_DELIVERED,
    }
)


class Leg(enum.StrEnum):
    """What an order of ours is for; also the order of priority in which they are sent."""

    CLOSE = "close"
    PROTECT = "protect"
    CANCEL = "cancel"
    OPEN = "open"

    @property
    def priority(self) -> int:
        """0 is sent first."""
        return _LEG_PRIORITY[self]


#: Types of orders that wait on the platform for their price.
PENDING_TYPES = frozenset({OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT})

_LEG_PRIORITY = {Leg.CLOSE: 0, Leg.PROTECT: 1, Leg.CANCEL: 1, Leg.OPEN: 2}


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order to open or to add to a position.

    ``units`` is the volume in units of the base asset, already on the instrument's step.
    ``position_id`` adds to that position where the platform can. ``stop_loss`` and
    ``take_profit`` are absolute prices; an adapter translates them where the platform takes
    relative ones. ``base_price`` and ``max_slippage`` (both absolute) belong to MARKET_RANGE.
    """

    client_order_id: str
    instrument_id: str
    side: Side
    units: Decimal
    type: OrderType = OrderType.MARKET
    price: Decimal | None = None
    stop_price: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    base_price: Decimal | None = None
    max_slippage: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    expires_at: datetime | None = None
    position_id: str | None = None


@dataclass(frozen=True, slots=True)
class CloseRequest:
    """Close ``units`` of a position, by position."""

    client_order_id: str
    position_id: str
    units: Decimal


@dataclass(frozen=True, slots=True)
class ProtectRequest:
    """Set a position's stop loss and take profit; ``None`` removes them."""

    client_order_id: str
    position_id: str
    stop_loss: Decimal | None
    take_profit: Decimal | None


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """Cancel a resting order by the platform's id."""

    client_order_id: str
    platform_order_id: str


@dataclass(frozen=True, slots=True)
class AmendRequest:
    """Give a resting order new terms, all of them; it keeps its type, side and own id.

    ``units`` is the whole order, what was filled of it included. ``price`` is a limit's or
    stop-limit's limit, ``stop_price`` where a stop or stop-limit is triggered. ``stop_loss``
    and ``take_profit`` are absolute prices; ``None`` removes them. ``expires_at`` moves the
    expiry; ``None`` leaves it as it is, for not every platform can take one away.
    """

    client_order_id: str
    platform_order_id: str
    instrument_id: str
    units: Decimal
    price: Decimal | None
    stop_price: Decimal | None
    stop_loss: Decimal | None
    take_profit: Decimal | None
    expires_at: datetime | None


TradeRequest = OrderRequest | CloseRequest | ProtectRequest | CancelRequest | AmendRequest


@dataclass(frozen=True, slots=True)
class Order:
    """An order as the platform shows it. ``client_order_id`` is ours, '' for a stranger's."""

    platform_order_id: str
    client_order_id: str
    instrument_id: str
    side: Side
    type: OrderType
    units: Decimal
    filled_units: Decimal
    state: OrderState
    price: Decimal | None = None
    stop_price: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    position_id: str | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    expires_at: datetime | None = None
    updated_at: datetime | None = None
