"""From what the engine publishes to the sockets: one small message for each group.

Sending happens on an event loop in a thread of its own: the worker that has just committed
goes on at once, and one connection to Redis serves all messages of a process.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

import structlog
from channels.layers import get_channel_layer

from apps.common.events import listen
from apps.common.live_pages import STAFF_GROUP, master_group
from apps.notifications.selectors import user_group

#: Published by the engine once for each commit that planned or settled copies of a master.
COPY_CHANGED = "copy.changed"
#: Published when a kill switch was moved or held closes were confirmed.
KILL_SWITCH_CHANGED = "execution.kill_switch"
#: Published when what the bells of people show has changed.
UNREAD_CHANGED = "notifications.unread"
#: More bells than this are not told a number each, but to look for themselves.
BELLS_AT_ONCE = 500
_log = structlog.get_logger(__name__)


class _Sender:
    """The loop that sends; made anew in a process that was forked off."""

    lock = threading.Lock()
    loop: asyncio.AbstractEventLoop | None = None
    process = 0

    @classmethod
    def current(cls) -> asyncio.AbstractEventLoop:
        with cls.lock:
            if cls.loop is None or cls.process != os.getpid():
                cls.loop, cls.process = asyncio.new_event_loop(), os.getpid()
                threading.Thread(
                    target=cls.loop.run_forever, name="live-sender", daemon=True
                ).start()
            return cls.loop


def register() -> None:
    """Listen; called when the app starts, in every process that publishes."""
    listen(COPY_CHANGED, announce)
    listen(KILL_SWITCH_CHANGED, announce_to_staff)
    listen(UNREAD_CHANGED, ring)


def announce(payload: Mapping[str, Any]) -> None:
    """Wake the pages that show copies of this master. Whoever misses it reads it soon after."""
    sending = _send(int(payload["master_account_id"]))
    asyncio.run_coroutine_threadsafe(sending, _Sender.current()).add_done_callback(_note)


def announce_to_staff(payload: Mapping[str, Any]) -> None:
    """Wake the pages of staff."""
    message = {"type": "copy.changed", "master_account_id": 0}
    sending = _send_to(STAFF_GROUP, message)
    asyncio.run_coroutine_threadsafe(sending, _Sender.current()).add_done_callback(_note)


def ring(payload: Mapping[str, Any]) -> None:
    """Bring the bells of these people up to date, wherever they have a page open."""
    unread: Mapping[int, int] = payload["unread"]
    many = len(unread) > BELLS_AT_ONCE
    sending = _ring({user_id: None if many else n for user_id, n in unread.items()})
    asyncio.run_coroutine_threadsafe(sending, _Sender.current()).add_done_callback(_note)


async def _ring(unread: Mapping[int, int | None]) -> None:
    for user_id, number in unread.items():
        await _send_to(user_group(user_id), {"type": "notices.changed", "unread": number})


async def _send_to(group: str, message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    if layer is not None:
        await layer.group_send(group, message)


async def _send(master_account_id: int) -> None:
    layer = get_channel_layer()
    if layer is None:
        return
    message = {"type": "copy.changed", "master_account_id": master_account_id}
    await layer.group_send(master_group(master_account_id), message)
    await layer.group_send(STAFF_GROUP, message)


def _note(sent: Future[None]) -> None:
    error = sent.exception()
    if error is not None:
        _log.warning("live pages could not be told", error=str(error))
