"""Closes that do not get through at once, and what the master does meanwhile."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from apps.copytrading import api
from apps.copytrading.models import CopySubscription, Outcome, TradeLink, WaitingEvent
from apps.copytrading.services import planning
from apps.execution.intents import Intent
from apps.execution.models import Order, Position
from apps.trading.orders import Leg, OrderState, Side
from tests.factories.accounts import UserFactory
from tests.factories.copytrading import CopyWorld
from tests.factories.pending import PendingWorld

pytestmark = pytest.mark.django_db(transaction=True)
LOT = 100_000


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.copytrading.tasks.work.delay", lambda account_id: None)


@pytest.fixture
def world() -> CopyWorld:
    return CopyWorld()


class Killed(BaseException):
    """Stands for SIGKILL."""


def killed(*_: Any) -> None:
    raise Killed


def refused_closes(intent: Intent) -> dict[str, Any]:
    refused = {"state": OrderState.REJECTED, "code": "MARKET_CLOSED"}
    return refused if intent.leg is Leg.CLOSE else {}


def codes(copy: CopySubscription) -> list[str]:
    found = Outcome.objects.filter(subscription_id=copy.pk).order_by("event_id")
    return [outcome.code for outcome in found]


def held(copy: CopySubscription) -> dict[str, Decimal]:
    """Units by side that the account really holds."""
    rows = Position.objects.filter(account_id=copy.follower.account_id, closed_at=None)
    return {row.side: row.units for row in rows}


def test_a_reversal_whose_close_is_refused_never_keeps_the_old_side(world: CopyWorld) -> None:
    """The master adds to its new side while the close of the old one waits for another try."""
    copy = world.follow()
    world.trade("m1", LOT)
    world.run()
    world.reverse("m1", LOT)
    world.run(refused_closes)
    world.trade("m1", LOT)
    world.protect("m1", Decimal("1.11"))
    world.run(refused_closes)
    world.wait()
    world.run()
    assert Side.BUY not in held(copy)
    assert not WaitingEvent.objects.exists()
    assert len(codes(copy)) == 4
    world.trade("m1", -2 * LOT)
    world.run()
    assert held(copy) == {}
    assert len(codes(copy)) == 5


def test_a_position_reopened_under_the_same_id_before_the_old_copy_is_closed(
    world: CopyWorld,
) -> None:
    copy = world.follow()
    world.trade("m1", LOT)
    world.run()
    world.trade("m1", -LOT)
    world.run(refused_closes)
    del world.positions["m1"]
    world.trade("m1", LOT, side=Side.SELL)
    world.run(refused_closes)
    world.trade("m1", LOT)
    world.run(refused_closes)
    world.wait()
    world.run()
    assert Side.BUY not in held(copy)
    assert "PENDING_FILLED" not in codes(copy)


def test_nothing_is_added_to_what_its_owner_wants_closed(world: CopyWorld) -> None:
    copy = world.follow(account={"owner": UserFactory()})
    world.trade("m1", LOT)
    world.run()
    link = TradeLink.objects.get(subscription_id=copy.pk)
    api.close_position(actor=copy.follower.account.owner, link_id=link.pk)
    world.run(refused_closes)
    world.trade("m1", LOT)
    sent = world.run(refused_closes)
    assert Leg.OPEN not in [intent.leg for intent in sent]
    world.wait()
    world.run()
    assert held(copy) == {}
    assert len(codes(copy)) == 2


def test_a_wish_to_close_waits_for_a_run_that_was_interrupted(
    world: CopyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after an increase was committed, before its link says so: one order at a time."""
    copy = world.follow(account={"owner": UserFactory()})
    world.trade("m1", LOT)
    world.run()
    world.trade("m1", LOT)
    with monkeypatch.context() as patch:
        patch.setattr(planning, "store_links", killed)
        with pytest.raises(Killed):
            world.work()
    link = TradeLink.objects.get(subscription_id=copy.pk)
    api.close_position(actor=copy.follower.account.owner, link_id=link.pk)
    world.run()
    assert held(copy) == {}
    link.refresh_from_db()
    assert (link.held_units, link.in_flight) == (0, "")
    assert not Order.objects.filter(settled_at=None).exists()


def test_a_master_that_is_deleted_in_the_middle_of_a_run_stays_watched(
    world: CopyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its close must still be heard: an open was committed, no link says so yet."""
    copy = world.follow()
    world.trade("m2", LOT)
    with monkeypatch.context() as patch:
        patch.setattr(planning, "store_links", killed)
        with pytest.raises(Killed):
            world.work()
    world.deliver()
    api.delete_master(actor=None, master=world.master)
    account = world.master.account
    account.refresh_from_db()
    assert account.journaled
    world.trade("m2", -LOT)
    world.run()
    assert held(copy) == {}


def test_a_master_of_whose_orders_copies_rest_stays_watched() -> None:
    world = PendingWorld()
    world.follow()
    world.place("o1")
    world.run()
    api.delete_master(actor=None, master=world.master)
    account = world.master.account
    account.refresh_from_db()
    assert account.journaled


def test_a_reduction_and_an_increase_at_once_never_close_the_whole(world: CopyWorld) -> None:
    """What is left obeys the symbol's minimum, not that of an open."""
    copy = world.follow(min_volume=Decimal("0.05"))
    world.trade("m1", 5_000)
    world.run()
    world.trade("m1", -3_000)
    world.trade("m1", 1_000)
    world.run()
    assert held(copy) == {Side.BUY: 3_000}


def test_the_rest_of_a_refused_reduction_leaves_what_should_be_held_exact(world: CopyWorld) -> None:
    """What rounding holds back counts again when the master reduces once more."""
    copy = world.follow(volume_mode="multiplier", risk_multiplier=Decimal("0.0333"))
    world.trade("m1", 910_000)  # 30,303 should be held
    world.run()
    world.trade("m1", -192_000)  # 23,909.4
    world.run(refused_closes)
    world.wait()
    world.run()
    assert held(copy) == {Side.BUY: Decimal(23_000)}
    world.trade("m1", -385_000)  # 11,088.9
    world.run()
    assert held(copy) == {Side.BUY: Decimal(11_000)}
