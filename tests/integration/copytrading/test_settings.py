"""Settings of copies and followers: what is refused, what is kept, and what it does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from apps.accounts.api import update_product_defaults
from apps.accounts.models import AuditEntry
from apps.copytrading import api
from apps.copytrading.errors import (
    AlreadyExists,
    FollowerNotFound,
    InvalidSettings,
    LoopNotAllowed,
    MasterNotAvailable,
    MaxMastersReached,
    NotPermitted,
)
from apps.copytrading.models import CopyFollower, CopySubscription, Outcome, TradeLink
from apps.copytrading.selectors import (
    follower_of,
    masters_for,
    subscription_by_uuid,
    subscriptions_of,
)
from apps.copytrading.settings_preview import preview_changed
from apps.execution.models import Gate, Position
from apps.platforms.models import TradingAccount
from apps.trading.orders import Leg
from tests.factories.accounts import UserFactory
from tests.factories.copytrading import CopyWorld, FollowerFactory, MasterFactory, fund, symbol
from tests.factories.platforms import AccountFactory

pytestmark = pytest.mark.django_db(transaction=True)
Status = CopySubscription.Status


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.copytrading.tasks.work.delay", lambda account_id: None)


def at_once(*tasks: Callable[[], Any]) -> list[Exception]:
    """Run all at the same moment, each on a connection of its own; what they raised."""
    barrier, raised = threading.Barrier(len(tasks)), []

    def run(task: Callable[[], Any]) -> None:
        barrier.wait()
        try:
            task()
        except Exception as error:
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def refused(copy: CopySubscription, **settings: Any) -> dict[str, str]:
    with pytest.raises(InvalidSettings) as error:
        api.update_subscription(actor=None, subscription=copy, **settings)
    before = CopySubscription.objects.get(pk=copy.pk)
    assert all(getattr(before, name, None) != value for name, value in settings.items())
    return error.value.fields


@pytest.mark.parametrize(
    ("settings", "field", "words"),
    [
        ({"risk_multiplier": Decimal("1000.1")}, "risk_multiplier", "from 0 to 1,000"),
        ({"fixed_volume": Decimal("1e15")}, "fixed_volume", "1,000,000,000"),
        ({"max_volume": Decimal("0.00001")}, "max_volume", "4 decimals"),
        ({"allocated_capital": Decimal("NaN")}, "allocated_capital", "Use a number"),
        ({"allocated_capital": "plenty"}, "allocated_capital", "Use a number"),
        ({"max_positions": 10_001}, "max_positions", "0 to 10,000"),
        ({"max_positions": 2**70}, "max_positions", "0 to 10,000"),
        ({"max_delay_s": 3601}, "max_delay_s", "3,600"),
        ({"max_slippage": Decimal(101)}, "max_slippage", "0 to 100"),
        ({"min_margin_level": Decimal(-1)}, "min_margin_level", "Use a number"),
        ({"min_equity": Decimal(-1)}, "min_equity", "Use a number"),
        ({"loss_limit": Decimal("1e13")}, "loss_limit", "Use a number"),
        ({"copy_mode": "some"}, "copy_mode", "sync, open_only, close_only"),
        ({"auto_repair": "maybe"}, "auto_repair", "off, closes, all"),
        ({"copy_sl": "perhaps"}, "copy_sl", "true or false"),
        ({"symbols_mode": None}, "symbols_mode", "Choose one"),
        (
            {"copy_existing_positions": True, "copy_mode": "close_only"},
            "copy_existing_positions",
            "nothing is opened",
        ),
        (
            {"volume_mode": "fixed", "fixed_volume": Decimal(1), "min_volume": Decimal(2)},
            "fixed_volume",
            "nothing would ever be copied",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(
    settings: dict[str, Any], field: str, words: str
) -> None:
    fields = refused(CopyWorld().follow(), **settings)
    assert list(fields) == [field]
    assert words in fields[field]


def test_every_setting_is_kept_and_audited() -> None:
    world = CopyWorld()
    copy = world.follow()
    settings: dict[str, Any] = {
        "copy_mode": "open_only",
        "copy_partial_close": False,
        "copy_pending_orders": False,
        "reverse_direction": True,
        "symbols_mode": "exclude",
        "symbols": " eurusd ,",
        "auto_repair": "closes",
        "max_positions": 3,
        "min_equity": Decimal(100),
        "max_slippage": Decimal("0.05"),
        "max_delay_s": 5,
        "loss_limit": Decimal(250),
        "min_margin_level": Decimal(200),
    }
    api.update_subscription(actor=None, subscription=copy, **settings)
    copy.refresh_from_db()
    settings["symbols"] = "EURUSD"
    assert {name: getattr(copy, name) for name in settings} == settings
    assert set(AuditEntry.objects.get().after) == set(settings)


def test_symbols_are_those_of_the_masters_platform() -> None:
    world = CopyWorld()
    copy = world.follow()
    symbol(world.connection, "GBPUSD.x", instrument_id="2")
    fields = refused(copy, symbols_mode="include", symbols="EURUSDD, gbpusd.X")
    assert fields == {"symbols": "EURUSDD is not a symbol of this platform; did you mean EURUSD?"}
    api.update_subscription(
        actor=None, subscription=copy, symbols_mode="include", symbols="eurusd,gbpusd.X,EURUSD"
    )
    copy.refresh_from_db()
    assert copy.symbols == "EURUSD, GBPUSD.x"
    world.connection.symbols.filter(name="GBPUSD.x").delete()
    api.update_subscription(actor=None, subscription=copy, symbols="EURUSD, GBPUSD.x")
    world.connection.symbols.all().delete()
    api.update_subscription(actor=None, subscription=copy, symbols="anything")
    copy.refresh_from_db()
    assert copy.symbols == "ANYTHING"


@pytest.mark.parametrize("symbols", ["EUR\x00USD", "A" * 65])
def test_symbols_that_no_platform_can_have_are_refused_also_while_none_is_known(
    symbols: str,
) -> None:
    world = CopyWorld()
    copy = world.follow()
    world.connection.symbols.all().delete()
    assert list(refused(copy, symbols=symbols)) == ["symbols"]


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"strategy_name": " "}, "strategy_name"),
        ({"strategy_name": "x" * 65}, "strategy_name"),
        ({"strategy_name": "Tide", "visibility": "secret"}, "visibility"),
    ],
)
def test_words_of_a_master_that_cannot_be(words: dict[str, str], field: str) -> None:
    owner = UserFactory()
    with pytest.raises(InvalidSettings) as error:
        api.create_master(actor=owner, account=AccountFactory(owner=owner), **words)
    assert list(error.value.fields) == [field]


def test_an_empty_list_of_symbols_copies_nothing() -> None:
    world = CopyWorld()
    copy = world.follow()
    api.update_subscription(actor=None, subscription=copy, symbols_mode="include", symbols="")
    world.trade("m1", 100_000)
    assert world.run() == []
    assert Outcome.objects.get().state == "skipped"


def test_the_number_of_masters_is_limited_by_the_strictest() -> None:
    account = AccountFactory()
    follower = FollowerFactory(account=account)
    masters = [MasterFactory(visibility="public") for _ in range(4)]

    def follow(number: int) -> CopySubscription:
        return api.subscribe(actor=None, master=masters[number], follower=follower)

    update_product_defaults(actor=None, max_master_count=3)
    first, second = follow(0), follow(1)
    api.update_follower(actor=None, follower=follower, max_master_count=2)
    api.pause(actor=None, subscription=first)
    with pytest.raises(MaxMastersReached, match="follows 2 masters already and may follow 2"):
        follow(2)
    api.stop(actor=None, subscription=second, close_positions=False)
    follow(2)
    api.update_follower(actor=None, follower=follower, max_master_count=0)
    api.resume(actor=None, subscription=first)
    follow(3)
    with pytest.raises(MaxMastersReached, match="may follow 3 at most"):
        follow(1)


def test_the_number_of_masters_holds_for_requests_at_once() -> None:
    follower = FollowerFactory(max_master_count=1)
    masters = [MasterFactory(visibility="public") for _ in range(3)]
    raised = at_once(
        *(
            lambda m=master: api.subscribe(actor=None, master=m, follower=follower)
            for master in masters
        )
    )
    assert [type(error) for error in raised] == [MaxMastersReached] * 2
    assert CopySubscription.objects.count() == 1


@pytest.mark.parametrize("length", [2, 5])
def test_a_loop_of_any_length_is_refused_at_once_too(length: int) -> None:
    masters = [MasterFactory(visibility="public") for _ in range(length)]
    followers = [FollowerFactory(account=master.account) for master in masters]
    raised = at_once(
        *(
            lambda n=number: api.subscribe(
                actor=None, master=masters[n], follower=followers[(n + 1) % length]
            )
            for number in range(length)
        )
    )
    assert [type(error) for error in raised] == [LoopNotAllowed]
    assert CopySubscription.objects.count() == length - 1


def test_the_same_copy_asked_for_twice_at_once_is_made_once() -> None:
    master, follower = MasterFactory(visibility="public"), FollowerFactory()
    raised = at_once(*[lambda: api.subscribe(actor=None, master=master, follower=follower)] * 2)
    assert [type(error) for error in raised] == [AlreadyExists]
    assert CopySubscription.objects.count() == 1


def test_a_chain_may_be_as_long_as_it_likes_and_a_copy_at_rest_is_no_link_of_it() -> None:
    masters = [MasterFactory(visibility="public") for _ in range(3)]
    followers = [FollowerFactory(account=master.account) for master in masters]
    first = api.subscribe(actor=None, master=masters[0], follower=followers[1])
    api.subscribe(actor=None, master=masters[1], follower=followers[2])
    with pytest.raises(LoopNotAllowed):
        api.subscribe(actor=None, master=masters[2], follower=followers[0])
    api.stop(actor=None, subscription=first, close_positions=False)
    api.subscribe(actor=None, master=masters[2], follower=followers[0])


def test_a_stopped_copy_that_holds_something_still_leads_on() -> None:
    world = CopyWorld()
    copy = world.follow()
    world.trade("m1", 100_000)
    world.run()
    api.stop(actor=None, subscription=copy, close_positions=False)
    back = MasterFactory(account=copy.follower.account, visibility="public")
    follower = FollowerFactory(account=world.master.account)
    with pytest.raises(LoopNotAllowed):
        api.subscribe(actor=None, master=back, follower=follower)
    world.trade("m1", -100_000)
    world.run()
    api.subscribe(actor=None, master=back, follower=follower)


def test_settings_of_an_account_hold_for_all_its_copies() -> None:
    world, owner = CopyWorld(), UserFactory()
    copy = world.follow(account={"owner": owner})
    follower = copy.follower
    with pytest.raises(NotPermitted):
        api.update_follower(actor=UserFactory(), follower=follower, enabled=False)
    with pytest.raises(InvalidSettings) as error:
        api.update_follower(
            actor=owner, follower=follower, max_master_count=-1, manual_trading_mode="never"
        )
    assert set(error.value.fields) == {"max_master_count", "manual_trading_mode"}
    api.update_follower(actor=owner, follower=follower, enabled=False, max_delay_s=3)
    assert Gate.objects.get().key == copy.relation
    world.trade("m1", 100_000)
    assert world.run() == []
    assert Outcome.objects.get().code == "PAUSED"
    api.update_follower(actor=owner, follower=follower, enabled=True)
    assert not Gate.objects.exists()
    entries = AuditEntry.objects.filter(action="follower.update").order_by("id")
    assert [entry.after for entry in entries] == [
        {"enabled": False, "max_delay_s": 3},
        {"enabled": True},
    ]


def holds(world: CopyWorld, position: str) -> None:
    """The master has held this position since before anybody followed."""
    now = timezone.now()
    Position.objects.create(
        account_id=world.account_id,
        position_id=position,
        instrument_id="1",
        side="buy",
        units=Decimal(100_000),
        price=world.price,
        opened_at=now,
        updated_at=now,
    )


def test_existing_positions_are_copied_when_a_copy_is_made_and_when_it_is_changed() -> None:
    world, owner = CopyWorld(), UserFactory()
    world.master.visibility = "public"
    world.master.save()
    holds(world, "old")
    account = AccountFactory(connection=world.connection, owner=owner)
    fund(account, 10_000)
    copy = api.subscribe(
        actor=owner,
        master=world.master,
        follower=FollowerFactory(account=account),
        volume_mode="multiplier",
        copy_existing_positions=True,
    )
    assert [intent.leg for intent in world.run()] == [Leg.OPEN]
    holds(world, "older")
    api.update_subscription(actor=owner, subscription=copy, copy_sl=False)
    assert [intent.leg for intent in world.run()] == [Leg.OPEN]
    api.update_subscription(actor=owner, subscription=copy, copy_sl=True)
    assert world.run() == []
    shown = preview_changed(subscription_by_uuid(copy.uuid), {})
    assert "The master holds nothing now that would be copied at once." in shown.sentences
    holds(world, "newest")
    shown = preview_changed(subscription_by_uuid(copy.uuid), {})
    assert any(
        sentence.startswith("1 position that the master holds") for sentence in shown.sentences
    )


def test_a_guard_that_acts_at_once_is_told_before() -> None:
    world = CopyWorld()
    copy = world.follow(equity=900)
    CopySubscription.objects.filter(pk=copy.pk).update(result=Decimal("-36.21"))
    limits = {"loss_limit": "36.21", "min_equity": "900.01"}
    shown = preview_changed(subscription_by_uuid(copy.uuid), limits)
    assert shown.warnings == [
        "The loss limit is reached already, at -36.21 USD: all is closed at once.",
        "The account has less than the minimum equity, 900.00 USD: copying pauses at once.",
    ]
    limits = {"loss_limit": "36.22", "min_equity": "900"}
    assert preview_changed(subscription_by_uuid(copy.uuid), limits).warnings == []


def held(world: CopyWorld, **account: Any) -> CopySubscription:
    """A copy that holds the master's position m1."""
    copy = world.follow(account=account)
    world.trade("m1", 100_000)
    world.run()
    return copy


