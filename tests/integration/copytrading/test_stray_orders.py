"""A resting order that turns up after its copy was given up: shown, and cancelled on demand."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from apps.copytrading import repairs
from apps.copytrading.drifts import drifts
from apps.copytrading.models import CopySubscription, Drift
from apps.copytrading.services.reconcile import look_around
from apps.copytrading.services.repairing import repair_due
from apps.copytrading.tasks import work
from apps.execution.intents import Intent
from apps.execution.models import Order, StrayOrder
from apps.trading.orders import Leg, OrderState
from tests.factories.pending import PendingWorld

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _asleep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "delay", lambda *_: None)


@pytest.fixture
def world() -> PendingWorld:
    return PendingWorld()


def lost(intent: Intent) -> dict[str, Any]:
    return {"state": OrderState.NOT_DELIVERED} if intent.leg is Leg.OPEN else {}


def given_up(world: PendingWorld, **settings: Any) -> CopySubscription:
    """A copy whose placement was not delivered, as far as anybody could tell."""
    copy = world.follow(**settings)
    world.place("r1", 100_000)
    world.run(lost)
    assert Order.objects.get().state == OrderState.NOT_DELIVERED
    return copy


def appears(*, after_s: float = 1) -> StrayOrder:
    """The platform shows the order all the same, some seconds after its end."""
    order = Order.objects.filter(leg=Leg.OPEN).latest("id")
    final_at = order.final_at or order.committed_at
    return StrayOrder.objects.create(
        account_id=order.account_id,
        platform_order_id="late-1",
        client_order_id=order.client_order_id,
        instrument_id="1",
        side=order.side,
        units=order.units,
        shown_at=final_at + timedelta(seconds=after_s),
    )


def look(seconds: float = 10) -> None:
    look_around(timezone.now() + timedelta(seconds=seconds))


def test_it_is_shown_as_an_orphan_and_its_cancel_offered(world: PendingWorld) -> None:
    copy = given_up(world)
    look()
    assert not Drift.objects.exists()
    stray = appears()
    look()
    drift = Drift.objects.get()
    assert (drift.kind, drift.subscription_id, drift.actual_units) == ("orphan", copy.pk, 100_000)
    (shown,) = drifts(subscription_id=copy.pk)
    assert shown.rests and shown.meaning.startswith("One of our orders rests on the platform")

    preview = repairs.preview_repair(actor=None, drift_ids=[drift.pk])
    (order,) = preview.orders
    assert (order.cancels, order.closes, order.lots, order.estimate) == (True, False, 1, None)
    repairs.repair(actor=None, drift_ids=[drift.pk], confirm=preview.confirm)
    (sent,) = world.run(done)
    assert (sent.leg, sent.platform_order_id, sent.units) == (Leg.CANCEL, "late-1", 0)
    assert not Order.objects.filter(settled_at=None).exists()
    stray.delete()  # the next snapshot does not show it
    look(20)
    drift.refresh_from_db()
    assert drift.resolution == "repaired"


def done(intent: Intent) -> dict[str, Any]:
    return {"state": OrderState.FILLED, "filled_units": Decimal(0)}


def refused(intent: Intent) -> dict[str, Any]:
    return {"state": OrderState.REJECTED, "code": "ORDER_NOT_FOUND"}


def test_a_cancel_that_is_refused_says_so(world: PendingWorld) -> None:
    given_up(world)
    appears()
    look()
    drift = Drift.objects.get()
    preview = repairs.preview_repair(actor=None, drift_ids=[drift.pk])
    repairs.repair(actor=None, drift_ids=[drift.pk], confirm=preview.confirm)
    world.run(refused)
    look(20)
    drift.refresh_from_db()
    assert drift.resolved_at is None
    assert drift.note == "The last repair was rejected (ORDER_NOT_FOUND)."


@pytest.mark.parametrize(("auto_repair", "cancels"), [("off", 0), ("closes", 1), ("all", 1)])
def test_repaired_by_itself_where_closes_are(
    world: PendingWorld, auto_repair: str, cancels: int
) -> None:
    given_up(world, auto_repair=auto_repair)
    appears()
    look()
    Drift.objects.update(first_seen_at=timezone.now() - timedelta(seconds=30))
    repair_due(timezone.now())
    assert [sent.leg for sent in world.run(done)] == [Leg.CANCEL] * cancels


def test_what_was_seen_before_the_end_says_nothing(world: PendingWorld) -> None:
    given_up(world)
    appears(after_s=-1)
    look()
    assert not Drift.objects.exists()


def test_an_order_that_a_copy_stands_for_is_no_stray(world: PendingWorld) -> None:
    world.follow()
    world.place("r1", 100_000)
    world.run()
    Order.objects.update(settled_at=timezone.now(), final_at=timezone.now())
    appears()
    look()
    assert not Drift.objects.exists()
