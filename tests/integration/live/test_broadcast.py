"""What many watch is looked at once: sockets of one audience share a renderer."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest
from channels.db import database_sync_to_async

from apps.accounts.api import create_staff
from apps.accounts.roles import Role
from apps.console.live_copying import LIVE
from apps.live import broadcast, consumers
from tests.factories.copytrading import CopyWorld
from tests.integration.live.test_live_sockets import _leave_no_session, socket, trade

__all__ = ["_leave_no_session"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("live_redis_url")]
in_thread = database_sync_to_async


def setting() -> tuple[CopyWorld, list[Any]]:
    world = CopyWorld()
    world.follow()
    people = [
        create_staff(actor=None, email=f"{name}@example.org", password="pw", name=name, role=role)
        for name, role in (("a", Role.SUPPORT), ("b", Role.SUPPORT), ("owner", Role.OWNER))
    ]
    return world, people


async def test_one_rendering_for_all_who_see_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    world, people = await in_thread(setting)()
    renders: list[str] = []
    original = LIVE.sections

    def counted(user: Any, params: Any) -> Any:
        renders.append(user.email)
        return original(user, params)

    object.__setattr__(LIVE, "sections", counted)
    object.__setattr__(LIVE, "refresh_s", 60.0)
    monkeypatch.setattr(consumers, "RECHECK_S", 600.0)
    try:
        async with AsyncExitStack() as stack:
            sockets = [
                (await stack.enter_async_context(socket("/ws/live/live/", person)))[1]
                for person in (*people, *people[:2] * 3)
            ]
            for each in sockets:
                for _ in range(4):  # the whole page: it was not seen before
                    await each.text()
            assert len(broadcast._running) == 2, "support, and the owner who may do more"
            before = len(renders)
            await in_thread(trade)(world)
            for each in sockets:
                texts = [await each.text()]
                while "Copied in full" not in texts[-1]:
                    texts.append(await each.text())
            assert len(renders) - before <= 2 * 2, "planned and settled, for each of two audiences"
            assert {"owner@example.org"} < set(renders) and len(set(renders)) == 2
    finally:
        object.__setattr__(LIVE, "sections", original)
        object.__setattr__(LIVE, "refresh_s", 2.0)
    await asyncio.sleep(0)
    assert not broadcast._running, "nobody listens any more"


def test_a_reader_that_is_too_far_behind_begins_anew() -> None:
    async def slow() -> list[str]:
        listener = broadcast.Listener()
        for number in range(broadcast.MOST_WAITING + 5):
            listener.put([str(number)])
        return [text async for text in listener.texts()]

    got = asyncio.run(slow())
    assert got == [str(number) for number in range(broadcast.MOST_WAITING + 1)]
