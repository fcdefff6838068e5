"""Through the ledger in a real browser: filter, story, check of the chain; wide and narrow."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.copytrading.models import CopyMaster, CopySubscription
from apps.copytrading.services.sealing import seal_all
from tests.e2e.conftest import NewPage, overflow, sign_in
from tests.factories.copytrading import CopyWorld

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def copied(transactional_db: None, customer: User) -> CopySubscription:
    world = CopyWorld()
    CopyMaster.objects.update(strategy_name="Harbour Swing", visibility="public")
    account = {"owner": customer, "name": "Main", "currency": "USD"}
    copy = world.follow(equity=2_431, account=account, volume_mode="equity_ratio")
    world.trade("p1", 100_000)
    world.run()
    world.trade("p1", -50_000)
    world.trade("p2", 1_000)
    world.run()
    seal_all(seconds=5)
    world.trade("p3", 80_000)
    world.work()
    return copy


def open_ledger(page: Page, customer: User, site: str) -> None:
    sign_in(page, customer)
    page.goto(f"{site}/copying/outcomes/")
    expect(page.get_by_role("heading", name="Outcomes", level=1)).to_be_visible()


def test_from_the_list_to_a_story_and_its_seal(
    new_page: NewPage, site: str, copied: CopySubscription, customer: User
) -> None:
    page = new_page()
    open_ledger(page, customer, site)
    rows = page.get_by_role("table", name="Outcomes").get_by_role("row")
    expect(rows).to_have_count(4)
    expect(page.get_by_role("table", name="Under way")).to_contain_text("Committed")
    page.get_by_label("Reason").select_option("BELOW_MINIMUM")
    page.get_by_role("button", name="Search").click()
    expect(rows).to_have_count(2)
    page.get_by_role("link", name="Opened EURUSD").click()
    expect(page.get_by_text("The volume is below the smallest").first).to_be_visible()
    expect(page.get_by_role("link", name="Minimum volume")).to_be_visible()
    page.get_by_role("button", name="Check the chain").click()
    expect(page.get_by_text("All 3 sealed outcomes hold.")).to_be_visible()
    page.get_by_role("link", name="All outcomes of this copy").click()
    expect(rows).to_have_count(4)


@pytest.mark.parametrize("width", [1440, 375])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_cut_off(
    new_page: NewPage, site: str, copied: CopySubscription, customer: User, width: int, theme: str
) -> None:
    page = new_page(width=width, color_scheme=theme)
    open_ledger(page, customer, site)
    assert overflow(page) <= 0
    page.get_by_role("link", name="Opened EURUSD").last.click()
    expect(page.get_by_text("Your equity 2,431.00 USD against 10,000.00 USD")).to_be_visible()
    assert overflow(page) <= 0
