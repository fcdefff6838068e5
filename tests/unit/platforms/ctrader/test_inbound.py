"""Messages as words: scaling, effects, states, and whose order it is."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.openapi_wire import messages
from apps.openapi_wire.enums import AccountType, OrderStatus, OrderType, PositionStatus
from apps.platforms.adapters.ctrader.catalogue import Catalogue, average_price
from apps.platforms.adapters.ctrader.inbound import (
    read_deal,
    read_order,
    read_position,
    read_trader,
)
from apps.trading.deals import DealEffect
from apps.trading.orders import OrderState
from apps.trading.positions import MarginMode

D = Decimal
NOW = datetime(2026, 1, 5, 10, tzinfo=UTC)


def _deal(**fields: Any) -> Any:
    plain = {
        "dealId": 11,
        "orderId": 12,
        "positionId": 13,
        "volume": 250_000,
        "filledVolume": 250_000,
        "symbolId": 1,
        "createTimestamp": 1_767_607_200_000,
        "executionTimestamp": 1_767_607_200_123,
        "executionPrice": 1.1,
        "tradeSide": 1,
        "dealStatus": 2,
    }
    return messages.ProtoOADeal(**(plain | fields))


def _closing(closed: int) -> Any:
    return messages.ProtoOAClosePositionDetail(
        entryPrice=1.0,
        grossProfit=-12_345,
        swap=-50,
        commission=-30,
        balance=1_000_000,
        closedVolume=closed,
        moneyDigits=3,
    )


@given(points=st.integers(1, 99_999_999))
def test_prices_are_what_the_double_stands_for(points: int) -> None:
    exact = D(points) / 100_000
    known = Catalogue()
    known._formats[1] = "%.5f"
    assert known.price(1, float(exact)) == exact
    assert known.price(2, float(exact)) == exact
    assert average_price(float(exact)) == exact


def test_an_opening_deal(catalogue: Catalogue) -> None:
    deal = read_deal(_deal(commission=-7, moneyDigits=2), catalogue, "c1")
    assert (deal.deal_id, deal.platform_order_id, deal.position_id) == ("11", "12", "13")
    assert (deal.units, deal.price) == (D(2500), D("1.10000"))
    assert deal.effect is DealEffect.OPEN
    assert deal.commission == D("-0.07")
    assert deal.balance is None
    assert deal.executed_at == datetime(2026, 1, 5, 10, 0, 0, 123_000, tzinfo=UTC)


def test_a_closing_deal_is_scaled_by_its_own_digits(catalogue: Catalogue) -> None:
    deal = read_deal(_deal(closePositionDetail=_closing(250_000), moneyDigits=2), catalogue)
    assert deal.effect is DealEffect.CLOSE
    assert (deal.profit, deal.swap, deal.balance) == (D("-12.345"), D("-0.050"), D("1000.000"))


def test_a_deal_that_closes_less_than_it_fills_reverses(catalogue: Catalogue) -> None:
    deal = read_deal(_deal(closePositionDetail=_closing(100_000)), catalogue)
    assert deal.effect is DealEffect.REVERSE


def _position(**fields: Any) -> Any:
    trade = messages.ProtoOATradeData(
        symbolId=4, volume=100_000, tradeSide=2, openTimestamp=1_767_607_200_000, label="c9"
    )
    plain = {
        "positionId": 13,
        "tradeData": trade,
        "positionStatus": PositionStatus.POSITION_STATUS_OPEN,
        "swap": -120,
        "price": 150.1234567,
        "stopLoss": 151.2,
        "usedMargin": 500_000,
        "moneyDigits": 2,
    }
    return messages.ProtoOAPosition(**(plain | fields))


def test_a_position_keeps_its_average_and_its_tag(catalogue: Catalogue) -> None:
    position = read_position(_position(), catalogue)
    assert position is not None
    assert (position.units, position.price) == (D(1000), D("150.1234567"))
    assert (position.stop_loss, position.take_profit) == (D("151.200"), None)
    assert (position.tag, position.margin, position.swap) == ("c9", D(5000), D("-1.20"))


@pytest.mark.parametrize(
    "status", [s for s in PositionStatus if s is not PositionStatus.POSITION_STATUS_OPEN]
)
def test_a_position_that_is_not_open_is_none(catalogue: Catalogue, status: int) -> None:
    assert read_position(_position(positionStatus=status), catalogue) is None


def _order(kind: OrderType, status: OrderStatus, **fields: Any) -> Any:
    trade = messages.ProtoOATradeData(symbolId=1, volume=300_000, tradeSide=1, label="c9")
    return messages.ProtoOAOrder(
        orderId=5, tradeData=trade, orderType=kind, orderStatus=status, **fields
    )


def test_an_accepted_order_with_a_fill_is_partly_filled(catalogue: Catalogue) -> None:
    order = _order(
        OrderType.LIMIT,
        OrderStatus.ORDER_STATUS_ACCEPTED,
        executedVolume=100_000,
        limitPrice=1.05,
        clientOrderId="c9",
    )
    read = read_order(order, catalogue)
    assert read.state is OrderState.PARTIALLY_FILLED
    assert (read.units, read.filled_units, read.price) == (D(3000), D(1000), D("1.05"))
    assert read.client_order_id == "c9"


def test_a_protection_order_is_never_ours(catalogue: Catalogue) -> None:
    order = _order(
        OrderType.STOP_LOSS_TAKE_PROFIT, OrderStatus.ORDER_STATUS_FILLED, clientOrderId="c9"
    )
    assert read_order(order, catalogue).client_order_id == ""


@given(digits=st.integers(0, 8), balance=st.integers(-(10**15), 10**15))
def test_balance_is_scaled_by_money_digits(digits: int, balance: int) -> None:
    trader = messages.ProtoOATrader(
        ctidTraderAccountId=1,
        balance=balance,
        depositAssetId=2,
        leverageInCents=3_000,
        accountType=AccountType.NETTED,
        moneyDigits=digits,
    )
    state = read_trader(trader, Catalogue(), NOW)
    assert state.balance * 10**digits == balance
    assert (state.leverage, state.margin_mode) == (D(30), MarginMode.NETTING)
