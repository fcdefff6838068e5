"""The most positions and the loss limit of a copy, judged once more when its opens leave."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from apps.copytrading.models import CopySubscription, TradeLink
from apps.execution.gateway.claims import _asks_of_relations
from apps.execution.intents import SendGuards, dump, rows_of
from apps.execution.models import Order
from apps.platforms.ports import QuoteUpdate
from apps.trading.orders import Side
from tests.factories.copytrading import FollowerFactory, SubscriptionFactory
from tests.integration.execution.test_session import Bench, bench, live, run, running, told, until

__all__ = ["bench", "told"]
pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal


def copy_on(b: Bench, **values: Any) -> CopySubscription:
    return SubscriptionFactory(follower=FollowerFactory(account=b.accounts[0]), **values)


def holding(copy: CopySubscription, key: str, **values: Any) -> TradeLink:
    """A link of the copy with a position, or with an order under way."""
    defaults: dict[str, Any] = {
        "subscription_id": copy.pk,
        "master_account_id": copy.master.account_id,
        "account_id": copy.follower.account_id,
        "position_key": key,
        "symbol": "EURUSD",
        "instrument_id": "1",
        "side": Side.BUY,
        "ratio": 1,
        "grows": True,
        "master_units": 10_000,
        "target_units": 10_000,
        "opened_event_id": 1,
        "last_event_id": 1,
        "opened_at": timezone.now(),
    }
    return TradeLink.objects.create(**(defaults | values))


def ends() -> dict[str, tuple[str, str]]:
    rows = Order.objects.values_list("client_order_id", "state", "code")
    return {cid: (state, code) for cid, state, code in rows}


def test_a_copy_never_holds_more_positions_than_it_may(bench: Any) -> None:
    b = bench()
    copy, other = copy_on(b), SubscriptionFactory(follower=FollowerFactory(account=b.accounts[1]))
    guards = SendGuards(max_positions=3)
    holding(copy, "m1", held_units=10_000, position_id="p1")
    # The first has its link already, as after an interrupted run; the others not yet.
    opens = [
        b.intent(0, client_order_id=f"o{n}", relation=f"sub:{copy.pk}", guards=guards)
        for n in range(4)
    ]
    holding(copy, "m2", in_flight="o0")
    adds = opens[0]._replace(client_order_id="adds", position_id="p1")
    apart = b.intent(1, relation=f"sub:{other.pk}", guards=SendGuards(max_positions=1))

    async def work() -> None:
        async with running():
            await until(live)
            await sync_to_async(b.submit)(*opens, adds, apart)
            await until(lambda: len(ends()) == 6)
            await until(lambda: all(state != "sent" for state, _ in ends().values()))

    run(work())
    found = ends()
    assert [found[f"o{n}"] for n in range(2)] == [("filled", "")] * 2
    assert [found[f"o{n}"] for n in (2, 3)] == [("withheld", "MAX_POSITIONS")] * 2
    assert found["adds"][1] != "MAX_POSITIONS"
    assert found[apart.client_order_id] == ("filled", "")
    said = Order.objects.get(client_order_id="o3").message
    assert said == "3 of 3 positions are open or on their way"


def test_a_loss_that_grew_while_an_order_waited_holds_it_back(bench: Any) -> None:
    b = bench()
    copy = copy_on(b, result=-40)
    _, position = b.platform.open("a0", Side.BUY, D(10_000))  # at 1.1
    holding(copy, "m1", held_units=5_000, position_id=position.position_id)
    intent = b.intent(0, relation=f"sub:{copy.pk}", guards=SendGuards(loss_limit=D(100)))
    before, behind = (intent._replace(client_order_id=cid) for cid in ("before", "behind"))

    async def work() -> None:
        async with running():
            await until(live)
            await move(b, "1.0881")  # 5,000 lose 59.50
            await sync_to_async(b.submit)(before)
            await until(lambda: ends().get("before") == ("filled", ""))
            await move(b, "1.0880")
            await sync_to_async(b.submit)(behind)
            await until(lambda: "behind" in ends())

    run(work())
    assert ends()["behind"] == ("withheld", "LOSS_LIMIT")
    said = Order.objects.get(client_order_id="behind").message
    assert said == "the result is -100.00 USD, the limit is a loss of 100"


async def move(b: Bench, price: str) -> None:
    b.platform.push([QuoteUpdate("1", D(price), D(price), datetime.now(UTC))])
    await asyncio.sleep(0.1)


def test_only_opens_with_such_a_limit_are_asked_about(bench: Any) -> None:
    b = bench()
    guards = SendGuards(D("1.1"), D(500), D(150))
    free = [b.intent(n, guards=guards) for n in range(3)] + [b.intent(3, guards=None)]
    assert _asks_of_relations(rows_of(dump(free))) == []
    limited = [intent._replace(guards=guards._replace(max_positions=5)) for intent in free[:2]]
    ((statement, values),) = _asks_of_relations(rows_of(dump([*free, *limited])))
    assert "copytrading_tradelink" in statement
    assert sorted(values[0]) == ["sub:0", "sub:1"]  # type: ignore[call-overload]
