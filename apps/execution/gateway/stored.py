"""What the database knew of accounts when a session begins to read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from apps.execution.gateway.db import Database
from apps.trading.orders import Order, OrderState, OrderType, Side
from apps.trading.positions import Position

#: How far behind the last known deal history is read again: clocks differ.
OVERLAP = timedelta(seconds=60)

_LAST_DEALS = """
    SELECT a.id, s.as_of, d.executed_at FROM platforms_tradingaccount a
    JOIN platforms_accountstate s ON s.account_id = a.id
    LEFT JOIN LATERAL (
        SELECT executed_at FROM execution_deal WHERE account_id = a.id
        ORDER BY executed_at DESC LIMIT 1
    ) d ON true
    WHERE a.id = ANY(%s)
"""

_STORED_POSITIONS = """
    SELECT account_id, position_id, instrument_id, side, units, price, stop_loss, take_profit,
        tag, margin, opened_at
    FROM execution_position WHERE account_id = ANY(%s) AND closed_at IS NULL
"""

_STORED_ORDERS = """
    SELECT account_id, platform_order_id, client_order_id, instrument_id, side, type, units,
        filled_units, state, price, stop_price, stop_loss, take_profit, expires_at, updated_at
    FROM execution_restingorder WHERE account_id = ANY(%s) AND ended_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database knew of an account: since when to read, what was open and what rested."""

    since: datetime | None
    positions: dict[str, Position]
    orders: dict[str, Order] = field(default_factory=dict)


async def read_stored(database: Database, ids: Sequence[int]) -> dict[int, Stored]:
    """What is stored of these accounts; one that was never read is left out."""
    times, positions, orders = await database.run_all(
        [(_LAST_DEALS, [ids]), (_STORED_POSITIONS, [ids]), (_STORED_ORDERS, [ids])]
    )
    stored = {
        account_id: Stored((executed_at or as_of) - OVERLAP, {})
        for account_id, as_of, executed_at in times
    }
    for account_id, position_id, instrument_id, side, units, price, *rest in positions:
        stop_loss, take_profit, tag, margin, opened_at = rest
        stored.setdefault(account_id, Stored(None, {})).positions[position_id] = Position(
            position_id,
            instrument_id,
            Side(side),
            units,
            price,
            opened_at,
            stop_loss,
            take_profit,
            tag,
            margin,
        )
    for account_id, *values in orders:
        order = _order(*values)
        found = stored.setdefault(account_id, Stored(None, {}))
        found.orders[order.platform_order_id] = order
    return stored


def _order(
    platform_order_id: str,
    client_order_id: str,
    instrument_id: str,
    side: str,
    kind: str,
    units: Decimal,
    filled_units: Decimal,
    state: str,
    *terms: Any,
) -> Order:
    """A resting order as it was stored."""
    price, stop_price, stop_loss, take_profit, expires_at, updated_at = terms
    return Order(
        platform_order_id,
        client_order_id,
        instrument_id,
        Side(side),
        OrderType(kind),
        units,
        filled_units,
        OrderState(state),
        price,
        stop_price,
        stop_loss,
        take_profit,
        expires_at=expires_at,
        updated_at=updated_at,
    )
