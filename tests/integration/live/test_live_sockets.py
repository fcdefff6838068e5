"""Who gets what over the sockets of live pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from channels.routing import URLRouter
from django.contrib.auth.models import AnonymousUser

from apps.accounts.api import create_customer, create_staff
from apps.accounts.roles import Role
from apps.common.live_pages import STAFF_GROUP, master_group, show
from apps.live import consumers
from apps.live.broadcast import SEPARATOR
from apps.live.consumers import LivePageConsumer
from apps.live.receivers import announce
from apps.live.routing import websocket_urlpatterns
from apps.portal.live_copying import COPYING
from tests.factories.copytrading import CopyWorld, switch_copying
from tests.support.database import close_idle_connections

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("live_redis_url")]

QUIET_S = 0.6


@pytest.fixture(autouse=True)
def _leave_no_session(transactional_db: None) -> Iterator[None]:
    yield
    close_idle_connections()


class Socket(ApplicationCommunicator):
    """A browser's end of a socket."""

    def __init__(self, address: str, user: Any) -> None:
        path, _, query = address.partition("?")
        scope = {
            "type": "websocket",
            "path": path,
            "query_string": query.encode(),
            "headers": [],
            "subprotocols": [],
            "user": user,
        }
        super().__init__(URLRouter(websocket_urlpatterns), scope)
        self._parts: list[str] = []

    async def text(self) -> str:
        """The next part of a message."""
        if not self._parts:
            message = await self.receive_output(timeout=3)
            assert message["type"] == "websocket.send"
            self._parts = message["text"].split(SEPARATOR)
        return str(self._parts.pop(0))


@asynccontextmanager
async def socket(address: str, user: Any) -> AsyncIterator[tuple[bool, Socket]]:
    """Whether the page's socket was accepted, and the socket."""
    opened = Socket(address, user)
    try:
        await opened.send_input({"type": "websocket.connect"})
        answer = await opened.receive_output(timeout=5)
        yield answer["type"] == "websocket.accept", opened
    finally:
        with suppress(asyncio.CancelledError, ValueError):
            await opened.send_input({"type": "websocket.disconnect", "code": 1000})
            await opened.wait(timeout=1)


def setting() -> tuple[CopyWorld, Any, Any, Any]:
    world = CopyWorld()
    people = [
        create_customer(actor=None, email=f"{name}@example.org", password="pw", name=name)
        for name in ("mara", "other")
    ]
    staff = create_staff(
        actor=None, email="ida@example.org", password="pw", name="Ida", role=Role.SUPPORT
    )
    world.follow(account={"owner": people[0], "name": "Main"})
    return world, *people, staff


in_thread = database_sync_to_async


def trade(world: CopyWorld) -> None:
    world.trade("p1", 100_000)
    world.run()


async def test_a_follower_hears_of_the_masters_trade_and_a_stranger_does_not() -> None:
    world, mara, other, _ = await in_thread(setting)()
    pages = [(await in_thread(show)(COPYING, user, {})).url for user in (mara, other)]

    async with socket(pages[0], mara) as (_, hers), socket(pages[1], other) as (_, strangers):
        assert await hers.receive_nothing(QUIET_S)
        await in_thread(trade)(world)

        messages = [await hers.text() for _ in range(4)]
        assert any("Copied in full" in message for message in messages)
        assert any("data-new" in message for message in messages)
        assert await strangers.receive_nothing(QUIET_S)


async def test_a_stranger_is_not_in_the_masters_group() -> None:
    world, mara, other, _ = await in_thread(setting)()
    name = master_group(world.account_id)
    heard = {
        user: await in_thread(lambda user=user: set(COPYING.groups(user, {})))()
        for user in (mara, other)
    }

    assert name in heard[mara]
    assert heard[other] == set()


