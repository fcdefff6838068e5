"""The catalogue of platforms, and the only way to an adapter."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from apps.platforms.limits import Limits
from apps.platforms.ports import Connector, Credentials, CredentialStore


class Status(enum.StrEnum):
    AVAILABLE = "available"
    RETIRED = "retired"  # the platform has closed; listed so that its name is not searched for


@dataclass(frozen=True, slots=True)
class Platform:
    """One entry of the catalogue.

    ``factory`` is the dotted path ``module:function`` of an :class:`AdapterFactory`, '' for
    a retired platform, whose ``note`` says what became of it. ``credentials`` names the
    values that :class:`~apps.platforms.ports.Credentials` must hold.
    """

    code: str
    name: str
    status: Status
    factory: str = ""
    credentials: tuple[str, ...] = ()
    note: str = ""


class AdapterFactory(Protocol):
    """Makes a connector that is not connected yet."""

    def __call__(
        self, credentials: Credentials, store: CredentialStore, limits: Limits
    ) -> Connector: ...


class UnknownPlatform(LookupError):
    """No adapter exists for this code, or no longer."""


_OPEN_API = ("client_id", "client_secret", "access_token")
_OPEN_API_FACTORY = "apps.platforms.adapters.ctrader.connector:create"

CATALOGUE: dict[str, Platform] = {
    entry.code: entry
    for entry in (
        Platform("ctrader", "cTrader", Status.AVAILABLE, _OPEN_API_FACTORY, _OPEN_API),
        Platform("paper", "Paper venue", Status.AVAILABLE, _OPEN_API_FACTORY, _OPEN_API),
        Platform("ftx", "FTX", Status.RETIRED, note="closed in November 2022"),
        Platform("bitmex", "BitMEX", Status.RETIRED, note="closed in September 2026"),
    )
}


def create_connector(
    platform: str, credentials: Credentials, store: CredentialStore, limits: Limits
) -> Connector:
    """A connector for ``platform``, not connected yet.

    Raises UnknownPlatform for a code without an adapter, ValueError when the credentials
    lack a value that the platform needs.
    """
    entry = CATALOGUE.get(platform)
    if entry is None:
        raise UnknownPlatform(f"there is no platform {platform!r}; known: {', '.join(CATALOGUE)}")
    if entry.status is Status.RETIRED:
        raise UnknownPlatform(f"{entry.name} has no adapter any more: {entry.note}")
    missing = [name for name in entry.credentials if not credentials.values.get(name)]
    if missing:
        raise ValueError(f"{entry.name} needs {', '.join(missing)}: add them to the connection")
    return _factory(entry.factory)(credentials, store, limits)


def _factory(path: str) -> AdapterFactory:
    module, _, name = path.partition(":")
    return cast(AdapterFactory, getattr(import_module(module), name))
