"""Events of resting orders, and positions that began with one, come out the same again."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from apps.copytrading import api
from apps.copytrading.domain.codes import Code
from apps.copytrading.models import CopySubscription, Outcome
from apps.copytrading.services.replay import replay_subscription, settings_from
from apps.execution.intents import Intent
from apps.execution.models import Order, Position
from apps.trading.orders import Leg, OrderState
from tests.factories.pending import PendingWorld
from tests.integration.copytrading.test_replay import follow, identical, told
from tests.support.pendings import asleep, world

__all__ = ["asleep", "world"]
pytestmark = pytest.mark.django_db(transaction=True)
Scene = Callable[[PendingWorld], Any]


def rested(world: PendingWorld) -> None:
    world.place("r1", 100_000)
    world.run()


def fill(world: PendingWorld, share: str = "") -> None:
    """The copy's order, where there is one, fills a share of its volume, or the rest."""
    for order in world.placed():
        world.fills(order, Decimal(share) * order.units if share else None)


def cancelled(world: PendingWorld) -> None:
    rested(world)
    world.change("r1", price=Decimal("1.0850"))
    world.run()
    world.change("r1", units=Decimal(150_000))
    world.work()
    world.change("r1", units=Decimal(40_000))  # waits for the change before
    world.run()
    world.cancel("r1")
    world.run()


def expired(world: PendingWorld) -> None:
    world.place("r1", 100_000, expires_at=timezone.now() + timedelta(hours=1))
    world.run()
    world.expire("r1")
    world.run()


def filled_by_the_master(world: PendingWorld) -> None:
    rested(world)
    world.master_fills("r1", 100_000)
    world.run()
    world.trade("m1", 20_000)
    world.protect("m1", Decimal("1.05"))
    world.run()
    world.trade("m1", -120_000)
    world.run()


def filled_by_both(world: PendingWorld) -> None:
    rested(world)
    fill(world)
    world.run()
    world.master_fills("r1", 100_000)
    world.run()
    world.trade("m1", -50_000)
    world.trade("m1", -50_000)
    world.run()


def filled_in_parts(world: PendingWorld) -> None:
    rested(world)
    fill(world, "0.3")
    world.run()
    fill(world, "0.1")
    world.run()
    for _ in range(4):
        world.master_fills("r1", 20_000)
        world.run()
    world.cancel("r1")
    world.run()
    world.trade("m1", -80_000)
    world.run()


def filled_and_never_the_masters(world: PendingWorld) -> None:
    rested(world)
    fill(world, "0.4")
    world.run()
    world.cancel("r1")
    world.run()


def filled_whole_before_parts_of_the_masters(world: PendingWorld) -> None:
    rested(world)
    fill(world)
    world.run()
    world.master_fills("r1", 30_000)
    world.run()
    world.master_fills("r1", 30_000)
    world.run()
    world.change("r1", state=OrderState.CANCELLED, filled_units=Decimal(60_000))
    world.run()
    world.trade("m1", -60_000)
    world.run()


def taken_back_by_hand(world: PendingWorld) -> None:
    rested(world)
    for order in world.placed():
        world.ends(order, OrderState.CANCELLED)
    world.run()
    world.master_fills("r1", 100_000)
    world.run()
    world.trade("m1", -100_000)
    world.run()


def refused(world: PendingWorld) -> None:
    world.place("r1", 100_000)
    world.run(lambda _: {"state": OrderState.REJECTED, "code": "PRICE_TOO_CLOSE"})
    world.change("r1", price=Decimal("1.0850"))
    world.run()
    world.master_fills("r1", 100_000)
    world.run()


def a_change_that_was_refused(world: PendingWorld) -> None:
    rested(world)
    world.change("r1", price=Decimal("1.0850"))

    def no(intent: Intent) -> dict[str, Any]:
        return {"state": OrderState.REJECTED} if intent.leg is Leg.PROTECT else {}

    world.run(no)
    world.change("r1", price=Decimal("1.0900"))  # as it rests
    world.run()


def placed_and_cancelled_at_once(world: PendingWorld) -> None:
    world.place("r1", 100_000)
    world.change("r1", price=Decimal("1.0800"))
    world.cancel("r1")
    world.run()


def filled_while_being_placed(world: PendingWorld) -> None:
    world.place("r1", 100_000)
    world.work()
    world.master_fills("r1", 100_000)
    world.run()
    world.trade("m1", -100_000)
    world.run()


