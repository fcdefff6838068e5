"""The venue itself, between sessions and engine: one thread, one turn at a time.

All frames that have arrived are handled together, then the store commits once, then every
session writes once. Nothing that is answered can be lost, and a thousand orders cost one
transaction per batch.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Iterable
from typing import Any

from google.protobuf.message import Message

from apps.openapi_wire import encode_frame, messages
from apps.openapi_wire.enums import ErrorCode
from apps.papervenue.config import VenueConfig
from apps.papervenue.engine import DEFAULT_SYMBOLS, Account, Engine, Refused, SymbolSpec
from apps.papervenue.engine.checks import AT_MARKET
from apps.papervenue.faults import FaultPlan, FaultRule
from apps.papervenue.intake import Intake
from apps.papervenue.outbox import Outbox
from apps.papervenue.owners import Owners
from apps.papervenue.session import Session
from apps.papervenue.store import Store
from apps.trading.money import currency_digits
from apps.trading.schedule import Schedule

log = logging.getLogger(__name__)
SWEEP_BITE = 64  # accounts
Quotes = Iterable[tuple[int, int, int]]


def wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


class Venue:
    """Accounts, sessions and the road between them. Runs on one event loop."""

    def __init__(self, config: VenueConfig, now: Callable[[], int] = wall_clock_ms) -> None:
        self.config = config
        self.now = now
        self.faults = FaultPlan()
        self.store = Store(config.data)
        self.owners = Owners(config.token_lifetime_s, self.store.owner)
        currencies = dict.fromkeys(c for s in DEFAULT_SYMBOLS for c in (s.quote, s.base))
        self.assets = {name: number for number, name in enumerate(currencies, start=1)}
        self.outbox = Outbox(self.store, self.assets.__getitem__)
        self.engine = Engine(self.outbox)
        for name, schedule in config.hours.items():
            for spec in DEFAULT_SYMBOLS:
                if name in {spec.name, "*"} and schedule:
                    self.engine.book.schedules[spec.symbol_id] = schedule
        self.sessions: set[Session] = set()
        self.symbols_offered: set[int] = set()
        self.meta = self.store.load(self.engine.book)
        for owner in self.store.owners():
            self.owners.load(owner)
        self.intake = Intake(self)
        self.failed: Callable[[], None] = lambda: None
        self._drop_unfinished()

    def settle(self) -> None:
        """Make durable what happened, then let the answers leave.

        Where the books cannot be written nothing may be answered any more: the venue ends.
        """
        try:
            self.store.commit()
        except sqlite3.Error:
            log.critical("the books cannot be written; the venue stops", exc_info=True)
            for session in self.sessions.copy():
                session.cut()
            self.failed()
            return
        for session in self.sessions.copy():
            if session.dirty:
                session.flush()

    @property
    def rule(self) -> FaultRule | None:
        """The fault that strikes the request in hand."""
        return None if self.outbox.request is None else self.outbox.request.rule

    def account(self, session: Session, request: Any) -> Account:
        """The account a request is for, which the session must have opened."""
        number: int = request.ctidTraderAccountId
        if number not in session.accounts:
            raise Refused(
                ErrorCode.ACCOUNT_NOT_AUTHORIZED, f"account {number} is not open on this session"
            )
        return self.engine.book.accounts[number]

    def symbol(self, symbol_id: int) -> SymbolSpec:
        if symbol_id not in self.symbols_offered:
            raise Refused(ErrorCode.SYMBOL_NOT_FOUND, f"there is no symbol {symbol_id}")
        return self.engine.book.specs[symbol_id]

    def offered(self) -> list[SymbolSpec]:
        return [
            spec
            for number, spec in self.engine.book.specs.items()
            if number in self.symbols_offered
        ]

    @staticmethod
    def digits(currency: str) -> int:
        return currency_digits(currency)

    def _drop_unfinished(self) -> None:
        """Market orders whose rest was to follow when the venue was stopped are cancelled."""
        for account in self.engine.book.accounts.values():
            for order in list(account.orders.values()):
                if order.executed and order.type in AT_MARKET:
                    self.engine.abandon(order, self.now())
        self.store.commit()

    def leave(self, session: Session, account_id: int) -> None:
        """Take an account from a session."""
        session.accounts.discard(account_id)
        for listeners in session.spots.values():
            listeners.discard(account_id)
        receivers = self.outbox.sessions.get(account_id, [])
        if session in receivers:
            receivers.remove(session)

    def gone(self, session: Session) -> None:
        """A session has ended."""
        for account_id in tuple(session.accounts):
            self.leave(session, account_id)
        self.sessions.discard(session)

    def quotes(self, quotes: Quotes) -> None:
        """New prices: trigger what they reach and tell who subscribed.

        Of a symbol that is closed only its first price is taken.
        """
        now = self.now()
        for symbol_id, bid, ask in quotes:
            self.symbols_offered.add(symbol_id)
            if symbol_id in self.engine.book.quotes and not self.engine.book.is_open(
                symbol_id, now
            ):
                continue
            self.engine.tick(symbol_id, bid, ask, now)
            for session in self.sessions:
                for account_id in session.spots.get(symbol_id, ()):
                    self.send_spot(session, symbol_id, account_id)
        self.settle()

    def set_schedule(self, symbol_id: int, schedule: Schedule) -> None:
        """Give a symbol other trading hours; every session is told once, for one account."""
        if schedule:
            self.engine.book.schedules[symbol_id] = schedule
        else:
            self.engine.book.schedules.pop(symbol_id, None)
        for session in self.sessions:
            if session.accounts:
                event = messages.ProtoOASymbolChangedEvent(
                    ctidTraderAccountId=min(session.accounts), symbolId=[symbol_id]
                )
                self.tell(session, event)

    def send_spot(self, session: Session, symbol_id: int, account_id: int) -> None:
        quote = self.engine.book.quotes.get(symbol_id)
        if quote is None:
            return
        event = messages.ProtoOASpotEvent(
            ctidTraderAccountId=account_id, symbolId=symbol_id, bid=quote[0], ask=quote[1]
        )
        if (symbol_id, account_id) in session.stamped:
            event.timestamp = self.now()
        session.send(encode_frame(event))

    def sweep(self) -> None:
        """Once a second: what time does to orders, accounts, tokens and silent sessions."""
        now = self.now()
        self.engine.sweep(now)
        self._house_keeping(now)

    async def sweep_gently(self) -> None:
        """The same in small bites, so that no order waits for it."""
        accounts = list(self.engine.book.accounts.values())
        for start in range(0, len(accounts), SWEEP_BITE):
            self.engine.sweep(self.now(), accounts[start : start + SWEEP_BITE])
            self.settle()
            await asyncio.sleep(0)
        self._house_keeping(self.now())

    def _house_keeping(self, now: int) -> None:
        last = self.meta.get("rollover_ms", now)
        if self.engine.rollover(last, now) or "rollover_ms" not in self.meta:
            self.meta["rollover_ms"] = now
            self.store.meta("rollover_ms", now)
        self._end_tokens(now)
        for session in self.sessions.copy():
            session.keep_alive(time.monotonic())
        self.settle()

    def _end_tokens(self, now: int) -> None:
        for session in self.sessions:
            accounts = self.engine.book.accounts
            ended = [n for n in session.accounts if self.owners.ended(accounts[n].owner, now)]
            if ended:
                self.tell(
                    session,
                    messages.ProtoOAAccountsTokenInvalidatedEvent(
                        ctidTraderAccountIds=ended, reason="the access token is no longer valid"
                    ),
                )
                for number in ended:
                    self.leave(session, number)

    def tell(self, session: Session, message: Message) -> None:
        session.send(encode_frame(message))
