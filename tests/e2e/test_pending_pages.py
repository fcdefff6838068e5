"""Copies of pending orders before a customer's eyes."""

from __future__ import annotations

from decimal import Decimal

import pytest
from playwright.sync_api import expect

from apps.accounts.models import User
from tests.e2e.conftest import NewPage, overflow, sign_in
from tests.factories.pending import PendingWorld

pytestmark = pytest.mark.django_db(transaction=True)


def test_they_come_and_go_without_reloading(new_page: NewPage, customer: User) -> None:
    world = PendingWorld()
    world.follow(equity=5_000, account={"owner": customer, "name": "Main"})
    page = new_page()
    sign_in(page, customer)
    orders = page.get_by_role("table", name="Pending orders")
    expect(page.get_by_role("status")).to_have_text("Live")
    expect(orders).to_contain_text("No pending order rests")
    world.place("r1", 100_000, stop_loss=Decimal("1.08"))
    world.run()
    row = orders.get_by_role("row", name="EURUSD")
    expect(row).to_contain_text("1.00 lots")
    expect(row).to_contain_text("1.09000")
    expect(row).to_contain_text("Resting")
    page.set_viewport_size({"width": 375, "height": 800})
    assert overflow(page) <= 0
    world.cancel("r1")
    world.run()
    expect(orders).to_contain_text("No pending order rests")
    outcomes = page.get_by_role("table", name="Outcomes")
    expect(outcomes).to_contain_text("Cancelled an order in EURUSD")
