"""Copies of resting orders, from the journal to outcomes, against a scripted gateway."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from apps.copytrading.models import Outcome, TradeLink
from apps.execution.models import Order
from apps.trading.orders import Leg, OrderType, Side
from tests.factories.pending import LIMIT, PendingWorld
from tests.support.pendings import asleep, at_rest, codes, held, open_link, pending, world

__all__ = ["asleep", "world"]
pytestmark = pytest.mark.django_db(transaction=True)


def test_an_order_rests_and_is_cancelled_with_the_masters(world: PendingWorld) -> None:
    world.follow(risk_multiplier=Decimal("0.5"))
    ends = timezone.now() + timedelta(hours=4)
    world.place("r1", 100_000, stop_loss=Decimal("1.08"), expires_at=ends)
    (sent,) = world.run()
    assert (sent.leg, sent.type, sent.side, sent.units) == (
        Leg.OPEN,
        OrderType.LIMIT,
        Side.BUY,
        Decimal(50_000),
    )
    assert (sent.price, sent.stop_loss, sent.expires_at) == (LIMIT, Decimal("1.08"), ends)
    assert (pending().state, pending().in_flight) == ("resting", "")
    assert codes() == [("placed", "copied", "COPIED")]
    world.cancel("r1")
    (cancel,) = world.run()
    assert (cancel.leg, cancel.platform_order_id) == (Leg.CANCEL, sent_order(world))
    assert (pending().state, pending().closed_at is None) == ("cancelled", False)
    assert codes()[-1] == ("cancelled", "copied", "COPIED")
    assert at_rest() and not TradeLink.objects.exists()


def sent_order(world: PendingWorld) -> str:
    return Order.objects.filter(leg=Leg.OPEN).latest("id").platform_order_id


def test_changes_follow_and_only_the_newest_counts(world: PendingWorld) -> None:
    world.follow()
    world.place("r1", 100_000)
    world.work()
    world.change("r1", price=Decimal("1.0910"))
    world.change("r1", price=Decimal("1.0912"), units=Decimal(60_000))
    sent = world.run()
    assert [intent.leg for intent in sent] == [Leg.OPEN, Leg.PROTECT]
    assert (sent[1].price, sent[1].units) == (Decimal("1.0912"), Decimal(60_000))
    assert pending().units == 60_000
    assert codes() == [
        ("placed", "copied", "COPIED"),
        ("amended", "superseded", "SUPERSEDED"),
        ("amended", "copied", "COPIED"),
    ]
    assert at_rest()


def test_the_masters_fill_cancels_the_copy_and_buys_at_market(world: PendingWorld) -> None:
    world.follow()
    world.place("r1", 100_000)
    world.run()
    world.master_fills("r1", 100_000)
    cancel, opened = world.run()
    assert (cancel.leg, opened.leg, opened.type) == (Leg.CANCEL, Leg.OPEN, OrderType.MARKET)
    assert opened.units == 100_000
    link = open_link()
    assert (link.position_key, link.held_units, link.target_units) == ("m1", 100_000, 100_000)
    assert (pending().state, pending().closed_at is None) == ("done", False)
    assert codes() == [("placed", "copied", "COPIED"), ("opened", "copied", "COPIED")]
    world.trade("m1", -100_000)
    world.run()
    assert held() == 0 and at_rest()


def test_the_copys_own_fill_is_adopted(world: PendingWorld) -> None:
    world.follow()
    world.place("r1", 100_000)
    world.run()
    world.fills(world.placed()[0])
    assert world.run() == []
    link = open_link()
    assert (link.position_key, link.held_units) == ("order:r1", 100_000)
    assert (pending().state, pending().trade_link_id) == ("filled", link.pk)
    world.master_fills("r1", 100_000)
    assert world.run() == []
    link.refresh_from_db()
    assert (link.position_key, link.held_units, link.state) == ("m1", 100_000, "open")
    assert codes()[-1] == ("opened", "copied", "PENDING_FILLED")
    world.trade("m1", -40_000)
    world.run()
    assert held() == 60_000
    world.trade("m1", -60_000)
    world.run()
    assert held() == 0 and at_rest()


def test_the_cancel_finds_it_filled(world: PendingWorld) -> None:
    world.follow()
    world.place("r1", 100_000)
    world.run()
    order = world.placed()[0]
    world.master_fills("r1", 100_000)
    world.work()
    world.fills(order)
    assert [intent.leg for intent in world.run()] == [Leg.CANCEL]
    assert (open_link().position_key, open_link().held_units) == ("m1", 100_000)
    assert held() == 100_000
    assert codes()[-1] == ("opened", "copied", "PENDING_FILLED")
    assert at_rest()


def test_a_part_of_its_own_and_the_rest_at_market(world: PendingWorld) -> None:
    world.follow()
    world.place("r1", 100_000)
    world.run()
    world.fills(world.placed()[0], 30_000)
    world.run()
    assert open_link().held_units == 30_000
    world.master_fills("r1", 100_000)
    cancel, opened = world.run()
    assert (cancel.leg, opened.units) == (Leg.CANCEL, Decimal(70_000))
    assert opened.position_id == open_link().position_id
    assert held() == 100_000
    assert codes()[-1] == ("opened", "copied", "COPIED")


def test_the_masters_order_fills_in_ten_parts(world: PendingWorld) -> None:
    world.follow(risk_multiplier=Decimal("0.1"))
    world.place("r1", 30_000)
    world.run()
    for _ in range(10):
        world.master_fills("r1", 3_000)
        world.run()
    assert held() == 3_000
    assert (open_link().held_units, pending().state) == (3_000, "done")
    assert at_rest()


def test_filled_before_parts_of_the_masters_and_the_rest_is_cancelled(
    world: PendingWorld,
) -> None:
    world.follow()
    world.place("r1", 100_000)
    world.run()
    world.fills(world.placed()[0])
    world.run()
    world.master_fills("r1", 30_000)
    assert world.run() == []
    assert (held(), open_link().target_units) == (100_000, 30_000)
    world.master_fills("r1", 30_000)
    assert world.run() == []
    world.cancel("r1")
    (closed,) = world.run()
    assert (closed.leg, closed.units) == (Leg.CLOSE, Decimal(40_000))
    assert (held(), open_link().held_units) == (60_000, 60_000)
    assert codes()[-1] == ("cancelled", "copied", "COPIED")
    assert at_rest()


@pytest.mark.parametrize("end", ["cancel", "expire"])
def test_filled_and_the_master_never_was(world: PendingWorld, end: str) -> None:
    world.follow()
    world.place("r1", 100_000)
    world.run()
    world.fills(world.placed()[0])
    world.run()
    getattr(world, end)("r1")
    (closed,) = world.run()
    assert (closed.leg, closed.units) == (Leg.CLOSE, Decimal(100_000))
    assert closed.cause.startswith("pending:")
    assert held() == 0
    assert codes()[-1][1:] == ("skipped", "PENDING_FILLED")
    assert at_rest()


def test_partly_filled_and_the_master_cancels(world: PendingWorld) -> None:
    world.follow()
    world.place("r1", 100_000)
    world.run()
    world.fills(world.placed()[0], 30_000)
    world.run()
    world.cancel("r1")
    assert [intent.leg for intent in world.run()] == [Leg.CANCEL, Leg.CLOSE]
    assert held() == 0 and at_rest()


def test_placed_and_cancelled_at_once_is_never_placed(world: PendingWorld) -> None:
    world.follow()
    world.place("r1", 100_000)
    world.change("r1", price=Decimal("1.0910"))
    world.cancel("r1")
    assert world.run() == []
    assert [code for *_, code in codes()] == ["SUPERSEDED", "SUPERSEDED", "NOTHING_TO_CHANGE"]


def test_filled_while_ours_is_being_placed(world: PendingWorld) -> None:
    world.follow()
    world.place("r1", 100_000)
    world.work()
    world.master_fills("r1", 100_000)
    world.trade("m1", -100_000)
    sent = world.run()
    assert [intent.leg for intent in sent][:1] == [Leg.OPEN]
    assert held() == 0 and at_rest()
    assert Outcome.objects.count() == 3
    assert not world.placed()
