"""Rows as the gateway writes them: plain values that JSON carries to PostgreSQL."""

from __future__ import annotations

import os
from datetime import datetime
from decimal import Decimal

from apps.execution import journal
from apps.execution.gateway.tickets import Ticket
from apps.execution.intents import Col, type_of
from apps.trading.deals import Deal
from apps.trading.orders import FINAL_STATES, Leg, Order
from apps.trading.positions import Position

Record = dict[str, object]


def new_trace_id() -> str:
    return os.urandom(8).hex()


def number(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def order_record(ticket: Ticket, connection_id: int, settled: bool) -> Record:
    row = ticket.row
    average = ticket.notional / ticket.filled if ticket.filled else None
    return {
        "client_order_id": ticket.cid,
        "platform_order_id": ticket.platform_order_id,
        "account_id": row[Col.ACCOUNT_ID],
        "connection_id": connection_id,
        "batch_id": ticket.batch_id,
        "ordinal": ticket.ordinal,
        "source": row[Col.SOURCE],
        "relation": row[Col.RELATION],
        "wake_key": row[Col.WAKE_KEY],
        "cause": row[Col.CAUSE],
        "trace_id": row[Col.TRACE_ID],
        "leg": ticket.leg,
        "instrument_id": row[Col.INSTRUMENT_ID],
        "side": row[Col.SIDE] or "",
        "type": type_of(row) if ticket.leg in {Leg.OPEN, Leg.CLOSE} else "",
        "units": row[Col.UNITS] if ticket.amended is None else str(ticket.amended),
        "filled_units": str(ticket.filled),
        "average_price": number(average),
        "position_id": ticket.position_id or row[Col.POSITION_ID],
        "state": ticket.state,
        "code": ticket.code,
        "message": ticket.message,
        "committed_at": ticket.committed_at,
        "sent_at": ticket.sent_at,
        "accepted_at": ticket.accepted_at,
        "final_at": ticket.final_at,
        "settled_at": ticket.final_at if settled else None,
        "rested_at": ticket.rested_at,
    }


def deal_record(account_id: int, deal: Deal, cid: str, received_at: datetime) -> Record:
    return {
        "account_id": account_id,
        "deal_id": deal.deal_id,
        "platform_order_id": deal.platform_order_id,
        "client_order_id": cid,
        "position_id": deal.position_id,
        "instrument_id": deal.instrument_id,
        "side": deal.side,
        "effect": deal.effect,
        "units": str(deal.units),
        "price": str(deal.price),
        "commission": str(deal.commission),
        "swap": str(deal.swap),
        "profit": str(deal.profit),
        "balance": number(deal.balance),
        "executed_at": deal.executed_at,
        "received_at": received_at,
    }


def position_record(
    account_id: int, position: Position, closed_at: datetime | None, updated_at: datetime
) -> Record:
    return {
        "account_id": account_id,
        "position_id": position.position_id,
        "instrument_id": position.instrument_id,
        "side": position.side,
        "units": str(position.units),
        "price": str(position.price),
        "stop_loss": number(position.stop_loss),
        "take_profit": number(position.take_profit),
        "tag": position.tag[:100],
        "margin": str(position.margin),
        "opened_at": position.opened_at,
        "closed_at": closed_at,
        "updated_at": updated_at,
    }


def deal_event(
    account_id: int,
    deal: Deal,
    position: Position | None,
    symbol: str,
    received_at: datetime,
    *,
    own: bool = False,
) -> Record:
    """A deal for the journal, with its position right after it."""
    payload = journal.DealPayload(
        deal_id=deal.deal_id,
        platform_order_id=deal.platform_order_id,
        client_order_id=deal.client_order_id,
        position_id=deal.position_id,
        instrument_id=deal.instrument_id,
        symbol=symbol,
        side=deal.side,
        units=deal.units,
        price=deal.price,
        effect=deal.effect,
        position_units=position.units if position else Decimal(0),
        position_side=position.side if position else None,
        position_price=position.price if position else None,
        stop_loss=position.stop_loss if position else None,
        take_profit=position.take_profit if position else None,
        own=own,
    )
    return {
        "account_id": account_id,
        "dedupe_key": f"deal:{deal.deal_id}",
        "position_id": deal.position_id,
        "payload": journal.values(payload),
        "trace_id": new_trace_id(),
        "ts_event": deal.executed_at,
        "received_at": received_at,
    }


def protection_event(
    account_id: int,
    position: Position,
    symbol: str,
    changed_at: datetime,
    received_at: datetime,
) -> Record:
    """A change of stop loss or take profit for the journal, with its position's values."""
    payload = journal.ProtectionPayload(
        position_id=position.position_id,
        instrument_id=position.instrument_id,
        symbol=symbol,
        side=position.side,
        units=position.units,
        stop_loss=position.stop_loss,
        take_profit=position.take_profit,
    )
    return position_record(account_id, position, None, received_at) | {
        "payload": journal.values(payload),
        "trace_id": new_trace_id(),
        "ts_event": changed_at,
        "received_at": received_at,
    }


def pending_order(
    account_id: int,
    order: Order,
    symbol: str,
    received_at: datetime,
    *,
    told: bool = True,
    own: bool = False,
) -> Record:
    """A pending order as it is now; ``told``: its change is an event of the journal."""
    payload = journal.OrderPayload(
        platform_order_id=order.platform_order_id,
        client_order_id=order.client_order_id,
        instrument_id=order.instrument_id,
        symbol=symbol,
        side=order.side,
        type=order.type,
        units=order.units,
        filled_units=order.filled_units,
        state=order.state,
        price=order.price,
        stop_price=order.stop_price,
        stop_loss=order.stop_loss,
        take_profit=order.take_profit,
        expires_at=order.expires_at,
        own=own,
    )
    values = journal.values(payload)
    return values | {
        "account_id": account_id,
        "position_id": order.position_id or "",
        "payload": values,
        "told": told,
        "trace_id": new_trace_id(),
        "ts_event": order.updated_at or received_at,
        "received_at": received_at,
        "ended_at": received_at if order.state in FINAL_STATES else None,
    }
