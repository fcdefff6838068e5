"""What the engine keeps: accounts, positions, orders, deals. Numbers as the package says."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from apps.openapi_wire.enums import (
    DealStatus,
    ErrorCode,
    ExecutionType,
    OrderStatus,
    OrderType,
    TimeInForce,
    TradeSide,
)
from apps.papervenue.engine.specs import SymbolSpec

ENTRY_SCALE = 100_000
"""Average entry prices are kept this much finer than prices."""


class Refused(Exception):
    """A request that the venue does not carry out, with the protocol's error code."""

    def __init__(
        self,
        code: ErrorCode | str,
        description: str,
        *,
        order_id: int = 0,
        position_id: int = 0,
        retry_after: int = 0,
    ) -> None:
        super().__init__(f"{code}: {description}")
        self.code = str(code)
        self.description = description
        self.order_id = order_id
        self.position_id = position_id
        self.retry_after = retry_after


@dataclass(slots=True, eq=False)
class Account:
    """A trading account with its open positions and its resting orders, by id."""

    account_id: int
    login: int
    owner: str
    name: str
    currency: str
    money_digits: int
    leverage: int
    netting: bool
    opened_ms: int
    balance: int = 0
    balance_version: int = 0
    is_live: bool = False
    positions: dict[int, Position] = field(default_factory=dict, repr=False)
    orders: dict[int, Order] = field(default_factory=dict, repr=False)


@dataclass(slots=True, eq=False)
class Position:
    """An open position. ``entry`` is its average price, ``commission`` not booked yet."""

    position_id: int
    account: Account = field(repr=False)
    spec: SymbolSpec = field(repr=False)
    side: TradeSide
    volume: int
    entry: int
    opened_ms: int
    updated_ms: int
    label: str = ""
    comment: str = ""
    margin: int = 0
    margin_rate: float = 0.0
    commission: int = 0
    swap: int = 0
    stop_loss: int | None = None
    take_profit: int | None = None
    trail: int = 0  # distance of a trailing stop loss; 0: it does not trail
    protection_id: int = 0  # order id of its stop loss and take profit; 0: none

    @property
    def sign(self) -> int:
        return 1 if self.side == TradeSide.BUY else -1


@dataclass(slots=True, eq=False)
class Order:
    """An order, resting or done. ``position_id`` is where it goes or what it will open."""

    order_id: int
    account: Account = field(repr=False)
    spec: SymbolSpec = field(repr=False)
    type: OrderType
    side: TradeSide
    volume: int
    created_ms: int
    updated_ms: int
    executed: int = 0
    status: OrderStatus = OrderStatus.ORDER_STATUS_ACCEPTED
    label: str = ""
    comment: str = ""
    client_order_id: str = ""
    limit_price: int | None = None
    stop_price: int | None = None
    base_price: int | None = None
    slippage_points: int | None = None
    time_in_force: TimeInForce = TimeInForce.GOOD_TILL_CANCEL
    expires_ms: int = 0
    stop_loss: int | None = None
    take_profit: int | None = None
    relative_stop_loss: int = 0
    relative_take_profit: int = 0
    trailing: bool = False
    position_id: int = 0
    closing: bool = False
    stop_out: bool = False
    execution_price: int | None = None
    portion: int = 0  # the most that is filled at once when its price has come; 0: all
    gives_up: bool = False  # what the first portion leaves is cancelled

    @property
    def remaining(self) -> int:
        return self.volume - self.executed

    @property
    def sign(self) -> int:
        return 1 if self.side == TradeSide.BUY else -1


@dataclass(frozen=True, slots=True)
class CloseDetail:
    """What a closing deal booked; ``balance`` is the account's afterwards."""

    entry: int
    gross: int
    swap: int
    commission: int
    balance: int
    balance_version: int
    volume: int
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Deal:
    """One execution. ``commission`` is this side's own, paid when negative."""

    deal_id: int
    order_id: int
    position_id: int
    account: Account = field(repr=False)
    spec: SymbolSpec = field(repr=False)
    side: TradeSide
    volume: int
    price: int
    created_ms: int
    executed_ms: int
    commission: int
    margin_rate: float
    status: DealStatus = DealStatus.FILLED
    close: CloseDetail | None = None


@dataclass(frozen=True, slots=True)
class CashFlow:
    """A deposit (``delta`` positive) or a withdrawal, with the balance afterwards."""

    flow_id: int
    account: Account = field(repr=False)
    delta: int
    balance: int
    balance_version: int
    at_ms: int
    note: str = ""


class Sink(Protocol):
    """Hears of everything, at the moment it happens and before anything else changes."""

    def execution(
        self,
        kind: ExecutionType,
        account: Account,
        *,
        order: Order | None = None,
        position: Position | None = None,
        deal: Deal | None = None,
        cash: CashFlow | None = None,
        error: str = "",
        server: bool = False,
    ) -> None: ...

    def trailing(self, position: Position) -> None:
        """A trailing stop loss has moved."""

    def margin(self, position: Position) -> None:
        """A position's margin changed without a deal."""

    def trader(self, account: Account) -> None:
        """Balance or leverage changed."""

    def record(self, order: Order) -> None:
        """Keep this state of an order; nobody is told."""
