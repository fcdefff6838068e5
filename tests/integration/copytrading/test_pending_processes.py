"""Resting orders copied by real processes: gateway, worker and the paper venue, killed between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.accounts.product_models import ProductConfig
from apps.copytrading.models import CopySubscription, Outcome, PendingLink, TradeLink
from apps.copytrading.models.ledger import WaitingEvent
from apps.demo.desk import Endpoint
from apps.execution import api
from apps.execution.models import AccountEvent, Order
from apps.openapi_wire import messages
from apps.openapi_wire.enums import OrderType as WireType
from apps.openapi_wire.enums import TradeSide
from apps.platforms.models import AccountState
from tests.factories.copytrading import (
    FollowerFactory,
    MasterFactory,
    SubscriptionFactory,
    switch_copying,
)
from tests.integration.execution.test_processes import Bench, bench

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["bench"]
UNITS = 10_000
RESTS = ("accepted", "partially_filled")


class Copying:
    """A master with followers on one venue, traded by hand from another terminal."""

    def __init__(self, bench: Bench, *settings: dict[str, Any]) -> None:
        self.b = bench
        switch_copying()
        # Dead processes take their time, and prices that jump are stored a moment later.
        ProductConfig.objects.update(max_delay_s=300, max_slippage=Decimal(5))
        master, *followers = bench.accounts
        self.master = MasterFactory(account=master)
        self.number = bench.numbers[0]
        self.copies: list[CopySubscription] = [
            SubscriptionFactory(
                master=self.master, follower=FollowerFactory(account=account), **changes
            )
            for account, changes in zip(followers, settings, strict=True)
        ]
        api.set_journaled([master.pk], True)
        self.b.rig.upkeep()
        self.start("one")

    def start(self, name: str) -> None:
        """A gateway and a worker, and all accounts read."""
        self.b.rig.gateway(name)
        self.b.rig.worker()
        self.b.wait(lambda: self.b.live(name), "live", 40)
        accounts = len(self.b.accounts)
        self.b.wait(
            lambda: AccountState.objects.filter(synced=True).count() == accounts, "all read", 40
        )

    def hand(self, *requests: Any, account: int = 0) -> list[Any]:
        """What a person does on the master's account, or on another's."""
        return asyncio.run(self._hand(account or self.number, *requests))

    async def _hand(self, account: int, *requests: Any) -> list[Any]:
        endpoint = Endpoint("127.0.0.1", self.b.rig.port, *self.b.client, self.b.token)
        client = await endpoint.open()
        await client.authorise(account, self.b.token)
        answers = [await client.request(request) for request in requests]
        await client.close()
        return answers

    def place(self, price: float = 1.095, **more: Any) -> int:
        """The master's buy limit; its id."""
        request = messages.ProtoOANewOrderReq(
            ctidTraderAccountId=self.number,
            symbolId=1,
            orderType=WireType.LIMIT,
            tradeSide=TradeSide.BUY,
            volume=UNITS * 100,
            limitPrice=price,
            **more,
        )
        (answer,) = self.hand(request)
        return int(answer.order.orderId)

    def amend(self, order: int, **terms: Any) -> None:
        self.hand(
            messages.ProtoOAAmendOrderReq(ctidTraderAccountId=self.number, orderId=order, **terms)
        )

    def cancel(self, order: int, account: int = 0) -> None:
        number = account or self.number
        request = messages.ProtoOACancelOrderReq(ctidTraderAccountId=number, orderId=order)
        self.hand(request, account=number)

    def close_all(self) -> None:
        """The master closes whatever it holds."""
        for position in self.book(0)["positions"]:
            self.hand(
                messages.ProtoOAClosePositionReq(
                    ctidTraderAccountId=self.number,
                    positionId=int(position["position_id"]),
                    volume=int(Decimal(position["units"]) * 100),
                )
            )

    def price(self, bid: str, ask: str) -> None:
        self.b.admin.ask_now("set_price", symbol="EURUSD", bid=bid, ask=ask)

    def books(self) -> list[dict[str, Any]]:
        books = {book["account"]: book for book in self.b.admin.ask_now("books")["books"]}
        return [books[number] for number in self.b.numbers]

    def book(self, index: int) -> dict[str, Any]:
        return self.books()[index]

    def held(self) -> list[int]:
        """What each account holds, signed, the master first."""
        return [sum(_signed(p) for p in book["positions"]) for book in self.books()]

    def resting(self) -> list[int]:
        """How many orders rest on each account."""
        return [sum(o["status"] in RESTS for o in book["orders"]) for book in self.books()]

    def at_rest(self) -> bool:
        """Nothing waits or is under way, and every event has one outcome for each copy."""
        told = AccountEvent.objects.filter(account_id=self.master.account_id).count()
        return (
            Outcome.objects.count() == told * len(self.copies)
            and not WaitingEvent.objects.exists()
            and not Order.objects.exclude(final_at=None).filter(settled_at=None).exists()
            and not TradeLink.objects.filter(state="open").exclude(in_flight="").exists()
            and not PendingLink.objects.filter(closed_at=None).exclude(in_flight="").exists()
        )

    def wait(self, true: Callable[[], bool], what: str, seconds: float = 30) -> None:
        self.b.wait(true, what, seconds)


