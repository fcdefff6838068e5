"""Looking for what is unusual about the trades of masters: larger after losses, averaging down.

Sizes are judged of masters that have traded since they were judged; entries of all positions that
are open. A constant number of queries each, whatever the number of masters.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from math import ceil
from typing import Any, NamedTuple

import numpy as np
from django.db import connection

from apps.analytics.alarm_models import WatchedMaster
from apps.analytics.domain.alarms import EASED, Found, Number
from apps.analytics.domain.flows import milliseconds
from apps.analytics.domain.unusual import LEAST_CASES, Sizes, sizes_after, worse_in_a_row
from apps.analytics.unusual import Judged

#: Sizes are read off so many last trades, of so many masters in one look; the next one takes
#: the others.
JUDGED_TRADES = 100
MASTERS_AT_ONCE = 300
#: Trades that are kept as evidence.
_SHOWN = 5

_WAITING = """
SELECT m.id, t.account_id, t.trades
FROM copytrading_copymaster m
JOIN analytics_accounttrades t ON t.account_id = m.account_id
LEFT JOIN analytics_watchedmaster w ON w.account_id = m.account_id
WHERE m.archived_at IS NULL AND m.status IN ('active', 'paused')
  AND t.trades <> coalesce(w.trades, 0)
ORDER BY t.last_at, t.account_id LIMIT %(limit)s
"""
_LAST = """
SELECT r.account_id, coalesce(y.name, r.instrument_id), r.side,
       r.units / coalesce(y.lot_units, 1), r.open_price, r.opened_at, r.closed_at, r.result
FROM unnest(%(accounts)s::bigint[]) chosen (account_id) CROSS JOIN LATERAL (
    SELECT * FROM analytics_traderecord WHERE account_id = chosen.account_id
    ORDER BY closed_at DESC, id DESC LIMIT %(last)s
) r
JOIN platforms_tradingaccount a ON a.id = r.account_id
LEFT JOIN platforms_symbol y
    ON y.connection_id = a.connection_id AND y.instrument_id = r.instrument_id
ORDER BY r.account_id, r.closed_at, r.id
"""

# An order that was filled in parts is one entry, at its average price.
_ENTRIES = """
WITH held AS (
    SELECT m.id, p.account_id, p.instrument_id, p.side, p.position_id
    FROM copytrading_copymaster m
    JOIN execution_position p ON p.account_id = m.account_id AND p.closed_at IS NULL
    WHERE m.archived_at IS NULL AND m.status IN ('active', 'paused')
), entries AS (
    SELECT h.id, h.account_id, h.instrument_id, h.side, min(d.executed_at) AS at,
           sum(d.units) AS units, sum(d.units * d.price) / sum(d.units) AS price
    FROM held h
    JOIN execution_deal d ON d.account_id = h.account_id AND d.position_id = h.position_id
         AND d.side = h.side AND d.units > 0
    GROUP BY h.id, h.account_id, h.instrument_id, h.side,
             coalesce(nullif(d.platform_order_id, ''), d.deal_id)
), many AS (
    SELECT *, count(*) OVER (PARTITION BY id, instrument_id, side) AS number FROM entries
)
SELECT e.id, coalesce(y.name, e.instrument_id), e.side, e.units / coalesce(y.lot_units, 1),
       e.price, e.at, dense_rank() OVER (ORDER BY e.id, e.instrument_id, e.side)
FROM many e
JOIN platforms_tradingaccount a ON a.id = e.account_id
LEFT JOIN platforms_symbol y
    ON y.connection_id = a.connection_id AND y.instrument_id = e.instrument_id
