"""Making and changing masters, followers and subscriptions."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from apps.accounts.models import AuditEntry
from apps.accounts.roles import Role
from apps.copytrading import api
from apps.copytrading.errors import (
    AlreadyExists,
    CopyError,
    FollowerModeNotAllowed,
    InvalidSettings,
    LoopNotAllowed,
    MasterNotAvailable,
    NotPermitted,
)
from apps.copytrading.models import CopyMaster, CopySubscription, Outcome, TradeLink
from apps.execution.models import Gate
from apps.platforms.models import TradingAccount
from apps.trading.orders import Leg, OrderState
from tests.factories.accounts import UserFactory, staff
from tests.factories.copytrading import CopyWorld, FollowerFactory, MasterFactory
from tests.factories.platforms import AccountFactory, GroupFactory

pytestmark = pytest.mark.django_db(transaction=True)
Status = CopySubscription.Status


@pytest.fixture(autouse=True)
def woken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Masters whose work was asked for; no broker is needed."""
    asked: list[int] = []
    monkeypatch.setattr("apps.copytrading.tasks.work.delay", asked.append)
    return asked


@pytest.fixture
def customer() -> Any:
    return UserFactory()


@pytest.fixture
def account(customer: Any) -> TradingAccount:
    return AccountFactory(owner=customer)


def gates() -> set[tuple[str, str, str]]:
    return set(Gate.objects.values_list("scope", "key", "state"))


def test_a_private_master_is_active_and_journaled(customer: Any, account: TradingAccount) -> None:
    master = api.create_master(actor=customer, account=account, strategy_name=" Tide ")
    account.refresh_from_db()
    assert (master.status, master.strategy_name, account.journaled) == ("active", "Tide", True)
    assert AuditEntry.objects.get().action == "master.create"
    with pytest.raises(AlreadyExists):
        api.create_master(actor=customer, account=account, strategy_name="Again")


def test_a_public_master_of_a_customer_is_pending(customer: Any, account: TradingAccount) -> None:
    master = api.create_master(
        actor=customer, account=account, strategy_name="Tide", visibility="public"
    )
    assert master.status == CopyMaster.Status.PENDING
    with pytest.raises(NotPermitted):
        api.set_master_status(actor=customer, master=master, status="active")
    api.set_master_status(actor=staff(Role.RISK), master=master, status="active")
    master.refresh_from_db()
    assert master.status == "active"
    assert gates() == set()


def test_strangers_change_nothing(customer: Any) -> None:
    world = CopyWorld()
    copy = world.follow()
    for attempt in (
        lambda: api.pause(actor=customer, subscription=copy),
        lambda: api.stop(actor=customer, subscription=copy, close_positions=True),
        lambda: api.update_subscription(actor=customer, subscription=copy, copy_sl=False),
        lambda: api.create_follower(actor=customer, account=world.master.account),
        lambda: api.set_master_status(actor=customer, master=world.master, status="paused"),
        lambda: api.pause(actor=staff(Role.SUPPORT), subscription=copy),
    ):
        with pytest.raises(NotPermitted):
            attempt()
    copy.refresh_from_db()
    assert copy.status == Status.ACTIVE


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"volume_mode": "fixed"}, "fixed_volume"),
        ({"volume_mode": "equity_based"}, "base_equity"),
        ({"volume_mode": "nonsense"}, "volume_mode"),
        ({"risk_multiplier": Decimal(0)}, "risk_multiplier"),
        ({"risk_multiplier": Decimal(-1)}, "risk_multiplier"),
        ({"min_volume": Decimal(2), "max_volume": Decimal(1)}, "max_volume"),
        ({"max_volume": Decimal(-1)}, "max_volume"),
        ({"allocated_capital": Decimal(-5)}, "allocated_capital"),
        ({"reverse_everything": True}, "reverse_everything"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], field: str) -> None:
    world = CopyWorld()
    follower = FollowerFactory()
    public(world.master)
    with pytest.raises(InvalidSettings) as refused:
        api.subscribe(actor=None, master=world.master, follower=follower, **settings)
    assert list(refused.value.fields) == [field]
    assert not CopySubscription.objects.exists()


def subscribe(master: CopyMaster, account: TradingAccount) -> CopySubscription:
    follower = getattr(account, "follower", None) or FollowerFactory(account=account)
    return api.subscribe(actor=None, master=master, follower=follower)


def test_neither_itself_nor_a_loop_nor_twice() -> None:
    first, second, third = (MasterFactory(visibility="public") for _ in range(3))
    with pytest.raises(LoopNotAllowed):
        subscribe(first, first.account)
    subscribe(first, second.account)
    with pytest.raises(AlreadyExists):
        subscribe(first, second.account)
    subscribe(second, third.account)
    with pytest.raises(LoopNotAllowed):
        subscribe(third, first.account)
    with pytest.raises(LoopNotAllowed):
        subscribe(second, first.account)
    assert CopySubscription.objects.count() == 2


def test_a_loop_is_refused_in_parallel_too() -> None:
    masters = [MasterFactory(visibility="public") for _ in range(3)]
    followers = [FollowerFactory(account=master.account) for master in masters]
    barrier, refused = threading.Barrier(3), []

    def close_the_circle(number: int) -> None:
        barrier.wait()
        try:
            api.subscribe(actor=None, master=masters[number], follower=followers[(number + 1) % 3])
        except LoopNotAllowed as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=close_the_circle, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(refused), CopySubscription.objects.count()) == (1, 2)


