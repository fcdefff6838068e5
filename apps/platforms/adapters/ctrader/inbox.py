"""What has arrived and waits for the reader of the events, in order."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import datetime

from apps.openapi_wire import Frame
from apps.platforms.ports import Event

Frames = tuple[list[Frame], datetime]


class Inbox:
    """A queue of groups: frames of one read of the socket, or events of the adapter's own.

    Frames are translated by the reader when it takes them, so that writing orders is never
    delayed by events nobody has asked for yet. Until the symbols are known they wait.
    """

    __slots__ = ("_ended", "_frames_open", "_groups", "_news")

    def __init__(self) -> None:
        self._groups: deque[Frames | list[Event]] = deque()
        self._news = asyncio.Event()
        self._frames_open = False
        self._ended = False

    def put(self, events: list[Event]) -> None:
        self._groups.append(events)
        self._news.set()

    def put_frames(self, frames: list[Frame], received_at: datetime) -> None:
        self._groups.append((frames, received_at))
        self._news.set()

    def open_for_frames(self) -> None:
        """The symbols are known; frames can be translated."""
        self._frames_open = True
        self._news.set()

    def end(self) -> None:
        self._ended = True
        self._news.set()

    async def take(self) -> Frames | list[Event] | None:
        """The next group; None when there will be no more."""
        while True:
            if self._groups and (self._frames_open or isinstance(self._groups[0], list)):
                return self._groups.popleft()
            if self._ended:
                return None
            self._news.clear()
            await self._news.wait()
