"""What happened on an account, page by page: its deals, and the orders that we sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import connection

from apps.trading.deals import DealEffect
from apps.trading.orders import Leg, OrderState, Side

Item = TypeVar("Item")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Page(NamedTuple, Generic[Item]):
    """Some rows, the newest first, and the mark behind which older ones are; '' where none are."""

    rows: list[Item]
    older: str


@dataclass(frozen=True, slots=True)
class PastDeal:
    """A deal with its symbol; ``ours`` where an order of this portal caused it.

    ``result`` is profit, commission and swap together, in account currency.
    """

    id: int
    deal_id: str
    position_id: str
    symbol: str
    digits: int | None
    side: Side
    effect: DealEffect
    lots: Decimal
    price: Decimal
    result: Decimal
    commission: Decimal
    swap: Decimal
    balance: Decimal | None
    ours: bool
    executed_at: datetime


@dataclass(frozen=True, slots=True)
class PastOrder:
    """An order that we sent; ``reason`` is the platform's answer where it was refused."""

    id: int
    symbol: str
    digits: int | None
    leg: Leg
    side: Side | None
    type: str
    lots: Decimal
    filled_lots: Decimal
    average_price: Decimal | None
    state: OrderState
    source: str
    reason: str
    committed_at: datetime


_DEALS = """
    SELECT d.id, d.deal_id, d.position_id, coalesce(y.name, d.instrument_id), y.digits, d.side,
           d.effect, d.units / coalesce(y.lot_units, 1), d.price,
           d.profit + d.commission + d.swap, d.commission, d.swap, d.balance,
           d.client_order_id <> '', d.executed_at
    FROM execution_deal d
    LEFT JOIN platforms_symbol y ON y.connection_id = %(connection)s
         AND y.instrument_id = d.instrument_id
    WHERE d.account_id = %(account)s AND (d.executed_at, d.id) < (%(at)s, %(id)s)
    ORDER BY d.executed_at DESC, d.id DESC LIMIT %(limit)s
"""
_ORDERS = """
    SELECT o.id, coalesce(y.name, o.instrument_id), y.digits, o.leg, o.side, o.type,
           o.units / coalesce(y.lot_units, 1), o.filled_units / coalesce(y.lot_units, 1),
           o.average_price, o.state, o.source, coalesce(nullif(o.message, ''), o.code),
           o.committed_at
    FROM execution_order o
    LEFT JOIN platforms_symbol y ON y.connection_id = %(connection)s
         AND y.instrument_id = o.instrument_id
    WHERE o.account_id = %(account)s AND o.id < %(id)s
    ORDER BY o.id DESC LIMIT %(limit)s
"""
_LAST = 2**63 - 1


def deals_page(
    account_id: int, connection_id: int, *, before: str = "", limit: int = 50
) -> Page[PastDeal]:
    """Deals of an account; ``before`` is a mark of the page before, anything else the first page.

    One query, by the index of the account's deals.
    """
    at, last = _deal_mark(before)
    rows = _rows(
        _DEALS,
        {"account": account_id, "connection": connection_id, "at": at, "id": last,
         "limit": limit + 1},
    )  # fmt: skip
    values = [[*row[:5], Side(row[5]), DealEffect(row[6]), *row[7:]] for row in rows[:limit]]
    deals = [PastDeal(*row) for row in values]
    more = len(rows) > limit
    return Page(deals, _mark(deals[-1]) if more else "")


def orders_page(
    account_id: int, connection_id: int, *, before: str = "", limit: int = 50
) -> Page[PastOrder]:
    """Orders of ours on an account, in whatever state; see :func:`deals_page`."""
    last = int(before) if before.isdecimal() and len(before) < 19 else _LAST
    rows = _rows(
        _ORDERS,
        {"account": account_id, "connection": connection_id, "id": last, "limit": limit + 1},
    )
    values = [
        [*row[:3], Leg(row[3]), Side(row[4]) if row[4] else None, *row[5:9], OrderState(row[9]),
         *row[10:]]
        for row in rows[:limit]
    ]  # fmt: skip
    orders = [PastOrder(*row) for row in values]
    return Page(orders, str(orders[-1].id) if len(rows) > limit else "")


def _mark(deal: PastDeal) -> str:
    return f"{(deal.executed_at - _EPOCH) // timedelta(microseconds=1)}-{deal.id}"


def _deal_mark(text: str) -> tuple[datetime, int]:
    at, _, number = text.partition("-")
    if at.isdecimal() and number.isdecimal() and len(at) < 17 and len(number) < 19:
        return _EPOCH + timedelta(microseconds=int(at)), int(number)
    return datetime.max.replace(tzinfo=UTC), _LAST


def _rows(statement: str, values: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
