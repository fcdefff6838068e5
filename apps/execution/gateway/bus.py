"""Slices that arrive through Redis. PostgreSQL is the truth: this is only the quick way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import structlog
from django.conf import settings
from redis.asyncio import Redis
from redis.exceptions import RedisError

from apps.execution.gateway.claims import Slice
from apps.execution.gateway.db import Database
from apps.execution.intents import rows_of
from apps.execution.streams import stream_name
from apps.trading.orders import Leg

_BLOCK_MS = 2000
_log = structlog.get_logger(__name__)

_UNSENT = """
    SELECT id, leg, priority, items, claimed, size, created_at FROM execution_batch
    WHERE connection_id = %s AND NOT settled AND claimed < size AND NOT id = ANY(%s)
    ORDER BY priority, id LIMIT 200
"""


async def read_stream(connection_id: int, take: Callable[[Slice], None]) -> None:
    """Hand each slice of the connection's stream to ``take``; for ever, over any loss."""
    name = stream_name(connection_id)
    pause, last = 0.1, ""
    while True:
        # The answer to a blocking read comes later than the block lasts.
        client = Redis.from_url(
            settings.REDIS_URL, socket_timeout=_BLOCK_MS / 1000 + 2, socket_connect_timeout=1.0
        )
        try:
            last = await _newest(client, name)
            while True:
                answer: Any = await client.xread({name: last}, count=50, block=_BLOCK_MS)
                pause = 0.1
                for _, entries in answer or ():
                    for entry_id, fields in entries:
                        last = entry_id
                        take(_slice(fields))
        except (RedisError, OSError) as error:
            _log.warning("stream is away, the sweep carries on", error=repr(error)[:200])
        finally:
            await client.aclose()
        await asyncio.sleep(pause)
        pause = min(pause * 2, 2.0)


async def _newest(client: Any, name: str) -> Any:
    entries = await client.xrevrange(name, count=1)
    return entries[0][0] if entries else "0-0"


def _slice(fields: dict[bytes, bytes]) -> Slice:
    leg = fields[b"l"].decode()
    committed_at = datetime.fromtimestamp(float(fields[b"c"]), UTC)
    rows = rows_of(fields[b"i"])
    return Slice(int(fields[b"b"]), leg, Leg(leg).priority, rows, 0, committed_at)


async def unsent(database: Database, connection_id: int, known: list[int]) -> list[Slice]:
    """Batches in PostgreSQL that are not claimed to their end and not among ``known``."""
    rows = await database.rows(_UNSENT, [connection_id, known])
    return [
        Slice(batch_id, leg, priority, rows_of(items)[:size], claimed, created_at)
        for batch_id, leg, priority, items, claimed, size, created_at in rows
    ]
