"""A trading desk for engine tests: an engine whose events are written down."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from apps.openapi_wire.enums import ExecutionType, OrderType, TimeInForce, TradeSide
from apps.papervenue.engine import Account, Engine, Order, Position, SymbolSpec

BUY, SELL = TradeSide.BUY, TradeSide.SELL
EURUSD, USDJPY = 1, 3
LOT = 10_000_000  # hundredths of a unit
NOW = 1_700_000_000_000


@dataclass
class Heard:
    kind: ExecutionType
    account: Account
    order: Order | None
    position: Position | None
    deal: Any
    cash: Any
    error: str
    server: bool


@dataclass
class Notes:
    """A sink that writes everything down."""

    events: list[Heard] = field(default_factory=list)
    moved: list[int | None] = field(default_factory=list)
    margins: list[int] = field(default_factory=list)
    recorded: list[Order] = field(default_factory=list)

    def execution(
        self,
        kind: ExecutionType,
        account: Account,
        *,
        order: Order | None = None,
        position: Position | None = None,
        deal: Any = None,
        cash: Any = None,
        error: str = "",
        server: bool = False,
    ) -> None:
        self.events.append(Heard(kind, account, order, position, deal, cash, error, server))

    def trailing(self, position: Position) -> None:
        self.moved.append(position.stop_loss)

    def margin(self, position: Position) -> None:
        self.margins.append(position.margin)

    def trader(self, account: Account) -> None:
        pass

    def record(self, order: Order) -> None:
        self.recorded.append(order)

    @property
    def kinds(self) -> list[ExecutionType]:
        return [event.kind for event in self.events]

    @property
    def deals(self) -> list[Any]:
        return [event.deal for event in self.events if event.deal is not None]


class Desk:
    """An engine with prices of 1.10000/1.10010 and 150.000/150.010."""

    def __init__(self) -> None:
        self.notes = Notes()
        self.engine = Engine(self.notes)
        self.book = self.engine.book
        self.price(EURUSD, 110_000, 110_010)
        self.price(USDJPY, 15_000_000, 15_001_000)

    def price(self, symbol: int, bid: int, ask: int) -> None:
        self.engine.tick(symbol, bid, ask, NOW)

    def account(
        self,
        *,
        deposit: int = 1_000_000,
        netting: bool = False,
        currency: str = "USD",
        leverage: int = 100,
    ) -> Account:
        number = self.book.counters.take("account")
        account = Account(
            number,
            number,
            "owner",
            "name",
            currency,
            0 if currency == "JPY" else 2,
            leverage,
            netting,
            NOW,
        )
        self.book.accounts[number] = account
        if deposit:
            self.engine.change_balance(account, deposit, NOW)
        return account

    def spec(self, symbol: int = EURUSD) -> SymbolSpec:
        return self.book.specs[symbol]

    def order(
        self,
        account: Account,
        side: TradeSide,
        volume: int,
        *,
        symbol: int = EURUSD,
        type: OrderType = OrderType.MARKET,
        **terms: Any,
    ) -> Order:
        return Order(
            self.book.counters.take("order"),
            account,
            self.spec(symbol),
            type,
            side,
            volume,
            NOW,
            NOW,
            **terms,
        )

    def place(self, account: Account, side: TradeSide, volume: int, **terms: Any) -> Order:
        order = self.order(account, side, volume, **terms)
        self.engine.place(order, NOW)
        return order

    def close(self, position: Position, volume: int = 0) -> None:
        side = SELL if position.side == BUY else BUY
        order = self.order(
            position.account,
            side,
            volume or position.volume,
            symbol=position.spec.symbol_id,
            position_id=position.position_id,
            closing=True,
            time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL,
        )
        self.engine.close(order, position, NOW)


def only(account: Account) -> Position:
    [position] = account.positions.values()
    return position
