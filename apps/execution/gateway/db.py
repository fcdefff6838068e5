"""PostgreSQL for the gateway: a small asynchronous pool, and waiting when the server is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import orjson
import psycopg
import structlog
from django.conf import settings
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from apps.common.plans import by_index

T = TypeVar("T")
Connection = psycopg.AsyncConnection[tuple[Any, ...]]
Row = tuple[Any, ...]

#: What a PostgreSQL that is down, restarting or overloaded raises.
UNAVAILABLE = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, OSError)

#: A connection that has not answered for so long is taken for dead: a network that fell apart
#: says nothing.
ANSWER_S = 30.0

_log = structlog.get_logger(__name__)


class Database:
    """The gateway's pool. Connections commit each statement unless in a transaction."""

    def __init__(self) -> None:
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            _conninfo(),
            kwargs={"autocommit": True, "prepare_threshold": 1},
            min_size=3,
            max_size=10,
            timeout=1.0,
            reconnect_timeout=3.0,
            open=False,
            check=None,
            name="gateway",
        )

    async def open(self) -> None:
        await self._pool.open()

    async def close(self) -> None:
        await self._pool.close(timeout=1.0)

    @asynccontextmanager
    async def connection(self, limit_s: float | None = None) -> AsyncIterator[Connection]:
        """``async with`` a connection of the pool, for ``limit_s`` seconds at most.

        Cancelled in the middle of a query it may be left with answers that nobody has taken;
        the next query would take them for its own. Such a connection is thrown away.
        TimeoutError, which is one of :data:`UNAVAILABLE`, when the time is over.
        """
        limit_s = limit_s or ANSWER_S
        try:
            async with asyncio.timeout(limit_s), self._pool.connection() as conn:
                try:
                    yield conn
                except asyncio.CancelledError:
                    conn.pgconn.finish()
                    raise
        except TimeoutError:
            raise TimeoutError(f"PostgreSQL has not answered for {limit_s:g} s") from None

    async def rows(self, statement: str, values: Sequence[object] = ()) -> list[Row]:
        """Run one statement and give its rows."""
        async with self.connection() as conn:
            cursor = await conn.execute(statement, values)
            return await cursor.fetchall() if cursor.description else []

    async def run_all(
        self, statements: Sequence[tuple[str, Sequence[object]]], limit_s: float | None = None
    ) -> list[list[Row]]:
        """Run statements in one transaction and one round trip; the rows of each."""
        async with self.connection(limit_s) as conn:
            if len(statements) == 1:  # a transaction by itself, at half the price
                cursor = await conn.execute(*statements[0])
                return [await cursor.fetchall() if cursor.description else []]
            async with conn.pipeline(), conn.transaction():
                cursors = [await conn.execute(text, values) for text, values in statements]
            return [await c.fetchall() if c.description else [] for c in cursors]

    async def run_ahead(
        self,
        statement: str,
        values: Sequence[object],
        visible: Callable[[list[Row]], None],
    ) -> None:
        """Run a statement that does not wait for the disk (``NOT_YET_ON_DISK``).

        ``visible`` gets its rows: others see what it wrote from then on. Returns when it is on
        the disk; raises when the server was lost before, and with it perhaps all of it. Both are
        on one connection, so it cannot have been restarted unnoticed in between.
        """
        async with self.connection() as conn:
            visible(await (await conn.execute(statement, values)).fetchall())
            await conn.execute(_FLUSH)


#: Writes next to nothing, and returns when it and all before it is on the disk.
_FLUSH = "SELECT pg_logical_emit_message(true, 'bellwether', '')"


def _conninfo() -> str:
    values = settings.DATABASES["default"]
    options: Mapping[str, Any] = values.get("OPTIONS", {})
    known = {
        "dbname": values["NAME"],
        "user": values.get("USER"),
        "password": values.get("PASSWORD"),
        "host": values.get("HOST"),
        "port": values.get("PORT"),
        "sslmode": options.get("sslmode"),
        "application_name": "gateway",
        "options": by_index(options.get("options")),
        "connect_timeout": 3,
    }
    return make_conninfo(**{k: v for k, v in known.items() if v not in {None, ""}})


async def until_available(work: Callable[[], Awaitable[T]], what: str) -> T:
    """Do ``work`` and, while PostgreSQL is away, do it again after growing pauses."""
    pause = 0.1
    while True:
        try:
            return await work()
        except UNAVAILABLE as error:
            _log.warning("waiting for PostgreSQL", what=what, error=str(error)[:200])
            await asyncio.sleep(pause)
            pause = min(pause * 2, 2.0)


def as_json(rows: Sequence[object]) -> str:
    """Rows for ``json_to_recordset``; Decimals must be text already."""
    return orjson.dumps(rows).decode()
