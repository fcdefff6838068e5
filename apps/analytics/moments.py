"""What an account was worth at given moments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import connection

# The last sample of the hour before, else the last hour of three days, else the last day. Coarser
# records are looked at only where the finer have nothing.
_MONEY = """
SELECT coalesce(s.equity, h.equity, d.equity), coalesce(s.balance, h.balance, d.balance)
FROM unnest(%(moments)s::timestamptz[]) WITH ORDINALITY m (at, number)
LEFT JOIN LATERAL (
    SELECT equity, balance FROM analytics_equitysample
    WHERE account_id = %(account)s AND at <= m.at AND at > m.at - interval '1 hour'
    ORDER BY at DESC LIMIT 1) s ON true
LEFT JOIN LATERAL (
    SELECT equity, balance FROM analytics_equityhour
    WHERE s.equity IS NULL AND account_id = %(account)s
      AND at <= m.at - interval '1 hour' AND at > m.at - interval '3 days'
    ORDER BY at DESC LIMIT 1) h ON true
LEFT JOIN LATERAL (
    SELECT equity, balance FROM analytics_equityday
    WHERE s.equity IS NULL AND h.equity IS NULL AND account_id = %(account)s
      AND day < (m.at AT TIME ZONE 'UTC')::date
    ORDER BY day DESC LIMIT 1) d ON true
ORDER BY m.number
"""


class MoneyThen(NamedTuple):
    """Equity and balance as they were recorded last, in account currency."""

    equity: Decimal
    balance: Decimal


def money_at(account_id: int, moments: Sequence[datetime]) -> list[MoneyThen | None]:
    """What an account was worth at each moment; None where nothing is recorded before it.

    One query. Where samples are no longer kept it is the end of the hour or the day before.
    """
    if not moments:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_MONEY, {"account": account_id, "moments": list(moments)})
        return [MoneyThen(*row) if row[0] is not None else None for row in cursor.fetchall()]
