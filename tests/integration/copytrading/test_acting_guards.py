"""The loss limit closes and stops, the minimum equity pauses; with real numbers."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import AuditEntry
from apps.accounts.product_models import ProductConfig
from apps.accounts.selectors import forget_product_config
from apps.copytrading import tasks
from apps.copytrading.api import delete_master, delete_subscription, stop
from apps.copytrading.models import CopySubscription, Outcome, TradeLink
from apps.copytrading.services.guards import enforce_guards
from apps.copytrading.under_way import under_way
from apps.execution.api import set_kill_switch
from apps.execution.models import Gate, Position
from apps.platforms.models import AccountState, Symbol
from apps.trading.orders import Leg, OrderState
from tests.factories.copytrading import CopyWorld, MasterFactory, SubscriptionFactory, fund
from tests.factories.platforms import AccountFactory

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal


@pytest.fixture
def world() -> CopyWorld:
    return CopyWorld()


def configure(**values: Any) -> None:
    ProductConfig.objects.filter(pk=1).update(**values)
    forget_product_config()


def sweep() -> list[int]:
    return enforce_guards(timezone.now())


def lose(copy: CopySubscription, floating: str, realised: str = "0") -> None:
    """What the copy's open positions show, and what it has realised."""
    account = copy.follower.account_id
    Position.objects.filter(account_id=account).update(open_result=D(floating))
    CopySubscription.objects.filter(pk=copy.pk).update(result=D(realised))


def status(copy: CopySubscription) -> tuple[str, str]:
    copy.refresh_from_db()
    return copy.status, copy.status_reason


def holding(world: CopyWorld, **settings: Any) -> CopySubscription:
    copy = world.follow(**settings)
    world.trade("m1", 100_000)
    world.run()
    assert TradeLink.objects.get(subscription_id=copy.pk).held_units == 100_000
    return copy


def test_a_loss_at_the_limit_closes_everything_and_stops(world: CopyWorld) -> None:
    copy = holding(world, loss_limit=D(500))
    lose(copy, "-199.99", "-300.00")
    assert sweep() == []
    lose(copy, "-200.00", "-300.00")
    assert sweep() == [world.account_id]
    assert status(copy) == (
        "disabled",
        "Loss limit reached: the result is -500.00 USD (realised -300.00, open -200.00), the "
        "limit is 500.00. Its positions were closed.",
    )
    (sent,) = world.run()
    assert (sent.leg, sent.units) == (Leg.CLOSE, 100_000)
    assert sent.cause.startswith(f"guard:loss_limit:{copy.pk}:")
    assert TradeLink.objects.get().state == "closed"
    entry = AuditEntry.objects.get(action="subscription.loss_limit")
    assert (entry.actor, entry.after) == ("system", {"status": "disabled"})
    assert "500.00" in entry.reason
    assert Gate.objects.get().key == f"sub:{copy.pk}"
    assert sweep() == []
    world.trade("m2", 100_000)
    assert world.run() == []


@pytest.mark.parametrize("how", ["stopped", "deleted", "master deleted"])
def test_what_a_stopped_copy_has_kept_is_closed_at_the_limit(world: CopyWorld, how: str) -> None:
    copy = holding(world, loss_limit=D(500))
    if how == "stopped":
        stop(actor=None, subscription=copy, close_positions=False)
    elif how == "deleted":
        delete_subscription(actor=None, subscription=copy)
    else:
        delete_master(actor=None, master=world.master)
    lose(copy, "-199.99", "-300")
    assert sweep() == []
    lose(copy, "-200", "-300")
    assert sweep() == [world.account_id]
    assert status(copy)[0] == "disabled" and "the limit is 500.00" in status(copy)[1]
    assert sweep() == []  # once; its close is under way
    (sent,) = world.run()
    assert (sent.leg, sent.units) == (Leg.CLOSE, 100_000)
    assert TradeLink.objects.get().state == "closed"
    entry = AuditEntry.objects.get(action="subscription.loss_limit")
    assert entry.after == {"close_positions": True}
    assert sweep() == []


def test_a_stopped_copy_that_holds_nothing_is_left_alone(world: CopyWorld) -> None:
    copy = holding(world, loss_limit=D(500))
    stop(actor=None, subscription=copy, close_positions=True)
    world.run()
    lose(copy, "0", "-600")
    assert sweep() == []
    assert status(copy)[1] == ""


@pytest.mark.parametrize(
    ("product", "follower", "own", "stops"),
    [(0, 0, 0, False), (0, 0, 150, True), (0, 150, 900, True), (150, 900, 0, True),
     (900, 800, 700, False)],
)  # fmt: skip
def test_the_strictest_loss_limit_holds(
    world: CopyWorld, product: int, follower: int, own: int, stops: bool
) -> None:
    configure(loss_limit=product)
    copy = holding(world, loss_limit=own)
    copy.follower.loss_limit = D(follower)
    copy.follower.save()
    lose(copy, "-160")
    sweep()
    assert (status(copy)[0] == "disabled") is stops


def test_losses_of_closed_links_count_without_a_current_price(world: CopyWorld) -> None:
    copy = holding(world, loss_limit=D(100))
    world.trade("m1", -100_000)
    world.run()
    AccountState.objects.update(synced=False, as_of=timezone.now() - timedelta(hours=1))
    lose(copy, "0", "-99.99")
    sweep()
    assert status(copy)[0] == "active"
    lose(copy, "0", "-100")
    sweep()
    assert status(copy)[0] == "disabled"


