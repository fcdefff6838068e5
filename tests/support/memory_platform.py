"""A platform in memory behind the Connector protocol: quick, exact, and with faults on demand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from apps.platforms.limits import Limits
from apps.platforms.ports import (
    AccountRef,
    Answer,
    Capabilities,
    ClientIds,
    ConnectionDown,
    ConnectionUp,
    DealDone,
    Event,
    Finding,
    OrderUpdate,
    PositionUpdate,
    Presence,
    QuoteUpdate,
    Snapshot,
    StopsOnOpen,
    SubmitResult,
)
from apps.trading.deals import Deal
from apps.trading.orders import (
    PENDING_TYPES,
    AmendRequest,
    CancelRequest,
    CloseRequest,
    Leg,
    OrderRequest,
    OrderState,
    ProtectRequest,
    TradeRequest,
)
from apps.trading.positions import AccountState, MarginMode
from apps.trading.symbols import Instrument
from tests.support.memory_books import EURUSD, PRICE, MemoryPlatform


class MemoryConnector:
    """A session with a :class:`MemoryPlatform`."""

    clock_offset_ms = 0

    def __init__(self, platform: MemoryPlatform, limits: Limits | None = None) -> None:
        self.platform = platform
        self.limits = limits or Limits.per_second(0, 0)
        self.queue: asyncio.Queue[list[Event] | None] = asyncio.Queue()
        self.open = False

    async def connect(self) -> None:
        self.open = True
        self.platform.sessions.append(self)

    async def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        self.open = False
        if self in self.platform.sessions:
            self.platform.sessions.remove(self)
        self.queue.put_nowait(None)

    def cut(self) -> None:
        """The session breaks; events are lost until :meth:`mend`."""
        self.open = False
        self.platform.sessions.remove(self)
        self.queue.put_nowait([ConnectionDown("cut", datetime.now(UTC))])

    def mend(self) -> None:
        self.open = True
        self.platform.sessions.append(self)
        self.queue.put_nowait([ConnectionUp(datetime.now(UTC))])

    async def accounts(self) -> list[AccountRef]:
        return [AccountRef(a, a, False) for a in self.platform.positions]

    async def attach(self, accounts: Sequence[str]) -> dict[str, str]:
        return {}

    def capabilities(self, margin_mode: MarginMode) -> Capabilities:
        return Capabilities(
            margin_mode,
            StopsOnOpen.ABSOLUTE,
            True,
            True,
            True,
            ClientIds.TAG,
            50,
            True,
            True,
            True,
            PENDING_TYPES,
        )

    async def instruments(self, account: str) -> list[Instrument]:
        return [replace(EURUSD, schedule=self.platform.schedule)]

    async def subscribe_quotes(self, account: str, instrument_ids: Sequence[str]) -> None:
        now = datetime.now(UTC)
        self.queue.put_nowait([QuoteUpdate(i, PRICE, PRICE, now) for i in instrument_ids])

    async def snapshot(self, account: str) -> Snapshot:
        now = datetime.now(UTC)
        state = AccountState("USD", self.platform.balance, Decimal(100), MarginMode.HEDGING, now)
        positions = tuple(self.platform.positions[account].values())
        return Snapshot(account, state, positions, self.platform.resting(account), now)

    async def deals_since(self, account: str, since: datetime) -> list[Deal]:
        return [d for d in self.platform.deals[account] if d.executed_at >= since]

    def submit_many(
        self, items: Sequence[tuple[str, TradeRequest]], *, timeout: float = 5.0
    ) -> list[asyncio.Future[SubmitResult]]:
        loop = asyncio.get_running_loop()
        futures = []
        for account, request in items:
            future: asyncio.Future[SubmitResult] = loop.create_future()
            futures.append(future)
            cid = request.client_order_id
            if not self.open:
                future.set_result(SubmitResult(cid, Answer.REJECTED, code="NOT_CONNECTED"))
                continue
            self.platform.sent.append(request)
            self.platform.sent_at.append(loop.time())
            lost = SubmitResult(cid, Answer.UNKNOWN, code="NO_ANSWER")
            if self.platform.deaf:
                loop.call_later(0.05, future.set_result, lost)
                continue
            if self.platform.refusal:
                code = self.platform.refusal
                future.set_result(SubmitResult(cid, Answer.REJECTED, code=code))
                continue
            self._execute(account, request, future)
            if self.platform.silent:
                loop.call_later(0.05, future.set_result, lost)
        return futures

    def _execute(
        self, account: str, request: TradeRequest, future: asyncio.Future[SubmitResult]
    ) -> None:
        platform, now = self.platform, datetime.now(UTC)
        events: list[Event] = []
        cid = request.client_order_id
        order_id = ""
        if isinstance(request, OrderRequest) and request.type in PENDING_TYPES:
            order = platform.rest(account, request)
            events, order_id = [OrderUpdate(account, order, "", now)], order.platform_order_id
        elif isinstance(request, AmendRequest | CancelRequest):
            order_id = request.platform_order_id
            if all(o.platform_order_id != order_id for o in platform.resting(account)):
                future.set_result(SubmitResult(cid, Answer.REJECTED, code="ORDER_NOT_FOUND"))
                return
            order = platform.change(account, order_id, **_change(request))
            events = [OrderUpdate(account, order, "", now)]
        elif isinstance(request, OrderRequest):
            if request.units > 1000000:
                result = SubmitResult(cid, Answer.REJECTED, code="NOT_ENOUGH_MONEY")
                future.set_result(result)
                return
            deal, position = platform.open(account, request.side, request.units, cid)
            events, order_id = [DealDone(account, deal, position, now)], deal.platform_order_id
        elif isinstance(request, CloseRequest):
            if request.position_id not in platform.positions[account]:
                future.set_result(SubmitResult(cid, Answer.REJECTED, code="POSITION_NOT_FOUND"))
                return
            deal, left = platform.close(account, request.position_id, request.units)
            events, order_id = [DealDone(account, deal, left, now)], deal.platform_order_id
        elif isinstance(request, ProtectRequest):
            position = platform.protect(account, request.position_id, request.stop_loss)
            events = [PositionUpdate(account, position, now, now)]
        if not platform.silent:
            future.set_result(SubmitResult(cid, Answer.ACCEPTED, order_id, answered_at=now))
            platform.push(events)

    async def submit(self, account: str, request: TradeRequest) -> SubmitResult:
        return await self.submit_many([(account, request)])[0]

    async def find_by_client_id(
        self, account: str, client_order_id: str, since: datetime, leg: Leg = Leg.OPEN
    ) -> Finding:
        deals = tuple(
            d for d in self.platform.deals[account] if d.client_order_id == client_order_id
        )
        orders = self.platform.orders[account].values()
        order = next((o for o in orders if o.client_order_id == client_order_id), None)
        if not deals and order is None:
            return Finding(Presence.ABSENT)
        position = self.platform.positions[account].get(deals[-1].position_id) if deals else None
        return Finding(Presence.FOUND, order, deals, position)

    async def events(self) -> AsyncIterator[list[Event]]:
        while (group := await self.queue.get()) is not None:
            yield group


def _change(request: AmendRequest | CancelRequest) -> dict[str, object]:
    if isinstance(request, CancelRequest):
        return {"state": OrderState.CANCELLED}
    return {
        "units": request.units,
        "price": request.price,
        "stop_price": request.stop_price,
        "stop_loss": request.stop_loss,
        "take_profit": request.take_profit,
        **({"expires_at": request.expires_at} if request.expires_at else {}),
    }
