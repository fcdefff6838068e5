"""A copy against its master, the exposure of all, and everything closed, in a real browser."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from apps.accounts.models import User
from apps.analytics import api as analytics
from apps.copytrading import api as copying
from apps.copytrading.models import CopyMaster, CopySubscription, MarginAlarm
from apps.execution.models import Position
from apps.platforms.models import AccountState, ConnectionState, Quote
from apps.trading.orders import Side
from tests.e2e.conftest import NewPage, overflow, sign_in
from tests.factories.copytrading import CopyWorld, MasterFactory, SubscriptionFactory, fund, quote
from tests.factories.equity import closed_days

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(transactional_db: None) -> CopyWorld:
    world = CopyWorld()
    ConnectionState.objects.update(status="live", live_at=timezone.now())
    CopyMaster.objects.update(strategy_name="Harbour Swing", visibility="public")
    world.master.refresh_from_db()
    quote(world.connection, "1", "1.0921")
    return world


def at_price(world: CopyWorld, value: str) -> None:
    world.price = Decimal(value)
    Quote.objects.update(bid=world.price, ask=world.price)


def traded(world: CopyWorld, position: str, units: int, slip: str, side: Side = Side.BUY) -> None:
    """The master trades, and its copies follow at a price that is worse by ``slip``."""
    world.trade(position, units, side=side)
    world.price += Decimal(slip)
    world.run()
    world.price -= Decimal(slip)
    world.book()


@pytest.fixture
def copied(world: CopyWorld, customer: User) -> CopySubscription:
    """A copy with a past, two masters against each other, and little room left."""
    copy = world.follow(
        account={"owner": customer, "name": "Main"}, risk_multiplier=Decimal("0.455")
    )
    traded(world, "p1", 100_000, "0.0002")
    at_price(world, "1.0981")
    traded(world, "p1", -100_000, "-0.0003")
    copying.pause(actor=None, subscription=copy)
    traded(world, "p2", 100_000, "0")
    at_price(world, "1.1011")
    traded(world, "p2", -100_000, "0")
    copying.resume(actor=None, subscription=copy)
    traded(world, "p3", 100_000, "0.0001")
    analytics.take_up_gaps(now=timezone.now() + timedelta(minutes=1))
    first = world.master
    world.master = MasterFactory(
        strategy_name="North Grid", account__connection=world.connection, account__journaled=True
    )
    fund(world.master.account, 10_000)
    SubscriptionFactory(master=world.master, follower=copy.follower)
    traded(world, "p9", 30_000, "0", Side.SELL)
    yesterday = timezone.now().date() - timedelta(days=30)
    wave = [0.01, -0.004, 0.006, -0.011, 0.003] * 6
    closed_days(first.account_id, yesterday, wave)
    closed_days(world.master.account_id, yesterday, [-0.8 * one for one in wave])
    account_id = copy.follower.account_id
    Position.objects.filter(account_id=account_id, side="buy").update(open_result=180)
    Position.objects.filter(account_id=account_id, side="sell").update(open_result=-35)
    analytics.follow_copies(now=timezone.now())
    AccountState.objects.filter(account_id=account_id).update(margin_used=5_600, equity=10_000)
    MarginAlarm.objects.create(
        account_id=account_id, level="warning", used_percent=56, since=timezone.now()
    )
    return copy


def test_a_customer_reads_why_the_copy_differs_and_closes_everything(
    new_page: NewPage, copied: CopySubscription, customer: User
) -> None:
    page = new_page(width=375, color_scheme="dark")
    sign_in(page, customer)
    expect(page.get_by_text("uses 56.0 % of its equity as margin")).to_be_visible()
    assert overflow(page) == 0

    page.goto(f"/copying/{copied.uuid}/")
    page.get_by_role("link", name="Against your master").click()
    expect(page.get_by_role("row", name="Skipped trades")).to_be_visible()
    expect(page.get_by_role("row", name="A perfect copy")).to_be_visible()
    assert overflow(page) == 0

    page.goto("/copying/exposure/")
    expect(page.get_by_role("table", name="Masters that hold against each other")).to_contain_text(
        "North Grid"
    )
    assert overflow(page) == 0

    page.goto("/copying/")
    page.get_by_role("link", name="Close everything", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("2 copied positions close at market")
    dialog.get_by_role("button", name="Close everything now").click()
    expect(page.get_by_text("2 positions are being closed")).to_be_visible()
    copied.refresh_from_db()
    assert copied.status == "paused"
