"""A connected connector with one account, as every case begins."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from apps.platforms.ports import (
    Answer,
    Connector,
    DealDone,
    Finding,
    SubmitResult,
)
from apps.trading.orders import (
    OrderRequest,
    Side,
    TradeRequest,
)
from apps.trading.positions import Position
from apps.trading.symbols import Instrument
from tests.contracts.bench import PlatformBench, Watcher

D = Decimal
_numbers = itertools.count(1)


def new_id() -> str:
    """A client order id of the length that is used in earnest."""
    return f"c{next(_numbers):024d}"


@dataclass
class Desk:
    """A connected connector with one account and somebody who reads its events."""

    bench: PlatformBench
    connector: Connector
    watcher: Watcher
    account: str
    instrument: Instrument

    @property
    def lot(self) -> Decimal:
        """The smallest volume that can be traded."""
        return self.instrument.min_units

    def order(
        self, units: Decimal | None = None, side: Side = Side.BUY, **more: object
    ) -> OrderRequest:
        fields: dict[str, object] = {
            "client_order_id": new_id(),
            "instrument_id": self.instrument.instrument_id,
            "side": side,
            "units": self.lot if units is None else units,
        }
        return OrderRequest(**(fields | more))  # type: ignore[arg-type]

    async def submit(self, request: TradeRequest) -> SubmitResult:
        return await self.connector.submit(self.account, request)

    async def deal_of(self, client_order_id: str, number: int = 1) -> DealDone:
        return await self.watcher.next(
            DealDone, number, lambda event: event.deal.client_order_id == client_order_id
        )

    async def opened(
        self, units: Decimal | None = None, side: Side = Side.BUY, **more: object
    ) -> Position:
        """Open a position at market and answer it as its deal told of it."""
        request = self.order(units, side, **more)
        result = await self.submit(request)
        assert result.answer is Answer.ACCEPTED, result
        position = (await self.deal_of(request.client_order_id)).position
        assert position is not None
        return position

    async def found(self, client_order_id: str, since: datetime) -> Finding:
        return await self.connector.find_by_client_id(self.account, client_order_id, since)


MakeDesk = Callable[..., Awaitable[Desk]]
