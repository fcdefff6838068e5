"""Orders that rest under an id of ours although ours has ended: written down for whom it concerns.

An order of which the platform showed no trace may appear later all the same. It cannot be taken
back as ours, since its source has gone on without it; but it must not rest there unseen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from apps.execution.gateway.db import Database, as_json
from apps.execution.gateway.lease import Lease
from apps.execution.gateway.state import Account
from apps.execution.gateway.tickets import Tickets
from apps.platforms.ports import Snapshot
from apps.trading.orders import Order

_OURS = re.compile(r"c[0-9a-f]{24}")

_KNOWN = """
    SELECT DISTINCT s.account_id FROM execution_strayorder s
    JOIN platforms_tradingaccount a ON a.id = s.account_id WHERE a.connection_id = %s
"""

#: A successor reads accounts itself, and what it has read must stand.
_LEASED = """EXISTS (SELECT 1 FROM execution_connectionlease
                     WHERE connection_id = %(connection)s AND epoch = %(epoch)s)"""

_WRITE = f"""
    WITH r AS (
        SELECT * FROM json_to_recordset(%(rows)s::json) AS r (account_id bigint,
            platform_order_id text, client_order_id text, instrument_id text, side text,
            units numeric, shown_at timestamptz)
        WHERE {_LEASED}
    ), gone AS (
        DELETE FROM execution_strayorder s
        WHERE s.account_id = ANY(%(accounts)s) AND {_LEASED} AND NOT EXISTS (
            SELECT 1 FROM r WHERE (r.account_id, r.platform_order_id)
                                = (s.account_id, s.platform_order_id))
    )
    INSERT INTO execution_strayorder (account_id, platform_order_id, client_order_id,
        instrument_id, side, units, shown_at)
    SELECT * FROM r
    ON CONFLICT (account_id, platform_order_id) DO UPDATE SET
        client_order_id = excluded.client_order_id, units = excluded.units,
        shown_at = excluded.shown_at
"""


class Seen(NamedTuple):
    """The strays of one account in its latest snapshot."""

    snapshot: Snapshot
    orders: Sequence[Order]


def is_ours(client_order_id: str) -> bool:
    """Whether an order wears an id of the form of ours."""
    return _OURS.fullmatch(client_order_id) is not None


class Strays:
    """Notes what each snapshot shows, and writes what is new of it."""

    def __init__(self, database: Database, lease: Lease, tickets: Tickets) -> None:
        self._database = database
        self._lease = lease
        self._tickets = tickets
        self._known: set[int] | None = None  # accounts that have rows
        self._news: dict[int, Seen] = {}

    def shown(self, account: Account, snapshot: Snapshot) -> None:
        """Take note of a snapshot; one with an order of ours that nobody waits for is kept."""
        knows = self._tickets.knows
        orders = [
            order
            for order in snapshot.orders
            if is_ours(order.client_order_id) and not knows(account.account, order.client_order_id)
        ]
        if orders or self._known is None or account.id in self._known:
            self._news[account.id] = Seen(snapshot, orders)

    async def write(self) -> None:
        """Store what was noted since the last time; mostly there is nothing."""
        if self._known is None:
            rows = await self._database.rows(_KNOWN, [self._lease.connection_id])
            self._known = {row[0] for row in rows}
        news, self._news = self._news, {}
        news = {pk: seen for pk, seen in news.items() if seen.orders or pk in self._known}
        if not news:
            return
        try:
            await self._store(news)
        except BaseException:
            self._news = news | self._news
            raise
        for account_id, seen in news.items():
            (self._known.add if seen.orders else self._known.discard)(account_id)

    async def _store(self, news: dict[int, Seen]) -> None:
        rows = [
            {
                "account_id": account_id,
                "platform_order_id": order.platform_order_id,
                "client_order_id": order.client_order_id,
                "instrument_id": order.instrument_id,
                "side": order.side.value,
                "units": str(order.units - order.filled_units),
                "shown_at": seen.snapshot.as_of,
            }
            for account_id, seen in news.items()
            for order in seen.orders
        ]
        async with self._database.connection() as conn:
            await conn.execute(
                _WRITE,
                {
                    "rows": as_json(rows),
                    "accounts": list(news),
                    "connection": self._lease.connection_id,
                    "epoch": self._lease.epoch,
                },
            )
