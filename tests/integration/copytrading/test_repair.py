"""Differences are ended by orders that were shown before, accepted, or repaired by themselves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.api import create_customer
from apps.accounts.models import AuditEntry, User
from apps.copytrading import repairs, tasks
from apps.copytrading.errors import CopyError, NotFound
from apps.copytrading.models import CopySubscription, Drift, LinkLeg, TradeLink
from apps.copytrading.services.reconcile import look_at
from apps.copytrading.services.repairing import repair_due
from apps.execution.intents import Intent
from apps.execution.models import Batch, Order, Position
from apps.trading.orders import Leg, OrderState, Side
from tests.factories.copytrading import CopyWorld, quote
from tests.integration.copytrading.test_reconcile import (
    Mode,
    by_hand,
    copied,
    later,
    look,
    ordered,
    stray,
)

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal


@pytest.fixture
def world() -> CopyWorld:
    made = CopyWorld()
    quote(made.connection, "1", "1.0921")
    # The master's positions stand beside those of the followers.
    return made


def master_holds(world: CopyWorld, name: str = "m1") -> None:
    stray(world, world.account_id, name, units=D(100_000))


def settle_times() -> None:
    """As if everything had happened a while ago."""
    ago = timezone.now() - timedelta(seconds=20)
    Order.objects.exclude(final_at=None).update(final_at=ago)
    Position.objects.update(updated_at=ago)


def found(world: CopyWorld) -> Drift:
    settle_times()
    look()
    return Drift.objects.get(resolved_at=None)


def repair(drift: Drift, actor: User | None = None) -> repairs.RepairPreview:
    settle_times()
    shown = repairs.preview_repair(actor=actor, drift_ids=[drift.pk])
    return repairs.repair(actor=actor, drift_ids=[drift.pk], confirm=shown.confirm)


def refused(_: Intent) -> dict[str, Any]:
    return {"state": OrderState.REJECTED, "code": "NOT_ENOUGH_MONEY", "message": "no money"}


def missing(world: CopyWorld, left: int = 0, **settings: Any) -> tuple[TradeLink, Drift]:
    link = copied(world, mode=Mode.OWN_ONLY, **settings)
    master_holds(world, link.position_key)
    by_hand(link, left)
    return link, found(world)


def test_an_orphan_is_closed_after_it_was_shown(world: CopyWorld) -> None:
    link = copied(world)
    cid = "c".ljust(25, "1")
    ordered(link, cid)
    stray(world, link.account_id, tag=cid)
    drift = found(world)
    shown = repairs.preview_repair(actor=None, drift_ids=[drift.pk])
    assert Batch.objects.filter(settled=False).count() == 0
    (order,) = shown.orders
    assert (order.closes, order.side, order.units, order.lots) == (
        True, "sell", D(5_000), D("0.05"),
    )  # fmt: skip
    assert (order.estimate, order.currency) == (D(-7), "USD")
    repairs.repair(actor=None, drift_ids=[drift.pk], confirm=shown.confirm, reason="stray")
    (sent,) = world.run()
    assert (sent.leg, sent.position_id, sent.units) == (Leg.CLOSE, "s1", D(5_000))
    assert (sent.cause, sent.relation, sent.wake_key) == (
        f"repair:{drift.pk}:1", f"sub:{link.subscription_id}", world.account_id,
    )  # fmt: skip
    look(20)
    drift.refresh_from_db()
    assert drift.resolution == "repaired"
    assert not Order.objects.filter(settled_at=None).exists()
    entry = AuditEntry.objects.get(action="drift.repair")
    assert (entry.actor, entry.reason, entry.after["units"]) == ("system", "stray", "5000.00000000")


def test_too_much_is_closed_and_the_link_stays_as_it_is(world: CopyWorld) -> None:
    link = copied(world)
    Position.objects.update(units=D(130_000))
    drift = found(world)
    repair(drift)
    (sent,) = world.run()
    assert (sent.leg, sent.units, sent.position_id) == (Leg.CLOSE, D(30_000), link.position_id)
    settle_times()
    look()
    link.refresh_from_db()
    drift.refresh_from_db()
    assert (link.held_units, link.state, drift.resolution) == (D(100_000), "open", "repaired")


def test_what_is_missing_is_opened_again(world: CopyWorld) -> None:
    link, drift = missing(world)
    (order,) = repair(drift).orders
    assert (order.closes, order.side, order.units, order.estimate) == (
        False, "buy", D(100_000), D(0),
    )  # fmt: skip
    (sent,) = world.run()
    assert (sent.leg, sent.position_id, sent.not_after is not None) == (Leg.OPEN, "", True)
    assert sent.guards is not None
    link.refresh_from_db()
    assert (link.state, link.held_units, link.target_units) == ("open", D(100_000), D(100_000))
    assert LinkLeg.objects.get(closed_at=None).position_id == link.position_id
    settle_times()
    look()
    drift.refresh_from_db()
    assert drift.resolution == "repaired"
    world.trade("m1", -50_000)  # and the copy goes on as before
    (sent,) = world.run()
    assert (sent.leg, sent.units, sent.position_id) == (Leg.CLOSE, D(50_000), link.position_id)


def test_what_is_too_small_is_filled_up_in_its_position(world: CopyWorld) -> None:
    link, drift = missing(world, left=40_000)
    repair(drift)
    (sent,) = world.run()
    assert (sent.leg, sent.units, sent.position_id) == (Leg.OPEN, D(60_000), link.position_id)
    link.refresh_from_db()
    assert (link.held_units, link.target_units) == (D(100_000), D(100_000))
    settle_times()
    look()
    drift.refresh_from_db()
    assert drift.resolution == "repaired"
    assert LinkLeg.objects.get().units == D(100_000)


@pytest.mark.parametrize("left", [0, 40_000])
def test_a_refused_repair_stays_with_its_reason_and_may_be_tried_again(
    world: CopyWorld, left: int
) -> None:
    link, drift = missing(world, left=left)
    repair(drift)
    world.run(refused)
    settle_times()
    look()
    drift.refresh_from_db()
    assert drift.resolved_at is None
    assert drift.note == "The last repair was rejected (NOT_ENOUGH_MONEY: no money)."
    repair(drift)
    (sent,) = world.run()
    assert sent.units == D(100_000 - left)
    link.refresh_from_db()
    assert (link.state, link.held_units, link.target_units) == ("open", D(100_000), D(100_000))
    settle_times()
    look()
    drift.refresh_from_db()
    assert drift.resolution == "repaired"


def test_a_refused_repair_ends_when_the_master_does(world: CopyWorld) -> None:
    _, drift = missing(world)
    repair(drift)
    world.run(refused)
    Position.objects.filter(account_id=world.account_id).update(closed_at=timezone.now())
    settle_times()
    look()
    drift.refresh_from_db()
    assert drift.resolution == "gone"


def test_no_second_repair_while_one_is_under_way(world: CopyWorld) -> None:
    _, drift = missing(world)
    repair(drift)
    again = repair(drift)
    assert again.orders == ()
    assert [no.reason for no in again.refused] == ["A repair is under way."]
    assert len(world.run()) == 1
    assert repair_due(later(60)) == set()


def test_nothing_is_sent_that_was_not_shown(world: CopyWorld) -> None:
    link, drift = missing(world, left=40_000)
    shown = repairs.preview_repair(actor=None, drift_ids=[drift.pk])
    by_hand(link, 20_000)
    settle_times()
    with pytest.raises(repairs.HasChanged):
        repairs.repair(actor=None, drift_ids=[drift.pk], confirm=shown.confirm)
    assert world.run() == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("paused", "It is not opened again: Copying was paused."),
        ("master", "The master no longer holds this position; what is missing can be accepted."),
        ("busy", "An order for this position is under way. Look again in a few seconds."),
        ("gone", "It is not there any more."),
    ],
)
def test_what_must_not_be_opened_says_why(world: CopyWorld, change: str, reason: str) -> None:
    _, drift = missing(world)
    if change == "paused":
        CopySubscription.objects.update(status="paused")
    elif change == "master":
        Position.objects.filter(account_id=world.account_id).update(closed_at=timezone.now())
    elif change == "busy":
        TradeLink.objects.update(in_flight="cx")
    else:
        TradeLink.objects.update(held_units=0, state="closed")
    shown = repair(drift)
    assert shown.orders == ()
    assert [no.reason for no in shown.refused] == [reason]
    assert Batch.objects.filter(settled=False).count() == 0


def test_accepting_shrinks_the_link_for_good(world: CopyWorld) -> None:
    link, drift = missing(world, left=40_000)
    assert repairs.accept_drift(actor=None, drift_ids=[drift.pk], reason="fine") == 1
    link.refresh_from_db()
    drift.refresh_from_db()
    assert (link.held_units, link.target_units, link.result) == (
        D(40_000), D(40_000), D("-3.5"),  # what the hand realised, and the commission
    )  # fmt: skip
    assert drift.resolution == "accepted"
    look(20)
    assert not Drift.objects.filter(resolved_at=None).exists()
    world.trade("m1", -50_000)
    (sent,) = world.run()
    assert sent.units == D(20_000)
    assert AuditEntry.objects.get(action="drift.accept").reason == "fine"


def test_accepting_what_is_gone_ends_the_link(world: CopyWorld) -> None:
    link, drift = missing(world)
    repairs.accept_drift(actor=None, drift_ids=[drift.pk])
    link.refresh_from_db()
    assert (link.state, link.held_units) == ("gone", D(0))
    assert not LinkLeg.objects.filter(closed_at=None).exists()


def test_an_accepted_stray_stays_its_owner_s(world: CopyWorld) -> None:
    link = copied(world)
    cid = "c".ljust(25, "1")
    ordered(link, cid)
    stray(world, link.account_id, tag=cid)
    drift = found(world)
    repairs.accept_drift(actor=None, drift_ids=[drift.pk])
    look(20)
    assert not Drift.objects.filter(resolved_at=None).exists()
    Position.objects.filter(position_id="s1").update(units=D(9_000))
    look(20)
    assert Drift.objects.get(resolved_at=None).actual_units == D(9_000)


def test_a_wrong_side_is_closed_and_then_missing(world: CopyWorld) -> None:
    link = copied(world, auto_repair="all")
    master_holds(world)
    Position.objects.filter(account_id=link.account_id).update(side="sell", units=D(20_000))
    wrong = found(world)
    assert wrong.kind == "wrong_side"
    assert repairs.accept_drift(actor=None, drift_ids=[wrong.pk]) == 0
    repair(wrong)
    (sent,) = world.run()
    assert (sent.leg, sent.side, sent.units) == (Leg.CLOSE, Side.BUY, D(20_000))
    lacking = found(world)
    wrong.refresh_from_db()
    assert (wrong.resolution, lacking.kind, lacking.expected_units) == (
        "repaired", "missing", D(100_000),
    )  # fmt: skip
    repair(lacking)
    world.run()
    settle_times()
    look()
    link.refresh_from_db()
    lacking.refresh_from_db()
    assert (link.held_units, lacking.resolution) == (D(100_000), "repaired")


def due() -> set[int]:
    settle_times()
    look()
    Drift.objects.update(first_seen_at=timezone.now() - timedelta(seconds=60))
    return repair_due(timezone.now())


@pytest.mark.parametrize(("auto", "legs"), [("off", []), ("closes", ["close"]), ("all", None)])
def test_what_a_subscription_wants_repaired_is_repaired(
    world: CopyWorld, auto: str, legs: list[str] | None
) -> None:
    link, _ = missing(world, auto_repair=auto)
    cid = "c".ljust(25, "1")
    ordered(link, cid)
    stray(world, link.account_id, tag=cid)
    woken = due()
    sent = world.run()
    expected = ["close", "open"] if legs is None else legs
    assert sorted(intent.leg.value for intent in sent) == expected
    assert woken == ({world.account_id} if expected else set())


def test_an_automatic_open_is_tried_once_and_a_close_again(world: CopyWorld) -> None:
    link, lacking = missing(world, auto_repair="all")
    cid = "c".ljust(25, "1")
    ordered(link, cid)
    stray(world, link.account_id, tag=cid)
    due()
    assert len(world.run(refused)) == 2
    assert due() == set()  # both were just refused
    Order.objects.update(final_at=timezone.now() - timedelta(seconds=31))
    Drift.objects.update(last_seen_at=timezone.now())
    assert repair_due(timezone.now()) == {world.account_id}
    (sent,) = world.run(refused)
    assert (sent.leg, sent.cause.rpartition(":")[2]) == (Leg.CLOSE, "2")
    lacking.refresh_from_db()
    assert lacking.resolved_at is None


def test_the_task_looks_and_repairs(world: CopyWorld) -> None:
    link, drift = missing(world, auto_repair="all")
    Drift.objects.update(first_seen_at=timezone.now() - timedelta(seconds=60))
    tasks.reconcile([link.account_id])
    (sent,) = world.run()
    assert (sent.leg, sent.cause) == (Leg.OPEN, f"repair:{drift.pk}:1")


def test_why_nothing_is_repaired_by_itself_stands_on_the_difference(world: CopyWorld) -> None:
    _, drift = missing(world, auto_repair="all")
    CopySubscription.objects.update(status="paused")
    due()
    drift.refresh_from_db()
    assert (drift.note, drift.repair_cause) == ("It is not opened again: Copying was paused.", "")
    assert world.run() == []


def test_strangers_have_no_say(world: CopyWorld) -> None:
    owner, other = (
        create_customer(actor=None, email=f"{name}@example.org", password="pw", name=name)
        for name in ("owner", "other")
    )
    _, drift = missing(world, account={"owner": owner})
    acts: list[Callable[[], object]] = [
        lambda: repairs.preview_repair(actor=other, drift_ids=[drift.pk]),
        lambda: repairs.repair(actor=other, drift_ids=[drift.pk], confirm="x"),
        lambda: repairs.accept_drift(actor=other, drift_ids=[drift.pk]),
    ]
    for act in acts:
        with pytest.raises(NotFound):
            act()
    for ids in ([], [drift.pk, 10**12]):
        with pytest.raises(CopyError):
            repairs.preview_repair(actor=owner, drift_ids=ids)
    assert len(repair(drift, owner).orders) == 1
    assert AuditEntry.objects.get(action="drift.repair").actor == "owner@example.org"


def test_foreign_positions_are_closed_only_when_asked(world: CopyWorld) -> None:
    link = copied(world, mode=Mode.DISABLED, auto_repair="all")
    stray(world, link.account_id)
    assert due() == set()
    drift = Drift.objects.get(resolved_at=None)
    assert drift.kind == "foreign"
    repair(drift)
    assert len(world.run()) == 1
    look_at([link.account_id], later(20))
    drift.refresh_from_db()
    assert drift.resolution == "repaired"
    # An order without a master is taken note of all the same.
    from apps.copytrading.services.work import work

    work(0)
    assert not Order.objects.filter(settled_at=None).exists()
