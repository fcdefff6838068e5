"""Whether those who have a live page open may still see it, looked up for many at once.

A thousand open pages that each ask every quarter of a minute for session, user and permission
would keep one processor half busy; those who ask within a moment share two queries.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from channels.db import database_sync_to_async

from apps.accounts.models import User
from apps.accounts.sessions import signed_in
from apps.accounts.view_as import viewed
from apps.common.live_pages import LivePage, Params
from apps.live.loops import PerLoop

#: Who asks within so many seconds is answered together.
GATHER_S = 0.5


@dataclass(frozen=True, slots=True)
class Guest:
    """An open page: of whom, with which parameters, and the key of the session behind it."""

    page: LivePage
    params: Params
    user: Any
    session_key: str | None


@dataclass(frozen=True, slots=True)
class Welcome:
    """As whom the page is seen, and with whom it is shared."""

    user: User
    audience: str


def welcome(guest: Guest, user: Any, session: Mapping[str, Any]) -> Welcome | None:
    """None for who may not see the page; as the customer as whom a member of staff looks."""
    if user is None or not user.is_authenticated or not user.is_active:
        return None
    view = viewed(user, session)
    if view is not None and guest.page.allowed(view.user, guest.params):
        user = view.user
    elif not guest.page.allowed(user, guest.params):
        return None
    return Welcome(user, guest.page.audience(user, guest.params))


def welcomes(guests: Sequence[Guest]) -> list[Welcome | None]:
    """For each guest anew, as sessions and users are in the database now."""
    found = signed_in({guest.session_key for guest in guests if guest.session_key})
    made: list[Welcome | None] = []
    for guest in guests:
        key = guest.session_key
        user, session = (guest.user, {}) if key is None else found.get(key, (None, {}))
        made.append(welcome(guest, user, session))
    return made


class Desk:
    """Answers all who ask within a moment together."""

    def __init__(self) -> None:
        self._asked: list[tuple[Guest, asyncio.Future[Welcome | None]]] = []
        self._answering: asyncio.Task[None] | None = None

    async def ask(self, guest: Guest) -> Welcome | None:
        """Whether the guest is still welcome, at most some moments later."""
        future: asyncio.Future[Welcome | None] = asyncio.get_running_loop().create_future()
        self._asked.append((guest, future))
        if self._answering is None:
            self._answering = asyncio.create_task(self._answer())
        return await future

    async def _answer(self) -> None:
        await asyncio.sleep(GATHER_S)
        asked, self._asked, self._answering = self._asked, [], None
        try:
            made = await database_sync_to_async(welcomes)([guest for guest, _ in asked])
        except Exception as error:
            for _, future in asked:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), each in zip(asked, made, strict=True):
            if not future.done():
                future.set_result(each)


desk = PerLoop(Desk)
