"""Payloads of the journal as text and back."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from apps.execution import journal
from apps.trading.deals import DealEffect
from apps.trading.orders import OrderState, OrderType, Side

D = Decimal
DEAL = journal.DealPayload(
    "d1",
    "o1",
    "c1",
    "p1",
    "1",
    "EURUSD",
    Side.BUY,
    D(1000),
    D("1.1"),
    DealEffect.OPEN,
    D(1000),
    Side.BUY,
    D("1.1"),
    None,
    D("1.2"),
    own=True,
)
STOPS = journal.ProtectionPayload("p1", "1", "EURUSD", Side.SELL, D(1000), D("1.2"), None)
ORDER = journal.OrderPayload(
    "o1",
    "",
    "1",
    "EURUSD",
    Side.SELL,
    OrderType.STOP_LIMIT,
    D(2000),
    D(1000),
    OrderState.PARTIALLY_FILLED,
    D("1.09"),
    D("1.091"),
    None,
    D("1.08"),
    datetime(2030, 1, 2, tzinfo=UTC),
)


@pytest.mark.parametrize("payload", [DEAL, STOPS, ORDER])
def test_a_payload_comes_back_as_it_was(payload: journal.Payload) -> None:
    assert journal.load(journal.dump(payload)) == payload
