"""The journal: events of watched accounts are committed before anything else is done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from apps.common.tracing import told
from apps.execution.gateway.db import Database, Row, as_json, until_available
from apps.execution.gateway.records import Record
from apps.execution.gateway.statements import (
    DEAL_EVENTS,
    ORDER_EVENTS,
    PROTECTION_EVENTS,
    WATCHED_POSITIONS,
)

_log = structlog.get_logger(__name__)


class Journal:
    """Writes events of one connection; ``tell`` gets the accounts that have new ones."""

    def __init__(
        self, database: Database, connection_id: int, tell: Callable[[Sequence[int]], None]
    ) -> None:
        self._database = database
        self._connection_id = connection_id
        self._tell = tell

    async def deals(self, events: Sequence[Record], positions: Sequence[Record]) -> None:
        """Commit deals of accounts, if these are watched, with the positions after them.

        Which accounts are watched the database decides. Waits while PostgreSQL is away. Whoever
        plans is told before the disk has them: what it commits comes after them on the disk,
        so a crash that loses them loses that as well, and they are written once more.
        """
        statements = [(DEAL_EVENTS, [self._connection_id, as_json(events)])]
        if positions:
            statements.append((WATCHED_POSITIONS, [as_json(positions)]))
        await until_available(
            partial(self._database.run_ahead, statements, self._told), "journal of deals"
        )

    def _told(self, answers: Sequence[Sequence[Row]]) -> None:
        self._wake(answers[0])

    async def protections(self, events: Sequence[Record]) -> None:
        """Commit changes of stop loss or take profit, numbered per position."""
        for distinct in _one_per(events, "position_id"):
            values = [as_json(distinct), self._connection_id]
            written = await until_available(
                partial(self._database.rows, PROTECTION_EVENTS, values), "journal of stops"
            )
            self._wake(written)

    async def orders(self, events: Sequence[Record]) -> None:
        """Commit pending orders as they are now, their changes numbered per order."""
        for distinct in _one_per(events, "platform_order_id"):
            values = [as_json(distinct), self._connection_id]
            written = await until_available(
                partial(self._database.rows, ORDER_EVENTS, values), "journal of orders"
            )
            self._wake(written)

    def _wake(self, written: Sequence[Row]) -> None:
        if written:
            self._tell(sorted({row[0] for row in written}))
            _log.info(
                "journaled",
                connection=self._connection_id,
                events=len(written),
                traces=told(row[1] for row in written),
            )


def _one_per(events: Sequence[Record], name: str) -> list[list[Record]]:
    """Rounds in which each position (order) occurs once: a statement can number it only once."""
    rounds: list[dict[tuple[object, object], Record]] = []
    for event in events:
        key = (event["account_id"], event[name])
        for taken in rounds:
            if key not in taken:
                taken[key] = event
                break
        else:
            rounds.append({key: event})
    return [list(taken.values()) for taken in rounds]


class Waker:
    """Calls receivers in a thread, never blocking the loop, never more than one call at once.

    What is asked for while a call runs is gathered and told with the next one.
    """

    def __init__(self, call: Callable[[Sequence[int]], None]) -> None:
        self._call = call
        self._keys: set[int] = set()
        self._running: asyncio.Task[None] | None = None

    def wake(self, keys: Sequence[int]) -> None:
        self._keys.update(keys)
        if self._keys and (self._running is None or self._running.done()):
            self._running = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while self._keys:
            keys, self._keys = sorted(self._keys), set()
            await asyncio.to_thread(self._call, keys)

    async def finish(self) -> None:
        """Wait for the call that is running."""
        if self._running is not None:
            await self._running
