"""One renderer for all sockets that show the same: it looks once and tells each what changed.

Sockets show the same where page, parameters and audience are the same
(:attr:`apps.common.live_pages.LivePage.audience`). What a change costs is then one rendering and
one comparison for each audience, however many watch, and a message for each socket.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import structlog
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer

from apps.common import live_pages
from apps.common.live_pages import LivePage, Section
from apps.live.diff import swaps
from apps.live.turns import turns

_log = structlog.get_logger(__name__)

#: Pause after a refresh that an event asked for.
PAUSE_S = 0.25
#: Refreshes in any second, whatever asked for them.
MOST_A_SECOND = 4
#: Refreshes that may wait for a slow reader; one that is further behind begins anew.
MOST_WAITING = 100
_TELLING_S = 0.1
#: Between the messages of one refresh, which go to a socket as one: static/js/live.js parts them.
SEPARATOR = "\x1e"


class Ended(Exception):
    """The broadcast has ended; whoever waits for it begins anew."""


Params = Mapping[str, str]
_Key = tuple[asyncio.AbstractEventLoop, str, str, tuple[tuple[str, str], ...]]
_running: dict[_Key, Broadcast] = {}


class Listener:
    """What one socket is still to be sent, in order; ends where it must begin anew."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[str | None] = asyncio.Queue()
        self._ended = False

    def put(self, messages: Sequence[str]) -> None:
        if self._ended:
            return
        if self._waiting.qsize() > MOST_WAITING:
            self.end()
            return
        if messages:
            self._waiting.put_nowait(SEPARATOR.join(messages))

    @property
    def behind(self) -> bool:
        """Whether something waits to be sent."""
        return not self._waiting.empty()

    def end(self) -> None:
        self._ended = True
        self._waiting.put_nowait(None)

    async def texts(self) -> AsyncIterator[str]:
        while (text := await self._waiting.get()) is not None:
            yield text


class Broadcast:
    """Keeps one page current for one audience, from its first listener to its last."""

    def __init__(self, key: _Key, page: LivePage, user: Any, params: Params) -> None:
        self._key, self._page, self._user, self._params = key, page, user, params
        self._changed = asyncio.Event()
        self._ready: asyncio.Future[None] = key[0].create_future()
        self._asked: list[asyncio.Future[None]] = []
        self._shown: dict[str, Section] = {}
        self._digest = ""
        self._listeners: set[Listener] = set()
        self._users = 0
        self._refreshed: deque[float] = deque(maxlen=MOST_A_SECOND)
        self._task = asyncio.create_task(self._run())

    @classmethod
    def of(cls, page: LivePage, audience: str, user: Any, params: Params) -> Broadcast:
        """The broadcast that is running, or a new one; :meth:`leave` it in the end."""
        key = (asyncio.get_running_loop(), page.name, audience, tuple(sorted(params.items())))
        found = _running.get(key)
        if found is None or found._task.done():
            found = _running[key] = cls(key, page, user, params)
        found._users += 1
        return found

    async def join(self, listener: Listener, seen: str) -> None:
        """Tell a listener of every change from now on; first of what it has not ``seen``. Ended.

        ``seen`` is the digest of the page as it was answered.
        """
        await asyncio.shield(self._ready)
        if self._digest != seen:
            asked = self._key[0].create_future()
            self._asked.append(asked)
            self._changed.set()
            await asked
        if self._digest != seen:
            listener.put(_messages(live_pages.lately(self._page, seen), self._shown))
        self._listeners.add(listener)

    def leave(self, listener: Listener) -> None:
        """Once for each time that it was asked for."""
        self._listeners.discard(listener)
        self._users -= 1
        if not self._users:
            self._task.cancel()
            self._forget()

    async def _run(self) -> None:
        layer = get_channel_layer()
        assert layer is not None
        channel, joined = await layer.new_channel(), []
        hearing = asyncio.create_task(self._hear(layer, channel))
        try:
            groups = await database_sync_to_async(
                lambda: frozenset(self._page.groups(self._user, self._params))
            )()
            for group in groups:
                joined.append(group)
                await layer.group_add(group, channel)
            await self._refresh()
            self._ready.set_result(None)
            while True:
                heard = await self._wait()
                await self._hold_back()
                await self._refresh()
                if heard:
                    await asyncio.sleep(PAUSE_S)
        except Exception:
            _log.exception("live page failed", page=self._page.name)
        finally:
            hearing.cancel()
            self._end()
            with suppress(Exception):
                for group in joined:
                    await layer.group_discard(group, channel)

    async def _hear(self, layer: Any, channel: str) -> None:
        while True:
            await layer.receive(channel)
            self._changed.set()

    async def _wait(self) -> bool:
        """Whether something was heard before it was time to look anyway."""
        try:
            await asyncio.wait_for(self._changed.wait(), self._page.refresh_s)
        except TimeoutError:
            return False
        return True

    async def _hold_back(self) -> None:
        """Until one more refresh is not one too many within a second."""
        if len(self._refreshed) == MOST_A_SECOND:
            await asyncio.sleep(max(0.0, self._refreshed[0] + 1 - time.monotonic()))

    async def _refresh(self) -> None:
        self._refreshed.append(time.monotonic())
        self._changed.clear()
        asked, self._asked = self._asked, []
        async with turns().turn(len(self._listeners)):
            now = await database_sync_to_async(self._sections)()
            messages = _messages(self._shown, now) if self._shown else []
            if messages or not self._shown:
                self._digest = live_pages.digest(now.values())
            self._shown = now
            for listener in self._listeners:
                listener.put(messages)
            await self._told()
        for future in asked:
            if not future.done():
                future.set_result(None)

    async def _told(self) -> None:
        """Until all have been sent what changed, or are too slow to wait for."""
        latest = time.monotonic() + _TELLING_S
        while time.monotonic() < latest and any(each.behind for each in self._listeners):
            await asyncio.sleep(0)

    def _sections(self) -> dict[str, Section]:
        return {part.id: part for part in self._page.sections(self._user, self._params)}

    def _end(self) -> None:
        """Every socket begins anew."""
        self._forget()
        for listener in self._listeners:
            listener.end()
        for future in (*self._asked, self._ready):
            if future.done():
                continue
            if self._users:
                future.set_exception(Ended())
            else:
                future.cancel()

    def _forget(self) -> None:
        if _running.get(self._key) is self:
            del _running[self._key]


def _messages(before: Mapping[str, Section], now: Mapping[str, Section]) -> list[str]:
    return [text for part in now.values() for text in swaps(before.get(part.id), part)]
