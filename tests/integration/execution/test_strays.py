"""An order of ours that rests although ours has ended is noticed, told of or not."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from apps.execution.intents import client_order_id
from apps.execution.models import Order as OurOrder
from apps.execution.models import StrayOrder
from apps.trading.orders import Order, OrderState, OrderType, Side
from tests.integration.execution.test_session import Bench, bench, live, run, running, told, until

__all__ = ["bench", "told"]
pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal


def rest(b: Bench, key: str, cid: str, *, tell: bool = False) -> Order:
    """An order that the platform shows on the first account."""
    order = Order(
        key, cid, "1", Side.BUY, OrderType.LIMIT, D(5_000), D(1_000), OrderState.ACCEPTED,
        price=D("1.05"), updated_at=datetime.now(UTC),
    )  # fmt: skip
    b.platform.orders["a0"][key] = order
    if tell:
        b.platform.tell_order("a0", order)
    return order


def strays() -> dict[str, tuple[int, Decimal]]:
    rows = StrayOrder.objects.values_list("platform_order_id", "account_id", "units")
    return {key: (account_id, units) for key, account_id, units in rows}


@pytest.mark.parametrize("tell", [True, False])
def test_one_that_appears_late_is_noted_until_it_goes(bench: Any, tell: bool) -> None:
    b = bench()
    placed = b.intent(0, type=OrderType.LIMIT, price=D("1.05"))

    async def work() -> None:
        async with running():
            await until(live)
            await sync_to_async(b.submit)(placed)  # this one is known to rest
            await until(lambda: OurOrder.objects.filter(rested_at__isnull=False).exists())
            rest(b, "o77", client_order_id("lost"), tell=tell)
            rest(b, "o78", "somebody-elses", tell=tell)
            found = await until(strays)
            assert found == {"o77": (b.accounts[0].pk, D(4_000))}
            del b.platform.orders["a0"]["o77"]
            await until(lambda: not strays())

    run(work())


def test_a_session_that_begins_looks_for_those_that_are_there(bench: Any) -> None:
    b = bench()
    rest(b, "o77", client_order_id("lost"))
    StrayOrder.objects.create(
        account_id=b.accounts[0].pk, platform_order_id="gone", client_order_id="c", side="buy",
        instrument_id="1", units=1, shown_at=datetime.now(UTC),
    )  # fmt: skip

    async def work() -> None:
        async with running():
            await until(live)
            await until(lambda: list(strays()) == ["o77"])

    run(work())
