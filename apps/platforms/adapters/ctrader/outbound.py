"""Requests of apps.trading as messages of the Open API."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from apps.openapi_wire import messages
from apps.openapi_wire.enums import TradeSide
from apps.openapi_wire.scaling import (
    price_to_wire,
    relative_to_wire,
    time_to_wire,
    units_to_wire,
)
from apps.platforms.adapters.ctrader.catalogue import Catalogue
from apps.platforms.adapters.ctrader.errors import CannotExpress
from apps.platforms.adapters.ctrader.inbound import ORDER_TYPES, TIMES_IN_FORCE
from apps.trading.orders import (
    AmendRequest,
    CancelRequest,
    CloseRequest,
    OrderRequest,
    OrderType,
    ProtectRequest,
    Side,
    TimeInForce,
    TradeRequest,
)

_SIDES = {Side.BUY: int(TradeSide.BUY), Side.SELL: int(TradeSide.SELL)}
_TYPES: dict[OrderType, int] = {kind: number for number, kind in ORDER_TYPES.items()}
del _TYPES[OrderType.PROTECTION]  # the platform's own
_TIMES = {kind: number for number, kind in TIMES_IN_FORCE.items()}
_AT_MARKET = frozenset({OrderType.MARKET, OrderType.MARKET_RANGE})

_NewOrder = messages.ProtoOANewOrderReq
_Close = messages.ProtoOAClosePositionReq
_Protect = messages.ProtoOAAmendPositionSLTPReq
_Cancel = messages.ProtoOACancelOrderReq
_Amend = messages.ProtoOAAmendOrderReq


def trade_message(account: int, request: TradeRequest, catalogue: Catalogue) -> Any:
    """The message that asks for ``request``; CannotExpress where there is none."""
    if isinstance(request, OrderRequest):
        return _order(account, request, catalogue)
    if isinstance(request, CloseRequest):
        return _Close(
            ctidTraderAccountId=account,
            positionId=_number(request.position_id, "POSITION_NOT_FOUND", "position"),
            volume=_volume(request.units),
        )
    if isinstance(request, ProtectRequest):
        return _protect(account, request)
    if isinstance(request, AmendRequest):
        return _amend(account, request, catalogue)
    return _cancel(account, request)


def _order(account: int, request: OrderRequest, catalogue: Catalogue) -> Any:
    symbol_id = _number(request.instrument_id, "SYMBOL_NOT_FOUND", "symbol")
    if request.type not in _TYPES:
        raise CannotExpress("INVALID_REQUEST", "protection is set on a position, not ordered")
    message = _NewOrder(
        ctidTraderAccountId=account,
        symbolId=symbol_id,
        orderType=_TYPES[request.type],
        tradeSide=_SIDES[request.side],
        volume=_volume(request.units),
        clientOrderId=request.client_order_id,
        label=request.client_order_id,
    )
    if request.position_id is not None:
        message.positionId = _number(request.position_id, "POSITION_NOT_FOUND", "position")
    if request.type in _AT_MARKET:
        _relative_stops(message, request, catalogue.digits(symbol_id))
    if request.type is not OrderType.MARKET:
        _prices(message, request, catalogue.digits(symbol_id))
    return message


def _prices(message: Any, request: OrderRequest, digits: int | None) -> None:
    """Everything that a plain market order does not have."""
    if request.time_in_force is not TimeInForce.GTC:
        message.timeInForce = _TIMES[request.time_in_force]
    if request.expires_at is not None:
        message.expirationTimestamp = time_to_wire(request.expires_at)
    if request.type is OrderType.MARKET_RANGE:
        message.baseSlippagePrice = price_to_wire(_given(request.base_price, "base_price"))
        message.slippageInPoints = _points(_given(request.max_slippage, "max_slippage"), digits)
        return
    if request.stop_loss is not None:
        message.stopLoss = price_to_wire(request.stop_loss)
    if request.take_profit is not None:
        message.takeProfit = price_to_wire(request.take_profit)
    if request.type is OrderType.LIMIT:
        message.limitPrice = price_to_wire(_given(request.price, "price"))
        return
    stop = _given(request.stop_price, "stop_price")
    message.stopPrice = price_to_wire(stop)
    if request.type is OrderType.STOP_LIMIT:
        message.slippageInPoints = _points(abs(_given(request.price, "price") - stop), digits)


def _relative_stops(message: Any, request: OrderRequest, digits: int | None) -> None:
    """Market orders take stops only as distances; they are measured from the base price."""
    if request.stop_loss is None and request.take_profit is None:
        return
    base = _given(request.base_price, "base_price")
    sign = request.side.sign
    if request.stop_loss is not None:
        message.relativeStopLoss = _distance((base - request.stop_loss) * sign, digits)
    if request.take_profit is not None:
        message.relativeTakeProfit = _distance((request.take_profit - base) * sign, digits)


def _distance(distance: Decimal, digits: int | None) -> int:
    if distance <= 0:
        raise CannotExpress("TRADING_BAD_STOPS", "a stop lies on the wrong side of the price")
    if digits is not None:
        distance = max(round(distance, digits), Decimal(1).scaleb(-digits))
    return relative_to_wire(distance)


def _points(distance: Decimal, digits: int | None) -> int:
    if digits is None:
        raise CannotExpress("SYMBOL_NOT_FOUND", "the symbol's price step is not known")
    return int(distance.scaleb(digits))


def _protect(account: int, request: ProtectRequest) -> Any:
    message = _Protect(
        ctidTraderAccountId=account,
        positionId=_number(request.position_id, "POSITION_NOT_FOUND", "position"),
    )
    if request.stop_loss is not None:
        message.stopLoss = price_to_wire(request.stop_loss)
    if request.take_profit is not None:
        message.takeProfit = price_to_wire(request.take_profit)
    return message


def _amend(account: int, request: AmendRequest, catalogue: Catalogue) -> Any:
    """New terms of a resting order; stops that are not named are taken away."""
    message = _Amend(
        ctidTraderAccountId=account,
        orderId=_number(request.platform_order_id, "ORDER_NOT_FOUND", "order"),
        volume=_volume(request.units),
    )
    if request.expires_at is not None:
        message.expirationTimestamp = time_to_wire(request.expires_at)
    if request.stop_loss is not None:
        message.stopLoss = price_to_wire(request.stop_loss)
    if request.take_profit is not None:
        message.takeProfit = price_to_wire(request.take_profit)
    if request.stop_price is None:
        message.limitPrice = price_to_wire(_given(request.price, "price"))
        return message
    message.stopPrice = price_to_wire(request.stop_price)
    if request.price is not None:
        symbol_id = _number(request.instrument_id, "SYMBOL_NOT_FOUND", "symbol")
        reach = abs(request.price - request.stop_price)
        message.slippageInPoints = _points(reach, catalogue.digits(symbol_id))
    return message


def _cancel(account: int, request: CancelRequest) -> Any:
    order_id = _number(request.platform_order_id, "ORDER_NOT_FOUND", "order")
    return _Cancel(ctidTraderAccountId=account, orderId=order_id)


def _volume(units: Decimal) -> int:
    try:
        volume = units_to_wire(units)
    except ValueError as error:
        raise CannotExpress("TRADING_BAD_VOLUME", str(error)) from None
    if volume <= 0:
        raise CannotExpress("TRADING_BAD_VOLUME", f"a volume of {units} units cannot be traded")
    return volume


def _number(text: str, code: str, what: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise CannotExpress(code, f"there is no {what} {text!r} on this platform") from None


def _given(value: Decimal | None, name: str) -> Decimal:
    if value is None:
        raise CannotExpress("INVALID_REQUEST", f"an order of this type needs {name}")
    return value
