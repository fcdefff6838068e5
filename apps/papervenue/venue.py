"""The venue itself, between sessions and engine: one thread, one turn at a time.

All frames that have arrived are handled together, then the store commits once, then every
session writes once. Nothing that is answered can be lost, and a thousand orders cost one
transaction per batch.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from google.protobuf.message import Message

from apps.openapi_wire import Frame, FrameError, UnknownPayload, encode_frame, messages
from apps.openapi_wire.enums import ErrorCode
from apps.openapi_wire.payloads import CommonPayloadType
from apps.papervenue.config import VenueConfig
from apps.papervenue.engine import DEFAULT_SYMBOLS, Account, Engine, Order, Refused, SymbolSpec
from apps.papervenue.faults import Fault, FaultPlan, FaultRule
from apps.papervenue.limits import HISTORY
from apps.papervenue.outbox import Outbox, Request
from apps.papervenue.owners import Owners
from apps.papervenue.requests import HANDLERS
from apps.papervenue.requests.access import BEFORE_APPLICATION
from apps.papervenue.requests.trading import HANDLERS as TRADING
from apps.papervenue.session import Session
from apps.papervenue.store import Store
from apps.trading.money import currency_digits

HEARTBEAT = CommonPayloadType.HEARTBEAT_EVENT
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
        self.sessions: set[Session] = set()
        self.symbols_offered: set[int] = set()
        self.meta = self.store.load(self.engine.book)
        for owner in self.store.owners():
            self.owners.load(owner)
        self._queue: deque[tuple[Session, Frame]] = deque()
        self._awake = False
        self._reordered: list[tuple[Any, bytes]] = []
        self._drop_unfinished()

    # -- what arrives -------------------------------------------------------------------

    def arrived(self, session: Session, frames: list[Frame]) -> None:
        """Frames that a session has read; they are handled when this turn has read all."""
        self._queue.extend((session, frame) for frame in frames)
        if not self._awake:
            self._awake = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        queue = self._queue
        for _ in range(min(len(queue), self.config.batch)):
            session, frame = queue.popleft()
            if not session.closed:
                self._take(session, frame)
        self.settle()
        self._awake = bool(queue)
        if queue:
            asyncio.get_running_loop().call_soon(self._turn)

    def settle(self) -> None:
        """Make durable what happened, then let the answers leave."""
        self.store.commit()
        for session in self.sessions.copy():
            if session.dirty:
                session.flush()

    def _take(self, session: Session, frame: Frame) -> None:
        kind = frame.payload_type
        if kind == HEARTBEAT:
            return
        self.outbox.request = Request(session, frame.client_msg_id, None)
        try:
            message = self._admit(session, frame)
        except Refused as refused:
            self._answer_error(refused, 0)
            return
        if message is None:
            return
        account = getattr(message, "ctidTraderAccountId", 0)
        rule = self.faults.strike(kind, account) if self.faults else None
        if rule is not None and self._stopped(rule, session, frame, message):
            return
        self._handle(session, frame, message, rule)

    def _admit(self, session: Session, frame: Frame) -> Any:
        """The parsed request, or None after an answer that refuses it."""
        kind = frame.payload_type
        limit = session.history_limit if kind in HISTORY else session.limit
        refusal = limit.refusal(kind, time.monotonic())
        if refusal is not None:
            code, wait = refusal
            answer = messages.ProtoOAErrorRes(
                errorCode=code, description="too many requests", retryAfter=wait or None
            )
            self.outbox.reply(answer)
            return None
        if kind not in HANDLERS:
            raise Refused(ErrorCode.UNSUPPORTED_MESSAGE, f"payload type {kind} is not served")
        if not session.application and kind not in BEFORE_APPLICATION:
            raise Refused(ErrorCode.CH_CLIENT_NOT_AUTHENTICATED, "the application is not signed in")
        try:
            return frame.message()
        except (FrameError, UnknownPayload) as error:
            raise Refused(ErrorCode.INVALID_REQUEST, str(error)) from error

    def _stopped(self, rule: FaultRule, session: Session, frame: Frame, message: Any) -> bool:
        """Whether a fault keeps a request from being carried out now."""
        match rule.action:
            case Fault.DROP:
                return True
            case Fault.DISCONNECT:
                session.cut()
                return True
            case Fault.DELAY:
                asyncio.get_running_loop().call_later(
                    rule.delay_ms / 1000, self._late, session, frame, message
                )
                return True
            case Fault.REJECT:
                refused = Refused(rule.code, "refused by the fault plan")
                self._refuse(session, frame, message, refused)
                return True
            case _:
                return False

    def _late(self, session: Session, frame: Frame, message: Any) -> None:
        self._handle(session, frame, message, None)
        self.settle()

    def _handle(self, session: Session, frame: Frame, message: Any, rule: FaultRule | None) -> None:
        request = self.outbox.request = Request(session, frame.client_msg_id, rule)
        try:
            HANDLERS[frame.payload_type](self, session, message)
        except Refused as refused:
            self._refuse(session, frame, message, refused)
        finally:
            self.outbox.request = None
        if rule is not None:
            self._finish(rule, request, session)
        elif self._reordered:
            self._deliver_reordered()

    def _finish(self, rule: FaultRule, request: Request, session: Session) -> None:
        loop = asyncio.get_running_loop()
        if rule.action is Fault.DELAY_ANSWER:
            loop.call_later(rule.delay_ms / 1000, self._deliver, request.held)
        elif rule.action is Fault.REORDER:
            self._reordered += reversed(request.held)
            loop.call_later(rule.delay_ms / 1000, self._deliver_reordered)
        elif rule.action is Fault.DISCONNECT_AFTER:
            session.cut_after_commit = True

    def _deliver(self, held: list[tuple[Any, bytes]]) -> None:
        for session, frame in held:
            session.send(frame)
        self.settle()

    def _deliver_reordered(self) -> None:
        held, self._reordered = self._reordered, []
        for session, frame in held:
            session.send(frame)
        if not self._awake:
            self.settle()

    def _refuse(self, session: Session, frame: Frame, message: Any, refused: Refused) -> None:
        """Trading is refused by an order error event, everything else by an error answer."""
        account = getattr(message, "ctidTraderAccountId", 0)
        self.outbox.request = self.outbox.request or Request(session, frame.client_msg_id, None)
        if frame.payload_type in TRADING and account in session.accounts:
            self.outbox.reply(
                messages.ProtoOAOrderErrorEvent(
                    ctidTraderAccountId=account,
                    errorCode=refused.code,
                    orderId=refused.order_id or None,
                    positionId=refused.position_id or None,
                    description=refused.description,
                )
            )
        else:
            self._answer_error(refused, account)

    def _answer_error(self, refused: Refused, account: int) -> None:
        self.outbox.reply(
            messages.ProtoOAErrorRes(
                ctidTraderAccountId=account or None,
                errorCode=refused.code,
                description=refused.description,
            )
        )

    # -- what handlers ask --------------------------------------------------------------

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

    def later(self, rule: FaultRule, order: Order) -> None:
        """What becomes of an order that the fault plan filled in part."""
        if rule.action is Fault.PARTIAL_CANCEL:
            self.engine.abandon(order, self.now())
            return
        asyncio.get_running_loop().call_later(rule.delay_ms / 1000, self._complete, order)

    def _complete(self, order: Order) -> None:
        self.engine.complete(order, self.now())
        self.settle()

    def _drop_unfinished(self) -> None:
        """Market orders whose rest was to follow when the venue was stopped are cancelled."""
        for account in self.engine.book.accounts.values():
            for order in list(account.orders.values()):
                if order.executed:
                    self.engine.abandon(order, self.now())
        self.store.commit()

    # -- sessions and prices ------------------------------------------------------------

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
        """New prices: trigger what they reach and tell who subscribed."""
        now = self.now()
        for symbol_id, bid, ask in quotes:
            self.symbols_offered.add(symbol_id)
            self.engine.tick(symbol_id, bid, ask, now)
            for session in self.sessions:
                for account_id in session.spots.get(symbol_id, ()):
                    self.send_spot(session, symbol_id, account_id)
        self.settle()

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
        last = self.meta.get("rollover_ms", now)
        self.engine.sweep(now)
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
