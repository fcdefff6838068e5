"""A venue inside a test: in-process, on free ports, with prices that stand still.

>>> async with running_venue() as venue:
...     account = venue.open_account(currency="EUR", deposit="10000")
...     venue.set_price("EURUSD", "1.10000", "1.10010")
...     venue.faults.add("drop", message="NEW_ORDER_REQ", nth=1)
...     await connect(venue.host, venue.port, account.access_token, account.account_id)
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from apps.papervenue import books
from apps.papervenue.admin import AdminServer
from apps.papervenue.config import VenueConfig
from apps.papervenue.engine import DEFAULT_SYMBOLS
from apps.papervenue.engine.specs import PRICE_DIGITS
from apps.papervenue.faults import FaultPlan
from apps.papervenue.prices import Manual
from apps.papervenue.server import VenueServer

PRICES: Mapping[str, tuple[str, str]] = {
    "EURUSD": ("1.10000", "1.10010"),
    "GBPUSD": ("1.27000", "1.27010"),
    "USDJPY": ("150.000", "150.010"),
    "AUDUSD": ("0.66000", "0.66010"),
    "USDCAD": ("1.36000", "1.36010"),
    "USDCHF": ("0.88000", "0.88010"),
    "NZDUSD": ("0.61000", "0.61010"),
    "EURGBP": ("0.86610", "0.86620"),
    "EURJPY": ("165.000", "165.020"),
    "GBPJPY": ("190.500", "190.520"),
    "EURCHF": ("0.96800", "0.96810"),
    "AUDNZD": ("1.08190", "1.08210"),
}
"""What prices are at the start of a test."""


@dataclass(frozen=True, slots=True)
class OpenedAccount:
    """An account as the venue opened it, with its owner's tokens."""

    account_id: int
    login: int
    owner: str
    access_token: str
    refresh_token: str


class TestVenue:
    """A venue in the hands of a test."""

    __test__ = False  # a helper, not a test case

    def __init__(self, config: VenueConfig) -> None:
        self.config = config
        self.host = config.host
        self.client_id = config.client_id
        self.client_secret = config.client_secret
        self._server: VenueServer | None = None
        self._config = config

    @property
    def server(self) -> VenueServer:
        if self._server is None:
            raise RuntimeError("the venue is not running")
        return self._server

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def admin_port(self) -> int:
        return self.server.admin_port

    @property
    def faults(self) -> FaultPlan:
        return self.server.venue.faults

    async def start(self) -> None:
        quotes = {_symbol_id(name): _scaled(pair) for name, pair in PRICES.items()}
        self._server = VenueServer(self._config, Manual(quotes))
        await self._server.start()
        self._config = replace(
            self._config,
            port=self._server.port,
            admin_port=self._server.admin_port,
            http_port=self._server.http_port or None,
        )

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop()
            self._server = None

    async def restart(self) -> None:
        """Stop and start again on the same ports; without a data folder all is forgotten."""
        await self.stop()
        await self.start()

    def open_account(self, **terms: Any) -> OpenedAccount:
        """Open one account: name, owner, currency, leverage, margin_mode, deposit."""
        return self.open_accounts([{"name": "test", "deposit": "100000", **terms}])[0]

    def open_accounts(self, terms: list[dict[str, Any]]) -> list[OpenedAccount]:
        answer = self.ask("open_accounts", accounts=terms)
        return [
            OpenedAccount(
                account_id=account["account"],
                login=account["login"],
                owner=account["owner"],
                access_token=answer["owners"][account["owner"]]["access_token"],
                refresh_token=answer["owners"][account["owner"]]["refresh_token"],
            )
            for account in answer["accounts"]
        ]

    def set_price(self, symbol: str, bid: str, ask: str) -> None:
        """Move a price; what it triggers has happened when this returns."""
        self.ask("set_price", symbol=symbol, bid=bid, ask=ask)

    def books(self, account_id: int) -> Mapping[str, Any]:
        """Everything on the books of an account (see ``books.dump``)."""
        venue = self.server.venue
        return books.dump(venue.store, venue.engine.book.accounts[account_id])

    def cut_sessions(self) -> None:
        """Break every session, as a broken line does."""
        self.ask("disconnect")

    def ask(self, do: str, **terms: Any) -> dict[str, Any]:
        """An admin command, without the detour over its port. RuntimeError if refused."""
        admin = AdminServer(self.server.venue, asyncio.Event())
        answer = dict(admin.answer(json.dumps({"do": do, **terms}).encode()))
        if not answer.pop("ok"):
            raise RuntimeError(answer["error"])
        return answer


@asynccontextmanager
async def running_venue(data: Path | None = None, **settings: Any) -> AsyncIterator[TestVenue]:
    """A venue on free loopback ports, without rate limits unless ``settings`` set them.

    ``settings`` are fields of :class:`~apps.papervenue.config.VenueConfig`. With ``data`` it
    keeps its books there, otherwise in memory.
    """
    terms: dict[str, Any] = {
        "port": 0,
        "admin_port": 0,
        "prices": "manual",
        "rate_limit": None,
        "history_rate_limit": None,
        **settings,
    }
    venue = TestVenue(VenueConfig(data=data, **terms))
    await venue.start()
    try:
        yield venue
    finally:
        await venue.stop()


def _symbol_id(name: str) -> int:
    return next(spec.symbol_id for spec in DEFAULT_SYMBOLS if spec.name == name)


def _scaled(pair: tuple[str, str]) -> tuple[int, int]:
    bid, ask = (int(Decimal(text).scaleb(PRICE_DIGITS)) for text in pair)
    return bid, ask
