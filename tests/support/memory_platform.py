"""A platform in memory behind the Connector protocol: quick, exact, and with faults on demand."""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
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
from apps.trading.deals import Deal, DealEffect
from apps.trading.orders import (
    FINAL_STATES,
    PENDING_TYPES,
    AmendRequest,
    CancelRequest,
    CloseRequest,
    Order,
    OrderRequest,
    OrderState,
    ProtectRequest,
    Side,
    TradeRequest,
)
from apps.trading.positions import AccountState, MarginMode, Position
from apps.trading.schedule import ALWAYS, Schedule
from apps.trading.symbols import Instrument

EURUSD = Instrument(
    "1",
    "EURUSD",
    "EUR",
    "USD",
    5,
    4,
    Decimal(100000),
    Decimal(1000),
    Decimal(1000),
    Decimal(10000000),
)
PRICE = Decimal("1.10000")


@dataclass
class MemoryPlatform:
    """The books of the platform; outlives its connectors."""

    positions: dict[str, dict[str, Position]] = field(default_factory=lambda: defaultdict(dict))
    deals: dict[str, list[Deal]] = field(default_factory=lambda: defaultdict(list))
    orders: dict[str, dict[str, Order]] = field(default_factory=lambda: defaultdict(dict))
    sent: list[TradeRequest] = field(default_factory=list)
    sent_at: list[float] = field(default_factory=list)
    silent: bool = False  # orders are executed, but neither answered nor told
    deaf: bool = False  # orders are lost on the way
    balance: Decimal = Decimal(10000)
    schedule: Schedule = ALWAYS
    refusal: str = ""  # orders are refused with this code
    sessions: list[MemoryConnector] = field(default_factory=list)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def open(
        self, account: str, side: Side, units: Decimal, tag: str = ""
    ) -> tuple[Deal, Position]:
        now = datetime.now(UTC)
        number = next(self.numbers)
        position = Position(f"p{number}", "1", side, units, PRICE, now, tag=tag)
        deal = self._deal(account, number, position, side, units, DealEffect.OPEN, tag)
        self.positions[account][position.position_id] = position
        return deal, position

    def close(
        self, account: str, position_id: str, units: Decimal, tag: str = ""
    ) -> tuple[Deal, Position | None]:
        position = self.positions[account].pop(position_id)
        side = position.side.opposite
        number = next(self.numbers)
        deal = self._deal(account, number, position, side, units, DealEffect.CLOSE, tag)
        if units < position.units:
            left = replace(position, units=position.units - units)
            self.positions[account][position_id] = left
            return deal, left
        return deal, None

    def protect(self, account: str, position_id: str, sl: Decimal | None) -> Position:
        position = replace(self.positions[account][position_id], stop_loss=sl)
        self.positions[account][position_id] = position
        return position

    def rest(self, account: str, request: OrderRequest) -> Order:
        """A pending order; one without a client order id is a stranger's."""
        order = Order(
            f"o{next(self.numbers)}",
            request.client_order_id,
            request.instrument_id,
            request.side,
            request.type,
            request.units,
            Decimal(0),
            OrderState.ACCEPTED,
            request.price,
            request.stop_price,
            request.stop_loss,
            request.take_profit,
            expires_at=request.expires_at,
            updated_at=datetime.now(UTC),
        )
        self.orders[account][order.platform_order_id] = order
        return order

    def change(self, account: str, order_id: str, **values: object) -> Order:
        """Give an order other values; ended ones stay on record."""
        before = self.orders[account][order_id]
        order = replace(before, updated_at=datetime.now(UTC), **values)  # type: ignore[arg-type]
        self.orders[account][order_id] = order
        return order

    def fill(self, account: str, order_id: str, units: Decimal) -> tuple[Deal, Position]:
        """Fill so much of a pending order; its parts make one position."""
        order = self.orders[account][order_id]
        filled = order.filled_units + units
        state = OrderState.FILLED if filled >= order.units else OrderState.PARTIALLY_FILLED
        self.change(account, order_id, filled_units=filled, state=state)
        now, tag = datetime.now(UTC), order.client_order_id
        position_id = f"p{order_id}"
        position = Position(position_id, "1", order.side, filled, PRICE, now, tag=tag)
        self.positions[account][position_id] = position
        number = next(self.numbers)
        deal = self._deal(
            account, number, position, order.side, units, DealEffect.OPEN, tag, order_id
        )
        return deal, position

    def resting(self, account: str) -> tuple[Order, ...]:
        return tuple(o for o in self.orders[account].values() if o.state not in FINAL_STATES)

    def _deal(
        self,
        account: str,
        number: int,
        position: Position,
        side: Side,
        units: Decimal,
        effect: DealEffect,
        tag: str,
        order_id: str = "",
    ) -> Deal:
        deal = Deal(
            f"d{number}",
            order_id or f"o{number}",
            position.position_id,
            "1",
            side,
            units,
            PRICE,
            effect,
            datetime.now(UTC),
            tag,
        )
        self.deals[account].append(deal)
        return deal

    def tell(self, account: str, deal: Deal, position: Position | None) -> None:
        """Tell all sessions of a deal."""
        self.push([DealDone(account, deal, position, datetime.now(UTC))])

    def tell_order(self, account: str, order: Order) -> None:
        """Tell all sessions of a pending order."""
        self.push([OrderUpdate(account, order, "", datetime.now(UTC))])

    def push(self, events: list[Event]) -> None:
        for session in self.sessions:
            session.queue.put_nowait(events)


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
        self, account: str, client_order_id: str, since: datetime
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
