"""The Connector of the cTrader Open API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime

import structlog

from apps.openapi_wire import Frame, encode_frame, messages
from apps.openapi_wire.scaling import time_to_wire
from apps.platforms.adapters.ctrader.clock import ClockOffset
from apps.platforms.adapters.ctrader.errors import CannotExpress
from apps.platforms.adapters.ctrader.events import EventReader
from apps.platforms.adapters.ctrader.followup import FollowUp
from apps.platforms.adapters.ctrader.history import History
from apps.platforms.adapters.ctrader.inbound import read_order, read_position, read_trader
from apps.platforms.adapters.ctrader.inbox import Inbox
from apps.platforms.adapters.ctrader.link import Link
from apps.platforms.adapters.ctrader.outbound import trade_message
from apps.platforms.adapters.ctrader.session import Session
from apps.platforms.adapters.ctrader.timing import Timing
from apps.platforms.adapters.ctrader.tokens import Tokens
from apps.platforms.limits import Limits
from apps.platforms.ports import (
    AccountRef,
    Answer,
    Capabilities,
    ClientIds,
    Credentials,
    CredentialStore,
    Event,
    Finding,
    PlatformError,
    Presence,
    Snapshot,
    StopsOnOpen,
    SubmitResult,
)
from apps.trading.deals import Deal
from apps.trading.orders import Leg, OrderState, OrderType, TradeRequest
from apps.trading.positions import MarginMode
from apps.trading.symbols import Instrument

log = structlog.get_logger(__name__)

_WRITE_BYTES = 65_536  # the socket gets frames in pieces of about this size
_CLIENT_ID_LENGTH = 50
_PENDING = frozenset({OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT})
_RESTING = frozenset({OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED})


def create(
    credentials: Credentials, store: CredentialStore, limits: Limits, timing: Timing | None = None
) -> CTraderConnector:
    """A connector that is not connected yet."""
    return CTraderConnector(credentials, store, limits, timing or Timing())


class CTraderConnector:
    """One Open API session with any number of accounts of one server; see the port."""

    def __init__(
        self, credentials: Credentials, store: CredentialStore, limits: Limits, timing: Timing
    ) -> None:
        self.limits = limits
        self._inbox = Inbox()
        self._link = Link(credentials, Tokens(credentials, store), limits, timing, self._inbox)
        self._catalogue = self._link.accounts.catalogue
        self._clock = ClockOffset()
        follow_up = FollowUp(self._link, self._inbox)
        self._reader = EventReader(
            self._catalogue, self._clock, follow_up.ask_state, follow_up.ask_position
        )
        self._history = History(self._link.ask, self._catalogue)

    @property
    def clock_offset_ms(self) -> int:
        return self._clock.value_ms

    async def connect(self) -> None:
        await self._link.open()

    async def close(self) -> None:
        self._link.end(abort=False)

    def abort(self) -> None:
        self._link.end(abort=True)

    async def accounts(self) -> list[AccountRef]:
        return [
            AccountRef(
                str(a.ctidTraderAccountId),
                str(a.traderLogin),
                bool(a.isLive),
                f"{a.brokerTitleShort or 'cTrader'} {'Live' if a.isLive else 'Demo'}",
            )
            for a in await self._link.account_list()
        ]

    async def attach(self, accounts: Sequence[str]) -> dict[str, str]:
        return await self._link.attach(accounts)

    def capabilities(self, margin_mode: MarginMode) -> Capabilities:
        return Capabilities(
            margin_mode=margin_mode,
            stops_on_open=StopsOnOpen.RELATIVE,
            protects_positions=True,
            closes_by_position=True,
            adds_to_position=True,
            client_ids=ClientIds.TAG,
            client_id_length=_CLIENT_ID_LENGTH,
            pushes_deals=True,
            pushes_positions=True,
            replays_deals=True,
            pending_types=_PENDING,
        )

    async def instruments(self, account: str) -> list[Instrument]:
        if not self._catalogue.instruments:
            await self._link.accounts.load_catalogue(account)
        return list(self._catalogue.instruments.values())

    async def subscribe_quotes(self, account: str, instrument_ids: Sequence[str]) -> None:
        await self._link.accounts.subscribe(account, map(int, instrument_ids))

    async def snapshot(self, account: str) -> Snapshot:
        number, catalogue = int(account), self._catalogue
        trader, book = await asyncio.gather(
            self._link.ask(messages.ProtoOATraderReq(ctidTraderAccountId=number)),
            self._link.ask(messages.ProtoOAReconcileReq(ctidTraderAccountId=number)),
        )
        state = read_trader(trader.message.trader, catalogue, trader.received_at)
        self._reader.states[account] = state
        positions = (read_position(p, catalogue) for p in book.message.position)
        orders = (read_order(o, catalogue) for o in book.message.order)
        return Snapshot(
            account,
            state,
            tuple(p for p in positions if p is not None),
            tuple(o for o in orders if o.state in _RESTING and o.type in _PENDING),
            min(trader.received_at, book.received_at),
        )

    async def deals_since(self, account: str, since: datetime) -> list[Deal]:
        return await self._history.deals_since(account, time_to_wire(since), self._platform_now())

    def submit_many(
        self, items: Sequence[tuple[str, TradeRequest]], *, timeout: float = 5.0
    ) -> list[asyncio.Future[SubmitResult]]:
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[SubmitResult]] = [loop.create_future() for _ in items]
        session = self._link.session
        if session is None or not session.is_open:
            for future, (_, request) in zip(futures, items, strict=True):
                future.set_result(_not_connected(request.client_order_id))
            return futures
        written: list[str] = []
        batch: list[bytes] = []
        size = 0
        for frame in self._frames(session, items, futures, written):
            batch.append(frame)
            size += len(frame)
            if size >= _WRITE_BYTES:
                session.write(b"".join(batch))
                batch.clear()
                size = 0
        if batch:
            session.write(b"".join(batch))
        session.orders.give_until(loop.time() + timeout, written)
        return futures

    async def submit(self, account: str, request: TradeRequest) -> SubmitResult:
        return await self.submit_many([(account, request)])[0]

    async def find_by_client_id(
        self, account: str, client_order_id: str, since: datetime, leg: Leg = Leg.OPEN
    ) -> Finding:
        session = self._link.session
        if session is None or client_order_id in session.orders:
            return Finding(Presence.UNKNOWN)
        if leg is not Leg.OPEN:  # only a new order has a field for it
            return Finding(Presence.ABSENT)
        since_ms = time_to_wire(since) + self.clock_offset_ms
        try:
            return await self._history.find(
                account, client_order_id, since_ms, self._platform_now()
            )
        except (ConnectionError, PlatformError):
            return Finding(Presence.UNKNOWN)

    async def events(self) -> AsyncIterator[list[Event]]:
        while (group := await self._inbox.take()) is not None:
            events = group if isinstance(group, list) else self._read(*group)
            if events:
                yield events

    def _read(self, frames: list[Frame], received_at: datetime) -> list[Event]:
        """Events of frames; where one cannot be read, the resynchronisation must help."""
        try:
            return self._reader.read(frames, received_at)
        except Exception:
            log.exception("an event could not be read")
            if self._link.session is not None:
                self._link.session.drop("an event could not be read")
            return []

    def _frames(
        self,
        session: Session,
        items: Sequence[tuple[str, TradeRequest]],
        futures: list[asyncio.Future[SubmitResult]],
        written: list[str],
    ) -> Iterator[bytes]:
        """Frames of what can be expressed; the futures of the rest are answered here."""
        catalogue, orders = self._catalogue, session.orders
        for (account, request), future in zip(items, futures, strict=True):
            own = request.client_order_id
            try:
                frame = encode_frame(trade_message(int(account), request, catalogue), own)
            except CannotExpress as error:
                future.set_result(_refused(own, error.code, str(error)))
                continue
            except (TypeError, ValueError, OverflowError) as error:
                future.set_result(_refused(own, "INVALID_REQUEST", str(error)))
                continue
            if not orders.expect(own, future):
                future.set_result(_refused(own, "DUPLICATE_REQUEST", "it is under way already"))
                continue
            written.append(own)
            yield frame

    def _platform_now(self) -> int:
        return int(time.time() * 1000) + self.clock_offset_ms


def _not_connected(client_order_id: str) -> SubmitResult:
    return SubmitResult(
        client_order_id,
        Answer.REJECTED,
        code="NOT_CONNECTED",
        message="there is no session with the platform; nothing was sent",
        retryable=True,
    )


def _refused(client_order_id: str, code: str, message: str) -> SubmitResult:
    return SubmitResult(client_order_id, Answer.REJECTED, code=code, message=message)
