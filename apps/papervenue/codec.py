"""Between the engine's records and the protocol's messages."""

from __future__ import annotations

from datetime import date
from typing import Any

from apps.openapi_wire import messages
from apps.openapi_wire.enums import (
    AccountType,
    ChangeBalanceType,
    ErrorCode,
    OrderStatus,
    OrderType,
    PositionStatus,
    TimeInForce,
    TotalMarginCalculationType,
    TradeSide,
)
from apps.papervenue.engine.book import Book
from apps.papervenue.engine.records import (
    ENTRY_SCALE,
    Account,
    CashFlow,
    CloseDetail,
    Deal,
    Order,
    Position,
    Refused,
)
from apps.papervenue.engine.specs import PRICE_DIGITS, SymbolSpec
from apps.trading.schedule import WEEK_S, Schedule

_SCALE = 10**PRICE_DIGITS
_ENTRY = ENTRY_SCALE * _SCALE
_EPOCH = date(1970, 1, 1)
BROKER = "Bellwether Paper"


def price_out(price: int | None) -> float | None:
    """The double nearest to a price."""
    return None if price is None else price / _SCALE


def price_in(message: Any, field: str) -> int | None:
    """A price of a request in 1/100000; None where it is not given; finer ones are refused."""
    if not message.HasField(field):
        return None
    value: float = getattr(message, field)
    scaled = value * _SCALE
    price: int = round(scaled)
    if abs(scaled - price) > 1e-3:
        raise Refused(ErrorCode.INVALID_REQUEST, f"{field} {value!r} has too many digits")
    return price


def order_message(order: Order) -> Any:
    """An order as the protocol shows it. Set field by field: the venue makes very many."""
    message = messages.ProtoOAOrder()
    message.orderId = order.order_id
    _fill_trade_data(message.tradeData, order, order.volume, order.created_ms)
    message.orderType = order.type
    message.orderStatus = order.status
    message.executedVolume = order.executed
    message.utcLastUpdateTimestamp = order.updated_ms
    message.closingOrder = order.closing
    message.timeInForce = order.time_in_force
    message.isStopOut = order.stop_out
    if order.client_order_id:
        message.clientOrderId = order.client_order_id
    if order.position_id:
        message.positionId = order.position_id
    if order.execution_price is not None:
        message.executionPrice = order.execution_price / _SCALE
    if order.type != OrderType.MARKET:
        _fill_pending_terms(message, order)
    if order.relative_stop_loss:
        message.relativeStopLoss = order.relative_stop_loss
    if order.relative_take_profit:
        message.relativeTakeProfit = order.relative_take_profit
    if order.trailing:
        message.trailingStopLoss = True
    return message


def _fill_trade_data(
    data: Any, source: Order | Position, volume: int, opened_ms: int, *, guaranteed: bool = False
) -> None:
    data.symbolId = source.spec.symbol_id
    data.volume = volume
    data.tradeSide = source.side
    data.openTimestamp = opened_ms
    if source.label:
        data.label = source.label
    if guaranteed:
        data.guaranteedStopLoss = False
    if source.comment:
        data.comment = source.comment


def _fill_pending_terms(message: Any, order: Order) -> None:
    """Prices and expiry that a market order does not have."""
    for name, price in (
        ("limitPrice", order.limit_price),
        ("stopPrice", order.stop_price),
        ("baseSlippagePrice", order.base_price),
        ("stopLoss", order.stop_loss),
        ("takeProfit", order.take_profit),
    ):
        if price is not None:
            setattr(message, name, price / _SCALE)
    if order.slippage_points is not None:
        message.slippageInPoints = order.slippage_points
    if order.expires_ms:
        message.expirationTimestamp = order.expires_ms


def order_from_message(body: Any, account: Account, book: Book) -> Order:
    """An order as it was stored."""
    data = body.tradeData
    return Order(
        order_id=body.orderId,
        account=account,
        spec=book.specs[data.symbolId],
        type=OrderType(body.orderType),
        side=TradeSide(data.tradeSide),
        volume=data.volume,
        created_ms=data.openTimestamp,
        updated_ms=body.utcLastUpdateTimestamp,
        executed=body.executedVolume,
        status=OrderStatus(body.orderStatus),
        label=data.label,
        comment=data.comment,
        client_order_id=body.clientOrderId,
        limit_price=price_in(body, "limitPrice"),
        stop_price=price_in(body, "stopPrice"),
        base_price=price_in(body, "baseSlippagePrice"),
        slippage_points=body.slippageInPoints if body.HasField("slippageInPoints") else None,
        time_in_force=TimeInForce(body.timeInForce),
        expires_ms=body.expirationTimestamp,
        stop_loss=price_in(body, "stopLoss"),
        take_profit=price_in(body, "takeProfit"),
        relative_stop_loss=body.relativeStopLoss,
        relative_take_profit=body.relativeTakeProfit,
        trailing=body.trailingStopLoss,
        position_id=body.positionId,
        closing=body.closingOrder,
        stop_out=body.isStopOut,
        execution_price=price_in(body, "executionPrice"),
    )


def position_message(position: Position) -> Any:
    message = messages.ProtoOAPosition()
    message.positionId = position.position_id
    _fill_trade_data(
        message.tradeData, position, position.volume, position.opened_ms, guaranteed=True
    )
    message.swap = position.swap
    message.price = position.entry / _ENTRY
    message.utcLastUpdateTimestamp = position.updated_ms
    message.commission = position.commission
    message.marginRate = position.margin_rate
    message.mirroringCommission = 0
    message.guaranteedStopLoss = False
    message.usedMargin = position.margin
    message.moneyDigits = position.account.money_digits
    if not position.volume:
        message.positionStatus = PositionStatus.POSITION_STATUS_CLOSED
        return message
    message.positionStatus = PositionStatus.POSITION_STATUS_OPEN
    if position.stop_loss is not None:
        message.stopLoss = position.stop_loss / _SCALE
    if position.take_profit is not None:
        message.takeProfit = position.take_profit / _SCALE
    if position.trail:
        message.trailingStopLoss = True
    return message


