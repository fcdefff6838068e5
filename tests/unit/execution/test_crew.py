"""Parts of a session end together, also one that does not hear of it the first time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from apps.execution.gateway.crew import Crew, end


async def stubborn(heard: list[str]) -> None:
    """As a loop around ``asyncio.wait_for`` of Python 3.11 may be: the first call is lost."""
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(60)
    heard.append("swallowed")
    try:
        await asyncio.sleep(60)
    finally:
        heard.append("ended")


async def broken() -> None:
    await asyncio.sleep(0.01)
    raise ConnectionError("gone")


async def holding(heard: list[str], *parts: Coroutine[Any, Any, None]) -> None:
    crew = Crew()
    for part in (stubborn(heard), *parts):
        crew.create_task(part)
    await crew.hold()


def within(seconds: float, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(seconds):
            await work()

    asyncio.run(whole())


def test_a_part_that_fails_ends_all_others() -> None:
    heard: list[str] = []

    async def work() -> None:
        with pytest.raises(ExceptionGroup) as raised:
            await holding(heard, broken())
        (error,) = raised.value.exceptions
        assert isinstance(error, ConnectionError)

    within(3, work)
    assert heard == ["swallowed", "ended"]


def test_all_parts_end_when_the_session_is_cancelled() -> None:
    heard: list[str] = []

    async def work() -> None:
        session = asyncio.create_task(holding(heard))
        await asyncio.sleep(0.01)
        await end([session, None])
        assert session.cancelled()

    within(3, work)
    assert heard == ["swallowed", "ended"]
