"""An order that cannot be settled holds up nothing but its own link."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone
from structlog.testing import capture_logs

from apps.copytrading.models import CopySubscription, Outcome, PendingLink, TradeLink
from apps.copytrading.services import pending_settling, settling, work
from apps.copytrading.services.settling import settle
from apps.copytrading.under_way import under_way
from apps.execution.api import read_fence
from apps.execution.models import Order
from apps.execution.models.troubles import SettleTrouble
from apps.execution.selectors import unsettled_orders
from apps.execution.troubles import forget_settled
from tests.factories.accounts import UserFactory
from tests.factories.copytrading import CopyWorld
from tests.factories.pending import PendingWorld

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> CopyWorld:
    return CopyWorld()


def poison(
    patch: pytest.MonkeyPatch,
    copies: list[CopySubscription],
    *,
    error: Exception | None = None,
) -> None:
    """Settling an order of one of these copies fails."""
    relations = {copy.relation for copy in copies}
    real = settling._Settlement._settle

    def failing(self: Any, result: Any) -> None:
        if result.relation in relations:
            raise error or KeyError("no such symbol")
        real(self, result)

    patch.setattr(settling._Settlement, "_settle", failing)


def due() -> None:
    SettleTrouble.objects.update(retry_at=timezone.now())


def test_the_others_go_on_and_the_one_is_tried_again(
    world: CopyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = [world.follow() for _ in range(7)]
    poisoned = copies[3]
    world.trade("m1", 100_000)
    with monkeypatch.context() as patch, capture_logs() as logs:
        poison(patch, [poisoned])
        world.run()
        world.trade("m1", -100_000)
        world.run()
    assert Outcome.objects.exclude(subscription_id=poisoned.pk).count() == 12
    assert not Outcome.objects.filter(subscription_id=poisoned.pk).exists()
    assert TradeLink.objects.filter(state="open").get().subscription_id == poisoned.pk
    order = Order.objects.get(relation=poisoned.relation)
    assert order.settled_at is None
    said = [entry for entry in logs if entry["event"] == "an order cannot be settled"]
    assert {(each["trace_id"], each["log_level"]) for each in said} == {(order.trace_id, "error")}
    trouble = SettleTrouble.objects.get()
    # Once, or once more where this machine took longer than the first pause.
    assert (trouble.client_order_id, trouble.attempts) == (order.client_order_id, len(said))
    assert unsettled_orders("copy", world.account_id) == []  # until its pause is over
    assert not work.something_left(world.account_id)

    due()
    world.run()  # whatever it was is mended: its open, then the close that waited
    assert not TradeLink.objects.filter(state="open").exists()
    codes = Outcome.objects.filter(subscription_id=poisoned.pk).values_list("code", flat=True)
    assert list(codes) == ["COPIED", "COPIED"]
    assert forget_settled() == 1 and not SettleTrouble.objects.exists()


def test_pauses_grow_and_staff_read_why(world: CopyWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    copy, other = (world.follow(account={"owner": UserFactory()}) for _ in range(2))
    world.trade("m1", 100_000)
    with monkeypatch.context() as patch:
        poison(patch, [copy])
        for attempt in range(1, 4):
            world.run()
            trouble = SettleTrouble.objects.get()
            assert trouble.attempts == attempt
            pause = (trouble.retry_at - timezone.now()).total_seconds()
            assert 2 ** (attempt - 1) - 1 < pause <= 2 ** (attempt - 1)
            due()
    (seen,) = under_way()
    assert (seen.state_label, seen.symbol, seen.lots) == ("Unresolved", "EURUSD", 1)
    trace = Order.objects.get(relation=copy.relation).trace_id
    assert seen.why == f"KeyError: 'no such symbol'; tried 3 times, trace {trace}"
    (shown,) = under_way(user_id=copy.follower.account.owner_id)
    assert shown.state == "unresolved" and "KeyError" not in shown.why
    assert under_way(user_id=other.follower.account.owner_id) == []


def test_an_order_that_rests_is_isolated_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    world = PendingWorld()
    poisoned, free = world.follow(), world.follow()
    world.place("r1", 100_000)
    real = pending_settling._Settlement._news

    def failing(self: Any, place: Any, result: Any) -> None:
        if result.relation == poisoned.relation:
            raise ValueError("broken")
        real(self, place, result)

    with monkeypatch.context() as patch:
        patch.setattr(pending_settling._Settlement, "_news", failing)
        world.run()
    states = dict(PendingLink.objects.values_list("subscription_id", "state"))
    assert states == {poisoned.pk: "placing", free.pk: "resting"}
    assert [row.state for row in under_way()] == ["unresolved"]
    due()
    world.run()
    assert set(PendingLink.objects.values_list("state", flat=True)) == {"resting"}
    assert under_way() == []


def test_a_database_that_is_away_is_no_fault_of_an_order(
    world: CopyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = world.follow()
    world.trade("m1", 100_000)
    world.work()
    world.deliver()
    poison(monkeypatch, [copy], error=OperationalError("the server closed the connection"))
    with pytest.raises(OperationalError):
        settle(world.account_id, read_fence("copy", world.account_id))
    assert not SettleTrouble.objects.exists()
