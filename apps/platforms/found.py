"""Asking cTrader which accounts a customer's new tokens open, before anything of them is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.conf import settings

from apps.platforms.limits import Limits
from apps.platforms.ports import AccountRef, Connector, Credentials, PlatformError
from apps.platforms.registry import create_connector

PLATFORM = "ctrader"
_READ_S = 25.0


@dataclass(frozen=True, slots=True)
class FoundAccount:
    """An account that the tokens open; ``problem`` says why it cannot be used, '' if it can.

    Amounts and leverage are text, as they are kept between two pages.
    """

    account: str
    login: str
    server: str
    is_live: bool
    currency: str = ""
    leverage: str = ""
    margin_mode: str = ""
    balance: str = ""
    problem: str = ""


class _NotKept:
    """Tokens that are minutes old are not replaced; if they were, the next try asks anew."""

    async def save(self, values: dict[str, str]) -> None:
        return None


async def read_accounts(values: dict[str, str]) -> list[FoundAccount]:
    """All accounts that the tokens open, with their money.

    AuthRefused, ConnectionError, PlatformError or TimeoutError where the platform does not answer
    as it should.
    """
    async with asyncio.timeout(_READ_S):
        return await _read(values)


async def _read(values: dict[str, str]) -> list[FoundAccount]:
    """Each account from its own server, live or demo."""
    connectors: dict[str, Connector] = {}
    try:
        refs = await (await _connected(connectors, settings.CTRADER_DEMO, values)).accounts()
        found: list[FoundAccount] = []
        for is_live in (True, False):
            part = [ref for ref in refs if ref.is_live is is_live]
            if part:
                address = settings.CTRADER_LIVE if is_live else settings.CTRADER_DEMO
                connector = await _connected(connectors, address, values)
                found += await _details(connector, part)
        return found
    finally:
        for connector in connectors.values():
            await connector.close()


async def _connected(
    connectors: dict[str, Connector], address: str, values: dict[str, str]
) -> Connector:
    if address not in connectors:
        host, port = split_address(address)
        credentials = Credentials(host, port, settings.CTRADER_TLS, dict(values))
        connector = create_connector(PLATFORM, credentials, _NotKept(), Limits.per_second(40, 5))
        await connector.connect()
        connectors[address] = connector
    return connectors[address]


async def _details(connector: Connector, refs: Sequence[AccountRef]) -> list[FoundAccount]:
    """Refused accounts are told with the platform's reason."""
    refused = await connector.attach([ref.account for ref in refs])
    return list(
        await asyncio.gather(*(_detail(connector, r, refused.get(r.account, "")) for r in refs))
    )


async def _detail(connector: Connector, ref: AccountRef, refused: str) -> FoundAccount:
    base = FoundAccount(ref.account, ref.login, ref.server, ref.is_live)
    if refused:
        return replace(base, problem=f"cTrader refuses it: {refused}")
    try:
        state = (await connector.snapshot(ref.account)).state
    except PlatformError as error:
        return replace(base, problem=f"cTrader refuses it: {error}")
    return replace(
        base,
        currency=state.currency,
        leverage=str(state.leverage),
        margin_mode=state.margin_mode.value,
        balance=str(state.balance),
    )


def split_address(address: str) -> tuple[str, int]:
    """Host and port of ``host:port``."""
    host, _, port = address.rpartition(":")
    return host, int(port)
