"""The venue's books as they stand in its file: what really happened, whoever says otherwise."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from apps.openapi_wire import messages
from apps.openapi_wire.enums import OrderType, TradeSide


@dataclass(frozen=True, slots=True)
class BookedOrder:
    """An order that was carried out, wholly or in part."""

    order_id: str
    account: int
    client_order_id: str
    closing: bool
    by_venue: bool  # a stop loss or take profit that was reached
    position_id: str
    units: Decimal


@dataclass(frozen=True, slots=True)
class BookedDeal:
    deal_id: str
    account: int
    order_id: str
    position_id: str
    symbol_id: int
    side: int  # 1 bought, -1 sold
    closing: bool
    units: Decimal


@dataclass(frozen=True, slots=True)
class BookedPosition:
    position_id: str
    account: int
    symbol_id: int
    side: int  # 1 long, -1 short
    units: Decimal
    stop_loss: float
    take_profit: float


@dataclass(frozen=True, slots=True)
class Books:
    """Everything by the order in which it was booked."""

    deals: tuple[BookedDeal, ...]
    orders: tuple[BookedOrder, ...]
    positions: tuple[BookedPosition, ...]


class VenueFile:
    """Reads the venue's file while the venue runs, is dead, or writes; never changes it."""

    def __init__(self, path: Path) -> None:
        self._address = f"file:{path}?mode=ro"

    def deal_ids(self, accounts: Sequence[int]) -> set[tuple[int, str]]:
        """Account and id of every deal of these accounts."""
        marks = ", ".join("?" * len(accounts))
        rows = self._rows(
            f"SELECT account_id, deal_id FROM deals WHERE account_id IN ({marks})", accounts
        )
        return {(account, str(deal)) for account, deal in rows}

    def books(self) -> Books:
        deals = self._rows("SELECT account_id, body FROM deals ORDER BY deal_id")
        orders = self._rows("SELECT account_id, body FROM orders ORDER BY order_id")
        positions = self._rows("SELECT account_id, body FROM positions ORDER BY position_id")
        return Books(
            tuple(_deal(account, body) for account, body in deals),
            tuple(_executed(orders)),
            tuple(_position(account, body) for account, body in positions),
        )

    def _rows(self, query: str, values: Sequence[int] = ()) -> list[tuple[int, bytes]]:
        with contextlib.closing(sqlite3.connect(self._address, uri=True, timeout=10)) as file:
            return file.execute(query, values).fetchall()


def _units(volume: int) -> Decimal:
    return Decimal(volume) / 100


def _sign(side: int) -> int:
    return 1 if side == TradeSide.BUY else -1


def _deal(account: int, body: bytes) -> BookedDeal:
    deal = messages.ProtoOADeal.FromString(body)
    return BookedDeal(
        str(deal.dealId),
        account,
        str(deal.orderId),
        str(deal.positionId),
        deal.symbolId,
        _sign(deal.tradeSide),
        deal.HasField("closePositionDetail"),
        _units(deal.filledVolume),
    )


def _executed(rows: Iterable[tuple[int, bytes]]) -> Iterable[BookedOrder]:
    for account, body in rows:
        order = messages.ProtoOAOrder.FromString(body)
        if order.executedVolume:
            yield BookedOrder(
                str(order.orderId),
                account,
                order.clientOrderId,
                order.closingOrder,
                order.orderType == OrderType.STOP_LOSS_TAKE_PROFIT,
                str(order.positionId),
                _units(order.executedVolume),
            )


def _position(account: int, body: bytes) -> BookedPosition:
    position = messages.ProtoOAPosition.FromString(body)
    trade = position.tradeData
    return BookedPosition(
        str(position.positionId),
        account,
        trade.symbolId,
        _sign(trade.tradeSide),
        _units(trade.volume),
        position.stopLoss,
        position.takeProfit,
    )
