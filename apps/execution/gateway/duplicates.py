"""Two positions with one tag: an order of ours that reached the platform twice.

Platforms that do not enforce client ids can show it; the later position is closed again.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal

import structlog

from apps.execution.gateway.db import Database, until_available
from apps.execution.gateway.lease import Lease
from apps.execution.gateway.state import Account, Book
from apps.execution.intents import Intent, client_order_id, dump
from apps.trading.orders import Leg
from apps.trading.positions import Position

SOURCE = "guard"
CAUSE = "duplicate"

# Once per position and size left, also across sessions: the id is looked for first.
_CLOSE = """
    INSERT INTO execution_batch
        (connection_id, leg, priority, size, items, claimed, settled, created_at)
    SELECT %s, 'close', 0, 1, %s, 0, false, %s
    WHERE NOT EXISTS (SELECT 1 FROM execution_order WHERE client_order_id = %s)
      AND NOT EXISTS (SELECT 1 FROM execution_batch WHERE connection_id = %s AND NOT settled
                      AND priority = 0 AND strpos(items, %s) > 0)
    RETURNING id
"""

_log = structlog.get_logger(__name__)


class Duplicates:
    """Watches for them and has them closed through the ordinary road."""

    def __init__(self, database: Database, lease: Lease, book: Book) -> None:
        self._database = database
        self._lease = lease
        self._book = book
        self._found: asyncio.Queue[tuple[Account, Position]] = asyncio.Queue()

    def opened(self, account: Account, position: Position) -> None:
        """A position was opened or increased."""
        if position.tag and any(
            p.tag == position.tag and p.position_id != position.position_id
            for p in account.positions.values()
        ):
            self._found.put_nowait((account, _later(account, position.tag)))

    def look(self) -> None:
        """Look through all accounts, after they were read."""
        for account in self._book.accounts.values():
            tags: dict[str, int] = defaultdict(int)
            for position in account.positions.values():
                if position.tag and _ours(position.tag):
                    tags[position.tag] += 1
            for tag, count in tags.items():
                if count > 1:
                    self._found.put_nowait((account, _later(account, tag)))

    async def run(self) -> None:
        while True:
            account, position = await self._found.get()
            if not _ours(position.tag):
                continue
            await self._close(account, position)

    async def _close(self, account: Account, position: Position) -> None:
        cid = client_order_id(CAUSE, account.id, position.position_id, position.units)
        intent = Intent(
            client_order_id=cid,
            account_id=account.id,
            platform_account=account.account,
            leg=Leg.CLOSE,
            source=SOURCE,
            cause=CAUSE,
            instrument_id=position.instrument_id,
            side=position.side.opposite,
            units=Decimal(position.units),
            position_id=position.position_id,
        )
        connection_id = self._lease.connection_id
        values = [connection_id, dump([intent]), datetime.now(UTC), cid, connection_id, cid]
        stored = await until_available(
            lambda: self._database.rows(_CLOSE, values), "closing a duplicate"
        )
        if stored:
            _log.warning(
                "an order stands twice, the later position is closed",
                account=account.id,
                tag=position.tag,
                position=position.position_id,
            )


def _ours(tag: str) -> bool:
    """Whether a tag has the form of our client order ids."""
    return len(tag) == 25 and tag.startswith("c")


def _later(account: Account, tag: str) -> Position:
    same = (p for p in account.positions.values() if p.tag == tag)
    return max(same, key=lambda p: (p.opened_at, len(p.position_id), p.position_id))
