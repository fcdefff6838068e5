"""A customer's way through the pages about copying, in a real browser."""

from __future__ import annotations

from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.copytrading.models import CopyMaster, CopySubscription
from apps.execution.models import Position
from tests.e2e.conftest import NewPage, overflow, sign_in
from tests.factories.copytrading import CopyWorld, fund
from tests.factories.platforms import AccountFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(transactional_db: None) -> CopyWorld:
    world = CopyWorld()
    CopyMaster.objects.update(strategy_name="Harbour Swing", visibility="public")
    world.master.refresh_from_db()
    return world


def copy_of(world: CopyWorld, user: User, **settings: object) -> CopySubscription:
    account = {"owner": user, "name": "Main", "currency": "USD"}
    return world.follow(equity=5_000, account=account, volume_mode="equity_ratio", **settings)


def table(page: Page, name: str) -> object:
    return page.get_by_role("table", name=name)


def test_a_masters_trade_arrives_without_reloading(
    new_page: NewPage, world: CopyWorld, customer: User
) -> None:
    copy_of(world, customer)
    page = new_page()
    sign_in(page, customer)
    expect(page.get_by_role("heading", name="My copying")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("Live")
    expect(page.get_by_text("No copied position is open")).to_be_visible()
    page.evaluate("window.neverReloaded = true")

    world.trade("p1", 100_000)
    world.run()

    position = page.get_by_role("table", name="Open copied positions").get_by_role(
        "row", name="EURUSD"
    )
    expect(position).to_contain_text("0.50 lots")
    expect(position).to_contain_text("1.00 lots")
    outcome = page.get_by_role("table", name="Outcomes").get_by_role("row", name="Opened EURUSD")
    expect(outcome).to_contain_text("Copied")
    outcome.get_by_text("Copied in full").click()
    expect(outcome).to_contain_text("Master bought 1.00 EURUSD at 1.0921")
    page.set_viewport_size({"width": 375, "height": 812})
    volume = page.get_by_role("table", name="Copies").get_by_text("In proportion to equity")
    expect(volume).to_be_hidden()
    page.locator("summary", has_text="about Harbour Swing").click()
    expect(volume).to_be_visible()

    world.trade("p1", -100_000)
    world.run()

    expect(page.get_by_text("No copied position is open")).to_be_visible()
    assert page.evaluate("window.neverReloaded") is True
    # What was opened stays open while its row is sent anew, or new ones arrive above it.
    expect(volume).to_be_visible()
    expect(outcome.get_by_text("Master bought 1.00 EURUSD")).to_be_visible()


EDGES = "[...document.querySelectorAll('thead th')].map((head) => head.getBoundingClientRect().x)"


def test_figures_change_without_moving_what_stands_beside_them(
    new_page: NewPage, world: CopyWorld, customer: User
) -> None:
    copy_of(world, customer)
    world.trade("p1", 100_000)
    world.run()
    page = new_page()
    sign_in(page, customer)
    expect(page.get_by_role("status")).to_have_text("Live")
    position = page.get_by_role("table", name="Open copied positions").get_by_role("row").nth(1)
    edges = page.evaluate(EDGES)
    close = position.get_by_role("link", name="Close")
    close.focus()
    close.evaluate("(link) => (window.theSame = link)")
    for result, shown in (("5", "+5.00"), ("1005", "+1,005.00"), ("-20", "−20.00")):
        Position.objects.update(open_result=result)
        expect(position).to_contain_text(shown, timeout=10_000)
        assert page.evaluate(EDGES) == pytest.approx(edges, abs=0.1)
    assert close.evaluate("(link) => link === window.theSame")  # what did not change was left alone
    expect(close).to_be_focused()


def test_stopping_says_what_it_means_in_money(
    new_page: NewPage, world: CopyWorld, customer: User
) -> None:
    copied = copy_of(world, customer)
    world.trade("p1", 100_000)
    world.run()
    page = new_page()
    sign_in(page, customer)

    page.get_by_role("link", name="Stop Harbour Swing on Main").click()

    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="Stop copying Harbour Swing?")).to_be_visible()
    expect(dialog).to_contain_text("1 copied position stands at 0.00 USD now")
    dialog.get_by_role("button", name="Stop, keep positions").click()

    expect(page.get_by_text("Open positions close with their master")).to_be_visible()
    copied.refresh_from_db()
    assert copied.status == CopySubscription.Status.DISABLED


def test_pausing_and_resuming(new_page: NewPage, world: CopyWorld, customer: User) -> None:
    copied = copy_of(world, customer)
    page = new_page()
    sign_in(page, customer)

    page.get_by_role("link", name="Pause Harbour Swing on Main").click()
    page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    expect(page.get_by_role("table", name="Copies")).to_contain_text("Paused")
    page.get_by_role("link", name="Resume Harbour Swing on Main").click()
    page.get_by_role("dialog").get_by_role("button", name="Resume").click()
    expect(page.get_by_role("table", name="Copies")).to_contain_text("Copying")

    copied.refresh_from_db()
    assert copied.status == CopySubscription.Status.ACTIVE


def test_following_shows_the_fields_of_the_mode_and_keeps_what_was_entered(
    new_page: NewPage, world: CopyWorld, customer: User
) -> None:
    fund(AccountFactory(connection=world.connection, owner=customer, name="Main"), 5_000)
    page = new_page()
    sign_in(page, customer)
    page.get_by_role("link", name="Follow a master").first.click()
    page.get_by_label("Name of the master").press_sequentially("swing")
    page.get_by_role("link", name="Harbour Swing").click()
    expect(page.get_by_label("Volume", exact=True)).to_be_hidden()
    page.get_by_label("Your account").select_option(index=1)
    page.get_by_role("radio", name="Fixed volume").check()
    expect(page.get_by_label("Risk multiplier")).to_be_hidden()
    page.get_by_label("Volume", exact=True).fill("0.5")
    page.locator("summary", has_text="Smallest and largest volume").click()
    page.get_by_label("Maximum volume").fill("0.2")
    page.get_by_role("checkbox", name="Risk disclosure, version 1").check()
    page.get_by_role("checkbox", name="Terms of copying, version 1").check()
    page.get_by_role("button", name="Start copying").click()

    expect(page.get_by_role("alert")).to_contain_text("Nothing is copied yet")
    expect(page.locator(".field-error")).to_have_text(
        "The fixed volume is above the maximum volume."
    )
    expect(page.get_by_label("Volume", exact=True)).to_have_value("0.5")
    page.get_by_label("Maximum volume").fill("0.6")
    page.get_by_role("button", name="Start copying").click()

    expect(page.get_by_text("You follow Harbour Swing. Nothing is opened at once.")).to_be_visible()
    copied = CopySubscription.objects.get()
    assert (copied.volume_mode, copied.fixed_volume) == ("fixed", Decimal("0.5"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(
    new_page: NewPage, world: CopyWorld, customer: User, scheme: str
) -> None:
    copied = copy_of(world, customer)
    world.trade("p1", 100_000)
    world.run()
    page = new_page(width=375, height=812, color_scheme=scheme)
    sign_in(page, customer)

    for path in (
        "/copying/",
        "/copying/follow/",
        f"/copying/{copied.uuid}/",
        f"/copying/{copied.uuid}/settings/",
        f"/copying/{copied.uuid}/stop/",
        "/my-accounts/",
        f"/my-accounts/{copied.follower.account.uuid}/",
        "/accounts/password/change/",
    ):
        page.goto(path)
        expect(page.get_by_role("main")).to_be_visible()
        assert overflow(page) <= 0, path
