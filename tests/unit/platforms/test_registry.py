"""The catalogue of platforms and the way to an adapter."""

from __future__ import annotations

import pytest

from apps.platforms.limits import Limits
from apps.platforms.ports import Connector, Credentials
from apps.platforms.registry import CATALOGUE, Status, UnknownPlatform, create_connector

GOOD = {"client_id": "a", "client_secret": "b", "access_token": "c"}


class Store:
    async def save(self, values: dict[str, str]) -> None:
        raise AssertionError("nothing is stored before a refresh")


def _create(platform: str, values: dict[str, str]) -> Connector:
    credentials = Credentials("127.0.0.1", 5035, False, values)
    return create_connector(platform, credentials, Store(), Limits.per_second(50, 5))


@pytest.mark.parametrize(
    "code", [code for code, entry in CATALOGUE.items() if entry.status is Status.AVAILABLE]
)
async def test_every_available_platform_has_an_adapter(code: str) -> None:
    assert isinstance(_create(code, GOOD), Connector)


@pytest.mark.parametrize("code", ["ftx", "bitmex"])
def test_a_retired_platform_says_what_became_of_it(code: str) -> None:
    with pytest.raises(UnknownPlatform, match="closed in"):
        _create(code, GOOD)


def test_an_unknown_code_names_those_that_exist() -> None:
    with pytest.raises(UnknownPlatform, match="ctrader"):
        _create("nowhere", GOOD)


def test_missing_credentials_are_named() -> None:
    with pytest.raises(ValueError, match="client_secret, access_token"):
        _create("ctrader", {"client_id": "a"})


def test_secrets_do_not_show() -> None:
    credentials = Credentials("127.0.0.1", 5035, False, {"client_secret": "hunter2"})
    assert "hunter2" not in repr(credentials)
