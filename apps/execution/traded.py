"""Reading what accounts traded, deal by deal: for those who follow positions over time."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from apps.common.database import raw_cursor
from apps.trading.deals import DealEffect
from apps.trading.orders import Side

_FIELDS = """d.id, d.account_id, d.position_id, d.deal_id, d.instrument_id, d.side, d.effect,
    d.units, d.price, d.commission, d.swap, d.profit, d.executed_at"""

# By id, whatever the planner thinks: by account it would read all that was ever traded.
_LATER = f"""
WITH later AS MATERIALIZED (
    SELECT id, account_id FROM execution_deal WHERE id > %(floor)s
), theirs AS MATERIALIZED (
    SELECT l.id FROM later l
    JOIN unnest(%(accounts)s::bigint[]) a (account_id) ON a.account_id = l.account_id
    WHERE NOT EXISTS (SELECT FROM unnest(%(taken)s::bigint[]) t (id) WHERE t.id = l.id)
    ORDER BY l.id LIMIT %(limit)s
)
SELECT {_FIELDS} FROM theirs JOIN execution_deal d ON d.id = theirs.id ORDER BY d.id
"""
_OF_ACCOUNTS = f"SELECT {_FIELDS} FROM execution_deal d WHERE d.account_id = ANY(%s)"
_OF_POSITIONS = f"""
SELECT {_FIELDS} FROM unnest(%s::bigint[], %s::text[]) p (account_id, position_id)
JOIN execution_deal d ON d.account_id = p.account_id AND d.position_id = p.position_id
"""
_COUNTS = """
SELECT account_id, count(*) FROM execution_deal WHERE account_id = ANY(%s) GROUP BY account_id
"""
_OPENINGS = """
SELECT x.account_id, x.position_id, x.price, x.opened_at
FROM unnest(%s::bigint[], %s::text[]) p (account_id, position_id)
JOIN execution_position x ON x.account_id = p.account_id AND x.position_id = p.position_id
"""

PositionKey = tuple[int, str]


class TradedDeal(NamedTuple):
    """A deal of an account; money is in account currency, ``deal_id`` the platform's."""

    id: int
    account_id: int
    position_id: str
    deal_id: str
    instrument_id: str
    side: Side
    effect: DealEffect
    units: Decimal
    price: Decimal
    commission: Decimal
    swap: Decimal
    profit: Decimal
    executed_at: datetime

    @property
    def position(self) -> PositionKey:
        return self.account_id, self.position_id

    @property
    def order(self) -> tuple[datetime, int, str]:
        """Sorts deals as they were done: of one moment the later has the greater id."""
        return self.executed_at, len(self.deal_id), self.deal_id


class StoredOpening(NamedTuple):
    """Average price of a position as it was last seen, and when it was opened."""

    price: Decimal
    opened_at: datetime


def deals_above(
    floor: int, account_ids: Collection[int], *, but: Collection[int], limit: int
) -> list[TradedDeal]:
    """Deals of these accounts that were stored under a greater id than ``floor``, in that order.

    Without those in ``but``. Ids are given before the deal is there to be read: a lower one may
    appear a moment after a higher one.
    """
    values = {
        "floor": floor,
        "accounts": list(account_ids),
        "taken": list(but),
        "limit": limit,
    }
    return _deals(_LATER, values)


def deals_of_accounts(account_ids: Collection[int]) -> list[TradedDeal]:
    """All deals of these accounts, in any order."""
    return _deals(_OF_ACCOUNTS, [list(account_ids)])


def deals_of_positions(positions: Iterable[PositionKey]) -> list[TradedDeal]:
    """All deals of these positions, in any order."""
    return _deals(_OF_POSITIONS, _columns(positions))


def deal_counts(account_ids: Collection[int]) -> dict[int, int]:
    """How many deals are stored of each of these accounts that has any."""
    return {row[0]: row[1] for row in _rows(_COUNTS, [list(account_ids)])}


def stored_openings(positions: Iterable[PositionKey]) -> dict[PositionKey, StoredOpening]:
    """When and at which price these positions were opened, of those that are stored."""
    rows = _rows(_OPENINGS, _columns(positions))
    return {(row[0], row[1]): StoredOpening(row[2], row[3]) for row in rows}


def newest_deal_id(*, before: datetime | None = None) -> int:
    """The greatest id of a deal, or of one that was received before a moment; 0 without any."""
    rows = _rows(
        "SELECT id FROM execution_deal WHERE received_at < coalesce(%s, 'infinity'::timestamptz) "
        "ORDER BY id DESC LIMIT 1",
        [before],
    )
    return int(rows[0][0]) if rows else 0


def _columns(positions: Iterable[PositionKey]) -> list[list[Any]]:
    keys = list(positions)
    return [[account for account, _ in keys], [position for _, position in keys]]


def _deals(statement: str, values: Any) -> list[TradedDeal]:
    rows = _rows(statement, values)
    return [TradedDeal(*[*row[:5], Side(row[5]), DealEffect(row[6]), *row[7:]]) for row in rows]


def _rows(statement: str, values: Any) -> list[tuple[Any, ...]]:
    with raw_cursor() as cursor:
        return cursor.execute(statement, values).fetchall()
