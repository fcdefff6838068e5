"""What all masters are worth now, and what they held before: read together, for arrays.

From the samples of the minute, which deposits and withdrawals have been found in, never from the
live state: a withdrawal would look like a loss there. Two queries, whatever the number.
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any, NamedTuple

import numpy as np
from django.db import connection

from apps.analytics.domain.master_money import fall_now, growth, loss, times_equity
from apps.analytics.domain.standing import FloatArray, IntArray
from apps.platforms.selectors import currency_rates
from apps.trading.errors import NoConversionRate
from apps.trading.money import Rates

# Today as it is rolled up, and the samples since. Where the figures do not hold yesterday yet,
# right after midnight, growth is counted from the day that they end with.
_MONEY = """
SELECT m.id, m.account_id, coalesce(l.equity, t.equity)::float8,
       coalesce(l.margin_used, t.margin_used)::float8,
       (coalesce(t.deposits, 0) + coalesce(l.deposits, 0))::float8, p.equity::float8,
       f.current_drawdown, coalesce(b.equity, p.equity)::float8,
       coalesce(b.deposits, 0)::float8
FROM copytrading_copymaster m
LEFT JOIN analytics_accountfigures f ON f.account_id = m.account_id
LEFT JOIN analytics_equityday t
    ON t.account_id = m.account_id AND t.day = %(today)s AND NOT t.imported
LEFT JOIN LATERAL (
    SELECT day, equity FROM analytics_equityday
    WHERE account_id = m.account_id AND day < %(today)s AND NOT imported
    ORDER BY day DESC LIMIT 1
) p ON true
LEFT JOIN LATERAL (
    SELECT (array_agg(equity ORDER BY day DESC) FILTER (WHERE day <= f.day))[1] AS equity,
           sum(deposits) FILTER (WHERE day > f.day) AS deposits
    FROM analytics_equityday
    WHERE account_id = m.account_id AND day < %(today)s AND day > f.day - 7 AND NOT imported
      AND p.day > f.day
) b ON true
LEFT JOIN LATERAL (
    SELECT (array_agg(equity ORDER BY at DESC))[1] AS equity,
           (array_agg(margin_used ORDER BY at DESC))[1] AS margin_used, sum(deposits) AS deposits
    FROM analytics_equitysample
    WHERE account_id = m.account_id AND at <= %(now)s AND at >= %(midnight)s
      AND at > coalesce(t.last_at, '-infinity'::timestamptz)
) l ON true
WHERE m.archived_at IS NULL AND m.status IN ('active', 'paused')
ORDER BY m.id
"""
_WORTH = """
SELECT m.id, a.currency, y.quote, sum(p.units * coalesce((q.bid + q.ask) / 2, p.price))::float8
FROM copytrading_copymaster m
JOIN execution_position p ON p.account_id = m.account_id AND p.closed_at IS NULL
JOIN platforms_tradingaccount a ON a.id = m.account_id
JOIN platforms_symbol y
    ON y.connection_id = a.connection_id AND y.instrument_id = p.instrument_id
LEFT JOIN platforms_quote q
    ON q.connection_id = a.connection_id AND q.instrument_id = p.instrument_id
WHERE m.archived_at IS NULL AND m.status IN ('active', 'paused')
GROUP BY m.id, a.currency, y.quote
"""


class MasterMoney(NamedTuple):
    """Masters that can be followed, in the order of their ids; NaN where it is not known.

    ``lost`` is the share lost today, ``fall`` the drawdown now, ``leverage`` times equity,
    ``bound`` the share of equity that is used as margin.
    """

    master: IntArray
    account: IntArray
    equity: FloatArray
    lost: FloatArray
    fall: FloatArray
    leverage: FloatArray
    bound: FloatArray


def master_money(now: datetime) -> MasterMoney:
    """Of every master that is active or paused, at ``now``."""
    today = now.astimezone(UTC).date()
    midnight = datetime.combine(today, time.min, UTC)
    rows = _rows(_MONEY, {"now": now, "today": today, "midnight": midnight})
    table = np.array([row[2:] for row in rows], dtype=np.float64).reshape(len(rows), 7)
    equity, margin, flows, before, fall, base, between = table.T
    master = np.array([row[0] for row in rows], dtype=np.int64)
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = np.where(equity > 0, margin / equity, np.where(margin > 0, np.inf, 0.0))
    return MasterMoney(
        master=master,
        account=np.array([row[1] for row in rows], dtype=np.int64),
        equity=equity,
        lost=loss(before, flows, equity),
        fall=fall_now(fall, growth(base, flows + between, equity)),
        leverage=times_equity(_worth(master), equity),
        bound=np.where(np.isnan(equity), np.nan, bound),
    )


def _worth(master: IntArray) -> FloatArray:
    """Value of all open positions; what no rate leads to is left out."""
    rows = _rows(_WORTH, {})
    rates = currency_rates({currency for _, *pair, _ in rows for currency in pair})
    worth = np.zeros(len(master))
    if not len(master):
        return worth
    for master_id, currency, quote, value in rows:
        place = int(np.searchsorted(master, master_id))
        if place < len(master) and master[place] == master_id:
            worth[place] += value * _rate(rates, quote, currency)
    return worth


def _rate(rates: Rates, source: str, target: str) -> float:
    try:
        return float(rates.rate(source, target))
    except NoConversionRate:
        return 0.0


def _rows(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
