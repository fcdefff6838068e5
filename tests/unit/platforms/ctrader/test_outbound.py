"""Requests as messages: volumes, distances, prices, and what cannot be said."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.openapi_wire.enums import OrderType as WireOrderType
from apps.openapi_wire.enums import TimeInForce as WireTimeInForce
from apps.openapi_wire.enums import TradeSide
from apps.platforms.adapters.ctrader.catalogue import Catalogue
from apps.platforms.adapters.ctrader.errors import CannotExpress
from apps.platforms.adapters.ctrader.outbound import trade_message
from apps.trading.orders import (
    CancelRequest,
    CloseRequest,
    OrderRequest,
    OrderType,
    ProtectRequest,
    Side,
    TimeInForce,
)

D = Decimal


def _order(**fields: object) -> OrderRequest:
    plain: dict[str, object] = {
        "client_order_id": "c1",
        "instrument_id": "1",
        "side": Side.BUY,
        "units": D(1000),
    }
    return OrderRequest(**(plain | fields))  # type: ignore[arg-type]


@given(cents=st.integers(1, 10**12))
def test_volume_is_hundredths_of_a_unit(cents: int) -> None:
    message = trade_message(7, _order(units=D(cents) / 100), Catalogue())
    assert message.volume == cents


@pytest.mark.parametrize("units", [D("0.001"), D(0), D(-5)])
def test_a_volume_that_the_wire_cannot_carry_is_refused(units: Decimal) -> None:
    with pytest.raises(CannotExpress) as refusal:
        trade_message(7, _order(units=units), Catalogue())
    assert refusal.value.code == "TRADING_BAD_VOLUME"


def test_our_id_stands_on_the_order_and_on_what_it_opens(catalogue: Catalogue) -> None:
    message = trade_message(7, _order(client_order_id="cabc"), catalogue)
    assert (message.clientOrderId, message.label) == ("cabc", "cabc")
    assert message.ctidTraderAccountId == 7
    assert message.orderType == WireOrderType.MARKET


@pytest.mark.parametrize(
    ("side", "stop", "target"),
    [(Side.BUY, D("1.0990"), D("1.1030")), (Side.SELL, D("1.1010"), D("1.0970"))],
)
def test_a_market_order_takes_stops_as_distances(
    catalogue: Catalogue, side: Side, stop: Decimal, target: Decimal
) -> None:
    request = _order(side=side, stop_loss=stop, take_profit=target, base_price=D("1.1000"))
    message = trade_message(7, request, catalogue)
    assert message.tradeSide == (TradeSide.BUY if side is Side.BUY else TradeSide.SELL)
    assert (message.relativeStopLoss, message.relativeTakeProfit) == (100, 300)
    assert not message.HasField("stopLoss")
    assert not message.HasField("takeProfit")


def test_distances_lie_on_the_symbols_grid(catalogue: Catalogue) -> None:
    request = _order(instrument_id="4", stop_loss=D("149.12345"), base_price=D("150.00011"))
    message = trade_message(7, request, catalogue)
    assert message.relativeStopLoss == 87_700


def test_a_stop_on_the_wrong_side_is_refused(catalogue: Catalogue) -> None:
    request = _order(stop_loss=D("1.2"), base_price=D("1.1"))
    with pytest.raises(CannotExpress) as refusal:
        trade_message(7, request, catalogue)
    assert refusal.value.code == "TRADING_BAD_STOPS"


def test_stops_at_market_need_a_base_price(catalogue: Catalogue) -> None:
    with pytest.raises(CannotExpress, match="base_price"):
        trade_message(7, _order(stop_loss=D("1.0")), catalogue)


def test_pending_orders_carry_absolute_prices(catalogue: Catalogue) -> None:
    until = datetime(2026, 3, 1, 12, tzinfo=UTC)
    limit = trade_message(
        7,
        _order(
            type=OrderType.LIMIT,
            price=D("1.09"),
            stop_loss=D("1.08"),
            take_profit=D("1.12"),
            time_in_force=TimeInForce.GTD,
            expires_at=until,
        ),
        catalogue,
    )
    assert (limit.limitPrice, limit.stopLoss, limit.takeProfit) == (1.09, 1.08, 1.12)
    assert limit.timeInForce == WireTimeInForce.GOOD_TILL_DATE
    assert limit.expirationTimestamp == int(until.timestamp()) * 1000
    stop_limit = trade_message(
        7,
        _order(type=OrderType.STOP_LIMIT, stop_price=D("1.1100"), price=D("1.1103")),
        catalogue,
    )
    assert (stop_limit.stopPrice, stop_limit.slippageInPoints) == (1.11, 30)


def test_market_range_carries_base_and_points(catalogue: Catalogue) -> None:
    request = _order(type=OrderType.MARKET_RANGE, base_price=D("1.1"), max_slippage=D("0.0005"))
    message = trade_message(7, request, catalogue)
    assert (message.baseSlippagePrice, message.slippageInPoints) == (1.1, 50)


def test_an_order_can_add_to_a_position(catalogue: Catalogue) -> None:
    assert trade_message(7, _order(position_id="55"), catalogue).positionId == 55


def test_close_protect_and_cancel(catalogue: Catalogue) -> None:
    close = trade_message(7, CloseRequest("c1", "55", D("500.5")), catalogue)
    assert (close.positionId, close.volume) == (55, 50_050)
    protect = trade_message(7, ProtectRequest("c2", "55", D("1.05"), None), catalogue)
    assert (protect.positionId, protect.stopLoss) == (55, 1.05)
    assert not protect.HasField("takeProfit")
    assert trade_message(7, CancelRequest("c3", "66"), catalogue).orderId == 66


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (_order(instrument_id="EURUSD"), "SYMBOL_NOT_FOUND"),
        (CloseRequest("c1", "", D(1)), "POSITION_NOT_FOUND"),
        (CancelRequest("c1", "x"), "ORDER_NOT_FOUND"),
        (_order(type=OrderType.PROTECTION), "INVALID_REQUEST"),
        (_order(type=OrderType.LIMIT), "INVALID_REQUEST"),
    ],
)
def test_what_has_no_words_is_refused_with_a_code(
    catalogue: Catalogue, request_: OrderRequest, code: str
) -> None:
    with pytest.raises(CannotExpress) as refusal:
        trade_message(7, request_, catalogue)
    assert refusal.value.code == code