def closes(world: CopyWorld) -> list[Leg]:
    world.trade("m1", -100_000)
    world.trade("m2", 100_000)
    return [intent.leg for intent in world.run()]


def test_a_deleted_copy_closes_with_its_master_and_is_shown_until_then() -> None:
    world, owner = CopyWorld(), UserFactory()
    copy = held(world, owner=owner)
    with pytest.raises(NotPermitted):
        api.delete_subscription(actor=UserFactory(), subscription=copy)
    api.delete_subscription(actor=owner, subscription=copy)
    assert [row.uuid for row in subscriptions_of(user=owner)] == [copy.uuid]
    world.master.visibility = "public"
    world.master.save()
    with pytest.raises(AlreadyExists):
        api.subscribe(actor=owner, master=world.master, follower=copy.follower)
    assert closes(world) == [Leg.CLOSE]
    assert subscriptions_of(user=owner) == []
    api.subscribe(actor=owner, master=world.master, follower=copy.follower)
    assert CopySubscription.objects.count() == 2


def test_a_deleted_copy_can_still_be_closed_at_once() -> None:
    world, owner = CopyWorld(), UserFactory()
    copy = held(world, owner=owner)
    api.delete_subscription(actor=owner, subscription=copy)
    api.stop(actor=owner, subscription=copy, close_positions=True)
    assert [intent.leg for intent in world.run()] == [Leg.CLOSE]
    assert not TradeLink.objects.filter(state="open").exists()


