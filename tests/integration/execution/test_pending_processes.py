"""Pending orders with real gateway processes on the real paper venue, killed and restarted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.demo.desk import Endpoint
from apps.execution import api, selectors
from apps.execution.intents import Intent
from apps.execution.journal import DealPayload, OrderPayload
from apps.execution.models import Order, RestingOrder
from apps.openapi_wire import messages
from apps.openapi_wire.enums import OrderType as WireType
from apps.openapi_wire.enums import TradeSide
from apps.trading.orders import Leg, OrderState, OrderType
from tests.integration.execution.test_processes import Bench, bench

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal
__all__ = ["bench"]


def orders(b: Bench, *terms: dict[str, Any]) -> list[Intent]:
    """One pending order for each of the accounts, a limit below the market if not said else."""
    limit = {"type": OrderType.LIMIT, "price": D("1.09500"), "units": D(2000)}
    plain = b.intents(len(terms), "pending")
    return [i._replace(**limit | t) for i, t in zip(plain, terms, strict=True)]


def states(intents: list[Intent]) -> list[tuple[str, int]]:
    rows = {o.client_order_id: o for o in Order.objects.all()}
    known = [rows[i.client_order_id] for i in intents if i.client_order_id in rows]
    return [(o.state, int(o.filled_units)) for o in known]


def all_rest(intents: list[Intent]) -> bool:
    ids = [i.client_order_id for i in intents]
    resting = Order.objects.filter(client_order_id__in=ids, rested_at__isnull=False)
    return resting.count() == len(intents)


def price(b: Bench, bid: str, ask: str) -> None:
    b.admin.ask_now("set_price", symbol="EURUSD", bid=bid, ask=ask)


def follow(intent: Intent, leg: Leg, **values: Any) -> Intent:
    """An amendment or a cancellation of a resting order."""
    order = Order.objects.get(client_order_id=intent.client_order_id)
    cid = f"{leg}-{intent.client_order_id}"[:25]
    return intent._replace(
        client_order_id=cid, leg=leg, platform_order_id=order.platform_order_id, **values
    )


async def by_hand(b: Bench, account: int, *requests: Any) -> list[Any]:
    """Another terminal of the account sends requests one after the other."""
    endpoint = Endpoint("127.0.0.1", b.rig.port, *b.client, b.token)
    client = await endpoint.open()
    await client.authorise(account, b.token)
    answers = [await client.request(request) for request in requests]
    await client.close()
    return answers


def hand(b: Bench, account: int, *requests: Any) -> list[Any]:
    return asyncio.run(by_hand(b, account, *requests))


def limit_by_hand(account: int, limit: float, **more: Any) -> Any:
    return messages.ProtoOANewOrderReq(
        ctidTraderAccountId=account,
        symbolId=1,
        orderType=WireType.LIMIT,
        tradeSide=TradeSide.BUY,
        volume=200_000,
        limitPrice=limit,
        **more,
    )


def test_orders_rest_are_amended_cancelled_filled_and_expire(bench: Callable[..., Bench]) -> None:
    b = bench()
    b.rig.gateway()
    b.wait(b.live, "live")
    expiry = datetime.now(UTC) + timedelta(seconds=3)
    stop = {"type": OrderType.STOP_LIMIT, "price": D("1.10220"), "stop_price": D("1.10200")}
    intents = orders(b, {}, {"expires_at": expiry}, stop, {"stop_loss": D("1.09")})
    b.submit(intents)
    b.wait(lambda: all_rest(intents), "all rest")
    b.wait(b.settled, "no batch waits for them")
    assert len(selectors.rested_orders("test", 0)) == 4
    b.submit([follow(intents[3], Leg.PROTECT, price=D("1.09900"), stop_loss=None)])
    b.wait(lambda: Order.objects.filter(leg="protect", state="filled").exists(), "amended")
    b.submit([follow(intents[0], Leg.CANCEL)])
    b.wait(lambda: states(intents)[0] == ("cancelled", 0), "cancelled")
    price(b, "1.10200", "1.10210")
    b.wait(lambda: states(intents)[2] == ("filled", 2000), "the stop is filled")
    price(b, "1.09880", "1.09890")
    b.wait(lambda: states(intents)[3] == ("filled", 2000), "the amended limit is filled")
    b.wait(lambda: states(intents)[1] == ("expired", 0), "expired")
    again = follow(intents[2], Leg.CANCEL)
    b.submit([again])
    b.wait(lambda: states([again]) == [("rejected", 0)], "a filled order is not there any more")
    assert Order.objects.get(client_order_id=again.client_order_id).code == "ORDER_NOT_FOUND"
    filled = selectors.orders_by_client_id([intents[3].client_order_id])
    assert filled[intents[3].client_order_id].average_price == D("1.09890")


def test_what_befell_resting_orders_while_the_gateway_was_dead_is_found(
    bench: Callable[..., Bench],
) -> None:
    b = bench(accounts=5)
    b.admin.ask_now(
        "faults",
        rules=[{"action": "partial", "message": "NEW_ORDER_REQ", "account": b.numbers[1]}],
    )
    b.rig.gateway("one")
    b.wait(b.live, "live")
    expiry = datetime.now(UTC) + timedelta(seconds=6)
    low = {"price": D("1.05")}
    intents = orders(b, {}, {}, low, low | {"expires_at": expiry}, low)
    b.submit(intents)
    b.wait(lambda: all_rest(intents), "all rest")
    b.rig.kill("one")
    price(b, "1.09480", "1.09490")
    price(b, "1.10000", "1.10010")
    cancelled = int(Order.objects.get(client_order_id=intents[2].client_order_id).platform_order_id)
    hand(
        b,
        b.numbers[2],
        messages.ProtoOACancelOrderReq(ctidTraderAccountId=b.numbers[2], orderId=cancelled),
    )
    b.rig.wait_until(lambda: datetime.now(UTC) > expiry, "the expiry", 10, 0.1)
    b.rig.gateway("two")
    b.wait(lambda: b.live("two"), "live again")
    expected = [
        ("filled", 2000),
        ("partially_filled", 1000),
        ("cancelled", 0),
        ("expired", 0),
        ("accepted", 0),
    ]
    b.wait(lambda: states(intents) == expected, "what became of them")
    price(b, "1.09480", "1.09490")
    b.wait(lambda: states(intents)[1] == ("filled", 2000), "the second part")
    b.wait(b.settled, "settled")
    assert sorted(b.labels()) == sorted(i.client_order_id for i in intents[:2])
    for intent in intents[:2]:
        order = selectors.orders_by_client_id([intent.client_order_id])[intent.client_order_id]
        assert (order.average_price, order.position_id != "") == (D("1.09490"), True)


def test_a_placement_that_was_not_answered_is_found_resting(bench: Callable[..., Bench]) -> None:
    b = bench()
    b.rig.gateway()
    b.wait(b.live, "live")
    kinds = ("mute", "mute", "drop", "disconnect_after")
    rules = [
        {"action": kind, "message": "NEW_ORDER_REQ", "account": number, "count": 1}
        for kind, number in zip(kinds, b.numbers, strict=True)
    ]
    b.admin.ask_now("faults", rules=rules)
    intents = orders(b, {}, {"price": D("1.12")}, {}, {})  # the second is filled at once
    b.submit(intents)
    expected = [("accepted", 0), ("filled", 2000), ("not_delivered", 0), ("accepted", 0)]
    b.wait(lambda: states(intents) == expected, "all known", 40)
    b.wait(b.settled, "settled")
    b.admin.ask_now("faults", rules=[])
    price(b, "1.09480", "1.09490")
    filled = [("filled", 2000), ("filled", 2000), ("not_delivered", 0), ("filled", 2000)]
    b.wait(lambda: states(intents) == filled, "filled later", 30)
    assert len(b.labels()) == 3


def test_a_masters_orders_are_journaled_also_those_of_a_gap(bench: Callable[..., Bench]) -> None:
    b = bench()
    master, number = b.accounts[0].pk, b.numbers[0]
    api.set_journaled([master], True)
    b.rig.gateway("one")
    b.wait(b.live, "live")

    def told() -> list[str]:
        events = [e.payload for e in selectors.unplanned_events(master)]
        return [p.state if isinstance(p, OrderPayload) else type(p).__name__ for p in events]

    first, second = hand(
        b, number, limit_by_hand(number, 1.095), limit_by_hand(number, 1.05, stopLoss=1.04)
    )
    b.wait(lambda: told() == ["accepted", "accepted"], "placed")
    amend = messages.ProtoOAAmendOrderReq(
        ctidTraderAccountId=number, orderId=second.order.orderId, limitPrice=1.06
    )
    hand(b, number, amend)
    b.wait(lambda: len(told()) == 3, "amended")
    b.rig.kill("one")
    price(b, "1.09480", "1.09490")  # fills the first
    cancel = messages.ProtoOACancelOrderReq(
        ctidTraderAccountId=number, orderId=second.order.orderId
    )
    hand(b, number, cancel, limit_by_hand(number, 1.07))
    b.rig.gateway("two")
    b.wait(lambda: b.live("two"), "live again")
    b.wait(lambda: len(told()) == 6, "what was missed")
    *_, amended, placed, deal, cancelled = (e.payload for e in selectors.unplanned_events(master))
    assert (amended.price, amended.stop_loss) == (D("1.06"), None)
    assert (placed.price, placed.state) == (D("1.07"), OrderState.ACCEPTED)
    assert isinstance(deal, DealPayload)
    assert deal.platform_order_id == str(first.order.orderId)
    assert cancelled.platform_order_id == str(second.order.orderId)
    assert cancelled.state is OrderState.CANCELLED
    resting = selectors.resting_orders([master])[master]
    assert [r.platform_order_id for r in resting] == [placed.platform_order_id]
    kept = RestingOrder.objects.order_by("id").values_list("state", flat=True)
    assert list(kept) == ["filled", "cancelled", "accepted"]
