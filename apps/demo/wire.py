"""Between the traders' words and the Open API's messages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from apps.demo.domain.words import Action, Holding, Increase, Open, Protect, Reduce
from apps.openapi_wire import messages
from apps.openapi_wire.enums import OrderType, TradeSide
from apps.openapi_wire.scaling import (
    price_from_wire,
    relative_to_wire,
    time_from_wire,
    units_from_wire,
    units_to_wire,
)
from apps.trading.orders import Side
from apps.trading.quantity import round_price
from apps.trading.symbols import Instrument


def utc_now() -> datetime:
    return datetime.now(UTC)


def wire_side(side: Side) -> int:
    return TradeSide.BUY if side is Side.BUY else TradeSide.SELL


def instrument_of(name: str, symbol: Any) -> Instrument:
    """An instrument from a full symbol message."""
    return Instrument(
        instrument_id=str(symbol.symbolId),
        name=name,
        base=name[:3],
        quote=name[3:6],
        digits=symbol.digits,
        pip_digits=symbol.pipPosition,
        lot_units=units_from_wire(symbol.lotSize),
        min_units=units_from_wire(symbol.minVolume),
        step_units=units_from_wire(symbol.stepVolume),
        max_units=units_from_wire(symbol.maxVolume),
    )


def holding_of(position: Any, instrument: Instrument) -> Holding:
    """A position message as a trader sees it."""
    trade, digits = position.tradeData, instrument.digits
    stop = price_from_wire(position.stopLoss, digits) if position.HasField("stopLoss") else None
    target = (
        price_from_wire(position.takeProfit, digits) if position.HasField("takeProfit") else None
    )
    return Holding(
        position_id=str(position.positionId),
        symbol=instrument.name,
        side=Side.BUY if trade.tradeSide == TradeSide.BUY else Side.SELL,
        units=units_from_wire(trade.volume),
        price=price_from_wire(position.price, digits + 3),
        stop_loss=stop,
        take_profit=target,
        opened_at=time_from_wire(trade.openTimestamp),
        label=trade.label,
    )


def action_message(account: int, action: Action, instruments: Mapping[str, Instrument]) -> Any:
    """The request that does what the trader decided."""
    match action:
        case Open():
            return messages.ProtoOANewOrderReq(
                ctidTraderAccountId=account,
                symbolId=int(instruments[action.symbol].instrument_id),
                orderType=OrderType.MARKET,
                tradeSide=wire_side(action.side),
                volume=units_to_wire(action.units),
                label=action.label,
                relativeStopLoss=relative_to_wire(action.stop_distance) or None,
                relativeTakeProfit=relative_to_wire(action.target_distance) or None,
            )
        case Increase(holding, units):
            return messages.ProtoOANewOrderReq(
                ctidTraderAccountId=account,
                symbolId=int(instruments[holding.symbol].instrument_id),
                orderType=OrderType.MARKET,
                tradeSide=wire_side(holding.side),
                volume=units_to_wire(units),
                positionId=int(holding.position_id),
            )
        case Reduce(holding, units):
            return messages.ProtoOAClosePositionReq(
                ctidTraderAccountId=account,
                positionId=int(holding.position_id),
                volume=units_to_wire(units),
            )
        case Protect(holding, stop_loss, take_profit):
            return protect_message(account, holding, stop_loss, take_profit, instruments)


def protect_message(
    account: int,
    holding: Holding,
    stop_loss: Decimal | None,
    take_profit: Decimal | None,
    instruments: Mapping[str, Instrument],
) -> Any:
    """A change of stop loss and take profit; what is None is taken away."""
    digits = instruments[holding.symbol].digits
    message = messages.ProtoOAAmendPositionSLTPReq(
        ctidTraderAccountId=account, positionId=int(holding.position_id)
    )
    if stop_loss is not None:
        message.stopLoss = float(round_price(stop_loss, digits))
    if take_profit is not None:
        message.takeProfit = float(round_price(take_profit, digits))
    return message


def describe(action: Action, done: Any = None) -> str:
    """One line that a person understands; ``done`` is the venue's answer."""
    match action:
        case Open():
            text = f"{action.side} {action.units:,.0f} {action.symbol}"
        case Increase(holding, units):
            text = f"adds {units:,.0f} to {holding.side} {holding.symbol} #{holding.position_id}"
        case Reduce(holding, units):
            rest = holding.units - units
            what = f"closes {units:,.0f} of" if rest else "closes"
            text = f"{what} {holding.side} {holding.symbol} #{holding.position_id}"
        case Protect(holding, stop, target):
            text = f"stop {stop or 'off'}, target {target or 'off'} on #{holding.position_id}"
    if done is not None and done.HasField("deal"):
        text += f" at {done.deal.executionPrice}"
    return text