def _signed(position: dict[str, Any]) -> int:
    units = int(Decimal(position["units"]))
    return units if position["side"] == "buy" else -units


def followed(c: Copying, count: int) -> bool:
    """Whether each copy has as many outcomes, and nothing is under way."""
    return Outcome.objects.count() == count * len(c.copies) and c.at_rest()


def test_placed_amended_cancelled_expired_and_filled(bench: Callable[..., Bench]) -> None:
    c = Copying(
        bench(accounts=4), {}, {"risk_multiplier": Decimal("0.5")}, {"reverse_direction": True}
    )
    order = c.place(1.09)
    c.wait(lambda: c.resting() == [1, 1, 1, 1], "they rest")
    c.amend(order, limitPrice=1.091, stopLoss=1.08)
    c.wait(lambda: followed(c, 2), "amended")
    prices = {(p.type, p.price or p.stop_price) for p in PendingLink.objects.all()}
    assert prices == {("limit", Decimal("1.091")), ("stop", Decimal("1.091"))}
    c.cancel(order)
    c.wait(lambda: followed(c, 3) and c.resting() == [0, 0, 0, 0], "cancelled")
    ends = datetime.now(UTC) + timedelta(seconds=3)
    c.place(1.09, expirationTimestamp=int(ends.timestamp() * 1000))
    c.wait(lambda: followed(c, 4), "placed")
    c.wait(lambda: followed(c, 5) and c.resting() == [0, 0, 0, 0], "expired")
    c.place(1.095)
    c.wait(lambda: followed(c, 6), "placed")
    c.price("1.09480", "1.09490")
    c.wait(lambda: followed(c, 7), "filled")
    assert c.held() == [UNITS, UNITS, UNITS // 2, -UNITS]
    assert c.resting() == [0, 0, 0, 0]
    c.close_all()
    c.wait(lambda: followed(c, 8), "closed")
    assert c.held() == [0, 0, 0, 0]
    codes = set(Outcome.objects.values_list("state", "code"))
    assert codes <= {("copied", "COPIED"), ("copied", "PENDING_FILLED")}


def test_parts_on_both_sides(bench: Callable[..., Bench]) -> None:
    """The master's order and one copy fill by halves; another copy is filled whole at once."""
    b = bench(accounts=3)
    c = Copying(b, {}, {})
    halves = [
        {"action": "partial", "message": "NEW_ORDER_REQ", "account": number, "count": 1}
        for number in b.numbers[:2]
    ]
    b.admin.ask_now("faults", rules=halves)
    c.place(1.095)
    c.wait(lambda: followed(c, 1), "placed")
    c.price("1.09480", "1.09490")
    c.wait(lambda: followed(c, 2), "the first half")
    master, first, second = c.held()
    assert (master, first, second) == (UNITS // 2, UNITS // 2, UNITS)
    c.price("1.09470", "1.09480")
    c.wait(lambda: followed(c, 3), "the other half")
    print(
        Outcome.objects.values(
            "subscription_id", "event_kind", "state", "code", "message", "units", "filled_units"
        ),
        Order.objects.values("leg", "type", "units", "filled_units", "state", "account_id"),
        c.books(),
    )
    assert c.held() == [UNITS, UNITS, UNITS]
    assert c.resting() == [0, 0, 0]
    b.admin.ask_now("faults", rules=[])
    c.close_all()
    c.wait(lambda: followed(c, 4), "closed")
    assert c.held() == [0, 0, 0]


def test_gateway_and_worker_are_killed_in_between(bench: Callable[..., Bench]) -> None:
    b = bench(accounts=4)
    c = Copying(b, {}, {"risk_multiplier": Decimal("0.5")}, {"reverse_direction": True})
    b.rig.kill("worker")
    c.place(1.095)
    b.rig.kill("one")
    c.start("two")
    c.wait(lambda: followed(c, 1) and c.resting() == [1] * 4, "placed after all")
    b.rig.kill("two")
    b.rig.kill("worker")
    c.price("1.09480", "1.09490")
    c.price("1.10000", "1.10010")
    c.start("three")
    c.wait(lambda: followed(c, 2), "the fills are found")
    assert c.held() == [UNITS, UNITS, UNITS // 2, -UNITS]
    order = c.place(1.09)
    c.wait(lambda: followed(c, 3) and c.resting() == [1] * 4, "placed")
    b.rig.kill("three")
    b.rig.kill("worker")
    c.amend(order, limitPrice=1.085)
    c.cancel(order)
    c.start("four")
    c.wait(lambda: c.at_rest() and c.resting() == [0] * 4, "cancelled after all")
    c.close_all()
    c.wait(lambda: c.at_rest() and c.held() == [0] * 4, "closed")


def test_cancels_that_go_unanswered_or_come_too_late(bench: Callable[..., Bench]) -> None:
    b = bench(accounts=4)
    c = Copying(b, {}, {}, {})
    order = c.place(1.095)
    c.wait(lambda: followed(c, 1), "placed")
    kinds = ("mute", "drop", "disconnect_after")
    rules = [
        {"action": kind, "message": "CANCEL_ORDER_REQ", "account": number, "count": 1}
        for kind, number in zip(kinds, b.numbers[1:], strict=True)
    ]
    b.admin.ask_now("faults", rules=rules)
    c.cancel(order)
    c.wait(lambda: followed(c, 2) and c.resting() == [0] * 4, "cancelled", 60)
    b.admin.ask_now("faults", rules=[])
    order = c.place(1.095)
    c.wait(lambda: followed(c, 3), "placed")
    rules = [
        {"action": "delay", "message": "CANCEL_ORDER_REQ", "account": number, "delay_ms": 1500}
        for number in b.numbers[1:]
    ]
    b.admin.ask_now("faults", rules=rules)
    c.cancel(order)
    c.wait(lambda: not PendingLink.objects.filter(closed_at=None, in_flight="").exists(), "sent")
    c.price("1.09480", "1.09490")  # fills the copies before their cancels arrive
    c.wait(lambda: followed(c, 4) and c.held() == [0] * 4, "bought and closed again", 40)
    closed = Outcome.objects.filter(event_kind="cancelled", code="PENDING_FILLED").count()
    assert closed == 3


def test_cancelled_by_hand_on_the_followers_side(bench: Callable[..., Bench]) -> None:
    b = bench(accounts=2)
    c = Copying(b, {})
    c.place(1.095)
    c.wait(lambda: followed(c, 1), "placed")
    (pending,) = PendingLink.objects.all()
    c.cancel(int(pending.platform_order_id), account=b.numbers[1])
    c.wait(lambda: PendingLink.objects.filter(state="cancelled").exists(), "seen")
    c.price("1.09480", "1.09490")
    c.wait(lambda: followed(c, 2), "the master's fill")
    assert c.held() == [UNITS, 0]
    assert Outcome.objects.get(event_kind="opened").code == "CANCELLED"


def test_placements_that_go_unanswered_are_found_or_known_to_be_absent(
    bench: Callable[..., Bench],
) -> None:
    b = bench(accounts=4)
    c = Copying(b, {}, {}, {})
    kinds = ("mute", "drop", "disconnect_after")
    rules = [
        {"action": kind, "message": "NEW_ORDER_REQ", "account": number, "count": 1}
        for kind, number in zip(kinds, b.numbers[1:], strict=True)
    ]
    b.admin.ask_now("faults", rules=rules)
    c.place(1.095)
    c.wait(lambda: followed(c, 1), "all known", 60)
    assert c.resting() == [1, 1, 0, 1]
    codes = Outcome.objects.order_by("subscription_id").values_list("code", flat=True)
    assert list(codes) == ["COPIED", "NOT_DELIVERED", "COPIED"]
    c.price("1.09480", "1.09490")
    c.wait(lambda: followed(c, 2), "filled, the second at market", 40)
    assert (c.held(), c.resting()) == ([UNITS] * 4, [0] * 4)
    labels = b.labels()
    assert len(labels) == len(set(labels)) == 4
