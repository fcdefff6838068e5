"""axe-core finds nothing to complain about on any page, in either theme.

The gallery is left out: it shows each landmark once for each theme.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.copytrading.models import CopyMaster, CopySubscription, Outcome
from tests.e2e.conftest import NewPage, sign_in
from tests.factories.copytrading import CopyWorld, MasterFactory
from tests.factories.platforms import AccountFactory

pytestmark = pytest.mark.django_db(transaction=True)

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

PORTAL = [
    *("discover", "compare", "copying", "exposure", "outcomes", "follow", "masters"),
    *("become_master", "accounts", "connect", "notifications"),
    *("notification_settings", "add_channel", "security", "sign_ins", "terms"),
]
CONSOLE = [
    *("live", "outcomes", "masters", "groups", "drift", "kill_switch", "platforms", "product"),
    *("applications", "audit", "customers", "staff", "operations", "quality", "house", "setup"),
]


def further_pages(copied: CopySubscription, own: CopyMaster) -> list[str]:
    """Pages that are made of what the others show already; each is looked at in one theme."""
    copy, account, legal = [copied.uuid], [copied.follower.account.uuid], ["risk", 1]
    mine, free = [own.uuid], [AccountFactory(owner=own.account.owner).uuid]
    return [
        *(reverse("portal:change_copy", args=[*copy, action]) for action in ("stop", "delete")),
        *(reverse("portal:change_master", args=[*mine, to]) for to in ("delete", "switch-off")),
        *(reverse(f"portal:{name}", args=copy) for name in ("mapping", "remove_mapping")),
        *(
            reverse(f"portal:{name}", args=account)
            for name in ("follower_settings", "track_record")
        ),
        *(
            reverse(f"portal:{name}", args=account)
            for name in ("delete_follower", "account_history")
        ),
        *(reverse("portal:close_everything"), reverse("portal:legal_text", args=legal)),
        *(reverse("portal:master_profile", args=mine), reverse("portal:remove_account", args=free)),
        *(reverse("portal:apply_as_master", args=free), reverse("account_change_password")),
        *(reverse("account_email"), reverse("mfa_activate_totp")),
    ]


@pytest.fixture
def copied(transactional_db: None, customer: User) -> CopySubscription:
    """A customer's copy of a public master, with a position and outcomes."""
    world = CopyWorld()
    CopyMaster.objects.update(strategy_name="Harbour Swing", visibility="public")
    copy = world.follow(equity=5_000, account={"owner": customer, "name": "Main"})
    world.trade("p1", 100_000)
    world.run()
    world.trade("p2", Decimal(500))
    world.run()
    return copy


def findings(page: Page) -> list[str]:
    """What axe finds, a line each: the rule and the first place."""
    expect(page.locator(".htmx-request")).to_have_count(0)  # what loads is dimmed
    page.evaluate(AXE.read_text())
    found: dict[str, Any] = page.evaluate(
        "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}})", RULES
    )
    return [
        f"{page.url} {each['id']}: {each['help']}: {each['nodes'][0]['html'][:200]}"
        for each in found["violations"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_customers_pages_are_accessible(
    new_page: NewPage, copied: CopySubscription, customer: User, theme: str
) -> None:
    page = new_page(
        color_scheme=theme, reduced_motion="reduce", width=1440 if theme == "light" else 375
    )
    found: list[str] = []
    for name in (
        "account_login",
        "account_signup" if theme == "light" else "account_reset_password",
    ):
        page.goto(reverse(name))
        found += findings(page)
    sign_in(page, customer)
    outcome = Outcome.objects.filter(subscription_id=copied.pk)[0]
    account = copied.follower.account
    addresses = [reverse(f"portal:{name}") for name in PORTAL]
    addresses += [
        reverse("portal:subscription", args=[copied.uuid]),
        reverse("portal:against", args=[copied.uuid]),
        reverse("portal:edit_copy", args=[copied.uuid]),
        reverse("portal:outcome", args=[outcome.pk]),
        reverse("portal:account", args=[account.uuid]),
        reverse("portal:discover_master", args=[copied.master.uuid]),
        f"{reverse('portal:follow')}?master={copied.master.uuid}",
    ]
    own = MasterFactory(account=AccountFactory(owner=customer), strategy_name="Mine")
    addresses += further_pages(copied, own)[theme == "dark" :: 2]
    for address in addresses:
        response = page.goto(address)
        assert response is not None and response.status == 200, address
        found += findings(page)
    assert not found, "\n".join(found)


def test_pages_of_staff_are_accessible(
    new_page: NewPage, copied: CopySubscription, owner: User
) -> None:
    page = new_page(color_scheme="dark", reduced_motion="reduce")
    sign_in(page, owner)
    addresses = [reverse(f"console:{name}") for name in CONSOLE]
    addresses += [
        reverse("console:master", args=[copied.master.uuid]),
        reverse("console:copy", args=[copied.uuid]),
    ]
    found: list[str] = []
    for address in addresses:
        response = page.goto(address)
        assert response is not None and response.status == 200, address
        found += findings(page)
    assert not found, "\n".join(found)
