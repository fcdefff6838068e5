"""Reading the last deals of an account, and what its positions held before them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection

from apps.trading.deals import DealEffect
from apps.trading.orders import Side

# Ids count up: of deals of one moment the later has the longer or greater one.
_LAST = """
SELECT deal_id, position_id, instrument_id, side, effect, units, price, executed_at
FROM execution_deal WHERE account_id = %s
ORDER BY executed_at DESC, length(deal_id) DESC, deal_id DESC LIMIT %s
"""
_BEFORE = """
SELECT position_id, sum(CASE side WHEN 'buy' THEN units ELSE -units END)
FROM execution_deal
WHERE account_id = %s AND position_id = ANY(%s)
  AND (executed_at, length(deal_id), deal_id) < (%s, %s, %s)
GROUP BY position_id
"""
# What was paid for trading it, over the last deals.
_COMMISSION = """
SELECT -sum(d.commission) / nullif(sum(d.units / y.lot_units), 0), count(*)
FROM (SELECT instrument_id, units, commission FROM execution_deal
      WHERE account_id = %(account)s ORDER BY executed_at DESC LIMIT %(limit)s) d
JOIN platforms_tradingaccount a ON a.id = %(account)s
JOIN platforms_symbol y ON y.connection_id = a.connection_id AND y.instrument_id = d.instrument_id
"""


class PastDeal(NamedTuple):
    """One execution, as far as it says what was held."""

    deal_id: str
    position_id: str
    instrument_id: str
    side: Side
    effect: DealEffect
    units: Decimal
    price: Decimal
    executed_at: datetime


def last_deals(account_id: int, limit: int) -> list[PastDeal]:
    """The last deals of an account, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST, [account_id, limit])
        found = cursor.fetchall()
    return [_deal(row) for row in reversed(found)]


def _deal(row: tuple[Any, ...]) -> PastDeal:
    values: list[Any] = [*row[:3], Side(row[3]), DealEffect(row[4]), *row[5:]]
    return PastDeal(*values)


def units_before(account_id: int, deals: Sequence[PastDeal]) -> dict[str, Decimal]:
    """What the positions of these deals held before the first of them; sold units are negative.

    Positions that are not known before are left out.
    """
    if not deals:
        return {}
    first, positions = deals[0], sorted({deal.position_id for deal in deals})
    values: list[Any] = [account_id, positions]
    with connection.cursor() as cursor:
        cursor.execute(_BEFORE, [*values, first.executed_at, len(first.deal_id), first.deal_id])
        return dict(cursor.fetchall())


def commission_of(account_id: int, limit: int = 200) -> Decimal | None:
    """Commission for one lot and side over an account's last deals, in its currency.

    Positive is paid; None where it has not traded.
    """
    with connection.cursor() as cursor:
        cursor.execute(_COMMISSION, {"account": account_id, "limit": limit})
        paid, count = cursor.fetchone()
    return Decimal(paid) if count and paid is not None else None
