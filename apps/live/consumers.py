"""One socket per page: it sends what changed on the page, as rendered for its audience.

The bell in the top bar is the user's own, and comes by the same socket.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import structlog
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from apps.accounts.models import User
from apps.common import live_pages
from apps.common.live_pages import LivePage
from apps.live.bell import bell_swap
from apps.live.broadcast import Broadcast, Ended, Listener
from apps.live.welcome import Guest, Welcome, desk, welcome
from apps.notifications.selectors import unread_count, user_group

_log = structlog.get_logger(__name__)

#: About how often it is looked up again whether the user may still see the page.
RECHECK_S = 15.0
#: Over how many seconds bells that all change at once are read.
SPREAD_S = 5.0
_TRY_AGAIN = 1013


class LivePageConsumer(AsyncWebsocketConsumer):
    """Keeps one page of one user current. Nothing that the browser sends is listened to."""

    page: LivePage
    sending: asyncio.Task[None] | None = None
    rechecking: asyncio.Task[None] | None = None
    ringing: asyncio.Task[None] | None = None
    bells: str = ""

    async def connect(self) -> None:
        """Accept the owner of the page; anybody else is refused before a byte is sent."""
        page = live_pages.find(self.scope["url_route"]["kwargs"]["name"])
        self.params = dict(parse_qsl(self.scope["query_string"].decode()))
        self.seen = self.params.pop("seen", "")
        bell = self.params.pop("bell", "")
        admitted = None if page is None else await database_sync_to_async(self._admitted)(page)
        if page is None or admitted is None:
            await self.close()
            return
        self.page, self.audience = page, admitted.audience
        self.user: User = admitted.user
        self.bells = user_group(self.user.pk)
        await self.channel_layer.group_add(self.bells, self.channel_name)
        await self.accept()
        self.sending = asyncio.create_task(self._keep_current())
        self.rechecking = asyncio.create_task(self._recheck())
        if bell.isdigit() and int(bell) != (unread := await self._unread()):
            await self.send(text_data=bell_swap(unread))

    async def disconnect(self, code: int) -> None:
        """Listen no more."""
        for task in (self.sending, self.rechecking, self.ringing):
            if task is not None:
                task.cancel()
        if self.bells:
            await self.channel_layer.group_discard(self.bells, self.channel_name)

    async def notices_changed(self, event: Mapping[str, Any]) -> None:
        """The bell of this user; where very many are concerned, they look at different times."""
        if event["unread"] is None:
            self.ringing = asyncio.create_task(self._ring_later())
        else:
            await self.send(text_data=bell_swap(event["unread"]))

    async def _ring_later(self) -> None:
        await asyncio.sleep(random.uniform(0, SPREAD_S))
        await self.send(text_data=bell_swap(await self._unread()))

    async def _unread(self) -> int:
        return await database_sync_to_async(unread_count)(self.user)

    async def _keep_current(self) -> None:
        listener = Listener()
        broadcast = Broadcast.of(self.page, self.audience, self.user, self.params)
        try:
            await broadcast.join(listener, self.seen)
            async for text in listener.texts():
                if not await self._delivered(text):
                    return
        except Ended:
            pass
        except Exception:
            _log.exception("live page could not be sent", page=self.page.name)
        finally:
            broadcast.leave(listener)
        await self.close(_TRY_AGAIN)

    async def _delivered(self, text: str) -> bool:
        """Send; False where the browser has left meanwhile, which a server reports as OSError."""
        try:
            await self.send(text_data=text)
        except OSError:
            return False
        return True

    async def _recheck(self) -> None:
        """Close the page of who may not see it any more, and of who would see another one."""
        code: int | None = None
        try:
            while True:
                await asyncio.sleep(RECHECK_S * random.uniform(0.8, 1.2))
                found = await desk().ask(self._guest(self.page))
                if found is None:
                    break
                if found.audience != self.audience:
                    code = _TRY_AGAIN
                    break
                self.user = found.user
        except Exception:
            _log.exception("live page could not be rechecked", page=self.page.name)
            code = _TRY_AGAIN
        await self.close(code)

    def _guest(self, page: LivePage) -> Guest:
        session = self.scope.get("session")
        key = None if session is None else session.session_key
        return Guest(page, self.params, self.scope.get("user"), key)

    def _admitted(self, page: LivePage) -> Welcome | None:
        session = self.scope.get("session") or {}
        return welcome(self._guest(page), self.scope.get("user"), session)
