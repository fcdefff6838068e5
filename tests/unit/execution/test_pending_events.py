"""Pending orders of a watched account: told late, twice, out of order, or while it is read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.platforms.ports import DealDone, Event, OrderUpdate
from apps.trading.orders import Order, OrderRequest, OrderState, OrderType, Side
from tests.unit.execution.test_reading_accounts import Desk, run

D = Decimal
NOW = datetime.now(UTC)


def placed(desk: Desk, kind: OrderType = OrderType.LIMIT) -> Order:
    stop = D("1.2") if kind is OrderType.STOP_LIMIT else None
    terms: dict[str, Any] = {"type": kind, "price": D("1.21"), "stop_price": stop}
    return desk.platform.rest("a0", OrderRequest("", "1", Side.BUY, D(4000), **terms))


def update(order: Order) -> OrderUpdate:
    return OrderUpdate("a0", order, "", datetime.now(UTC))


def fill(desk: Desk, units: int) -> DealDone:
    deal, position = desk.platform.fill("a0", "o1", D(units))
    return DealDone("a0", deal, position, datetime.now(UTC))


def told(desk: Desk) -> list[tuple[str, str]]:
    """What was journaled: a deal's units, or an order's state and price."""
    return [
        ("deal", p["units"]) if "deal_id" in p else (str(p["state"]), str(p["price"]))
        for p in desk.written.payloads()
    ]


async def take(desk: Desk, *events: Event) -> None:
    await desk.events.take(list(events))


@pytest.mark.parametrize("together", [True, False])
def test_an_order_its_parts_and_its_end_keep_their_order(together: bool) -> None:
    async def work() -> None:
        desk = Desk()
        await desk.read()
        events: list[Event] = [update(placed(desk)), fill(desk, 1000)]
        events.append(update(desk.platform.change("a0", "o1", price=D("1.19"))))
        events.append(fill(desk, 1000))
        events.append(update(desk.platform.change("a0", "o1", state=OrderState.CANCELLED)))
        for group in [events] if together else [[event] for event in events]:
            await take(desk, *group)
        assert told(desk) == [
            ("accepted", "1.21"),
            ("deal", "1000"),
            ("partially_filled", "1.19"),
            ("deal", "1000"),
            ("cancelled", "1.19"),
        ]
        assert desk.account.orders == {}

    run(work())


def test_what_is_told_twice_or_too_late_is_no_change() -> None:
    async def work() -> None:
        desk = Desk()
        await desk.read()
        first = placed(desk)
        second = desk.platform.change("a0", "o1", price=D("1.19"))
        old = replace(first, updated_at=first.updated_at - timedelta(seconds=1))  # type: ignore[operator]
        await take(desk, update(first), update(first), update(second), update(old))
        ended = update(desk.platform.change("a0", "o1", state=OrderState.EXPIRED))
        await take(desk, ended, ended)
        assert told(desk) == [("accepted", "1.21"), ("accepted", "1.19"), ("expired", "1.19")]

    run(work())


def test_a_placement_told_after_its_fill_is_not_a_new_order() -> None:
    async def work() -> None:
        desk = Desk()
        await desk.read()
        late = update(placed(desk))
        await take(desk, fill(desk, 4000), late)
        assert told(desk) == [("deal", "4000")]
        assert desk.account.orders == {}

    run(work())


def test_a_stop_limit_that_is_triggered_goes_on_as_a_limit() -> None:
    async def work() -> None:
        desk = Desk()
        await desk.read()
        await take(desk, update(placed(desk, OrderType.STOP_LIMIT)))
        limit = {"type": OrderType.LIMIT, "stop_price": None}
        await take(desk, update(desk.platform.change("a0", "o1", **limit)))
        await take(desk, update(desk.platform.change("a0", "o1", price=D("1.22"))))
        assert told(desk) == [("accepted", "1.21"), ("accepted", "1.22")]

    run(work())


def test_market_and_protection_orders_are_not_journaled() -> None:
    async def work() -> None:
        desk = Desk()
        await desk.read()
        for kind in (OrderType.MARKET, OrderType.MARKET_RANGE, OrderType.PROTECTION):
            order = replace(placed(desk), type=kind)
            await take(desk, update(order), update(replace(order, state=OrderState.CANCELLED)))
        rejected = replace(placed(desk), state=OrderState.REJECTED)
        await take(desk, update(rejected))
        assert told(desk) == []

    run(work())


@pytest.mark.parametrize("what", ["rests", "filled", "cancelled"])
def test_an_order_placed_before_the_snapshot_is_told_once(what: str) -> None:
    """Its live events were parked; the snapshot and the history show it already."""

    async def work() -> None:
        desk = Desk()
        events: list[Event] = [update(placed(desk))]
        if what == "filled":
            events.append(fill(desk, 4000))
        if what == "cancelled":
            events.append(update(desk.platform.change("a0", "o1", state=OrderState.CANCELLED)))
        await take(desk, *events)
        await desk.read()
        expected = {
            "rests": [("accepted", "1.21")],
            "filled": [("deal", "4000")],
            "cancelled": [("accepted", "1.21"), ("cancelled", "1.21")],
        }[what]
        assert told(desk) == expected
        assert list(desk.account.orders) == (["o1"] if what == "rests" else [])

    run(work())