def filled_before_note_was_taken(world: PendingWorld) -> None:
    world.place("r1", 100_000)
    world.work()
    world.deliver()
    fill(world)
    world.run()
    world.master_fills("r1", 100_000)
    world.run()
    world.trade("m1", -100_000)
    world.run()


def filled_at_once(world: PendingWorld) -> None:
    """It could be traded at once, so it never rested."""
    world.place("r1", 100_000)
    world.work()
    world.deliver()
    fill(world)
    Order.objects.update(rested_at=None)
    world.run()
    world.master_fills("r1", 100_000)
    world.run()


def filled_and_closed_by_hand(world: PendingWorld) -> None:
    """Nobody has taken note of that when the master's order fills."""
    rested(world)
    fill(world)
    world.run()
    for copy in CopySubscription.objects.all():
        held = Position.objects.filter(account_id=copy.follower.account_id, closed_at=None)
        if position := held.first():
            world.close_by_hand(copy, 0, position.units)
    world.master_fills("r1", 100_000)
    world.run()
    world.trade("m1", -100_000)
    world.run()


def two_orders_and_a_position(world: PendingWorld) -> None:
    rested(world)
    world.place("r2", 50_000)
    world.trade("m5", 30_000)
    world.run()
    world.master_fills("r1", 60_000, position="m2")
    world.master_fills("r2", 50_000, position="m3")
    world.run()
    world.master_fills("r1", 40_000, position="m2")
    world.trade("m3", -50_000)
    world.run()
    world.trade("m2", -100_000)
    world.trade("m5", -30_000)
    world.run()


SCENES: list[Scene] = [
    cancelled, expired, filled_by_the_master, filled_by_both, filled_in_parts,
    filled_and_never_the_masters, filled_whole_before_parts_of_the_masters, taken_back_by_hand,
    refused, a_change_that_was_refused, placed_and_cancelled_at_once, filled_while_being_placed,
    filled_before_note_was_taken, filled_at_once,
    filled_and_closed_by_hand, two_orders_and_a_position,
]  # fmt: skip
SETTINGS: list[dict[str, Any]] = [
    {}, {"risk_multiplier": Decimal("0.15")}, {"reverse_direction": True},
    {"volume_mode": "fixed", "fixed_volume": Decimal("0.3")}, {"copy_pending_orders": False},
    {"max_volume": Decimal("0.5")}, {"max_positions": 1}, {"symbols_mode": "include"},
    {"account": {"margin_mode": "netting"}},
]  # fmt: skip


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: ",".join(s) or "plain")
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_it_comes_out_the_same(world: PendingWorld, scene: Scene, settings: dict[str, Any]) -> None:
    copy = follow(world, **settings)
    scene(world)
    found = identical(copy)
    assert (found.left_out, len(found.lines)) == (0, Outcome.objects.count())


def test_paused_resumed_and_stopped(world: PendingWorld) -> None:
    copy = follow(world)
    rested(world)
    world.place("r2", 50_000)
    world.run()
    fill(world, "0.2")
    world.run()
    api.pause(actor=None, subscription=copy)
    world.run()
    world.place("r3", 50_000)
    world.master_fills("r1", 100_000)
    world.run()
    api.resume(actor=None, subscription=copy)
    world.place("r4", 50_000)
    world.run()
    fill(world, "0.4")
    world.run()
    api.stop(actor=None, subscription=copy, close_positions=True)
    fill(world, "0.2")
    world.run()
    for key in ("r2", "r3", "r4"):
        world.cancel(key)
    world.trade("m1", -100_000)
    world.run()
    assert identical(copy).left_out == 0


