"""Finding a master in a real browser: what is asked stands in the address at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from apps.accounts.models import User
from tests.e2e.conftest import NewPage, overflow, sign_in
from tests.factories.copytrading import switch_copying
from tests.factories.discover import kept_up, listed

if TYPE_CHECKING:
    from apps.copytrading.models import CopyMaster


@pytest.fixture
def two(transactional_db: None) -> list[CopyMaster]:
    switch_copying()
    masters = [listed("Calm Harbour", days=40), listed("Wild Bull", returns=(0.03, -0.02), days=40)]
    kept_up()
    return masters


def test_masters_are_searched_and_put_side_by_side(
    new_page: NewPage, customer: User, two: list[CopyMaster]
) -> None:
    page = new_page(width=390, height=800)
    sign_in(page, customer)
    page.goto("/discover/")
    for master in two:
        page.get_by_role("link", name=f"Compare {master.strategy_name}").click()
        chosen = page.locator(f"#compare-{master.uuid}")
        expect(chosen).to_have_accessible_name(re.compile("out of the comparison"))
        expect(chosen).to_be_focused()

    page.get_by_label("Search").fill("wild")
    expect(page.get_by_role("status")).to_contain_text("1 master")
    expect(page).to_have_url(re.compile(r"\?q=wild&m=.+&m=.+"))
    page.get_by_text("Table", exact=True).click()
    expect(page).to_have_url(re.compile(r"view=table"))
    assert overflow(page) == 0

    page.get_by_role("link", name="Compare 2").click()
    expect(page.get_by_role("group", name="Figures side by side")).to_contain_text("Calm Harbour")
    page.locator("[data-chart-plot]").hover()
    expect(page.locator("canvas").first).to_be_visible()
    assert overflow(page) == 0
