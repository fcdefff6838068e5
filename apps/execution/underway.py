"""Orders that are committed and have not come to their end, before and after they were sent."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from apps.execution.intents import Col, rows_of
from apps.execution.models import Gate
from apps.trading.orders import Leg, Side

#: Batches looked at in one reading, oldest first; more are read the next time.
_MOST = 2000

_UNSETTLED = """
    SELECT items, claimed, size, created_at FROM execution_batch
    WHERE NOT settled AND connection_id IN
        (SELECT connection_id FROM platforms_tradingaccount WHERE id = ANY(%s))
    ORDER BY id LIMIT %s
"""

_UNSENT_CLOSES = """
    SELECT items, claimed, size, created_at FROM execution_batch
    WHERE NOT settled AND claimed < size AND leg = 'close' AND created_at < %s
    ORDER BY id LIMIT %s
"""

# The newest orders of an account are found by its index, whatever it has traded before.
_LATEST = """
    SELECT DISTINCT o.account_id, o.position_id FROM unnest(%s::bigint[]) AS a (id)
    CROSS JOIN LATERAL (
        SELECT account_id, position_id, settled_at, final_at FROM execution_order
        WHERE account_id = a.id ORDER BY id DESC LIMIT 100
    ) o
    WHERE o.position_id <> '' AND (o.settled_at IS NULL OR o.final_at > %s)
"""

_GATES = """
    SELECT g.scope, g.key, a.id FROM execution_gate g
    JOIN platforms_tradingaccount a ON a.id = ANY(%s) AND (
        g.scope = 'global' OR (g.scope = 'platform' AND g.key = a.platform)
        OR (g.scope = 'connection' AND g.key = a.connection_id::text)
        OR (g.scope = 'account' AND g.key = a.id::text))
    WHERE g.state = 'halted'
"""


@dataclass(frozen=True, slots=True)
class Underway:
    """An intention whose batch is not settled; ``sent``: it was claimed for sending."""

    client_order_id: str
    account_id: int
    leg: Leg
    relation: str
    instrument_id: str
    side: Side | None
    units: Decimal
    position_id: str
    sent: bool
    committed_at: datetime


def underway(account_ids: Collection[int]) -> list[Underway]:
    """What is on its way for these accounts, oldest first."""
    wanted = set(account_ids)
    rows = _rows(_UNSETTLED, [sorted(wanted), _MOST])
    return [one for row in rows for one in _intents(*row) if one.account_id in wanted]


def unsent_closes(*, older_than: datetime) -> list[Underway]:
    """Closes of all accounts that were committed before and no gateway has sent, oldest first."""
    rows = _rows(_UNSENT_CLOSES, [older_than, _MOST])
    return [one for row in rows for one in _intents(*row) if not one.sent]


def moving_positions(
    account_ids: Collection[int], *, now: datetime, settled_for: timedelta
) -> set[tuple[int, str]]:
    """Positions, by account, with an order that has not ended, or not so long ago.

    An order has ended when its source has taken note of its final state.
    """
    return set(_rows(_LATEST, [sorted(account_ids), now - settled_for]))


def halted_accounts(account_ids: Collection[int]) -> dict[int, str]:
    """Accounts on which a kill switch holds closes as well, with the place of the switch."""
    found = _rows(_GATES, [sorted(account_ids)])
    return {account_id: _PLACES[scope].format(key) for scope, key, account_id in found}


_PLACES = {
    Gate.Scope.GLOBAL.value: "everything",
    Gate.Scope.PLATFORM.value: "platform {}",
    Gate.Scope.CONNECTION.value: "this connection",
    Gate.Scope.ACCOUNT.value: "this account",
}


def _intents(items: str, claimed: int, size: int, created_at: datetime) -> Iterator[Underway]:
    for ordinal, row in enumerate(rows_of(items)[:size]):
        side = row[Col.SIDE]
        yield Underway(
            row[Col.CLIENT_ORDER_ID],
            row[Col.ACCOUNT_ID],
            Leg(row[Col.LEG]),
            row[Col.RELATION],
            row[Col.INSTRUMENT_ID],
            Side(side) if side else None,
            Decimal(row[Col.UNITS]),
            row[Col.POSITION_ID],
            ordinal < claimed,
            created_at,
        )


def _rows(statement: str, values: list[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
