"""The bell of an open page follows what its user has not read, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.api import create_customer
from apps.accounts.models import User
from apps.common.live_pages import show
from apps.live import receivers
from apps.live.bell import BELL
from apps.live.welcome import Guest, desk, welcomes
from apps.notifications import api, gathering
from apps.notifications.domain.kinds import Kind
from apps.notifications.writing import Note, write
from apps.portal.live import ACCOUNTS
from tests.integration.live.test_live_sockets import QUIET_S, in_thread, socket
from tests.support.database import close_idle_connections

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("live_redis_url")]


@pytest.fixture(autouse=True)
def _leave_no_session(transactional_db: None) -> Iterator[None]:
    yield
    close_idle_connections()


def people() -> list[User]:
    return [
        create_customer(actor=None, email=f"{name}@example.org", password="pw", name=name)
        for name in ("mara", "other")
    ]


def tell(user: User, key: str) -> None:
    told = write([Note(user.pk, Kind.DRIFT, key, "text")], timezone.now())
    gathering.announce(told)


async def test_it_rings_on_every_page_of_its_user_alone() -> None:
    mara, other = await in_thread(people)()
    accounts = (await in_thread(show)(ACCOUNTS, mara, {})).url
    async with (
        socket(accounts, mara) as (_, page),
        socket("/ws/live/bell/?bell=0", mara) as (_, plain),
        socket("/ws/live/bell/?bell=0", other) as (_, strangers),
    ):
        assert await page.receive_nothing(QUIET_S)
        await in_thread(tell)(mara, "a")
        for opened in (page, plain):
            message = await opened.text()
            assert 'id="bell-count" hx-swap-oob="true"' in message and "1 unread" in message
        await in_thread(lambda: api.mark_read(user=mara))()
        assert "unread" not in await plain.text()
        assert await strangers.receive_nothing(QUIET_S)


async def test_what_came_while_a_page_was_loading_is_caught_up_with() -> None:
    mara, _ = await in_thread(people)()
    url = (await in_thread(show)(BELL, mara, {})).url
    await in_thread(tell)(mara, "a")
    async with socket(url, mara) as (_, page):
        assert "1 unread" in await page.text()


async def test_many_bells_are_not_given_a_number_each(monkeypatch: pytest.MonkeyPatch) -> None:
    mara, other = await in_thread(people)()
    monkeypatch.setattr(receivers, "BELLS_AT_ONCE", 1)
    monkeypatch.setattr("apps.live.consumers.SPREAD_S", 0.05)
    async with socket("/ws/live/bell/?bell=0", mara) as (_, hers):
        await in_thread(tell)(mara, "a")
        await hers.text()
        await in_thread(lambda: gathering.announce([mara.pk, other.pk]))()
        assert "1 unread" in await hers.text()


def signed_in(user: User) -> SessionStore:
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.save()
    return store


async def test_a_session_that_was_signed_out_elsewhere_is_not_welcome() -> None:
    mara, _ = await in_thread(people)()

    session = await in_thread(lambda: signed_in(mara))()
    guest = Guest(BELL, {}, mara, session.session_key)
    found = await desk().ask(guest)
    assert found is not None and found.user == mara
    await database_sync_to_async(SessionStore(session.session_key).delete)()
    assert await desk().ask(guest) is None


async def test_many_pages_are_rechecked_with_a_query_for_sessions_and_one_for_users() -> None:
    mara, other = await in_thread(people)()

    def asked() -> tuple[list[bool], int]:
        keys = [signed_in((mara, other)[number % 2]) for number in range(6)]
        mara.set_password("another")
        mara.save()
        guests = [Guest(BELL, {}, None, store.session_key) for store in keys]
        with CaptureQueriesContext(connection) as queries:
            found = welcomes([*guests, Guest(BELL, {}, None, "gone")])
        return [each is not None for each in found], len(queries)

    assert await in_thread(asked)() == ([False, True] * 3 + [False], 2)
