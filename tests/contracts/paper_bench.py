"""The paper venue as a bench, behind a relay that can fail like a network."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from apps.openapi_wire import FrameDecoder
from apps.papervenue.config import VenueConfig
from apps.papervenue.requests import history
from apps.papervenue.testing import TestVenue
from apps.platforms.adapters.ctrader.connector import CTraderConnector, create
from apps.platforms.adapters.ctrader.timing import Timing
from apps.platforms.limits import Limits
from apps.platforms.ports import Credentials
from apps.trading.orders import Side
from apps.trading.positions import MarginMode
from tests.contracts.bench import DELAY_S, BookedPosition, Fault
from tests.contracts.other_terminal import OtherTerminal
from tests.contracts.relay import Relay

D = Decimal
EURUSD, USDJPY = 1, 3
OWNER = "bench"
TIMING = Timing(
    dial=2.0,
    answer=3.0,
    heartbeat=0.5,
    dead_after=2.0,
    first_pause=0.05,
    longest_pause=0.2,
    refused_again=0.2,
)
RULES: dict[Fault, dict[str, object]] = {
    Fault.DROP: {"action": "drop"},
    Fault.SILENCE: {"action": "mute"},
    Fault.DELAY: {"action": "delay", "delay_ms": int(DELAY_S * 1000)},
    Fault.DUPLICATE: {"action": "duplicate"},
    Fault.PARTIAL_FILL: {"action": "partial", "delay_ms": 50},
    Fault.PARTIAL_THEN_CANCEL: {"action": "partial_cancel"},
    Fault.REJECT_LATER: {"action": "reject_after_accept"},
    Fault.REORDER: {"action": "reorder"},
    Fault.DISCONNECT: {"action": "disconnect"},
}
TOO_MANY = (b"REQUEST_FREQUENCY_EXCEEDED", b"BLOCKED_PAYLOAD_TYPE")


class PaperBench:
    """See :class:`tests.contracts.bench.PlatformBench`."""

    symbol = "EURUSD"
    exact: dict[str, object] = {
        "base": "EUR",
        "quote": "USD",
        "digits": 5,
        "pip_digits": 4,
        "lot_units": D(100_000),
        "min_units": D(1_000),
        "step_units": D(1_000),
        "max_units": D(50_000_000),
        "tradable": True,
    }
    dead_after_s = TIMING.dead_after

    def __init__(self, data: Path) -> None:
        self.bid, self.ask = D("1.10000"), D("1.10010")
        self.saved: list[dict[str, str]] = []
        self._config = VenueConfig(
            port=0,
            admin_port=0,
            data=data,
            rate_limit=None,
            history_rate_limit=None,
            prices="manual",
            heartbeat_s=0.5,
            silence_s=2.5,
        )
        self._venue = TestVenue(self._config)
        self._values = {
            "client_id": self._config.client_id,
            "client_secret": self._config.client_secret,
        }
        self._relay = Relay(self._watch)
        self._refusals = 0
        self._rows = history.MAX_ROWS
        self._connectors: list[CTraderConnector] = []

    async def start(self) -> None:
        await self._venue.start()
        await self.set_price(self.bid, self.ask)
        self._relay.target = self._venue.port

    async def begin(self) -> None:
        """Start for the first time, with the relay in front."""
        await self.start()
        await self._relay.start()
        tokens = self._venue.ask("tokens", owner=OWNER)["owner"]
        self._values |= {name: tokens[name] for name in ("access_token", "refresh_token")}

    async def stop(self) -> None:
        self._relay.target = 0
        await self._venue.stop()

    async def close(self) -> None:
        history.MAX_ROWS = self._rows
        for connector in self._connectors:
            connector.abort()
        await self.stop()
        await self._relay.stop()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    # --- accounts and connectors ---

    async def open_account(
        self,
        mode: MarginMode = MarginMode.HEDGING,
        *,
        deposit: Decimal = Decimal(10_000),
        currency: str = "USD",
        stranger: bool = False,
    ) -> str:
        terms = {
            "name": "account",
            "owner": "stranger" if stranger else OWNER,
            "currency": currency,
            "margin_mode": mode.value,
            "deposit": str(deposit),
        }
        return str(self._venue.ask("open_accounts", accounts=[terms])["accounts"][0]["account"])

    def connector(self, *, limits: Limits | None = None, wrong: bool = False) -> CTraderConnector:
        values = self._values | ({"client_secret": "wrong"} if wrong else {})
        credentials = Credentials("127.0.0.1", self._relay.port, tls=False, values=values)
        made = create(credentials, self, limits or Limits.per_second(0, 0), TIMING)
        self._connectors.append(made)
        return made

    async def save(self, values: dict[str, str]) -> None:
        """The CredentialStore of every connector made here."""
        self.saved.append(dict(values))
        self._values = dict(values)

    async def let_token_age(self) -> None:
        self._values["renew_at"] = f"{time.time() + 0.3:.1f}"

    async def invalidate_token(self) -> None:
        self._venue.ask("revoke", owner=OWNER)

    async def revoke(self) -> None:
        async with OtherTerminal(self._venue.port, self._values) as other:
            await other.spend_refresh_token()
        self._venue.ask("revoke", owner=OWNER)

    # --- what happens there ---

    async def set_price(self, bid: Decimal, ask: Decimal) -> None:
        self.bid, self.ask = bid, ask
        self._venue.ask("set_price", symbol=self.symbol, bid=str(bid), ask=str(ask))

    async def fault(
        self, kind: Fault, account: str = "", *, count: int = 1, after: int = 0
    ) -> None:
        rule = RULES[kind] | {"message": "NEW_ORDER_REQ", "count": count}
        if account:
            rule["account"] = int(account)
        if after:
            rule["nth"] = after + 1
        self._venue.ask("faults", rules=[rule])

    async def clear_faults(self) -> None:
        self._venue.ask("faults", rules=[])

    async def deposit(self, account: str, amount: Decimal) -> None:
        self._venue.ask("deposit", account=int(account), amount=str(amount))

    async def trade_elsewhere(
        self, account: str, side: Side, units: Decimal, *, close: str = ""
    ) -> str:
        number, volume = int(account), int(units * 100)
        async with OtherTerminal(self._venue.port, self._values) as other:
            await other.sign_in(number)
            if close:
                return await other.close(number, close, volume)
            return await other.open(number, EURUSD, side, volume)

    async def refuse_sign_in(self, account: str, code: str) -> None:
        rule = {"action": "reject", "message": "ACCOUNT_AUTH_REQ", "count": 1, "code": code}
        self._venue.ask("faults", rules=[rule | {"account": int(account)}])

    async def trail_elsewhere(self, account: str, position_id: str, stop: Decimal) -> None:
        async with OtherTerminal(self._venue.port, self._values) as other:
            await other.sign_in(int(account))
            await other.trail(int(account), position_id, float(stop))

    async def limit_rate(self, requests: int, history: int) -> None:
        await self.stop()
        limited = replace(self._config, rate_limit=requests, history_rate_limit=history)
        self._venue = TestVenue(limited)
        await self.start()

    async def page_history(self, rows: int) -> None:
        history.MAX_ROWS = rows

    # --- the network ---

    async def cut(self) -> None:
        await self._relay.cut()

    async def freeze(self) -> None:
        self._relay.freeze()

    async def hold_off(self) -> None:
        self._relay.barred = True

    async def let_in(self) -> None:
        self._relay.barred = False

    async def bytes_sent(self) -> int:
        return self._relay.bytes_up

    async def refusals_for_rate(self) -> int:
        return self._refusals

    def _watch(self) -> Callable[[bytes], None]:
        decoder = FrameDecoder()

        def look(data: bytes) -> None:
            for frame in decoder.feed(data):
                self._refusals += any(code in frame.payload for code in TOO_MANY)

        return look

    # --- its own books ---

    async def books(self, account: str) -> list[BookedPosition]:
        book = self._venue.books(int(account))
        return [
            BookedPosition(str(p["position_id"]), p["label"], Side(p["side"]), D(p["units"]))
            for p in book["positions"]
        ]

    async def requests_seen(self) -> int:
        return sum(len(book["orders"]) for book in self._venue.ask("books")["books"])