def created_position_message(order: Order) -> Any:
    """The empty position that stands for an accepted order which has not been filled."""
    message = messages.ProtoOAPosition()
    message.positionId = order.position_id
    _fill_trade_data(message.tradeData, order, 0, order.created_ms, guaranteed=True)
    message.positionStatus = PositionStatus.POSITION_STATUS_CREATED
    message.swap = 0
    message.utcLastUpdateTimestamp = order.created_ms
    message.moneyDigits = order.account.money_digits
    return message


def position_from_message(
    body: Any, account: Account, book: Book, trail: int, protection_id: int
) -> Position:
    """A position as it was stored; what the message does not carry stands beside it."""
    data = body.tradeData
    return Position(
        position_id=body.positionId,
        account=account,
        spec=book.specs[data.symbolId],
        side=TradeSide(data.tradeSide),
        volume=data.volume,
        entry=round(body.price * _ENTRY),
        opened_ms=data.openTimestamp,
        updated_ms=body.utcLastUpdateTimestamp,
        label=data.label,
        comment=data.comment,
        margin=body.usedMargin,
        margin_rate=body.marginRate,
        commission=body.commission,
        swap=body.swap,
        stop_loss=price_in(body, "stopLoss"),
        take_profit=price_in(body, "takeProfit"),
        trail=trail,
        protection_id=protection_id,
    )


def deal_message(deal: Deal) -> Any:
    message = messages.ProtoOADeal()
    message.dealId = deal.deal_id
    message.orderId = deal.order_id
    message.positionId = deal.position_id
    message.volume = message.filledVolume = deal.volume
    message.symbolId = deal.spec.symbol_id
    message.createTimestamp = deal.created_ms
    message.executionTimestamp = message.utcLastUpdateTimestamp = deal.executed_ms
    message.executionPrice = deal.price / _SCALE
    message.tradeSide = deal.side
    message.dealStatus = deal.status
    message.marginRate = deal.margin_rate
    message.commission = deal.commission
    message.moneyDigits = deal.account.money_digits
    if deal.close is not None:
        _fill_close_detail(message.closePositionDetail, deal.close, deal.account.money_digits)
    return message


def _fill_close_detail(detail: Any, close: CloseDetail, money_digits: int) -> None:
    detail.entryPrice = close.entry / _ENTRY
    detail.grossProfit = close.gross
    detail.swap = close.swap
    detail.commission = close.commission
    detail.balance = close.balance
    detail.quoteToDepositConversionRate = float(close.rate)
    detail.closedVolume = close.volume
    detail.balanceVersion = close.balance_version
    detail.moneyDigits = money_digits


def cash_message(flow: CashFlow) -> Any:
    return messages.ProtoOADepositWithdraw(
        operationType=(
            ChangeBalanceType.BALANCE_DEPOSIT
            if flow.delta >= 0
            else ChangeBalanceType.BALANCE_WITHDRAW
        ),
        balanceHistoryId=flow.flow_id,
        balance=flow.balance,
        delta=abs(flow.delta),
        changeBalanceTimestamp=flow.at_ms,
        externalNote=flow.note or None,
        balanceVersion=flow.balance_version,
        moneyDigits=flow.account.money_digits,
    )


def trader_message(account: Account, asset_id: int) -> Any:
    return messages.ProtoOATrader(
        ctidTraderAccountId=account.account_id,
        balance=account.balance,
        balanceVersion=account.balance_version,
        depositAssetId=asset_id,
        swapFree=False,
        leverageInCents=account.leverage * 100,
        totalMarginCalculationType=TotalMarginCalculationType.SUM,
        maxLeverage=50_000,
        traderLogin=account.login,
        accountType=AccountType.NETTED if account.netting else AccountType.HEDGED,
        brokerName=BROKER,
        registrationTimestamp=account.opened_ms,
        isLimitedRisk=False,
        moneyDigits=account.money_digits,
    )


def symbol_message(spec: SymbolSpec, schedule: Schedule) -> Any:
    hours = schedule.hours or ((0, WEEK_S),)
    return messages.ProtoOASymbol(
        symbolId=spec.symbol_id,
        digits=spec.digits,
        pipPosition=spec.pip_position,
        enableShortSelling=True,
        guaranteedStopLoss=False,
        swapRollover3Days=3,
        swapLong=float(spec.swap_long),
        swapShort=float(spec.swap_short),
        maxVolume=spec.max_volume,
        minVolume=spec.min_volume,
        stepVolume=spec.step_volume,
        schedule=[messages.ProtoOAInterval(startSecond=s, endSecond=e) for s, e in hours],
        scheduleTimeZone=schedule.zone,
        holiday=[
            messages.ProtoOAHoliday(
                holidayId=number,
                name=f"Holiday {number}",
                scheduleTimeZone=schedule.zone,
                holidayDate=(holiday.day - _EPOCH).days,
                isRecurring=holiday.recurring,
                startSecond=holiday.start_s,
                endSecond=holiday.end_s,
            )
            for number, holiday in enumerate(schedule.holidays, start=1)
        ],
        commission=spec.commission * 100,
        preciseTradingCommissionRate=spec.commission * 10**8,
        lotSize=spec.lot,
    )
