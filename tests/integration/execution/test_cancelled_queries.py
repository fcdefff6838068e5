"""Work that is cancelled in the middle of a query leaves nothing for the next one to find."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from apps.execution.gateway.db import UNAVAILABLE, Database, until_available

pytestmark = pytest.mark.django_db(transaction=True)

_SLOW = ("SELECT 'slow' FROM pg_sleep(%s)", [0.001])


def test_answers_of_cancelled_queries_reach_nobody_else() -> None:
    asyncio.run(cancel_and_ask())


async def cancel_and_ask() -> None:
    """Cancelled more than once, as work is that does not end at the first time of asking."""
    database, chance = Database(), random.Random(3)
    await database.open()
    try:
        for number in range(0, 120, 3):
            work = [asyncio.create_task(database.run_all([_SLOW] * 3)) for _ in range(4)]
            await asyncio.sleep(chance.uniform(0, 0.006))
            for _ in range(3):
                for task in work:
                    task.cancel()
                await asyncio.sleep(chance.choice((0, 0, 0.001)))
            await asyncio.gather(*work, return_exceptions=True)
            asked = range(number, number + 3)
            answers = await asyncio.gather(*(echo(database, n) for n in asked))
            assert answers == [[(n,)] for n in asked]
    finally:
        await database.close()


async def echo(database: Database, number: int) -> list[tuple[object, ...]]:
    """Ask for a number; connections that were thrown away are replaced meanwhile."""
    return await until_available(lambda: database.rows("SELECT %s::int", [number]), "an echo")


def test_a_connection_that_does_not_answer_is_given_up() -> None:
    """Nothing may wait for ever: the leases would be lost without a word."""

    async def work() -> None:
        database = Database()
        await database.open()
        try:
            with pytest.raises(TimeoutError, match="not answered"):
                await database.run_all([("SELECT pg_sleep(%s)", [60])], 0.2)
            assert await echo(database, 7) == [(7,)]
        finally:
            await database.close()

    assert issubclass(TimeoutError, UNAVAILABLE)
    began = time.monotonic()
    asyncio.run(work())
    assert time.monotonic() - began < 10
