"""One copied position closed by its owner: allowed or not, and never bought again."""

from __future__ import annotations

from decimal import Decimal

import pytest

from apps.accounts.models import AuditEntry
from apps.accounts.roles import Role
from apps.copytrading import api
from apps.copytrading.errors import NotFound, NotPermitted
from apps.copytrading.models import CopySubscription, Outcome, TradeLink
from apps.execution.models import Deal
from apps.trading.orders import Leg, OrderState
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


def close(copy: CopySubscription, position: str = "m1", **changes: object) -> None:
    link = TradeLink.objects.get(subscription_id=copy.pk, position_key=position)
    actor = changes.get("actor", copy.follower.account.owner)
    api.close_position(actor=actor, link_id=link.pk)  # type: ignore[arg-type]


def test_it_alone_is_closed_and_its_result_counts(world: CopyWorld, copy: CopySubscription) -> None:
    close(copy)
    (sent,) = world.run()
    assert (sent.leg, sent.units) == (Leg.CLOSE, Decimal(100_000))
    states = dict(TradeLink.objects.values_list("position_key", "state"))
    assert states == {"m1": "gone", "m2": "open"}
    copy.refresh_from_db()
    deals = Deal.objects.filter(account_id=copy.follower.account_id)
    assert copy.result == sum(d.profit + d.commission + d.swap for d in deals)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.after["symbol"]) == ("subscription.close_position", "EURUSD")


def test_what_the_master_does_with_it_later_is_not_bought(
    world: CopyWorld, copy: CopySubscription
) -> None:
    close(copy)
    world.run()
    world.trade("m1", 100_000)
    world.trade("m1", -200_000)
    assert world.run() == []
    codes = list(Outcome.objects.order_by("id").values_list("code", flat=True))
    assert codes[-2:] == ["POSITION_GONE", "POSITION_GONE"]
    api.update_subscription(actor=None, subscription=copy, copy_existing_positions=True)
    assert world.run() == []
    world.trade("m3", 100_000)
    assert len(world.run()) == 1


def test_a_refused_close_is_sent_again(world: CopyWorld, copy: CopySubscription) -> None:
    close(copy)
    world.work()
    world.deliver(lambda _: {"state": OrderState.REJECTED, "code": "BUSY"})
    world.work()
    link = TradeLink.objects.get(position_key="m1")
    assert link.held_units == 100_000
    assert link.close_cause.startswith("hand:")
    assert link.close_cause.endswith("#2")
    close(copy)
    world.run()
    link.refresh_from_db()
    assert (link.held_units, link.state) == (0, "gone")


def test_a_wish_while_the_open_is_under_way_closes_what_it_fills(world: CopyWorld) -> None:
    copy = world.follow(account={"owner": UserFactory()})
    world.trade("m1", 100_000)
    world.work()
    close(copy)
    assert [i.leg for i in world.run()] == [Leg.OPEN, Leg.CLOSE]
    assert TradeLink.objects.get().state == "gone"


@pytest.mark.parametrize("mode", ["disabled", "own_only"])
def test_settings_of_the_account_may_forbid_it(
    world: CopyWorld, copy: CopySubscription, mode: str
) -> None:
    owner = copy.follower.account.owner
    api.update_follower(actor=owner, follower=copy.follower, manual_trading_mode=mode)
    with pytest.raises(NotPermitted, match="stop the copy"):
        close(copy)
    assert world.run() == []
    close(copy, "m2", actor=staff(Role.RISK))
    assert len(world.run()) == 1
    api.stop(actor=owner, subscription=copy, close_positions=True)
    assert [intent.leg for intent in world.run()] == [Leg.CLOSE]


def test_strangers_and_what_is_not_open(world: CopyWorld, copy: CopySubscription) -> None:
    for stranger in (UserFactory(), staff(Role.SUPPORT)):
        with pytest.raises(NotPermitted):
            close(copy, actor=stranger)
    with pytest.raises(NotFound):
        api.close_position(actor=None, link_id=10**12)
    world.trade("m1", -100_000)
    world.run()
    with pytest.raises(NotFound, match="not open any more"):
        close(copy)