@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens(world: PendingWorld, seed: int) -> None:
    chance = random.Random(seed)
    copy = follow(world, risk_multiplier=Decimal(chance.choice(["1", "0.37"])))
    keys: dict[str, int] = {}  # what is left of the master's orders
    held: dict[str, int] = {}
    for number in range(30):
        what = chance.choice(["place", "place", "change", "fill", "fill", "own", "own", "end",
                              "reduce", "trade", "hand"])  # fmt: skip
        key = chance.choice(sorted(keys) or [""])
        position = chance.choice(sorted(held) or [""])
        if what == "place":
            keys[f"r{number}"] = 60_000
            world.place(f"r{number}", 60_000)
        elif what == "change" and key:
            world.change(key, price=Decimal(chance.randrange(10_700, 10_900)) / 10_000)
        elif what == "fill" and key:
            units = chance.choice([20_000, keys[key]])
            keys[key] -= units
            held[f"m-{key}"] = held.get(f"m-{key}", 0) + units
            world.master_fills(key, units, position=f"m-{key}")
            if keys[key] <= 0:
                del keys[key]
        elif what == "own" and (placed := world.placed()):
            one = chance.choice(placed)
            world.fills(one, chance.choice([None, (one.units - one.filled_units) / 2]))
        elif what == "end" and key:
            del keys[key]
            world.cancel(key)
        elif what == "reduce" and position:
            units = chance.choice([held[position], held[position] // 2])
            held[position] -= units
            world.trade(position, -units)
            if held[position] <= 0:
                del held[position]
        elif what == "trade" and position:
            held[position] += 10_000
            world.trade(position, 10_000)
        elif what == "hand" and (placed := world.placed()) and chance.random() < 0.4:
            world.ends(chance.choice(placed), OrderState.CANCELLED)
        if chance.random() < 0.7:
            world.run()
        else:
            world.work()
    world.run()
    assert identical(copy).left_out == 0


def test_what_would_have_rested(world: PendingWorld) -> None:
    copy = follow(world, copy_pending_orders=False)
    filled_by_the_master(world)
    world.place("r2", 50_000)
    world.run()
    world.cancel("r2")
    world.run()
    changed = settings_from(["copy_pending_orders=True"])
    found = replay_subscription(copy.pk, settings=changed)
    assert told(found)[0][0] == "PENDING_OFF"
    by_event = [(line.event.kind.value, line.replayed) for line in found.lines]
    assert all(result is not None for _, result in by_event)
    ends = [(kind, result.code, result.assumed) for kind, result in by_event if result]
    assert ends[0] == ("placed", Code.COPIED, True)
    assert ends[1] == ("opened", Code.PENDING_FILLED, False)
    assert ends[-2:] == [("placed", Code.COPIED, True), ("cancelled", Code.COPIED, False)]
    closes = [result for kind, result in by_event if kind == "closed" and result]
    assert [result.units for result in closes] == [120_000]


def test_what_would_not_have_rested(world: PendingWorld) -> None:
    copy = follow(world)
    filled_by_both(world)
    found = replay_subscription(copy.pk, settings=settings_from(["copy_pending_orders=False"]))
    ends = [(line.event.kind.value, line.replayed.code) for line in found.lines if line.replayed]
    assert ends == [
        ("placed", Code.PENDING_OFF), ("opened", Code.COPIED), ("reduced", Code.SUPERSEDED),
        ("closed", Code.COPIED),
    ]  # fmt: skip


def test_twice_the_volume(world: PendingWorld) -> None:
    copy = follow(world)
    filled_by_the_master(world)
    found = replay_subscription(copy.pk, settings=settings_from(["risk_multiplier=2"]))
    placed, opened = found.lines[:2]
    assert placed.replayed is not None and placed.replayed.units == 200_000
    assert opened.replayed is not None and opened.replayed.filled == 200_000


def test_a_fill_at_its_placing_grows_with_the_volume(world: PendingWorld) -> None:
    copy = follow(world)
    filled_before_note_was_taken(world)
    found = replay_subscription(copy.pk, settings=settings_from(["risk_multiplier=2"]))
    placed, opened, closed = (line.replayed for line in found.lines)
    assert placed is not None and (placed.units, placed.filled) == (200_000, 200_000)
    assert opened is not None and opened.code is Code.PENDING_FILLED
    assert closed is not None and closed.filled == 200_000


def test_a_copy_that_began_later_has_no_part_in_it(world: PendingWorld) -> None:
    first = follow(world)
    rested(world)
    newest = Outcome.objects.latest("id").event_id
    late = follow(world, started_after_event=newest)
    world.cancel("r1")
    world.run()
    assert [len(identical(copy).lines) for copy in (first, late)] == [2, 1]
    assert CopySubscription.objects.count() == 2


def test_a_fill_of_its_own_grows_with_the_volume(world: PendingWorld) -> None:
    copy = follow(world)
    filled_by_both(world)
    found = replay_subscription(copy.pk, settings=settings_from(["risk_multiplier=2"]))
    opened, *_, closed = (line.replayed for line in found.lines[1:])
    assert opened is not None and opened.code is Code.PENDING_FILLED
    assert closed is not None and closed.filled == 200_000
