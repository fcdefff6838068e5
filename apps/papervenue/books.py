"""The books of an account as plain values, for checks that trust nobody's own record."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from apps.openapi_wire import messages
from apps.openapi_wire.enums import DealStatus, OrderStatus, OrderType, TradeSide
from apps.papervenue.engine.records import ENTRY_SCALE, Account, Position
from apps.papervenue.engine.specs import PRICE_DIGITS
from apps.papervenue.store import Store

Json = Mapping[str, Any]


def price(value: int) -> str:
    return str(Decimal(value).scaleb(-PRICE_DIGITS))


def _units(volume: int) -> str:
    return str(Decimal(volume).scaleb(-2))


def dump(store: Store, account: Account) -> Json:
    """Balance, open positions, every order and every deal that an account ever had."""
    number = account.account_id
    orders = store.rows("SELECT body FROM orders WHERE account_id=? ORDER BY order_id", number)
    deals = store.rows("SELECT body FROM deals WHERE account_id=? ORDER BY deal_id", number)
    cash = store.rows("SELECT body FROM cash WHERE account_id=? ORDER BY flow_id", number)
    flows = [messages.ProtoOADepositWithdraw.FromString(body) for body in cash]
    digits = account.money_digits
    return {
        "account": number,
        "login": account.login,
        "currency": account.currency,
        "margin_mode": "netting" if account.netting else "hedging",
        "balance": _money(account.balance, digits),
        "deposited": _money(
            sum(f.delta if f.operationType == 0 else -f.delta for f in flows), digits
        ),
        "positions": [_position(position) for position in account.positions.values()],
        "orders": [_order(messages.ProtoOAOrder.FromString(body)) for body in orders],
        "deals": [_deal(messages.ProtoOADeal.FromString(body), digits) for body in deals],
    }


def _money(amount: int, digits: int) -> str:
    return str(Decimal(amount).scaleb(-digits))


def _position(position: Position) -> Json:
    digits = position.account.money_digits
    return {
        "position_id": position.position_id,
        "symbol": position.spec.name,
        "side": position.side.name.lower(),
        "units": _units(position.volume),
        "price": str((Decimal(position.entry) / ENTRY_SCALE).scaleb(-PRICE_DIGITS)),
        "stop_loss": None if position.stop_loss is None else price(position.stop_loss),
        "take_profit": None if position.take_profit is None else price(position.take_profit),
        "label": position.label,
        "margin": _money(position.margin, digits),
        "commission": _money(position.commission, digits),
        "swap": _money(position.swap, digits),
        "opened_ms": position.opened_ms,
    }


def _order(order: Any) -> Json:
    data = order.tradeData
    return {
        "order_id": order.orderId,
        "client_order_id": order.clientOrderId,
        "label": data.label,
        "symbol_id": data.symbolId,
        "side": TradeSide(data.tradeSide).name.lower(),
        "type": OrderType(order.orderType).name.lower(),
        "status": OrderStatus(order.orderStatus).name.removeprefix("ORDER_STATUS_").lower(),
        "units": _units(data.volume),
        "executed_units": _units(order.executedVolume),
        "position_id": order.positionId,
        "closing": order.closingOrder,
        "created_ms": data.openTimestamp,
        "updated_ms": order.utcLastUpdateTimestamp,
    }


def _deal(deal: Any, digits: int) -> Json:
    closing = deal.HasField("closePositionDetail")
    detail = deal.closePositionDetail
    return {
        "deal_id": deal.dealId,
        "order_id": deal.orderId,
        "position_id": deal.positionId,
        "symbol_id": deal.symbolId,
        "side": TradeSide(deal.tradeSide).name.lower(),
        "units": _units(deal.filledVolume),
        "price": repr(deal.executionPrice),
        "status": DealStatus(deal.dealStatus).name.lower(),
        "executed_ms": deal.executionTimestamp,
        "commission": _money(deal.commission, digits),
        "closing": closing,
        "gross": _money(detail.grossProfit, digits) if closing else None,
        "swap": _money(detail.swap, digits) if closing else None,
        "closed_commission": _money(detail.commission, digits) if closing else None,
        "balance": _money(detail.balance, digits) if closing else None,
    }
