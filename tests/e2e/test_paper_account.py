"""A customer's first minute: a paper account in one click."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from apps.accounts.models import User
from apps.platforms.models import TradingAccount
from tests.e2e.conftest import NewPage, overflow, sign_in
from tests.factories.copytrading import switch_copying
from tests.support.venue_thread import venue_beside

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_paper_account_in_one_click(new_page: NewPage, customer: User, settings: Any) -> None:
    switch_copying()
    with venue_beside() as venue:
        settings.PAPERVENUE_URL, settings.PAPERVENUE_ADDRESS = venue.url, venue.address
        page = new_page()
        sign_in(page, customer)
        page.goto("/my-accounts/")
        page.get_by_role("link", name="Open a paper account").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("You may open 5 more")
        dialog.get_by_role("button", name="Open account").click()

        expect(page.get_by_role("heading", level=1)).to_have_text("Paper EUR")
        expect(page.get_by_text("can be used")).to_be_visible()
        page.set_viewport_size({"width": 375, "height": 800})
        assert overflow(page) <= 0
        page.get_by_role("link", name="Remove account").click()
        dialog.get_by_role("button", name="Remove account").click()
        expect(page.get_by_text("No trading account yet")).to_be_visible()
    assert TradingAccount.objects.get().archived_at is not None