async def test_many_changes_cost_few_refreshes() -> None:
    world, mara, *_ = await in_thread(setting)()
    page = await in_thread(show)(COPYING, mara, {})
    renders = 0
    original = COPYING.sections

    def counted(user: Any, params: Any) -> Any:
        nonlocal renders
        renders += 1
        return original(user, params)

    object.__setattr__(COPYING, "sections", counted)
    try:
        async with socket(page.url, mara) as (_, hers):
            assert await hers.receive_nothing(QUIET_S)
            before = renders
            await in_thread(announce_often)(world.account_id, 100)
            await asyncio.sleep(0.8)
            assert 1 <= renders - before <= 5
    finally:
        object.__setattr__(COPYING, "sections", original)


def announce_often(account_id: int, times: int) -> None:
    for _ in range(times):
        announce({"master_account_id": account_id})


async def test_a_page_that_missed_something_is_sent_whole_on_reconnecting() -> None:
    world, mara, *_ = await in_thread(setting)()
    page = await in_thread(show)(COPYING, mara, {})
    await in_thread(trade)(world)

    async with socket(page.url, mara) as (_, hers):
        messages = [await hers.text() for _ in page.sections]

    assert all("innerHTML:#" in message for message in messages)
    assert any("Copied in full" in message for message in messages)


async def test_a_browser_that_left_while_something_was_sent_is_no_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, mara, *_ = await in_thread(setting)()
    page = await in_thread(show)(COPYING, mara, {})
    reported: list[str] = []
    tried = asyncio.Event()

    async def gone(self: LivePageConsumer, *args: Any, **kwargs: Any) -> None:
        tried.set()
        raise BrokenPipeError("the browser has left")

    monkeypatch.setattr(LivePageConsumer, "send", gone)
    monkeypatch.setattr(
        consumers, "_log", SimpleNamespace(exception=lambda text, **_: reported.append(text))
    )
    async with socket(page.url, mara):
        await in_thread(trade)(world)
        await asyncio.wait_for(tried.wait(), timeout=3)

    assert reported == []


@pytest.mark.parametrize("name", ["live", "masters", "master", "platforms"])
async def test_pages_of_staff_are_closed_to_customers(name: str) -> None:
    world, mara, _, staff = await in_thread(setting)()
    address = f"/ws/live/{name}/?uuid={world.master.uuid}"

    async with socket(address, mara) as (hers, _), socket(address, staff) as (theirs, _):
        assert (hers, theirs) == (False, True)


async def test_another_customers_copy_and_account_are_closed() -> None:
    world, _, other, _ = await in_thread(setting)()
    copied = await in_thread(lambda: world.master.subscriptions.get())()
    account = await in_thread(lambda: copied.follower.account)()

    for address in (
        f"/ws/live/subscription/?subscription={copied.uuid}",
        f"/ws/live/account/?account={account.uuid}",
        "/ws/live/subscription/?subscription=nonsense",
        "/ws/live/account/",
        "/ws/live/nonsense/",
    ):
        async with socket(address, other) as (accepted, _):
            assert not accepted, address


async def test_nobody_gets_in_without_signing_in_or_while_the_module_is_off() -> None:
    _, mara, _, staff = await in_thread(setting)()
    async with socket("/ws/live/copying/", AnonymousUser()) as (accepted, _):
        assert not accepted
    await in_thread(switch_copying)(False)

    for page, user in (("copying", mara), ("live", staff)):
        async with socket(f"/ws/live/{page}/", user) as (accepted, _):
            assert not accepted, page


async def test_one_small_message_for_each_group() -> None:
    layer = get_channel_layer()
    assert layer is not None
    channel = await layer.new_channel()
    await layer.group_add(STAFF_GROUP, channel)

    await sync_to_async(announce)({"master_account_id": 7, "event_ids": list(range(1000))})

    message = await asyncio.wait_for(layer.receive(channel), 3)
    assert message == {"type": "copy.changed", "master_account_id": 7}
    await layer.group_discard(STAFF_GROUP, channel)
