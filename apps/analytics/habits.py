"""What the last trades of masters say of their habits, judged anew as they trade."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, cast

from django.db import connection

from apps.analytics.domain.behaviour import Finding, findings
from apps.analytics.domain.trades import ClosedTrade
from apps.analytics.trade_models import AccountHabits
from apps.trading.orders import Side

#: Habits are read off so many last trades: what somebody did years ago is no habit, and the cost
#: does not grow with the history.
JUDGED_TRADES = 1_000
#: An account that goes on trading is judged again after so long.
AGAIN = timedelta(hours=1)
#: Accounts that are judged in one run.
TOGETHER = 50

_WAITING = """
SELECT t.account_id, t.trades FROM analytics_accounttrades t
LEFT JOIN analytics_accounthabits h ON h.account_id = t.account_id
WHERE t.trades > 0
  AND (h.account_id IS NULL OR (h.trades <> t.trades AND h.judged_at <= %(since)s))
ORDER BY h.judged_at NULLS FIRST, t.account_id LIMIT %(limit)s
"""
_LAST = """
SELECT r.account_id, r.id, r.instrument_id, r.side, r.units, r.opened_at, r.closed_at,
       r.open_price, r.close_price, r.profit, r.commission, r.swap
FROM unnest(%(accounts)s::bigint[]) a (account_id) CROSS JOIN LATERAL (
    SELECT * FROM analytics_traderecord WHERE account_id = a.account_id
    ORDER BY closed_at DESC, id DESC LIMIT %(last)s
) r ORDER BY r.account_id
"""


def keep_habits(*, now: datetime) -> int:
    """Judge the accounts that have traded since they were judged, those waiting longest first.

    Each at most once an hour. Answers how many were judged.
    """
    waiting = dict(_rows(_WAITING, {"since": now - AGAIN, "limit": TOGETHER}))
    if not waiting:
        return 0
    rows = _rows(_LAST, {"accounts": list(waiting), "last": JUDGED_TRADES})
    judged = [
        AccountHabits(
            account_id=account,
            trades=waiting[account],
            judged_at=now,
            findings=cast(Any, _judged([row[1:] for row in group])),
        )
        for account, group in groupby(rows, lambda row: row[0])
    ]
    AccountHabits.objects.bulk_create(
        judged,
        update_conflicts=True,
        unique_fields=["account_id"],
        update_fields=["trades", "judged_at", "findings"],
    )
    return len(judged)


def _judged(rows: Sequence[tuple[Any, ...]]) -> list[dict[str, Any]]:
    """Findings as they are stored; examples by the ids of their trades."""
    ids: dict[int, int] = {}
    trades = []
    for record_id, symbol, side, *rest in rows:
        trade = ClosedTrade(symbol, Side(side), *rest)
        ids[id(trade)] = record_id
        trades.append(trade)
    return [_stored(finding, ids) for finding in findings(trades)]


def _stored(finding: Finding, ids: dict[int, int]) -> dict[str, Any]:
    return {
        "habit": finding.habit.value,
        "verdict": finding.verdict.value,
        "explanation": finding.explanation,
        "numbers": dict(finding.numbers),
        "examples": [ids[id(trade)] for trade in finding.examples],
    }


def _rows(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
