"""How copies settle: orders refused, lost or filled in part, and positions closed by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from apps.copytrading.models import (
    CopySubscription,
    LinkLeg,
    Outcome,
)
from apps.copytrading.services.closing import masters_with_due_closes
from apps.copytrading.services.foreign import masters_concerned
from apps.copytrading.services.work import look_after
from apps.execution.intents import Intent
from apps.execution.models import Deal, Position
from apps.trading.orders import Leg, OrderState
from tests.factories.copytrading import CopyWorld
from tests.support.copies import codes, only

pytestmark = pytest.mark.django_db(transaction=True)
Mode = CopySubscription.VolumeMode


@pytest.fixture
def world() -> CopyWorld:
    return CopyWorld()


def test_stops_that_came_out_inexact_are_set_exactly(world: CopyWorld) -> None:
    world.follow()
    world.trade("m1", 100_000, stops=(Decimal("1.08"), None))
    world.work()
    world.deliver()
    Position.objects.update(stop_loss=Decimal("1.0803"))
    world.work()
    assert Outcome.objects.count() == 0
    (sent,) = world.deliver()
    assert (sent.leg, sent.stop_loss) == (Leg.PROTECT, Decimal("1.08"))
    world.work()
    outcome = Outcome.objects.get()
    assert (outcome.code, outcome.filled_units) == ("COPIED", Decimal(100_000))


def test_a_rejected_open_is_not_bought_later(world: CopyWorld) -> None:
    world.follow()

    def refuse(_: Intent) -> dict[str, Any]:
        return {"state": OrderState.REJECTED, "code": "NOT_ENOUGH_MONEY", "message": "no"}

    world.trade("m1", 100_000)
    world.run(refuse)
    assert only().state == "failed"
    outcome = Outcome.objects.get()
    assert (outcome.state, outcome.code) == ("rejected", "REJECTED")
    assert outcome.message == "NOT_ENOUGH_MONEY: no"
    world.trade("m1", 50_000)
    world.trade("m1", -150_000)
    assert world.run() == []
    assert [code for _, _, code in codes()[1:]] == ["NOT_LINKED", "NOT_LINKED"]


def test_partial_fill_keeps_the_part(world: CopyWorld) -> None:
    world.follow()
    world.trade("m1", 100_000)
    world.run(lambda _: {"filled_units": Decimal(60_000), "state": OrderState.CANCELLED})
    assert codes() == [("opened", "partial", "PARTIALLY_FILLED")]
    assert (only().held_units, only().target_units) == (60_000, 60_000)
    world.trade("m1", -50_000)
    world.run()
    assert only().held_units == Decimal(30_000)


def test_a_position_closed_by_hand_is_not_bought_back(world: CopyWorld) -> None:
    world.follow()
    world.trade("m1", 100_000)
    world.run()
    Position.objects.update(units=0, closed_at="2026-01-01T00:00:00Z")
    world.trade("m1", 100_000)
    world.trade("m1", -200_000)
    assert world.run() == []
    assert [code for _, _, code in codes()[1:]] == ["POSITION_GONE", "POSITION_GONE"]
    assert only().state == "closed"


def test_a_close_of_a_position_that_is_gone(world: CopyWorld) -> None:
    world.follow()
    world.trade("m1", 100_000)
    world.run()
    world.trade("m1", -100_000)
    world.run(lambda _: {"state": OrderState.REJECTED, "code": "POSITION_NOT_FOUND"})
    assert codes()[-1] == ("closed", "skipped", "POSITION_GONE")
    assert only().state == "closed"


def test_a_close_that_got_lost_is_sent_again(world: CopyWorld) -> None:
    world.follow()
    world.trade("m1", 100_000)
    world.run()
    world.trade("m1", -100_000)
    world.work()
    first = world.deliver(lambda _: {"state": OrderState.NOT_DELIVERED})
    assert world.run() == []
    world.wait()
    second = world.run()
    assert [i.leg for i in (*first, *second)] == [Leg.CLOSE, Leg.CLOSE]
    assert second[0].client_order_id != first[0].client_order_id
    assert second[0].cause.endswith("#2")
    assert only().state == "closed"
    assert codes()[-1] == ("closed", "failed", "NOT_DELIVERED")


def test_a_stop_that_was_hit_ends_the_copy_with_its_result(world: CopyWorld) -> None:
    copy = world.follow()
    world.trade("m1", 100_000)
    world.run()
    link = only()
    foreign = Deal.objects.create(
        account_id=link.account_id,
        deal_id="foreign",
        platform_order_id="theirs",
        position_id=link.position_id,
        instrument_id="1",
        side="sell",
        effect="close",
        units=100_000,
        price=world.price,
        profit=Decimal(-40),
        executed_at=timezone.now(),
        received_at=timezone.now(),
    )
    Position.objects.update(units=0, closed_at=foreign.executed_at)
    assert masters_concerned() == [world.account_id]
    look_after(world.account_id)
    look_after(world.account_id)
    copy.refresh_from_db()
    assert (only().state, only().result, copy.result) == ("gone", -40.5, -40.5)
    assert LinkLeg.objects.get().closed_at is not None
    assert masters_concerned() == []
    world.trade("m1", -100_000)
    assert world.run() == []
    assert codes()[-1] == ("closed", "skipped", "POSITION_GONE")
    assert only().state == "closed"


def test_a_part_closed_by_hand_is_not_bought_back(world: CopyWorld) -> None:
    world.follow()
    world.trade("m1", 100_000)
    world.run()
    Position.objects.update(units=40_000)
    look_after(world.account_id)
    assert (only().held_units, only().target_units) == (40_000, 40_000)
    world.trade("m1", -50_000)
    (sent,) = world.run()
    assert sent.units == Decimal(20_000)


@pytest.mark.parametrize(
    "code", ["REQUEST_FREQUENCY_EXCEEDED", "POSITION_LOCKED", "TRADING_DISABLED"]
)
def test_a_close_that_is_refused_is_sent_again(world: CopyWorld, code: str) -> None:
    world.follow()
    world.trade("m1", 100_000)
    world.run()
    world.trade("m1", -100_000)
    world.work()
    world.deliver(lambda _: {"state": OrderState.REJECTED, "code": code})
    world.run()
    world.wait()
    world.run()
    assert only().state == "closed"
    assert codes()[-1] == ("closed", "rejected", "REJECTED")


def test_a_close_is_never_given_up_and_its_pauses_grow(world: CopyWorld) -> None:
    world.follow()
    world.trade("m1", 100_000)
    world.run()
    world.trade("m1", -100_000)
    world.work()
    pauses: list[int] = []
    while len(pauses) < 8:
        world.deliver(lambda _: {"state": OrderState.REJECTED, "code": "TRADING_DISABLED"})
        before = timezone.now()
        world.work()
        until = only().close_not_before
        assert until is not None
        assert masters_with_due_closes() == []
        pauses.append(round((until - before).total_seconds()))
        world.wait()
        assert masters_with_due_closes() == [world.account_id]
        world.work()
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    world.deliver()
    world.run()
    assert (only().state, only().held_units) == ("closed", 0)


@pytest.mark.parametrize("state", [OrderState.REJECTED, OrderState.NOT_DELIVERED])
def test_a_partial_close_that_got_lost_is_made_up(world: CopyWorld, state: OrderState) -> None:
    world.follow()
    world.trade("m1", 100_000)
    world.run()
    world.trade("m1", -40_000)
    world.work()
    world.deliver(lambda _: {"state": state, "code": "NO_QUOTES"})
    world.work()
    assert only().held_units == 100_000
    world.wait()
    (sent,) = world.run()
    assert (sent.leg, sent.units) == (Leg.CLOSE, 40_000)
    assert (only().state, only().held_units, only().close_cause) == ("open", 60_000, "")


def test_a_partial_close_that_got_lost_is_not_made_up_once_it_is_wanted_again(
    world: CopyWorld,
) -> None:
    world.follow()
    world.trade("m1", 100_000)
    world.run()
    world.trade("m1", -40_000)
    world.work()
    world.deliver(lambda _: {"state": OrderState.REJECTED, "code": "NO_QUOTES"})
    world.work()
    world.trade("m1", 40_000)
    assert world.run() == []
    world.wait()
    assert world.run() == []
    assert (only().held_units, only().target_units, only().close_cause) == (100_000, 100_000, "")


@pytest.mark.parametrize(
    "code",
    [
        "SLIPPAGE",
        "MIN_EQUITY",
        "MARGIN",
        "MARKET_CLOSED",
        "KILL_SWITCH",
        "MAX_POSITIONS",
        "LOSS_LIMIT",
    ],
)
def test_what_a_guard_held_at_sending_is_skipped_with_its_code(world: CopyWorld, code: str) -> None:
    world.follow()
    world.trade("m1", 100_000)
    message = "with the numbers"
    world.run(lambda _: {"state": OrderState.WITHHELD, "code": code, "message": message})
    assert codes() == [("opened", "skipped", code)]
    assert Outcome.objects.get().message == message
    assert only().held_units == 0