def test_figures_that_are_not_current_do_nothing(world: CopyWorld) -> None:
    copy = holding(world, loss_limit=D(100), min_equity=D(9_000))
    lose(copy, "-5000")
    AccountState.objects.filter(account=copy.follower.account).update(
        equity=1, synced=False, as_of=timezone.now() - timedelta(seconds=60)
    )
    assert sweep() == []
    assert status(copy)[0] == "active"
    AccountState.objects.update(synced=True, as_of=timezone.now())
    sweep()
    assert status(copy)[0] == "disabled"


def test_two_masters_on_one_account_are_judged_each_by_its_own_result(world: CopyWorld) -> None:
    first = holding(world, loss_limit=D(200))
    account = AccountFactory(connection=world.connection, journaled=True)
    fund(account, 10_000)
    second = SubscriptionFactory(
        master=MasterFactory(account=account), follower=first.follower, loss_limit=D(200)
    )
    Position.objects.create(
        account_id=first.follower.account_id, position_id="by hand", instrument_id="1",
        side="buy", units=1000, price=1, open_result=D(-9_000), opened_at=timezone.now(),
        updated_at=timezone.now(),
    )  # fmt: skip
    CopySubscription.objects.filter(pk=second.pk).update(result=D(-250))
    held = Position.objects.filter(account_id=first.follower.account_id).exclude(
        position_id="by hand"
    )
    held.update(open_result=D(-100))
    sweep()
    assert (status(first)[0], status(second)[0]) == ("active", "disabled")
    assert status(second)[1].startswith("Loss limit reached: the result is -250.00 USD")


def test_only_the_share_of_a_link_in_its_position_counts(world: CopyWorld) -> None:
    copy = holding(world, loss_limit=D(100))
    # The customer has added as much by hand: half of the position's loss is the copy's.
    Position.objects.filter(account_id=copy.follower.account_id).update(units=200_000)
    lose(copy, "-198")
    sweep()
    assert status(copy)[0] == "active"
    lose(copy, "-200")
    sweep()
    assert status(copy)[0] == "disabled"


def test_too_little_equity_pauses_all_copies_of_the_account(world: CopyWorld) -> None:
    first, other = holding(world, min_equity=D(5_000)), world.follow(min_equity=D(5_000))
    state = AccountState.objects.get(account=first.follower.account)
    state.equity = D("5000.00")
    state.save()
    sweep()
    assert status(first)[0] == "active"
    AccountState.objects.filter(pk=state.pk).update(equity=D("4999.99"))
    assert sweep() == []
    login = first.follower.account.login
    assert status(first) == (
        "paused",
        f"Equity of account {login} was 4,999.99 USD, below the minimum of 5,000.00.",
    )
    assert status(other)[0] == "active"
    assert TradeLink.objects.get(subscription_id=first.pk).held_units == 100_000
    entry = AuditEntry.objects.get(action="subscription.min_equity")
    assert (entry.actor, entry.before, entry.after) == (
        "system",
        {"status": "active"},
        {"status": "paused"},
    )
    sweep()
    assert AuditEntry.objects.filter(action="subscription.min_equity").count() == 1


def test_a_product_minimum_holds_where_nobody_set_one(world: CopyWorld) -> None:
    copy = world.follow(equity=900)
    configure(min_equity=1_000)
    sweep()
    assert status(copy)[0] == "paused"


def test_a_sweep_costs_the_same_whatever_the_number_of_copies(world: CopyWorld) -> None:
    for _ in range(2):
        world.follow(loss_limit=D(100), min_equity=D(10))
    forget_product_config()
    with CaptureQueriesContext(connection) as few:
        sweep()
    for _ in range(6):
        world.follow(loss_limit=D(100), min_equity=D(10))
    world.trade("m1", 100_000)
    world.run()
    forget_product_config()
    with CaptureQueriesContext(connection) as many:
        sweep()
    assert len(many) == len(few) == 3


def test_the_task_wakes_masters_with_closes_to_send(
    world: CopyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[int] = []
    monkeypatch.setattr(tasks.work, "delay", woken.append)
    copy = holding(world, loss_limit=D(100))
    tasks.guards()
    assert woken == []
    lose(copy, "-100")
    tasks.guards()
    assert woken == [world.account_id]
    world.deliver(lambda _: {"state": OrderState.NOT_DELIVERED})
    world.work()
    tasks.guards()
    assert woken == [world.account_id]
    world.wait()
    tasks.guards()
    assert woken == [world.account_id] * 2
    world.run()
    assert TradeLink.objects.get().state == "closed"


def test_a_close_that_is_held_says_by_what(
    world: CopyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.copytrading.under_way.HELD_AFTER", timedelta(0))
    copy = holding(world)
    login = copy.follower.account.login
    set_kill_switch(
        actor=None, scope="account", key=str(copy.follower.account_id), state="halted", reason="x"
    )
    world.trade("m1", -100_000)
    world.work()
    (row,) = under_way(subscription_id=copy.pk)
    assert (row.account_login, row.leg, row.state) == (login, "close", "committed")
    assert row.why == "The kill switch on this account is halted."
    set_kill_switch(
        actor=None, scope="account", key=str(copy.follower.account_id), state="active", reason="x"
    )
    today = timezone.now().date()
    days = [{"date": str(today + timedelta(days=n))} for n in (-1, 0, 1)]
    Symbol.objects.update(schedule={"holidays": days})
    (row,) = under_way(subscription_id=copy.pk)
    assert row.why.startswith("EURUSD is closed until ")
    Symbol.objects.update(schedule={})
    (row,) = under_way(subscription_id=copy.pk)
    assert row.why == ""


def test_an_open_that_a_closed_market_refused_says_so(world: CopyWorld) -> None:
    world.follow()
    world.trade("m1", 100_000)
    world.run(lambda _: {"state": OrderState.REJECTED, "code": "MARKET_CLOSED"})
    assert Outcome.objects.values_list("state", "code").get() == ("rejected", "MARKET_CLOSED")
