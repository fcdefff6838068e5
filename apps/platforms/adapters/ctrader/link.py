"""A session that is kept up: signed in, resumed after each loss, its token renewed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog

from apps.openapi_wire import Frame, PayloadType
from apps.platforms.adapters.ctrader.accounts import Accounts, Refusal
from apps.platforms.adapters.ctrader.errors import Throttled
from apps.platforms.adapters.ctrader.inbox import Inbox
from apps.platforms.adapters.ctrader.session import Reply, Session
from apps.platforms.adapters.ctrader.signin import account_list, dial, sign_in
from apps.platforms.adapters.ctrader.timing import Timing
from apps.platforms.adapters.ctrader.tokens import Tokens
from apps.platforms.limits import Limits
from apps.platforms.ports import (
    AuthLost,
    AuthRefused,
    ConnectionDown,
    ConnectionUp,
    Credentials,
    InstrumentsChanged,
    PlatformError,
)

log = structlog.get_logger(__name__)

_TRIES = 5  # of a query that the platform refuses for its rate
_LONGEST_NAP_S = 60.0  # between looks at the token's age
_TOKENS_ENDED = int(PayloadType.PROTO_OA_ACCOUNTS_TOKEN_INVALIDATED_EVENT)
_ACCOUNT_ENDED = int(PayloadType.PROTO_OA_ACCOUNT_DISCONNECT_EVENT)
_SESSION_ENDED = int(PayloadType.PROTO_OA_CLIENT_DISCONNECT_EVENT)
_SYMBOLS_CHANGED = int(PayloadType.PROTO_OA_SYMBOL_CHANGED_EVENT)


class Link:
    """Holds the current session (None while there is none) and what outlives it."""

    def __init__(
        self,
        credentials: Credentials,
        tokens: Tokens,
        limits: Limits,
        timing: Timing,
        inbox: Inbox,
    ) -> None:
        self._credentials = credentials
        self._tokens = tokens
        self._limits = limits
        self._timing = timing
        self._inbox = inbox
        self._ended = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures = 0
        self._controls: dict[int, Callable[[Session, Any], None]] = {
            _TOKENS_ENDED: self._tokens_ended,
            _ACCOUNT_ENDED: self._account_ended,
            _SESSION_ENDED: self._session_ended,
            _SYMBOLS_CHANGED: self._symbols_changed,
        }
        self._refused_for_now: set[str] = set()
        self.accounts = Accounts(self.ask, tokens)
        self.session: Session | None = None

    async def ask(
        self, message: Any, *, history: bool = False, session: Session | None = None
    ) -> Reply:
        """A query in its turn; repeated where the platform found it too early."""
        for attempt in range(1, _TRIES + 1):
            await self._limits.query(history=history)
            try:
                return await (session or self.standing()).ask(message)
            except Throttled as error:
                if attempt == _TRIES:
                    raise
                (self._limits.history if history else self._limits.requests).drain(error.pause_s)
                await asyncio.sleep(error.pause_s)
        raise AssertionError("unreachable")

    def standing(self) -> Session:
        """The session; ConnectionError where there is none now."""
        if self.session is None or not self.session.is_open:
            raise ConnectionError("not connected to the platform")
        return self.session

    async def open(self) -> None:
        """Sign in for the first time; errors as of Connector.connect."""
        self.session = await self._new_session()
        self.spawn(self._renew_in_time())

    def end(self, *, abort: bool) -> None:
        """Leave for good; nothing is written after an abort."""
        if self._ended:
            return
        self._ended = True
        session, self.session = self.session, None
        if session is not None and abort:
            session.drop("aborted")
        elif session is not None:
            session.end()
        for task in self._tasks:
            task.cancel()
        self._inbox.end()

    async def account_list(self) -> list[Any]:
        return await account_list(self.ask, self.standing(), self._tokens)

    async def attach(self, accounts: Sequence[str]) -> dict[str, str]:
        refused = await self.accounts.attach(self.standing(), accounts)
        attached = self.accounts.attached
        if attached and not self.accounts.catalogue.instruments:
            await self.accounts.load_catalogue(next(iter(attached)))
            self._inbox.open_for_frames()
        self._try_later(refused)
        return {account: refusal.reason for account, refusal in refused.items()}

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Work in the background that ends with the link at the latest."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- up and down ---

    async def _new_session(self) -> Session:
        session = await dial(self._credentials, self._timing.dial, self._make_session)
        try:
            await sign_in(self.ask, session, self._credentials, self._tokens)
        except BaseException:
            session.drop("sign-in failed")
            raise
        if not session.is_open:
            raise ConnectionError("the platform closed the connection after sign-in")
        return session

    def _make_session(self) -> Session:
        return Session(self._timing, self._on_events, self._on_throttle, self._on_lost)

    def _on_lost(self, session: Session, reason: str) -> None:
        if self._ended or session is not self.session:
            return
        self.session = None
        stood = asyncio.get_running_loop().time() - session.opened_at
        if stood > self._timing.settled_after(self._failures):
            self._failures = 0
        self._inbox.put([ConnectionDown(reason, datetime.now(UTC))])
        self.spawn(self._reconnect())

    async def _reconnect(self) -> None:
        while True:
            await asyncio.sleep(self._pause())
            self._failures += 1
            session = None
            try:
                session = await self._new_session()
                await self._resume(session)
                return
            except AuthRefused as error:
                self._inbox.put([AuthLost((), str(error), datetime.now(UTC))])
                self.end(abort=True)
                return
            except Exception as error:  # whatever it was, the next attempt may do better
                log.warning("platform not back yet", reason=repr(error), attempt=self._failures)
                if session is not None:
                    session.drop("resuming failed")

    async def _resume(self, session: Session) -> None:
        refused = await self.accounts.resume(session)
        if self._ended:
            session.drop("aborted")
            return
        if not session.is_open:
            raise ConnectionError("the session ended while it was resumed")
        self.session = session
        self._tell_refused(refused)
        self._inbox.put([ConnectionUp(datetime.now(UTC))])
        if self.accounts.attached:
            self.spawn(self._read_symbols(()))

    def _pause(self) -> float:
        """Spread, so that many gateways do not come at once."""
        return self._timing.pause(self._failures) * random.uniform(0.5, 1.0)

    async def _renew_in_time(self) -> None:
        """Renew the access token before it ends, however often the session changes."""
        while True:
            due = self._tokens.renew_in()
            if due is not None and due <= 0 and self.session is not None:
                due = await self._renew()
            await asyncio.sleep(
                _LONGEST_NAP_S if due is None else min(_LONGEST_NAP_S, max(0.1, due))
            )

    async def _renew(self) -> float | None:
        try:
            if await self._tokens.renew(self.standing(), self._tokens.access):
                return self._tokens.renew_in()
        except ConnectionError as error:
            log.warning("access token not renewed", reason=str(error))
        return None

    # --- what the session tells ---

    def _on_throttle(self, pause_s: float) -> None:
        self._limits.requests.drain(pause_s)

    def _on_events(self, session: Session, frames: list[Frame], received_at: datetime) -> None:
        if self._ended:
            return
        self._inbox.put_frames(frames, received_at)
        for frame in frames:
            if (control := self._controls.get(frame.payload_type)) is not None:
                control(session, frame.message())

    def _tokens_ended(self, session: Session, message: Any) -> None:
        accounts = [str(number) for number in message.ctidTraderAccountIds]
        self._accounts_ended(accounts, message.reason or "the access token was invalidated")

    def _account_ended(self, session: Session, message: Any) -> None:
        self._accounts_ended([str(message.ctidTraderAccountId)], "the account was disconnected")

    def _session_ended(self, session: Session, message: Any) -> None:
        session.drop(message.reason or "the platform ended the session")

    def _symbols_changed(self, session: Session, message: Any) -> None:
        self.spawn(self._read_symbols(tuple(str(number) for number in message.symbolId)))

    def _accounts_ended(self, accounts: list[str], reason: str) -> None:
        affected = [a for a in accounts if a in self.accounts.attached]
        if affected:
            self.spawn(self._attach_again(affected, reason))

    async def _attach_again(self, accounts: list[str], reason: str) -> None:
        """The platform ended these accounts alone; what they missed must be read anew."""
        try:
            session = self.standing()
            refused = await self.accounts.attach(session, accounts)
            await self.accounts.resume_quotes(session, accounts)
        except (ConnectionError, PlatformError) as error:
            if self.session is not None:
                self.session.drop(f"accounts could not be attached again: {error}")
            return
        self._tell_refused(refused, reason)
        if standing := tuple(a for a in accounts if a not in refused):
            self._inbox.put([ConnectionUp(datetime.now(UTC), standing)])

    def _tell_refused(self, refused: dict[str, Refusal], reason: str = "") -> None:
        for account, refusal in refused.items():
            text = f"{reason}: {refusal.reason}" if reason else refusal.reason
            self._inbox.put([AuthLost((account,), text, datetime.now(UTC))])
        self._try_later(refused)

    def _try_later(self, refused: dict[str, Refusal]) -> None:
        passing = {account for account, refusal in refused.items() if refusal.passing}
        if passing and not self._refused_for_now:
            self.spawn(self._attach_later())
        self._refused_for_now |= passing

    async def _attach_later(self) -> None:
        """A broker's own server may be away while the platform is there, over a weekend."""
        while self._refused_for_now:
            await asyncio.sleep(self._timing.refused_again)
            wanted = sorted(self._refused_for_now)
            try:
                session = self.standing()
                refused = await self.accounts.attach(session, wanted)
                await self.accounts.resume_quotes(session, wanted)
            except (ConnectionError, PlatformError):
                continue
            self._refused_for_now = {a for a, refusal in refused.items() if refusal.passing}
            if standing := tuple(a for a in wanted if a not in refused):
                await self._read_symbols(())
                self._inbox.put([ConnectionUp(datetime.now(UTC), standing)])

    async def _read_symbols(self, changed: tuple[str, ...]) -> None:
        if not self.accounts.attached:
            return
        try:
            await self.accounts.load_catalogue(next(iter(self.accounts.attached)))
        except (ConnectionError, PlatformError) as error:
            log.warning("symbols could not be read", reason=str(error))
            return
        self._inbox.open_for_frames()
        if changed:
            self._inbox.put([InstrumentsChanged(changed, datetime.now(UTC))])
