"""Reading what trades booked on accounts: for those who tell deposits from results."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import connection

from apps.trading.deals import DealEffect

# Ids count up: of deals of one moment the later has the longer or greater one.
_DEALS = """
WITH closed AS (
    SELECT DISTINCT account_id, position_id FROM execution_deal
    WHERE account_id = ANY(%(accounts)s) AND executed_at >= %(since)s AND effect <> 'open'
)
SELECT d.account_id, d.position_id, d.effect, d.units, d.commission, d.swap, d.profit, d.balance,
       least(d.executed_at, d.received_at)
FROM execution_deal d JOIN closed USING (account_id, position_id)
ORDER BY d.account_id, d.executed_at, length(d.deal_id), d.deal_id
"""

_DAYS = """
SELECT DISTINCT account_id, (executed_at AT TIME ZONE 'UTC')::date FROM execution_deal
WHERE account_id = ANY(%(accounts)s) AND executed_at >= %(since)s AND executed_at < %(until)s
"""


class BookedDeal(NamedTuple):
    """A deal and what it booked, in account currency; ``balance`` where the platform tells it.

    ``at`` is the platform's time or that of its receipt, whichever was earlier.
    """

    account_id: int
    position_id: str
    effect: DealEffect
    units: Decimal
    commission: Decimal
    swap: Decimal
    profit: Decimal
    balance: Decimal | None
    at: datetime


def deals_booked(account_ids: Collection[int], since: datetime) -> list[BookedDeal]:
    """All deals of the positions that these accounts closed, also in part, from ``since`` on.

    By account, in the order in which they were done. One query.
    """
    if not account_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_DEALS, {"accounts": list(account_ids), "since": since})
        return [
            BookedDeal(row[0], row[1], DealEffect(row[2]), *row[3:]) for row in cursor.fetchall()
        ]


def days_with_deals(
    account_ids: Collection[int], since: datetime, until: datetime
) -> set[tuple[int, date]]:
    """Accounts and the UTC days of [since, until) on which they traded. One query."""
    if not account_ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, {"accounts": list(account_ids), "since": since, "until": until})
        return set(cursor.fetchall())
