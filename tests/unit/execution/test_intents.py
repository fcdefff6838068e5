"""Intentions as rows, and the requests that rows become."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from apps.execution.intents import (
    Col,
    Intent,
    SendGuards,
    dump,
    dump_rows,
    guards_of,
    ids_of,
    limits_relation,
    load,
    request_of,
    rows_of,
    type_of,
)
from apps.trading.orders import (
    AmendRequest,
    CancelRequest,
    Leg,
    OrderRequest,
    OrderType,
    Side,
    TimeInForce,
)

D = Decimal
EXPIRY = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
MARKET = Intent(
    "c1",
    7,
    "1001",
    Leg.OPEN,
    "copy",
    instrument_id="1",
    side=Side.BUY,
    units=D(1000),
    stop_loss=D("1.09"),
    reference_price=D("1.1"),
)
LIMIT = MARKET._replace(
    type=OrderType.LIMIT, price=D("1.095"), reference_price=D("1.1"), expires_at=EXPIRY
)
STOP_LIMIT = MARKET._replace(type=OrderType.STOP_LIMIT, price=D("1.111"), stop_price=D("1.11"))
AMENDMENT = Intent(
    "c2",
    7,
    "1001",
    Leg.PROTECT,
    "copy",
    platform_order_id="55",
    instrument_id="1",
    units=D(2000),
    price=D("1.094"),
    take_profit=D("1.2"),
)
GUARDED = MARKET._replace(guards=SendGuards(D("1.1011"), D(500), D("150.00")))
GUARDED_LIMIT = LIMIT._replace(guards=SendGuards(min_equity=D(500)))
COUNTED = MARKET._replace(guards=SendGuards(max_positions=3))
LIMITED = MARKET._replace(guards=SendGuards(D("1.1011"), D(500), D(150), 3, D("99.50")))


@pytest.mark.parametrize(
    "intent",
    [MARKET, LIMIT, STOP_LIMIT, AMENDMENT, GUARDED, GUARDED_LIMIT, COUNTED, LIMITED],
)
def test_an_intent_comes_back_as_it_was(intent: Intent) -> None:
    assert load(dump([intent])) == [intent]
    (row,) = rows_of(dump([intent]))
    assert request_of(row) == intent.request()
    assert type_of(row) == intent.type
    assert guards_of(row) == intent.guards
    assert limits_relation(row) is (intent in (COUNTED, LIMITED))


def test_what_all_intents_share_stands_once() -> None:
    intents = [
        GUARDED._replace(client_order_id=f"c{n}", account_id=n, units=D(1000 + n % 2))
        for n in range(100)
    ]
    assert load(dump(intents)) == intents
    assert [row[Col.CLIENT_ORDER_ID] for row in rows_of(dump(intents))] == ids_of(dump(intents))
    assert load(dump_rows(rows_of(dump(intents))[:3])) == intents[:3]
    assert len(dump(intents)) < 25 * len(intents)


def test_a_resting_order_has_its_terms_and_no_price_of_reference() -> None:
    assert LIMIT.request() == OrderRequest(
        "c1",
        "1",
        Side.BUY,
        D(1000),
        OrderType.LIMIT,
        price=D("1.095"),
        stop_loss=D("1.09"),
        time_in_force=TimeInForce.GTD,
        expires_at=EXPIRY,
    )
    request = STOP_LIMIT.request()
    assert isinstance(request, OrderRequest)
    assert (request.price, request.stop_price) == (D("1.111"), D("1.11"))
    assert request.time_in_force is TimeInForce.GTC


def test_a_protect_without_a_position_amends_an_order() -> None:
    amended = AmendRequest("c2", "55", "1", D(2000), D("1.094"), None, None, D("1.2"), None)
    assert AMENDMENT.request() == amended
    later = AMENDMENT._replace(expires_at=EXPIRY).request()
    assert later == replace(amended, expires_at=EXPIRY)


def test_a_cancel_names_the_order() -> None:
    cancel = AMENDMENT._replace(leg=Leg.CANCEL)
    assert cancel.request() == CancelRequest("c2", "55")
