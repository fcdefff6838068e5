"""Telling others, without waiting for them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Generic, TypeVar

K = TypeVar("K", int, tuple[int, str])


class Waker(Generic[K]):
    """Calls receivers, never more than one call at once.

    What is asked for while a call runs is gathered and told with the next one.
    """

    def __init__(self, call: Callable[[Sequence[K]], Awaitable[None]]) -> None:
        self._call: Callable[[Sequence[K]], Awaitable[None]] = call
        self._keys: set[K] = set()
        self._running: asyncio.Task[None] | None = None

    def wake(self, keys: Collection[K]) -> None:
        self._keys.update(keys)
        if self._keys and (self._running is None or self._running.done()):
            self._running = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while self._keys:
            keys, self._keys = sorted(self._keys), set()
            await self._call(keys)

    async def finish(self) -> None:
        """Wait for the call that is running."""
        if self._running is not None:
            await self._running


def in_thread(call: Callable[[Sequence[K]], None]) -> Callable[[Sequence[K]], Awaitable[None]]:
    """For a :class:`Waker`: a call that may block."""
    return lambda keys: asyncio.to_thread(call, keys)
