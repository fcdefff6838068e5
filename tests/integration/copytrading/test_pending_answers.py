"""Copies of resting orders: what platforms refuse or lose, and what owners do by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone

from apps.copytrading.models import PendingLink
from apps.execution.models import Position
from apps.trading.orders import Leg, OrderState
from tests.factories.pending import LIMIT, PendingWorld
from tests.support.pendings import asleep, at_rest, codes, held, pending, world

__all__ = ["asleep", "world"]
pytestmark = pytest.mark.django_db(transaction=True)


def test_cancelled_by_hand_is_not_bought(world: PendingWorld) -> None:
    world.follow()
    world.place("r1", 100_000)
    world.run()
    world.ends(world.placed()[0], OrderState.CANCELLED)
    world.run()
    assert (pending().state, pending().closed_at) == ("cancelled", None)
    world.master_fills("r1", 60_000)
    world.master_fills("r1", 40_000)
    assert world.run() == []
    assert codes()[1:] == [
        ("opened", "skipped", "CANCELLED"),
        ("increased", "skipped", "NOT_LINKED"),
    ]
    assert at_rest() and held() == 0


def test_closed_by_hand_before_the_master_fills(world: PendingWorld) -> None:
    world.follow()
    world.place("r1", 100_000)
    world.run()
    world.fills(world.placed()[0])
    world.run()
    Position.objects.update(closed_at=timezone.now(), units=0)
    world.master_fills("r1", 100_000)
    assert world.run() == []
    assert codes()[-1] == ("opened", "skipped", "POSITION_GONE")
    assert at_rest()


def test_refused_by_the_platform(world: PendingWorld) -> None:
    world.follow()
    world.place("r1", 100_000)
    world.run(lambda intent: {"state": OrderState.REJECTED, "code": "TRADING_BAD_PRICES"})
    assert pending().state == "failed"
    assert codes() == [("placed", "rejected", "REJECTED")]
    world.cancel("r1")
    assert world.run() == [] and at_rest()


def test_a_refused_change_leaves_the_old_terms(world: PendingWorld) -> None:
    world.follow()
    world.place("r1", 100_000)
    world.run()
    world.change("r1", price=Decimal("1.0910"))
    world.run(lambda i: {"state": OrderState.REJECTED, "code": "X"} if i.leg is Leg.PROTECT else {})
    assert (pending().price, pending().in_flight) == (LIMIT, "")
    assert codes()[-1] == ("amended", "rejected", "REJECTED")


def test_a_cancel_that_was_lost_is_sent_again(world: PendingWorld) -> None:
    world.follow()
    world.place("r1", 100_000)
    world.run()
    world.cancel("r1")
    lost = {"state": OrderState.NOT_DELIVERED}
    world.run(lambda intent: lost if intent.leg is Leg.CANCEL else {})
    assert (pending().state, pending().in_flight) == ("resting", "")
    assert pending().retry_at > timezone.now()
    PendingLink.objects.update(retry_at=timezone.now())
    (again,) = world.run()
    assert (again.leg, pending().state) == (Leg.CANCEL, "cancelled")
    assert len({intent.client_order_id for intent in world.sent}) == 3
    assert at_rest()
