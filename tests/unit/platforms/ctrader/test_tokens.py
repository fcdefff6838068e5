"""A one-shot refresh token is never lost, and never spent twice."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from apps.openapi_wire import messages
from apps.platforms.adapters.ctrader.session import Reply
from apps.platforms.adapters.ctrader.tokens import Tokens
from apps.platforms.ports import Credentials, PlatformError


class Server:
    """Gives a new pair for the current refresh token, once."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._good = "r0"

    async def ask(self, message: Any) -> Reply:
        self.asked.append(message.refreshToken)
        await asyncio.sleep(0)
        if message.refreshToken != self._good:
            raise PlatformError("CH_ACCESS_TOKEN_INVALID", "used")
        number = len(self.asked)
        self._good = f"r{number}"
        answer = messages.ProtoOARefreshTokenRes(
            accessToken=f"a{number}", tokenType="bearer", expiresIn=1_000, refreshToken=self._good
        )
        return Reply(answer, datetime.now(UTC))


class Store:
    def __init__(self, failures: int = 0) -> None:
        self.saved: list[dict[str, str]] = []
        self._failures = failures

    async def save(self, values: dict[str, str]) -> None:
        if self._failures:
            self._failures -= 1
            raise OSError("no database")
        self.saved.append(dict(values))


def _tokens(store: Store, **values: str) -> Tokens:
    known = {"access_token": "a0", "refresh_token": "r0", "client_id": "x"} | values
    credentials = Credentials("127.0.0.1", 1, False, known)
    return Tokens(credentials, store, clock=lambda: 10_000.0)


async def test_the_new_pair_is_stored_before_it_is_used() -> None:
    store, server = Store(), Server()
    tokens = _tokens(store)
    assert await tokens.renew(server, "a0")  # type: ignore[arg-type]
    assert tokens.access == "a1"
    (saved,) = store.saved
    assert saved["refresh_token"] == "r1"
    assert saved["client_id"] == "x"
    assert tokens.renew_in() == 900


async def test_of_many_that_find_it_stale_one_asks() -> None:
    store, server = Store(), Server()
    tokens = _tokens(store)
    assert all(await asyncio.gather(*(tokens.renew(server, "a0") for _ in range(5))))  # type: ignore[arg-type]
    assert server.asked == ["r0"]


async def test_where_storing_failed_the_next_attempt_begins_with_it() -> None:
    store, server = Store(failures=1), Server()
    tokens = _tokens(store)
    with pytest.raises(ConnectionError, match="no database"):
        await tokens.renew(server, "a0")  # type: ignore[arg-type]
    assert tokens.access == "a0"
    assert await tokens.renew(server, "a0")  # type: ignore[arg-type]
    assert server.asked == ["r0"]
    assert (tokens.access, store.saved[0]["access_token"]) == ("a1", "a1")


async def test_a_spent_refresh_token_cannot_help() -> None:
    store, server = Store(), Server()
    tokens = _tokens(store, refresh_token="old")
    assert not await tokens.renew(server, "a0")  # type: ignore[arg-type]
    assert store.saved == []


async def test_a_platform_that_is_away_does_not_make_a_token_worthless() -> None:
    class Away:
        async def ask(self, message: Any) -> Reply:
            raise PlatformError("SERVER_IS_UNDER_MAINTENANCE")

    with pytest.raises(ConnectionError):
        await _tokens(Store()).renew(Away(), "a0")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "due"),
    [
        ({}, None),
        ({"expires_at": "110000"}, 110_000 - 86_400 - 10_000),
        ({"expires_at": "110000", "renew_at": "10500"}, 500),
        ({"expires_at": "110000", "refresh_token": ""}, None),
    ],
)
def test_when_it_is_renewed(values: dict[str, str], due: float | None) -> None:
    assert _tokens(Store(), **values).renew_in() == due
