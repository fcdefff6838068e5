"""Detaching a position, deleting a copy, and an owner's masters, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from apps.accounts.models import User
from apps.copytrading.models import CopyMaster, CopySubscription, TradeLink
from tests.e2e.conftest import NewPage, overflow, sign_in
from tests.factories.copytrading import CopyWorld

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(transactional_db: None) -> CopyWorld:
    world = CopyWorld()
    CopyMaster.objects.update(strategy_name="Harbour Swing", visibility="public")
    world.master.refresh_from_db()
    return world


@pytest.fixture
def copied(world: CopyWorld, customer: User) -> CopySubscription:
    """A copy with two open positions."""
    copy = world.follow(account={"owner": customer, "name": "Main"})
    world.trade("p1", 100_000)
    world.trade("p2", 50_000)
    world.run()
    return copy


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (375, "dark")])
def test_a_position_is_detached_and_the_copy_deleted(
    new_page: NewPage, copied: CopySubscription, customer: User, width: int, scheme: str
) -> None:
    page = new_page(width=width, color_scheme=scheme)
    sign_in(page, customer)
    page.get_by_role("link", name="Harbour Swing").first.click()
    positions = page.get_by_role("table", name="Open copied positions")
    expect(positions.get_by_role("row", name="EURUSD")).to_have_count(2)
    assert overflow(page) == 0

    positions.get_by_role("link", name="Detach EURUSD of Harbour Swing").last.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_have_text("Detach 1.00 lots EURUSD?")
    expect(dialog).to_contain_text("This cannot be undone")
    dialog.get_by_role("button", name="Detach position").click()
    expect(page.get_by_text("It stays open, and only you close it")).to_be_visible()
    expect(positions.get_by_role("row", name="EURUSD")).to_have_count(1)

    page.get_by_role("link", name="Delete the copy of Harbour Swing").click()
    expect(dialog).to_contain_text("1 copied position stands at")
    dialog.get_by_role("link", name="Cancel").click()
    expect(dialog).to_be_hidden()
    page.get_by_role("link", name="Delete the copy of Harbour Swing").click()
    dialog.get_by_role("button", name="Delete and close").click()
    expect(page.get_by_text("is deleted and its positions are being closed")).to_be_visible()
    copied.refresh_from_db()
    assert copied.archived_at is not None
    assert sorted(TradeLink.objects.values_list("state", flat=True)) == ["detached", "open"]


def test_all_copying_of_an_account_is_ended(
    new_page: NewPage, copied: CopySubscription, customer: User
) -> None:
    page = new_page()
    sign_in(page, customer)
    page.goto(f"/my-accounts/{copied.follower.account.uuid}/copying/")
    page.get_by_role("link", name="End all copying").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1 copy is stopped for good, 2 copied positions stand at")
    dialog.get_by_role("button", name="End, keep positions").click()
    expect(page.get_by_text("Main follows nobody any more")).to_be_visible()
    copied.follower.refresh_from_db()
    assert copied.follower.archived_at is not None


def test_an_owner_switches_a_master_off_and_deletes_it(
    new_page: NewPage, world: CopyWorld, copied: CopySubscription, customer: User
) -> None:
    account = world.master.account
    account.owner = customer
    account.save()
    page = new_page()
    sign_in(page, customer)
    page.get_by_role("navigation").get_by_role("link", name="My masters").click()
    row = page.get_by_role("row", name="Harbour Swing")
    row.get_by_role("link", name="Switch off Harbour Swing").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1 account copies it, 2 copied positions are open")
    dialog.get_by_role("button", name="Switch off").click()
    expect(row).to_contain_text("Switched off")
    row.get_by_role("link", name="Delete Harbour Swing").click()
    expect(dialog).to_contain_text("every copy of it is stopped for good")
    dialog.get_by_role("button", name="Delete master").click()
    expect(page.get_by_text("None of your accounts is a master")).to_be_visible()
    world.master.refresh_from_db()
    assert world.master.archived_at is not None