def test_who_takes_followers(customer: Any) -> None:
    private = MasterFactory()
    with pytest.raises(MasterNotAvailable):
        subscribe(private, AccountFactory(owner=customer))
    inactive = MasterFactory(visibility="public", status="inactive")
    with pytest.raises(MasterNotAvailable):
        subscribe(inactive, AccountFactory())
    real = AccountFactory(group=GroupFactory(mode="real"))
    with pytest.raises(FollowerModeNotAllowed):
        subscribe(MasterFactory(visibility="public"), real)
    own = MasterFactory(account=AccountFactory(owner=customer))
    assert subscribe(own, AccountFactory(owner=customer)).status == Status.ACTIVE


def test_pausing_gates_what_is_on_its_way() -> None:
    world = CopyWorld()
    copy = world.follow()
    owner = copy.follower.account.owner
    api.pause(actor=owner, subscription=copy, reason="holiday")
    assert gates() == {("relation", f"sub:{copy.pk}", "reducing")}
    api.resume(actor=owner, subscription=copy)
    assert gates() == set()
    api.update_subscription(actor=owner, subscription=copy, enabled=False)
    assert gates() == {("relation", f"sub:{copy.pk}", "reducing")}
    api.set_master_status(actor=None, master=world.master, status="paused")
    assert ("source", f"copy:{world.account_id}", "reducing") in gates()
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == [
        "subscription.pause",
        "subscription.resume",
        "subscription.update",
        "master.paused",
    ]


def test_stopping_closes_what_is_held(woken: list[int]) -> None:
    world = CopyWorld()
    copy = world.follow()
    world.trade("m1", 100_000)
    world.run()
    world.trade("m2", 50_000)
    world.work()  # its open is in flight
    api.stop(actor=None, subscription=copy, close_positions=True, reason="enough")
    sent = world.run()
    closes = [(i.cause.partition(":")[0], i.units) for i in sent if i.leg is Leg.CLOSE]
    assert closes == [
        ("stop", Decimal(100_000)),
        ("stop", Decimal(50_000)),
    ]
    assert not TradeLink.objects.filter(state="open").exists()
    assert woken == [world.account_id]
    world.trade("m1", -100_000)
    world.trade("m3", 100_000)
    assert world.run() == []
    codes = list(Outcome.objects.order_by("id").values_list("code", flat=True))
    assert codes[-2:] == ["NOT_LINKED", "STOPPED"]


def test_stopping_may_keep_positions_that_then_follow_closes() -> None:
    world = CopyWorld()
    copy = world.follow()
    world.trade("m1", 100_000)
    world.run()
    api.stop(actor=None, subscription=copy, close_positions=False)
    assert world.run() == []
    with pytest.raises(CopyError):
        api.resume(actor=None, subscription=copy)
    with pytest.raises(AlreadyExists):
        api.subscribe(actor=None, master=public(world.master), follower=copy.follower)
    world.trade("m1", -100_000)
    (sent,) = world.run()
    assert sent.leg is Leg.CLOSE
    anew = api.subscribe(actor=None, master=public(world.master), follower=copy.follower)
    copy.refresh_from_db()
    assert copy.archived_at is not None and anew.pk != copy.pk
    assert gates() == {("relation", f"sub:{copy.pk}", "reducing")}


def public(master: CopyMaster) -> CopyMaster:
    master.visibility = CopyMaster.Visibility.PUBLIC
    master.save()
    return master


def test_a_new_copy_begins_with_the_next_event() -> None:
    world = CopyWorld()
    world.trade("m1", 100_000)
    copy = api.subscribe(actor=None, master=public(world.master), follower=FollowerFactory())
    assert world.run() == []
    assert not Outcome.objects.exists()
    world.trade("m1", 100_000)
    world.run()
    assert [o.code for o in Outcome.objects.all()] == ["NOT_LINKED"]
    assert copy.started_after_event > 0


def test_stopping_again_sends_a_refused_close_anew(woken: list[int]) -> None:
    world = CopyWorld()
    copy = world.follow()
    world.trade("m1", 100_000)
    world.run()
    api.stop(actor=None, subscription=copy, close_positions=True)
    (first,) = world.run(lambda _: {"state": OrderState.REJECTED, "code": "MARKET_CLOSED"})
    api.stop(actor=None, subscription=copy, close_positions=True)
    (second,) = world.run()
    assert second.client_order_id != first.client_order_id
    assert not TradeLink.objects.filter(state="open").exists()


def test_stopping_while_a_partial_close_is_in_flight_closes_the_rest(woken: list[int]) -> None:
    world = CopyWorld()
    copy = world.follow()
    world.trade("m1", 100_000)
    world.run()
    world.trade("m1", -50_000)
    world.work()
    api.stop(actor=None, subscription=copy, close_positions=True)
    sent = world.run()
    assert [i.units for i in sent] == [Decimal(50_000), Decimal(50_000)]
    assert not TradeLink.objects.filter(state="open").exists()


def test_an_owner_switches_a_master_off_and_on() -> None:
    world, owner = CopyWorld(), UserFactory()
    world.master.account.owner = owner
    world.master.account.save()
    world.follow()
    with pytest.raises(NotPermitted):
        api.set_master_enabled(actor=UserFactory(), master=world.master, enabled=False)
    assert api.set_master_enabled(actor=owner, master=world.master, enabled=False).enabled is False
    assert Gate.objects.get().key == f"copy:{world.account_id}"
    api.set_master_enabled(actor=owner, master=world.master, enabled=False)
    world.trade("m1", 100_000)
    assert world.run() == []
    assert Outcome.objects.get().code == "MASTER_PAUSED"
    assert api.set_master_enabled(actor=owner, master=world.master, enabled=True).enabled
    assert not Gate.objects.exists()
    world.trade("m2", 100_000)
    assert len(world.run()) == 1
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["master.switch_off", "master.switch_on"]
    api.delete_master(actor=owner, master=world.master)
    with pytest.raises(NotPermitted, match="deleted"):
        api.set_master_enabled(actor=owner, master=world.master, enabled=True)
