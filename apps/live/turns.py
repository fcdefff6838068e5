"""Renderings take turns: one after the other, those first that most are waiting for."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

from apps.live.loops import PerLoop


class Turns:
    """One rendering at a time.

    They share one thread and its connection anyway. And while one is made in a thread, every
    message that the event loop sends waits for the interpreter's lock, so whoever has the turn
    keeps it until its messages are sent.
    """

    def __init__(self) -> None:
        self._taken = False
        self._order = count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def turn(self, watchers: int) -> AsyncIterator[None]:
        """The turn, as soon as nobody with more ``watchers`` wants it."""
        await self._take(watchers)
        try:
            yield
        finally:
            self._give()

    async def _take(self, watchers: int) -> None:
        if not self._taken:
            self._taken = True
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (-watchers, next(self._order), mine))
        try:
            await mine
        except asyncio.CancelledError:
            if not mine.cancelled():  # it was given in the same moment
                self._give()
            raise

    def _give(self) -> None:
        while self._waiting:
            *_, next_one = heapq.heappop(self._waiting)
            if not next_one.done():
                next_one.set_result(None)
                return
        self._taken = False


turns = PerLoop(Turns)
