"""Sums over closed trades, kept up by adding: an account's totals and its parts by group."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from django.db import connection

from apps.analytics.domain.flows import milliseconds
from apps.analytics.domain.standing import Figure
from apps.analytics.domain.trade_figures import TRADE_FIGURES, trade_figures
from apps.analytics.domain.trades import Totals, TradeRows, totals
from apps.analytics.trade_models import AccountTrades, TradePart, TradeRecord
from apps.trading.orders import Side
from apps.trading.quantity import ZERO

#: Figures of trades that have a column of their own; the others are sums already.
STORED_FIGURES = tuple(name for name in TRADE_FIGURES if name not in ("trades", "losing_streak"))
_SUMS = tuple(
    field.name for field in AccountTrades._meta.concrete_fields if field.name != "account_id"
)

_PARTS = """
INSERT INTO analytics_tradepart AS old
    (account_id, kind, key, trades, wins, losses, result, units)
SELECT t.account_id, g.kind, g.key, count(*), count(*) FILTER (WHERE t.result > 0),
       count(*) FILTER (WHERE t.result < 0), sum(t.result), sum(t.units)
FROM analytics_traderecord t CROSS JOIN LATERAL (VALUES
    ('symbol', t.instrument_id), ('side', t.side),
    ('weekday', (extract(isodow FROM t.opened_at AT TIME ZONE 'UTC')::int - 1)::text),
    ('hour', extract(hour FROM t.opened_at AT TIME ZONE 'UTC')::int::text)) g (kind, key)
WHERE t.{which} = ANY(%s)
GROUP BY 1, 2, 3
ON CONFLICT (account_id, kind, key) DO UPDATE SET
    trades = old.trades + excluded.trades, wins = old.wins + excluded.wins,
    losses = old.losses + excluded.losses, result = old.result + excluded.result,
    units = old.units + excluded.units
"""
_ALL = """
SELECT account_id, id, result, opened_at, closed_at, side FROM analytics_traderecord
WHERE account_id = ANY(%s) ORDER BY account_id, closed_at, id
"""


class Summed(NamedTuple):
    """What the sums take from a closed trade."""

    account_id: int
    id: int
    result: Decimal
    opened_at: datetime
    closed_at: datetime
    side: str


def add(records: Iterable[TradeRecord], anew: Collection[int] = ()) -> None:
    """Take these stored trades, which are not in the sums yet, into those of their accounts.

    The cost does not depend on how many trades were there before. The sums of accounts in
    ``anew``, and of those of which a trade comes in that was closed before the last one, are made
    anew from all of their trades.
    """
    rows = sorted(
        (
            Summed(r.account_id, r.id, r.result, r.opened_at, r.closed_at, r.side)
            for r in records
            if r.account_id not in anew
        ),
        key=lambda row: (row.account_id, row.closed_at, row.id),
    )
    by_account = {key: list(group) for key, group in groupby(rows, lambda row: row.account_id)}
    stored = AccountTrades.objects.in_bulk(list(by_account))
    late = {
        account
        for account, group in by_account.items()
        if account in stored and _is_late(stored[account], group[0])
    }
    timely = {account: group for account, group in by_account.items() if account not in late}
    _store(timely, stored)
    _run(_PARTS.format(which="id"), [[row.id for group in timely.values() for row in group]])
    make_anew(late.union(anew))


def make_anew(account_ids: Collection[int]) -> None:
    """Sum up all stored trades of these accounts."""
    accounts = sorted(account_ids)
    if not accounts:
        return
    TradePart.objects.filter(account_id__in=accounts).delete()
    with connection.cursor() as cursor:
        cursor.execute(_ALL, [accounts])
        rows = [Summed(*row) for row in cursor.fetchall()]
    by_account: dict[int, list[Summed]] = {account: [] for account in accounts}
    for row in rows:
        by_account[row.account_id].append(row)
    _store(by_account, {})
    _run(_PARTS.format(which="account_id"), [accounts])


def totals_of(stored: Sequence[AccountTrades]) -> Totals:
    """Stored sums as the figures are computed from them, one entry an account."""
    whole = ("trades", "wins", "losses", "longs", "leading", "trailing", "streak")
    counts = {name: np.array([getattr(s, name) for s in stored], dtype=np.int64) for name in whole}
    return Totals(
        won=np.array([s.won for s in stored], dtype=np.float64),
        lost=np.array([s.lost for s in stored], dtype=np.float64),
        held=np.array([s.held_ms for s in stored], dtype=np.float64),
        **counts,
    )


def figures_of(stored: AccountTrades) -> Mapping[str, Figure]:
    """The figures of an account's trades, with the reason where there is none."""
    return trade_figures(totals_of([stored])).row(0)


def _is_late(stored: AccountTrades, first: Summed) -> bool:
    return stored.last_at is not None and first.closed_at < stored.last_at


def _store(added: Mapping[int, Sequence[Summed]], stored: Mapping[int, AccountTrades]) -> None:
    """Sums of ``stored`` and what is added to them, written."""
    if not added:
        return
    before = [stored.get(account) or AccountTrades(account_id=account) for account in added]
    sums = totals_of(before).plus(totals(_arrays(added), len(added)))
    table = trade_figures(sums)
    changed = []
    for number, (old, rows) in enumerate(zip(before, added.values(), strict=True)):
        figures = {name: table[name].figure(number).value for name in STORED_FIGURES}
        changed.append(
            AccountTrades(
                account_id=old.account_id,
                **{name: int(getattr(sums, name)[number]) for name in _COUNTS},
                **_money(old, rows),
                first_at=old.first_at or (rows[0].closed_at if rows else None),
                last_at=rows[-1].closed_at if rows else old.last_at,
                held_ms=int(sums.held[number]),
                **figures,
            )
        )
    AccountTrades.objects.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=["account_id"],
        update_fields=_SUMS,
        batch_size=1000,
    )


_COUNTS = ("trades", "wins", "losses", "longs", "leading", "trailing", "streak")


def _money(old: AccountTrades, rows: Sequence[Summed]) -> dict[str, Decimal]:
    won = old.won + sum((row.result for row in rows if row.result > 0), ZERO)
    lost = old.lost + sum((row.result for row in rows if row.result < 0), ZERO)
    return {"won": won, "lost": lost, "result": won + lost}


def _arrays(added: Mapping[int, Sequence[Summed]]) -> TradeRows:
    flat = [
        (
            number,
            float(row.result),
            milliseconds(row.closed_at) - milliseconds(row.opened_at),
            row.side == Side.BUY,
        )
        for number, rows in enumerate(added.values())
        for row in rows
    ]
    return TradeRows(
        np.array([row[0] for row in flat], dtype=np.int64),
        np.array([row[1] for row in flat], dtype=np.float64),
        np.array([row[2] for row in flat], dtype=np.float64),
        np.array([row[3] for row in flat], dtype=np.bool_),
    )


def _run(statement: str, values: list[Any]) -> None:
    if values[0]:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
