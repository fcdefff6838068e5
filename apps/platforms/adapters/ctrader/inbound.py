"""Messages of the Open API as words of apps.trading."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.openapi_wire.enums import (
    AccountType,
    DealStatus,
    OrderStatus,
    PositionStatus,
    TradeSide,
)
from apps.openapi_wire.enums import (
    OrderType as WireOrderType,
)
from apps.openapi_wire.enums import (
    TimeInForce as WireTimeInForce,
)
from apps.openapi_wire.scaling import money_from_wire as money
from apps.openapi_wire.scaling import time_from_wire as moment
from apps.openapi_wire.scaling import units_from_wire as units
from apps.platforms.adapters.ctrader.catalogue import Catalogue, average_price
from apps.trading.deals import Deal, DealEffect
from apps.trading.orders import Order, OrderState, OrderType, Side, TimeInForce
from apps.trading.positions import AccountState, MarginMode, Position
from apps.trading.quantity import ZERO

SIDES = {int(TradeSide.BUY): Side.BUY, int(TradeSide.SELL): Side.SELL}
ORDER_TYPES = {
    int(WireOrderType.MARKET): OrderType.MARKET,
    int(WireOrderType.LIMIT): OrderType.LIMIT,
    int(WireOrderType.STOP): OrderType.STOP,
    int(WireOrderType.STOP_LOSS_TAKE_PROFIT): OrderType.PROTECTION,
    int(WireOrderType.MARKET_RANGE): OrderType.MARKET_RANGE,
    int(WireOrderType.STOP_LIMIT): OrderType.STOP_LIMIT,
}
TIMES_IN_FORCE = {
    int(WireTimeInForce.GOOD_TILL_DATE): TimeInForce.GTD,
    int(WireTimeInForce.GOOD_TILL_CANCEL): TimeInForce.GTC,
    int(WireTimeInForce.IMMEDIATE_OR_CANCEL): TimeInForce.IOC,
    int(WireTimeInForce.FILL_OR_KILL): TimeInForce.FOK,
}
_STATES = {
    int(OrderStatus.ORDER_STATUS_ACCEPTED): OrderState.ACCEPTED,
    int(OrderStatus.ORDER_STATUS_FILLED): OrderState.FILLED,
    int(OrderStatus.ORDER_STATUS_REJECTED): OrderState.REJECTED,
    int(OrderStatus.ORDER_STATUS_EXPIRED): OrderState.EXPIRED,
    int(OrderStatus.ORDER_STATUS_CANCELLED): OrderState.CANCELLED,
}
_EXECUTED = frozenset({int(DealStatus.FILLED), int(DealStatus.PARTIALLY_FILLED)})
_OPEN = int(PositionStatus.POSITION_STATUS_OPEN)
_NETTED = int(AccountType.NETTED)
DEFAULT_MONEY_DIGITS = 2


def is_executed(deal: Any) -> bool:
    """Whether a deal of the wire moved volume; it also lists refused and missed ones."""
    return deal.dealStatus in _EXECUTED


def read_deal(deal: Any, catalogue: Catalogue, client_order_id: str = "") -> Deal:
    digits = deal.moneyDigits if deal.HasField("moneyDigits") else DEFAULT_MONEY_DIGITS
    effect, swap, profit, balance = DealEffect.OPEN, ZERO, ZERO, None
    if deal.HasField("closePositionDetail"):
        closing = deal.closePositionDetail
        reverses = closing.closedVolume and closing.closedVolume < deal.filledVolume
        effect = DealEffect.REVERSE if reverses else DealEffect.CLOSE
        if closing.HasField("moneyDigits"):
            digits = closing.moneyDigits
        swap = money(closing.swap, digits) if closing.swap else ZERO
        profit = money(closing.grossProfit, digits)
        balance = money(closing.balance, digits)
    return Deal(
        str(deal.dealId),
        str(deal.orderId),
        str(deal.positionId),
        str(deal.symbolId),
        SIDES[deal.tradeSide],
        units(deal.filledVolume),
        catalogue.price(deal.symbolId, deal.executionPrice),
        effect,
        moment(deal.executionTimestamp),
        client_order_id,
        money(deal.commission, digits) if deal.commission else ZERO,
        swap,
        profit,
        balance,
    )


def read_position(position: Any, catalogue: Catalogue) -> Position | None:
    """The position as it is, None when it is not open (any more)."""
    if position.positionStatus != _OPEN:
        return None
    trade = position.tradeData
    symbol_id = trade.symbolId
    digits = position.moneyDigits if position.HasField("moneyDigits") else DEFAULT_MONEY_DIGITS
    return Position(
        str(position.positionId),
        str(symbol_id),
        SIDES[trade.tradeSide],
        units(trade.volume),
        average_price(position.price),
        moment(trade.openTimestamp),
        catalogue.price(symbol_id, position.stopLoss) if position.stopLoss else None,
        catalogue.price(symbol_id, position.takeProfit) if position.takeProfit else None,
        trade.label,
        money(position.usedMargin, digits),
        money(position.swap, digits) if position.swap else ZERO,
        money(position.commission, digits) if position.commission else ZERO,
    )


def read_order(order: Any, catalogue: Catalogue) -> Order:
    trade = order.tradeData
    kind = ORDER_TYPES[order.orderType]
    state = _STATES[order.orderStatus]
    if state is OrderState.ACCEPTED and order.executedVolume:
        state = OrderState.PARTIALLY_FILLED

    def price(value: float) -> Decimal | None:
        return catalogue.price(trade.symbolId, value) if value else None

    return Order(
        platform_order_id=str(order.orderId),
        client_order_id=own_id(order),
        instrument_id=str(trade.symbolId),
        side=SIDES[trade.tradeSide],
        type=kind,
        units=units(trade.volume),
        filled_units=units(order.executedVolume),
        state=state,
        price=_stop_limit(order, catalogue)
        if kind is OrderType.STOP_LIMIT
        else price(order.limitPrice),
        stop_price=None if kind is OrderType.LIMIT else price(order.stopPrice),
        stop_loss=price(order.stopLoss),
        take_profit=price(order.takeProfit),
        position_id=str(order.positionId) if order.positionId else None,
        time_in_force=TIMES_IN_FORCE.get(order.timeInForce, TimeInForce.GTC),
        expires_at=moment(order.expirationTimestamp) if order.expirationTimestamp else None,
        updated_at=moment(order.utcLastUpdateTimestamp) if order.utcLastUpdateTimestamp else None,
    )


def _stop_limit(order: Any, catalogue: Catalogue) -> Decimal | None:
    """The limit of a stop-limit, which the wire gives as points beyond its stop."""
    symbol_id = order.tradeData.symbolId
    digits = catalogue.digits(symbol_id)
    if digits is None or not order.stopPrice:
        return None
    reach = Decimal(order.slippageInPoints).scaleb(-digits) * SIDES[order.tradeData.tradeSide].sign
    return catalogue.price(symbol_id, order.stopPrice) + reach


def own_id(order: Any) -> str:
    """Our id of an order, '' for a stranger's and for the platform's own protection orders."""
    if order.orderType == WireOrderType.STOP_LOSS_TAKE_PROFIT:
        return ""
    return str(order.clientOrderId)


def read_trader(trader: Any, catalogue: Catalogue, as_of: datetime) -> AccountState:
    digits = trader.moneyDigits if trader.HasField("moneyDigits") else DEFAULT_MONEY_DIGITS
    netted = trader.accountType == _NETTED
    return AccountState(
        currency=catalogue.assets.get(trader.depositAssetId, ""),
        balance=money(trader.balance, digits),
        leverage=Decimal(trader.leverageInCents) / 100,
        margin_mode=MarginMode.NETTING if netted else MarginMode.HEDGING,
        as_of=as_of,
    )
