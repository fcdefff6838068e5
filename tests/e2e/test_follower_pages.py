"""A risk officer and a follower that is leveraged too much, in a real browser."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from apps.accounts.api import create_staff
from apps.accounts.roles import Role
from apps.analytics.follower_list import forget_risk_counts
from apps.copytrading.models import CopyMaster
from apps.copytrading.services.margin import watch_margin
from apps.execution.models import Position
from apps.platforms.models import AccountState, ConnectionState
from tests.e2e.conftest import PASSWORD, NewPage, overflow, sign_in
from tests.factories.copytrading import CopyWorld

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def officer(transactional_db: None) -> Any:
    return create_staff(
        actor=None, email="rio@example.org", password=PASSWORD, name="Rio", role=Role.RISK
    )


def test_a_risk_officer_ends_what_is_leveraged_too_much(new_page: NewPage, officer: Any) -> None:
    world = CopyWorld()
    CopyMaster.objects.update(strategy_name="Harbour Swing")
    ConnectionState.objects.update(status="live", live_at=timezone.now())
    copy, calm = world.follow(equity=1_000), world.follow(equity=50_000)
    world.trade("p1", 100_000)
    world.run()
    account_id = copy.follower.account_id
    Position.objects.filter(account_id=account_id).update(open_result="-210.5")
    AccountState.objects.filter(account_id=account_id).update(margin_used=870)
    watch_margin(timezone.now())
    forget_risk_counts()
    login = copy.follower.account.login
    page = new_page()
    sign_in(page, officer)

    page.get_by_role("link", name="Followers at risk 1 waiting").click()
    followers = page.get_by_role("table", name="Followers", exact=True)
    row = followers.get_by_role("row", name=login)
    expect(row).to_contain_text("87.0 %")
    expect(followers).not_to_contain_text(calm.follower.account.login)
    # What is chosen stays so while figures change beneath it.
    page.get_by_role("status").filter(has_text="Live").wait_for()
    row.get_by_role("checkbox").check()
    AccountState.objects.filter(account_id=account_id).update(margin_used=880)
    expect(row).to_contain_text("88.0 %")
    expect(row.get_by_role("checkbox")).to_be_checked()
    page.get_by_role("button", name="Pause chosen").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("Margin above 80 %")
    dialog.get_by_role("button", name="Pause copying").click()
    expect(row).to_contain_text("Paused")

    row.get_by_role("link", name=f"Stop {login}").click()
    expect(dialog).to_contain_text("−210.50 USD")
    dialog.get_by_label("Close positions").check()
    dialog.get_by_label("Reason").fill("Nobody pays in")
    dialog.get_by_role("button", name="Stop copying").click()
    expect(page.get_by_text("1 copy is stopped.")).to_be_visible()
    world.run()
    assert not Position.objects.filter(account_id=account_id, closed_at=None).exists()

    page.get_by_role("link", name="Master Traders").click()
    page.get_by_role("link", name="Harbour Swing").click()
    page.get_by_role("link", name="Followers", exact=True).click()
    expect(followers).to_contain_text(calm.follower.account.login)
    assert overflow(page) <= 0
    page.get_by_role("link", name="Deactivate").click()
    dialog.get_by_label("Reason").fill("Too much risk")
    dialog.get_by_role("button", name="Deactivate").click()
    expect(page.get_by_text("Inactive").first).to_be_visible()

    page.get_by_role("link", name="Audit", exact=True).first.click()
    trail = page.get_by_role("table").first
    for reason in ("Margin above 80 %", "Nobody pays in", "Too much risk"):
        expect(trail).to_contain_text(reason)
