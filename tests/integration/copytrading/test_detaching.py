"""One copied position taken out of its copy: it stays, and is its owner's."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from apps.accounts.models import AuditEntry
from apps.accounts.roles import Role
from apps.copytrading import api
from apps.copytrading.errors import NotFound, NotPermitted, OrderUnderWay
from apps.copytrading.models import CopySubscription, Drift, Outcome, TradeLink
from apps.copytrading.services.reconcile import look_around
from apps.copytrading.services.work import look_after
from apps.execution.models import Position
from apps.trading.orders import Leg
from tests.factories.accounts import UserFactory, staff
from tests.factories.copytrading import CopyWorld

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.copytrading.tasks.work.delay", lambda account_id: None)


@pytest.fixture
def world() -> CopyWorld:
    return CopyWorld()


@pytest.fixture
def copy(world: CopyWorld) -> CopySubscription:
    """A copy that holds the master's positions m1 and m2."""
    copy = world.follow(account={"owner": UserFactory()})
    world.trade("m1", 100_000)
    world.trade("m2", 50_000)
    world.run()
    return copy


def link_of(copy: CopySubscription, key: str = "m1") -> TradeLink:
    return TradeLink.objects.get(subscription_id=copy.pk, position_key=key)


def detach(copy: CopySubscription, key: str = "m1") -> None:
    api.detach_position(actor=copy.follower.account.owner, link_id=link_of(copy, key).pk)


def codes() -> list[str]:
    return list(Outcome.objects.order_by("id").values_list("code", flat=True))


def test_it_stays_open_and_follows_its_master_no_more(
    world: CopyWorld, copy: CopySubscription
) -> None:
    position = link_of(copy).position_id
    detach(copy)
    entry = AuditEntry.objects.get(action="subscription.detach_position")
    assert entry.after["position"] == position
    world.trade("m1", 100_000)
    world.protect("m1", Decimal("1.05"))
    world.trade("m1", -150_000)
    world.trade("m1", -50_000)
    assert world.run() == []
    assert codes()[-4:] == ["DETACHED"] * 4
    assert Position.objects.get(position_id=position).closed_at is None
    assert (link_of(copy).state, link_of(copy).master_units) == ("detached", 0)
    world.trade("m2", -50_000)  # the copy goes on
    assert [sent.leg for sent in world.run()] == [Leg.CLOSE]


def test_it_is_neither_bought_again_nor_an_orphan(world: CopyWorld, copy: CopySubscription) -> None:
    detach(copy)
    api.update_subscription(actor=None, subscription=copy, copy_existing_positions=True)
    assert world.run() == []
    look_around(timezone.now() + timedelta(seconds=10))
    assert not Drift.objects.exists()


def test_what_it_makes_is_no_result_of_the_copy(world: CopyWorld, copy: CopySubscription) -> None:
    detach(copy)
    copy.refresh_from_db()
    before = copy.result
    which = link_of(copy)
    world.close_by_hand(copy, 0, Decimal(100_000))
    Position.objects.filter(position_id=which.position_id).update(closed_at=timezone.now())
    look_after(world.account_id)
    copy.refresh_from_db()
    assert copy.result == before
    world.trade("m1", -100_000)
    assert world.run() == []
    api.stop(actor=None, subscription=copy, close_positions=True)
    assert [sent.units for sent in world.run()] == [50_000]


def test_a_netting_master_that_opens_anew_is_copied_again(world: CopyWorld) -> None:
    copy = world.follow(account={"owner": UserFactory()})
    world.trade("net", 100_000)
    world.run()
    detach(copy, "net")
    world.trade("net", -100_000)
    world.run()
    world.trade("net", 50_000)
    (sent,) = world.run()
    assert (sent.leg, sent.units) == (Leg.OPEN, 50_000)
    world.trade("net", -50_000)
    (sent,) = world.run()
    assert (sent.leg, sent.units) == (Leg.CLOSE, 50_000)


def test_not_while_an_order_is_under_way(world: CopyWorld, copy: CopySubscription) -> None:
    world.trade("m1", 50_000)
    world.work()
    with pytest.raises(OrderUnderWay, match="changed by an order"):
        detach(copy)
    world.run()
    api.close_position(actor=None, link_id=link_of(copy).pk)
    with pytest.raises(OrderUnderWay, match="being closed"):
        detach(copy)
    world.run()
    with pytest.raises(NotFound, match="not open any more"):
        detach(copy)


def test_what_was_too_small_so_far_cannot_be_detached(world: CopyWorld) -> None:
    copy = world.follow(account={"owner": UserFactory()}, risk_multiplier=Decimal("0.001"))
    world.trade("m1", 100_000)
    world.run()
    with pytest.raises(NotFound, match="not open yet"):
        detach(copy)


@pytest.mark.parametrize("mode", ["disabled", "own_only"])
def test_settings_of_the_account_may_forbid_it(copy: CopySubscription, mode: str) -> None:
    owner = copy.follower.account.owner
    api.update_follower(actor=owner, follower=copy.follower, manual_trading_mode=mode)
    with pytest.raises(NotPermitted, match="closed or detached one by one"):
        detach(copy)
    api.detach_position(actor=staff(Role.RISK), link_id=link_of(copy).pk)
    assert link_of(copy).state == "detached"


def test_strangers_have_no_say(copy: CopySubscription) -> None:
    with pytest.raises(NotPermitted, match="somebody else"):
        api.detach_position(actor=UserFactory(), link_id=link_of(copy).pk)
    with pytest.raises(NotFound):
        api.detach_position(actor=None, link_id=10**12)
    assert link_of(copy).state == "open"
