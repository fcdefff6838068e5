"""Pushed messages as events of the port."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from apps.openapi_wire import FrameDecoder, encode_frame, messages
from apps.openapi_wire.enums import ExecutionType, OrderStatus, OrderType
from apps.platforms.adapters.ctrader.catalogue import Catalogue
from apps.platforms.adapters.ctrader.clock import ClockOffset
from apps.platforms.adapters.ctrader.events import EventReader
from apps.platforms.ports import (
    AccountUpdate,
    DealDone,
    Event,
    OrderUpdate,
    PositionUpdate,
    QuoteUpdate,
)
from apps.trading.orders import OrderState

D = Decimal
NOW = datetime(2026, 1, 5, 10, tzinfo=UTC)
NOW_MS = 1_767_607_200_000


@pytest.fixture
def strangers() -> list[str]:
    return []


@pytest.fixture
def clock() -> ClockOffset:
    return ClockOffset()


@pytest.fixture
def reader(catalogue: Catalogue, clock: ClockOffset, strangers: list[str]) -> EventReader:
    return EventReader(
        catalogue, clock, strangers.append, lambda *position: strangers.append(":".join(position))
    )


def _read(reader: EventReader, message: Any, client_msg_id: str = "") -> list[Event]:
    return reader.read(FrameDecoder().feed(encode_frame(message, client_msg_id)), NOW)


def _execution(kind: ExecutionType, order_type: OrderType = OrderType.MARKET, **fields: Any) -> Any:
    trade = messages.ProtoOATradeData(symbolId=1, volume=100_000, tradeSide=1)
    order = messages.ProtoOAOrder(
        orderId=5,
        tradeData=trade,
        orderType=order_type,
        orderStatus=OrderStatus.ORDER_STATUS_ACCEPTED,
    )
    return messages.ProtoOAExecutionEvent(
        **({"ctidTraderAccountId": 7, "executionType": kind, "order": order} | fields)
    )


def _position(status: int = 1) -> Any:
    trade = messages.ProtoOATradeData(
        symbolId=1, volume=100_000, tradeSide=1, openTimestamp=NOW_MS, label="c1"
    )
    return messages.ProtoOAPosition(
        positionId=13,
        tradeData=trade,
        positionStatus=status,
        swap=0,
        price=1.1,
        stopLoss=1.05,
        utcLastUpdateTimestamp=NOW_MS - 20,
    )


def _deal(status: int = 2) -> Any:
    return messages.ProtoOADeal(
        dealId=11,
        orderId=5,
        positionId=13,
        volume=100_000,
        filledVolume=100_000,
        symbolId=1,
        createTimestamp=NOW_MS - 40,
        executionTimestamp=NOW_MS - 30,
        executionPrice=1.1,
        tradeSide=1,
        dealStatus=status,
    )


def _fill(**fields: Any) -> Any:
    parts = {"position": _position(), "deal": _deal()} | fields
    return _execution(ExecutionType.ORDER_FILLED, **parts)


def test_a_fill_is_a_deal_with_the_position_after_it(
    reader: EventReader, clock: ClockOffset
) -> None:
    (event,) = _read(reader, _fill())
    assert isinstance(event, DealDone)
    assert (event.account, event.deal.deal_id) == ("7", "11")
    assert event.position is not None
    assert event.position.units == D(1000)
    assert clock.value_ms == -30


def test_a_closed_position_is_none(reader: EventReader) -> None:
    (event,) = _read(reader, _fill(position=_position(status=2)))
    assert isinstance(event, DealDone)
    assert event.position is None


@pytest.mark.parametrize(
    ("message_id", "closing", "kind", "stop_out", "ours"),
    [
        ("c9", True, OrderType.MARKET, False, "c9"),
        ("c9", True, OrderType.STOP_LOSS_TAKE_PROFIT, False, ""),
        ("c9", True, OrderType.MARKET, True, ""),
        ("c9", False, OrderType.MARKET, False, ""),
        ("?4", True, OrderType.MARKET, False, ""),
        ("", True, OrderType.MARKET, False, ""),
    ],
)
def test_the_session_that_closed_knows_its_close(
    reader: EventReader,
    message_id: str,
    closing: bool,
    kind: OrderType,
    stop_out: bool,
    ours: str,
) -> None:
    message = _fill()
    message.order.closingOrder, message.order.isStopOut = closing, stop_out
    message.order.orderType = kind
    (event,) = _read(reader, message, message_id)
    assert isinstance(event, DealDone)
    assert event.deal.client_order_id == ours


def test_a_trailing_stop_is_asked_for(reader: EventReader, strangers: list[str]) -> None:
    message = messages.ProtoOATrailingSLChangedEvent(
        ctidTraderAccountId=7,
        positionId=13,
        orderId=5,
        stopPrice=1.06,
        utcLastUpdateTimestamp=NOW_MS,
    )
    assert _read(reader, message) == []
    assert strangers == ["7:13"]


def test_a_refused_deal_is_none(reader: EventReader) -> None:
    assert _read(reader, _fill(deal=_deal(status=4))) == []


def test_an_accepted_market_order_is_no_event(reader: EventReader) -> None:
    assert _read(reader, _execution(ExecutionType.ORDER_ACCEPTED)) == []


@pytest.mark.parametrize(
    "kind",
    [
        ExecutionType.ORDER_ACCEPTED,
        ExecutionType.ORDER_REPLACED,
        ExecutionType.ORDER_EXPIRED,
        ExecutionType.ORDER_CANCELLED,
    ],
)
def test_a_pending_order_changes(reader: EventReader, kind: ExecutionType) -> None:
    (event,) = _read(reader, _execution(kind, OrderType.LIMIT))
    assert isinstance(event, OrderUpdate)
    assert event.order.state is OrderState.ACCEPTED


def test_a_rejection_carries_its_code(reader: EventReader) -> None:
    message = _execution(ExecutionType.ORDER_REJECTED, errorCode="MARKET_CLOSED")
    (event,) = _read(reader, message)
    assert isinstance(event, OrderUpdate)
    assert event.code == "MARKET_CLOSED"


@pytest.mark.parametrize(
    "kind",
    [
        ExecutionType.ORDER_ACCEPTED,
        ExecutionType.ORDER_REPLACED,
        ExecutionType.ORDER_CANCELLED,
    ],
)
def test_protection_that_changes_is_its_positions(reader: EventReader, kind: ExecutionType) -> None:
    message = _execution(kind, OrderType.STOP_LOSS_TAKE_PROFIT, position=_position())
    (event,) = _read(reader, message)
    assert isinstance(event, PositionUpdate)
    assert event.position.stop_loss == D("1.05")
    assert int(event.changed_at.timestamp() * 1000) == NOW_MS - 20


def test_protection_that_ends_with_its_position_is_no_event(reader: EventReader) -> None:
    message = _execution(
        ExecutionType.ORDER_CANCELLED,
        OrderType.STOP_LOSS_TAKE_PROFIT,
        position=_position(status=2),
    )
    assert _read(reader, message) == []


def _trader(balance: int) -> Any:
    trader = messages.ProtoOATrader(
        ctidTraderAccountId=7,
        balance=balance,
        depositAssetId=2,
        leverageInCents=10_000,
        moneyDigits=2,
    )
    return messages.ProtoOATraderUpdatedEvent(ctidTraderAccountId=7, trader=trader)


def _deposit(balance: int) -> Any:
    change = messages.ProtoOADepositWithdraw(
        operationType=0,
        balanceHistoryId=1,
        balance=balance,
        delta=1,
        changeBalanceTimestamp=NOW_MS,
        moneyDigits=2,
    )
    return messages.ProtoOAExecutionEvent(
        ctidTraderAccountId=7,
        executionType=ExecutionType.DEPOSIT_WITHDRAW,
        depositWithdraw=change,
    )


def test_a_deposit_needs_a_known_account(reader: EventReader, strangers: list[str]) -> None:
    assert _read(reader, _deposit(50_000)) == []
    assert strangers == ["7"]
    _read(reader, _trader(10_000))
    (event,) = _read(reader, _deposit(50_000))
    assert isinstance(event, AccountUpdate)
    assert (event.state.balance, event.state.currency) == (D(500), "USD")


def test_quotes_come_by_halves(reader: EventReader, clock: ClockOffset) -> None:
    def spot(**sides: int) -> list[Event]:
        return _read(
            reader,
            messages.ProtoOASpotEvent(
                ctidTraderAccountId=7, symbolId=4, timestamp=NOW_MS - 5, **sides
            ),
        )

    assert spot(bid=15_012_300) == []
    assert clock.value_ms == 0
    (event,) = spot(ask=15_012_900)
    assert event == QuoteUpdate("4", D("150.123"), D("150.129"), NOW)
    assert clock.value_ms == -5
    (event,) = spot(bid=15_012_400)
    assert event == QuoteUpdate("4", D("150.124"), D("150.129"), NOW)
