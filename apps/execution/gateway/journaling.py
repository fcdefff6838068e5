"""The journal: events of watched accounts are committed before anything else is done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from functools import partial

import structlog

from apps.common.tracing import told
from apps.execution.gateway.db import Database, Row, as_json, until_available
from apps.execution.gateway.records import Record
from apps.execution.gateway.statements import (
    DEAL_EVENTS_AHEAD,
    ORDER_EVENTS,
    PROTECTION_EVENTS,
)
from apps.execution.receivers import AWAIT_S

#: Gets accounts that have new events, each with '' or the key of one that is being committed.
TellEvents = Callable[[Collection[tuple[int, str]]], None]

_log = structlog.get_logger(__name__)


class Journal:
    """Writes events of one connection and tells of them."""

    def __init__(self, database: Database, connection_id: int, tell: TellEvents) -> None:
        self._database = database
        self._connection_id = connection_id
        self._tell = tell

    async def deals(
        self,
        events: Sequence[Record],
        positions: Sequence[Record],
        expected: Collection[tuple[int, str]] = (),
    ) -> None:
        """Commit deals of accounts, if these are watched, with the positions after them.

        Which accounts are watched the database decides. Waits while PostgreSQL is away. Whoever
        plans is told before the disk has them: what it commits comes after them on the disk,
        so a crash that loses them loses that as well, and they are written once more.

        ``expected`` names accounts and keys of events that will most likely be journaled. They
        are told at once, since waking a worker takes as long as the commit.
        """
        told = {account_id for account_id, _ in expected}
        again_from = time.monotonic() + AWAIT_S / 2

        def visible(written: Sequence[Row]) -> None:
            awaited = told if time.monotonic() < again_from else ()
            self._wake(written, awaited)

        if expected:
            self._tell(expected)
            await asyncio.sleep(0)  # it leaves first: what begins then takes longer than this
        values = [self._connection_id, as_json(events), as_json(positions)]
        await until_available(
            partial(self._database.run_ahead, DEAL_EVENTS_AHEAD, values, visible),
            "journal of deals",
        )

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

    def _wake(self, written: Sequence[Row], awaited: Collection[int] = ()) -> None:
        if written:
            self._tell({(row[0], "") for row in written if row[0] not in awaited})
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