def test_copies_of_a_deleted_master_only_close() -> None:
    world, owner = CopyWorld(), UserFactory()
    copy = held(world, owner=owner)
    with pytest.raises(NotPermitted):
        api.delete_master(actor=owner, master=world.master)
    api.delete_master(actor=None, master=world.master, reason="retired")
    copy.refresh_from_db()
    assert (copy.status, copy.status_reason) == ("disabled", "The master was deleted.")
    assert TradingAccount.objects.get(pk=world.account_id).journaled
    assert closes(world) == [Leg.CLOSE]
    assert masters_for(owner) == []
    world.master.visibility = "public"
    world.master.save(update_fields=["visibility"])
    with pytest.raises(MasterNotAvailable):
        api.subscribe(actor=None, master=world.master, follower=FollowerFactory())


def test_an_account_whose_master_was_deleted_can_lead_again() -> None:
    owner = UserFactory()
    account = AccountFactory(owner=owner)
    master = api.create_master(actor=owner, account=account, strategy_name="Tide")
    api.delete_master(actor=owner, master=master)
    account.refresh_from_db()
    assert not account.journaled
    again = api.create_master(actor=owner, account=account, strategy_name="Ebb")
    assert (again.pk, again.status, again.archived_at) == (master.pk, "active", None)
    assert not Gate.objects.exists()


def test_a_deleted_follower_closes_what_it_holds_and_can_come_back() -> None:
    world, owner = CopyWorld(), UserFactory()
    copy = held(world, owner=owner)
    account = copy.follower.account
    api.delete_follower(actor=owner, follower=copy.follower)
    copy.refresh_from_db()
    assert copy.status == Status.DISABLED
    with pytest.raises(FollowerNotFound):
        follower_of(account.pk)
    with pytest.raises(FollowerNotFound):
        api.update_follower(actor=owner, follower=copy.follower, enabled=False)
    assert closes(world) == [Leg.CLOSE]
    back = api.create_follower(actor=owner, account=account)
    assert back.pk == copy.follower_id
    assert CopyFollower.objects.get().archived_at is None