WHERE e.number >= %(least)s ORDER BY e.id, e.instrument_id, e.side, e.at
"""


class _Trade(NamedTuple):
    account_id: int
    symbol: str
    side: str
    lots: Decimal
    price: Decimal
    opened_at: Any
    closed_at: Any
    result: Decimal

    def shown(self, what: str) -> dict[str, Any]:
        return {
            "what": what,
            "symbol": self.symbol,
            "side": self.side,
            "lots": f"{self.lots.normalize():f}",
            "price": f"{self.price.normalize():f}",
            "at": self.opened_at.isoformat(),
            "result": f"{self.result:.2f}",
        }


class _Entry(NamedTuple):
    master_id: int
    symbol: str
    side: str
    lots: Decimal
    price: Decimal
    at: Any
    group: int

    def shown(self, number: int) -> dict[str, Any]:
        return {
            "what": f"Entry {number}",
            "symbol": self.symbol,
            "side": self.side,
            "lots": f"{self.lots.normalize():f}",
            "price": f"{round(self.price, 8).normalize():f}",
            "at": self.at.isoformat(),
            "result": None,
        }


def larger_after_losses(threshold: float) -> Judged:
    """Masters that trade larger after losses; of those that have traded since the look before."""
    waiting = _rows(_WAITING, {"limit": MASTERS_AT_ONCE})
    if not waiting:
        return Judged({}, frozenset())
    _remember(waiting)
    masters = {account: master for master, account, _ in waiting}
    if not threshold:
        return Judged({}, frozenset(masters.values()))
    rows = _rows(_LAST, {"accounts": list(masters), "last": JUDGED_TRADES})
    trades = [_Trade(*row) for row in rows]
    accounts = sorted({trade.account_id for trade in trades})
    owner = np.searchsorted(accounts, [trade.account_id for trade in trades]).astype(np.int64)
    sizes = _sizes(trades, len(accounts), owner)
    found = {}
    for place in np.flatnonzero(sizes.measure() >= threshold * EASED).tolist():
        mine = np.flatnonzero(owner == place).tolist()
        found[masters[accounts[place]]] = _grown(trades, mine, sizes, place)
    return Judged(found, frozenset(masters.values()))


def _remember(waiting: Sequence[tuple[Any, ...]]) -> None:
    WatchedMaster.objects.bulk_create(
        [WatchedMaster(account_id=account, trades=trades) for _, account, trades in waiting],
        update_conflicts=True,
        unique_fields=["account_id"],
        update_fields=["trades"],
    )


def _sizes(trades: Sequence[_Trade], owners: int, owner: Any) -> Sizes:
    numbers: dict[tuple[int, str], int] = {}
    symbol = [numbers.setdefault((t.account_id, t.symbol), len(numbers)) for t in trades]
    return sizes_after(
        owners,
        owner,
        np.array(symbol, dtype=np.int64),
        np.array([milliseconds(trade.opened_at) for trade in trades], dtype=np.int64),
        np.array([milliseconds(trade.closed_at) for trade in trades], dtype=np.int64),
        np.array([trade.lots for trade in trades], dtype=np.float64),
        np.array([trade.result for trade in trades], dtype=np.float64),
    )


def _grown(trades: Sequence[_Trade], mine: Sequence[int], sizes: Sizes, place: int) -> Found:
    cases = [
        (trades[i].lots / trades[before].lots, trades[before], trades[i])
        for i in mine
        if (before := int(sizes.before[i])) >= 0 and trades[before].result < 0
    ]
    largest = sorted(cases, key=lambda case: -case[0])[: _SHOWN - 2]
    lost, won = float(sizes.lost[place]), float(sizes.won[place])
    return Found(
        float(sizes.measure()[place]),
        f"After a lost trade it typically opens {lost:.2f} times that trade's size, after a won "
        f"one {won:.2f} times ({len(cases)} lost trades of its last {len(mine)}).",
        (
            Number("Size after a loss", f"{lost:.2f} times"),
            Number("Size after a win", f"{won:.2f} times"),
            Number("Lost trades followed", f"{len(cases)} (at least {LEAST_CASES} are needed)"),
            Number("Trades looked at", f"the last {len(mine)}"),
        ),
        [
            shown
            for ratio, before, after in largest
            for shown in (before.shown("Lost"), after.shown(f"Then {ratio:.2f} times the size"))
        ],
    )


def averaging_down(threshold: float) -> Judged:
    """Masters that hold several entries in a row, each at a worse price than the one before."""
    if not threshold:
        return Judged({})
    least = max(ceil(threshold * EASED), 2)
    entries = [_Entry(*row) for row in _rows(_ENTRIES, {"least": least})]
    group = np.array([entry.group - 1 for entry in entries], dtype=np.int64)
    price = np.array([entry.price for entry in entries], dtype=np.float64)
    bought = np.array([entry.side == "buy" for entry in entries], dtype=np.bool_)
    found: dict[int, Found] = {}
    for number, depth in enumerate(worse_in_a_row(group, price, bought).tolist()):
        if depth < least:
            continue
        mine = [entries[i] for i in np.flatnonzero(group == number).tolist()]
        master = mine[0].master_id
        if master not in found or depth > found[master].measure:
            found[master] = _ladder(mine, depth)
    return Judged(found)


def _ladder(entries: Sequence[_Entry], depth: int) -> Found:
    first, last = entries[0], entries[-1]
    side = "buys" if first.side == "buy" else "sells"
    lots = sum((entry.lots for entry in entries), Decimal(0))
    return Found(
        float(depth),
        f"{depth} {side} of {first.symbol} in a row, each at a worse price than the one before; "
        f"{lots.normalize():,f} lots went in.",
        (
            Number("Entries in a row", f"{depth}"),
            Number("Lots that went in", f"{lots.normalize():,f}"),
            Number("First entry", f"{round(first.price, 5).normalize():f}"),
            Number("Last entry", f"{round(last.price, 5).normalize():f}"),
        ),
        [entry.shown(number) for number, entry in enumerate(entries, 1)][-2 * _SHOWN :],
    )


def _rows(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
