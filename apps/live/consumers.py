"""One socket per page: it renders the page's sections for its user and sends what changed."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import structlog
from channels.auth import get_user
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from apps.accounts.view_as import viewed
from apps.common import live_pages
from apps.common.live_pages import LivePage, Section
from apps.live.bell import bell_swap
from apps.live.diff import swaps
from apps.notifications.selectors import unread_count, user_group

_log = structlog.get_logger(__name__)

#: Pause between two refreshes, whatever happens: at most four a second.
PAUSE_S = 0.25
#: How often it is looked up again whether the user may still see the page.
RECHECK_S = 15.0
#: Over how many seconds bells that all change at once are read.
SPREAD_S = 5.0
_TRY_AGAIN = 1013


class LivePageConsumer(AsyncWebsocketConsumer):
    """Keeps one page of one user current. Nothing that the browser sends is listened to."""

    page: LivePage
    refreshing: asyncio.Task[None] | None = None
    ringing: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Accept the owner of the page; anybody else is refused before a byte is sent."""
        page = live_pages.find(self.scope["url_route"]["kwargs"]["name"])
        self.params = dict(parse_qsl(self.scope["query_string"].decode()))
        self.seen = self.params.pop("seen", "")
        bell = self.params.pop("bell", "")
        self.user = self.scope.get("user")
        if page is None or not await self._may(page):
            await self.close()
            return
        self.page = page
        self.changed = asyncio.Event()
        self.joined = await database_sync_to_async(
            lambda: frozenset((*page.groups(self.user, self.params), user_group(self.user.pk)))
        )()
        for group in self.joined:
            await self.channel_layer.group_add(group, self.channel_name)
        await self.accept()
        self.refreshing = asyncio.create_task(self._keep_current())
        if bell.isdigit() and int(bell) != (unread := await self._unread()):
            await self.send(text_data=bell_swap(unread))

    async def disconnect(self, code: int) -> None:
        """Leave the groups and stop refreshing."""
        for task in (self.refreshing, self.ringing):
            if task is not None:
                task.cancel()
        for group in getattr(self, "joined", ()):
            await self.channel_layer.group_discard(group, self.channel_name)

    async def copy_changed(self, event: Mapping[str, Any]) -> None:
        """Something happened that the page may show; several such cost one refresh."""
        self.changed.set()

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
        try:
            shown = await self._catch_up()
            checked_at = time.monotonic()
            while True:
                await self._wait()
                if time.monotonic() - checked_at > RECHECK_S:
                    if not await self._still_welcome():
                        await self.close()
                        return
                    checked_at = time.monotonic()
                shown = await self._refresh(shown)
                await asyncio.sleep(PAUSE_S)
        except Exception:
            _log.exception("live page failed", page=self.page.name)
            await self.close(_TRY_AGAIN)

    async def _wait(self) -> None:
        try:
            await asyncio.wait_for(self.changed.wait(), self.page.refresh_s)
        except TimeoutError:
            pass
        self.changed.clear()

    async def _catch_up(self) -> dict[str, Section]:
        """Send the whole page if it is not the one that the browser has."""
        now = await self._render()
        if live_pages.digest(now.values()) == self.seen:
            return now
        return await self._refresh({}, now)

    async def _refresh(
        self, before: Mapping[str, Section], now: dict[str, Section] | None = None
    ) -> dict[str, Section]:
        now = now if now is not None else await self._render()
        for section in now.values():
            for message in swaps(before.get(section.id), section):
                await self.send(text_data=message)
        return now

    async def _render(self) -> dict[str, Section]:
        return await database_sync_to_async(self._sections)()

    def _sections(self) -> dict[str, Section]:
        return {section.id: section for section in self.page.sections(self.user, self.params)}

    async def _still_welcome(self) -> bool:
        session = self.scope.get("session")
        if session is not None:
            if not await database_sync_to_async(session.exists)(session.session_key):
                return False  # signed out elsewhere
            # Read anew: a view as a customer may have ended.
            self.scope["session"] = session.__class__(session.session_key)
        self.user = await get_user(self.scope)
        return await self._may(self.page)

    async def _may(self, page: LivePage) -> bool:
        user = self.user
        if user is None or not user.is_authenticated or not user.is_active:
            return False
        return bool(await database_sync_to_async(self._allowed)(page))

    def _allowed(self, page: LivePage) -> bool:
        """Whether the page may be seen; as the customer as whom a member of staff looks at it."""
        view = viewed(self.user, self.scope.get("session") or {})
        if view is not None and page.allowed(view.user, self.params):
            self.user = view.user
            return True
        return bool(page.allowed(self.user, self.params))
