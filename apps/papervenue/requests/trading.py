"""Trading: new orders, changes, closes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from apps.openapi_wire.enums import ErrorCode, OrderType, TimeInForce, TradeSide
from apps.openapi_wire.payloads import PayloadType
from apps.papervenue.codec import price_in
from apps.papervenue.engine.checks import AT_MARKET, check_texts
from apps.papervenue.engine.records import Account, Order, Position, Refused
from apps.papervenue.faults import Fault, FaultRule

if TYPE_CHECKING:
    from apps.papervenue.session import Session
    from apps.papervenue.venue import Venue

_PLACEABLE = frozenset(OrderType) - {OrderType.STOP_LOSS_TAKE_PROFIT}
# Looking a member up in a dict takes a fraction of what calling its class takes.
_TYPES = {int(member): member for member in OrderType}
_SIDES = {int(member): member for member in TradeSide}
_TIMES = {int(member): member for member in TimeInForce}


def new_order(venue: Venue, session: Session, request: Any) -> None:
    account = venue.account(session, request)
    order = _order(venue, account, request)
    now = order.created_ms
    rule = venue.rule
    if rule is None:
        venue.engine.place(order, now)
        return
    match rule.action:
        case Fault.REJECT_AFTER_ACCEPT:
            venue.engine.place(order, now, reject=rule.code)
        case Fault.SLIP:
            venue.engine.place(order, now, slip=rule.points)
        case Fault.PARTIAL | Fault.PARTIAL_CANCEL:
            venue.engine.place(order, now, first=_first(order, rule))
            if order.executed or order.type in AT_MARKET:
                venue.intake.later(rule, order)
            else:
                order.portion = _first(order, rule)
                order.gives_up = rule.action is Fault.PARTIAL_CANCEL
        case _:
            venue.engine.place(order, now)


def _order(venue: Venue, account: Account, request: Any) -> Order:
    if request.orderType not in _PLACEABLE:
        raise Refused(ErrorCode.INVALID_REQUEST, "orders of this type cannot be placed")
    given = request.HasField
    now = venue.now()
    order = Order(
        order_id=venue.engine.book.counters.take("order"),
        account=account,
        spec=venue.symbol(request.symbolId),
        type=_TYPES[request.orderType],
        side=_SIDES[request.tradeSide],
        volume=request.volume,
        created_ms=now,
        updated_ms=now,
        label=request.label,
        comment=request.comment,
        client_order_id=request.clientOrderId,
        limit_price=price_in(request, "limitPrice"),
        stop_price=price_in(request, "stopPrice"),
        base_price=price_in(request, "baseSlippagePrice"),
        slippage_points=request.slippageInPoints if given("slippageInPoints") else None,
        time_in_force=_time_in_force(request),
        expires_ms=request.expirationTimestamp,
        stop_loss=price_in(request, "stopLoss"),
        take_profit=price_in(request, "takeProfit"),
        relative_stop_loss=request.relativeStopLoss,
        relative_take_profit=request.relativeTakeProfit,
        trailing=request.trailingStopLoss,
        position_id=request.positionId,
    )
    if order.stop_loss is not None and order.relative_stop_loss:
        raise Refused(ErrorCode.INVALID_REQUEST, "give the stop loss absolute or relative")
    if order.take_profit is not None and order.relative_take_profit:
        raise Refused(ErrorCode.INVALID_REQUEST, "give the take profit absolute or relative")
    check_texts(order)
    return order


def _time_in_force(request: Any) -> TimeInForce:
    """An expiry alone makes an order good till date."""
    if not request.HasField("timeInForce") and request.expirationTimestamp:
        return TimeInForce.GOOD_TILL_DATE
    return _TIMES[request.timeInForce]


def _first(order: Order, rule: FaultRule) -> int:
    """What a partial fill fills at once: a share of the order on the symbol's step."""
    step = order.spec.step_volume
    return int(order.volume * rule.fraction) // step * step


def amend_order(venue: Venue, session: Session, request: Any) -> None:
    order = _resting(venue.account(session, request), request.orderId)
    given = request.HasField
    changed = replace(order)
    if given("volume"):
        changed.volume = request.volume
        if changed.remaining <= 0:
            raise Refused(
                ErrorCode.TRADING_BAD_VOLUME,
                f"{order.executed / 100:g} units of order {order.order_id} are filled already",
                order_id=order.order_id,
            )
    for name, attribute in (
        *(("limitPrice", "limit_price"), ("stopPrice", "stop_price")),
        *(("stopLoss", "stop_loss"), ("takeProfit", "take_profit")),
    ):
        setattr(changed, attribute, price_in(request, name) or _kept(order, attribute))
    if given("slippageInPoints"):
        changed.slippage_points = request.slippageInPoints
    if given("expirationTimestamp"):
        changed.expires_ms = request.expirationTimestamp
        changed.time_in_force = TimeInForce.GOOD_TILL_DATE
    changed.relative_stop_loss = request.relativeStopLoss
    changed.relative_take_profit = request.relativeTakeProfit
    if given("trailingStopLoss"):
        changed.trailing = request.trailingStopLoss
    venue.engine.amend(order, changed, venue.now())


def _kept(order: Order, attribute: str) -> int | None:
    """Prices stay where the amendment names none; stops are taken away by leaving them out."""
    if attribute in ("stop_loss", "take_profit"):
        return None
    price: int | None = getattr(order, attribute)
    return price


def cancel_order(venue: Venue, session: Session, request: Any) -> None:
    order = _resting(venue.account(session, request), request.orderId)
    venue.engine.cancel(order, venue.now())


def _resting(account: Account, order_id: int) -> Order:
    order = account.orders.get(order_id)
    if order is None:
        raise Refused(
            ErrorCode.ORDER_NOT_FOUND,
            f"the account has no resting order {order_id}",
            order_id=order_id,
        )
    return order


def amend_position(venue: Venue, session: Session, request: Any) -> None:
    position = _position(venue.account(session, request), request.positionId)
    venue.engine.protect(
        position,
        price_in(request, "stopLoss"),
        price_in(request, "takeProfit"),
        venue.now(),
        trailing=request.trailingStopLoss,
    )


def close_position(venue: Venue, session: Session, request: Any) -> None:
    account = venue.account(session, request)
    position = _position(account, request.positionId)
    now = venue.now()
    order = Order(
        order_id=venue.engine.book.counters.take("order"),
        account=account,
        spec=position.spec,
        type=OrderType.MARKET,
        side=TradeSide.SELL if position.side == TradeSide.BUY else TradeSide.BUY,
        volume=request.volume,
        created_ms=now,
        updated_ms=now,
        label=position.label,
        comment=position.comment,
        time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL,
        position_id=position.position_id,
        closing=True,
    )
    rule = venue.rule
    slip = rule.points if rule is not None and rule.action is Fault.SLIP else 0
    venue.engine.close(order, position, now, slip=slip)


def _position(account: Account, position_id: int) -> Position:
    position = account.positions.get(position_id)
    if position is None:
        raise Refused(
            ErrorCode.POSITION_NOT_FOUND,
            f"the account has no open position {position_id}",
            position_id=position_id,
        )
    return position


HANDLERS = {
    PayloadType.PROTO_OA_NEW_ORDER_REQ: new_order,
    PayloadType.PROTO_OA_AMEND_ORDER_REQ: amend_order,
    PayloadType.PROTO_OA_CANCEL_ORDER_REQ: cancel_order,
    PayloadType.PROTO_OA_AMEND_POSITION_SLTP_REQ: amend_position,
    PayloadType.PROTO_OA_CLOSE_POSITION_REQ: close_position,
}
