"""Staff at the desk, and the look of the product, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from apps.accounts.models import User
from apps.copytrading.models import CopyMaster
from tests.e2e.conftest import NewPage, overflow, sign_in
from tests.factories.copytrading import CopyWorld, switch_copying

pytestmark = pytest.mark.django_db(transaction=True)


def test_events_and_outcomes_arrive_on_the_live_page(new_page: NewPage, owner: User) -> None:
    world = CopyWorld()
    world.follow(equity=2_500, volume_mode="equity_ratio")
    world.follow(volume_mode="equity_ratio", min_volume=5)
    page = new_page()
    sign_in(page, owner)
    expect(page.get_by_role("heading", name="Live")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("Live")
    expect(page.get_by_text("No master has traded yet")).to_be_visible()

    world.trade("p1", 100_000)
    world.run()

    event = page.get_by_role("table", name="Events of masters").get_by_role("row", name="Opened")
    expect(event).to_contain_text("1 copied")
    expect(event).to_contain_text("1 skipped")
    page.get_by_role("combobox", name="Outcomes").select_option(label="Skipped")
    page.wait_for_url("**state=skipped**")
    outcomes = page.get_by_role("table", name="Outcomes", exact=True)
    expect(outcomes.get_by_role("row")).to_have_count(2)


def test_staff_pause_a_master_with_a_reason(new_page: NewPage, owner: User) -> None:
    world = CopyWorld()
    CopyMaster.objects.update(strategy_name="Harbour Swing")
    page = new_page()
    sign_in(page, owner)
    page.get_by_role("link", name="Master Traders").click()
    page.get_by_role("link", name="Harbour Swing").click()

    page.get_by_role("link", name="Pause").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("News in ten minutes")
    dialog.get_by_role("button", name="Pause").click()

    page.get_by_role("link", name="Audit", exact=True).last.click()
    expect(page.get_by_role("table", name="Interventions")).to_contain_text("News in ten minutes")
    world.master.refresh_from_db()
    assert world.master.status == CopyMaster.Status.PAUSED


def test_switching_copy_trading_off_takes_its_pages_away(new_page: NewPage, owner: User) -> None:
    switch_copying()
    page = new_page()
    sign_in(page, owner)
    page.get_by_role("link", name="Product").click()

    page.get_by_role("region", name="Copy Trading").get_by_label("Reason").fill("Maintenance")
    page.get_by_role("button", name="Switch copy trading off").click()

    expect(page.get_by_text("Copy trading is off.")).to_be_visible()
    expect(page.get_by_role("link", name="Master Traders")).to_have_count(0)
    expect(page.get_by_role("button", name="Switch copy trading on")).to_be_visible()


def test_an_owner_turns_copy_trading_off_and_on(
    new_page: NewPage, owner: User, customer: User
) -> None:
    world = CopyWorld()
    world.follow(account={"owner": customer})
    world.trade("p1", 100_000)
    world.run()
    page, theirs = new_page(), new_page()
    sign_in(page, owner)
    sign_in(theirs, customer)
    theirs.goto("/")
    discover = theirs.get_by_role("navigation").get_by_role("link", name="Discover")
    expect(discover.first).to_be_visible()
    page.goto("/console/product/")

    module = page.get_by_role("region", name="Copy Trading")
    module.get_by_label("Reason").fill("Maintenance")
    page.get_by_role("button", name="Switch copy trading off").click()
    expect(page.get_by_text("1 running copy of 1 customer")).to_be_visible()
    expect(page.get_by_text("1 copied position stay")).to_be_visible()
    page.get_by_role("button", name="Switch it off").click()
    expect(page.get_by_text("Copy trading is off.")).to_be_visible()
    expect(page.get_by_role("link", name="Master Traders")).to_have_count(0)
    theirs.goto("/")
    expect(discover).to_have_count(0)

    module.get_by_label("Reason").fill("Done")
    page.get_by_role("button", name="Switch copy trading on").click()
    expect(page.get_by_text("Copy trading is on.")).to_be_visible()
    expect(page.get_by_role("link", name="Master Traders").first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 375])
def test_the_gallery_shows_both_themes(
    new_page: NewPage, owner: User, scheme: str, width: int
) -> None:
    page = new_page(width=width, color_scheme=scheme)
    sign_in(page, owner)
    page.goto("/gallery/")

    for theme in ("Light", "Dark"):
        part = page.get_by_role("region", name=f"{theme} theme")
        expect(part.get_by_role("button", name="Pause").first).to_be_visible()
    colours = [
        page.get_by_role("region", name=f"{theme} theme").evaluate(
            "element => getComputedStyle(element).backgroundColor"
        )
        for theme in ("Light", "Dark")
    ]
    assert colours[0] != colours[1]
    assert overflow(page) <= 0


def test_the_theme_is_kept_in_this_browser(new_page: NewPage, owner: User) -> None:
    page = new_page(color_scheme="light")
    sign_in(page, owner)
    background = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(background)

    page.locator("summary", has_text="Account menu").click()
    page.get_by_role("button", name="Dark").click()
    dark = page.evaluate(background)
    page.goto("/console/platforms/")

    assert light != dark
    assert page.evaluate(background) == dark


def test_nothing_is_wider_than_a_phone(new_page: NewPage, owner: User) -> None:
    world = CopyWorld()
    world.follow()
    world.trade("p1", 100_000)
    world.run()
    page = new_page(width=375, height=812)
    sign_in(page, owner)

    for path in ("live/", "masters/", f"masters/{world.master.uuid}/", "platforms/", "product/"):
        page.goto(f"/console/{path}")
        expect(page.get_by_role("main")).to_be_visible()
        assert overflow(page) <= 0, path
