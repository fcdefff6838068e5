"""Copies of resting orders when a copy or its master is paused or stopped."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone

from apps.copytrading.api import pause, resume, set_master_status, stop
from apps.copytrading.models import Outcome, TradeLink
from apps.copytrading.services.pending_following import masters_with_pendings_due
from apps.execution.api import set_gate
from apps.execution.models import Gate
from apps.trading.orders import Leg, OrderType
from tests.factories.pending import PendingWorld
from tests.support.pendings import asleep, at_rest, codes, held, open_link, pending, world

__all__ = ["asleep", "world"]
pytestmark = pytest.mark.django_db(transaction=True)


def test_pausing_cancels_what_rests_and_resuming_places_nothing(world: PendingWorld) -> None:
    copy = world.follow()
    world.place("r1", 100_000)
    world.run()
    pause(actor=None, subscription=copy)
    (cancel,) = world.run()
    assert (cancel.leg, pending().state) == (Leg.CANCEL, "cancelled")
    resume(actor=None, subscription=copy)
    world.change("r1", price=Decimal("1.0910"))
    assert world.run() == []
    assert codes()[-1] == ("amended", "skipped", "CANCELLED")
    world.master_fills("r1", 100_000)
    (opened,) = world.run()
    assert (opened.leg, opened.type) == (Leg.OPEN, OrderType.MARKET)
    assert at_rest()


def test_what_a_paused_copy_filled_already_follows_its_master(world: PendingWorld) -> None:
    copy = world.follow()
    world.place("r1", 100_000)
    world.run()
    world.fills(world.placed()[0], 40_000)
    pause(actor=None, subscription=copy)
    (cancel,) = world.run()
    assert (cancel.leg, pending().state) == (Leg.CANCEL, "filled")
    world.master_fills("r1", 100_000)
    assert world.run() == []
    assert codes()[-1] == ("opened", "partial", "PAUSED")
    assert (open_link().held_units, open_link().target_units) == (40_000, 40_000)
    world.trade("m1", -100_000)
    world.run()
    assert held() == 0 and at_rest()


@pytest.mark.parametrize("filled", [0, 30_000, 100_000])
def test_stopping_with_closing_leaves_nothing(world: PendingWorld, filled: int) -> None:
    copy = world.follow()
    world.place("r1", 100_000)
    world.run()
    if filled:
        world.fills(world.placed()[0], filled)
        world.run()
    stop(actor=None, subscription=copy, close_positions=True)
    world.run()
    assert held() == 0 and not world.placed()
    world.master_fills("r1", 100_000)
    world.cancel("r1")
    world.run()
    assert held() == 0 and at_rest()
    assert Outcome.objects.count() == 3


def test_what_fills_while_it_is_stopped_is_closed_with_the_rest(world: PendingWorld) -> None:
    copy = world.follow()
    world.place("r1", 100_000)
    world.run()
    stop(actor=None, subscription=copy, close_positions=True)
    assert pending().state == "unwanted"
    world.fills(world.placed()[0], 30_000)  # before the cancel arrives
    world.run()
    assert held() == 0 and not world.placed() and at_rest()
    assert TradeLink.objects.get().state == "closed"
    assert (pending().state, pending().closed_at is None) == ("done", False)
    world.cancel("r1")
    world.run()
    assert codes()[-1] == ("cancelled", "skipped", "PENDING_FILLED")


def test_what_fills_while_its_first_part_is_being_closed(world: PendingWorld) -> None:
    copy = world.follow()
    world.place("r1", 100_000)
    world.run()
    world.fills(world.placed()[0], 30_000)
    world.work()
    stop(actor=None, subscription=copy, close_positions=True)  # its close is under way
    world.fills(world.placed()[0], 20_000)
    world.work()
    assert (open_link().held_units, open_link().in_flight != "") == (50_000, True)
    world.run()
    assert held() == 0 and not world.placed() and at_rest()


@pytest.mark.parametrize("filled", [0, 40_000])
def test_the_master_fills_what_is_being_taken_away(world: PendingWorld, filled: int) -> None:
    copy = world.follow()
    world.place("r1", 100_000)
    world.run()
    stop(actor=None, subscription=copy, close_positions=True)
    world.master_fills("r1", 100_000)
    world.work()
    if filled:
        world.fills(world.placed()[0], filled)
    world.run()
    assert held() == 0 and not world.placed() and at_rest()
    assert codes()[-1] == ("opened", "skipped", "STOPPED")
    assert not TradeLink.objects.filter(state="open").exists()


def test_a_placement_on_its_way_is_taken_away_when_it_rests(world: PendingWorld) -> None:
    copy = world.follow()
    world.place("r1", 100_000)
    world.work()
    stop(actor=None, subscription=copy, close_positions=True)
    world.run()  # as if the gateway had sent it a moment before the gate
    assert not world.placed() and at_rest()
    assert (pending().state, pending().closed_at is None) == ("cancelled", False)


def test_a_paused_master_and_a_kill_switch_cancel_what_rests(world: PendingWorld) -> None:
    world.follow()
    world.follow()
    world.place("r1", 100_000)
    world.run()
    set_master_status(actor=None, master=world.master, status="paused")
    assert [intent.leg for intent in world.run()] == [Leg.CANCEL] * 2
    set_master_status(actor=None, master=world.master, status="active")
    world.place("r2", 100_000)
    world.run()
    now = timezone.now()
    set_gate(scope=Gate.Scope.GLOBAL, state=Gate.State.REDUCING, actor="staff", now=now)
    assert masters_with_pendings_due() == [world.account_id]
    assert [intent.leg for intent in world.run()] == [Leg.CANCEL] * 2
    assert masters_with_pendings_due() == []
    assert at_rest()
