"""Tasks that live and fall together, and are told to end until they have ended.

An ``asyncio.TaskGroup`` cancels each task once. Up to Python 3.11 ``asyncio.wait_for``, which
libraries use as well, swallows a cancellation that comes in the very moment of its result; a
part of a session that loops for ever would then go on, and hold up the end of all others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

_AGAIN_S = 0.2


async def end(tasks: Iterable[asyncio.Task[Any] | None]) -> None:
    """Cancel tasks, again and again until each is done; what they raise is left to them."""
    cancelled = False
    while running := [task for task in tasks if task is not None and not task.done()]:
        for task in running:
            task.cancel()
        try:
            await asyncio.wait(running, timeout=_AGAIN_S)
        except asyncio.CancelledError:  # the one who ends them is ended, too: after them
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError


class Crew:
    """See the module. Tasks may be added while it holds together."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._errors: list[Exception] = []
        self._fallen = asyncio.Event()

    def create_task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Have one more task run for as long as all others do."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._errors.append(error)
            self._fallen.set()

    async def hold(self) -> None:
        """Until a task fails or this is cancelled; returns when all tasks have ended.

        Raises ExceptionGroup with what the tasks raised.
        """
        try:
            await self._fallen.wait()
        finally:
            await end(self._tasks)
        raise ExceptionGroup("a part of the session failed", self._errors)
