"""The books of a platform in memory, and what happens there."""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from apps.platforms.ports import (
    DealDone,
    Event,
    OrderUpdate,
)
from apps.trading.deals import Deal, DealEffect
from apps.trading.orders import (
    FINAL_STATES,
    Order,
    OrderRequest,
    OrderState,
    Side,
    TradeRequest,
)
from apps.trading.positions import Position
from apps.trading.schedule import ALWAYS, Schedule
from apps.trading.symbols import Instrument

if TYPE_CHECKING:
    from tests.support.memory_platform import MemoryConnector

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
