"""A passkey is added and signs in, and the bell rings, in a real browser."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from apps.accounts.models import SignIn, User
from apps.notifications import gathering
from apps.notifications.domain.kinds import Kind
from apps.notifications.writing import Note, write
from tests.e2e.conftest import PASSWORD, NewPage, overflow, sign_in

pytestmark = pytest.mark.django_db(transaction=True)


def with_authenticator(page: Page) -> None:
    """Give the browser a finger to scan that always fits."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )


def test_a_passkey_signs_in_without_a_password(
    new_page: NewPage, site: str, customer: User
) -> None:
    # Passkeys belong to a host's name; a number has none.
    page = new_page(base_url=site.replace("127.0.0.1", "localhost"))
    with_authenticator(page)
    sign_in(page, customer)
    page.goto("/security/")
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_label("Name").fill("My laptop")
    expect(page.get_by_label("without a password")).to_be_checked()
    page.get_by_role("button", name="Add the passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()

    page.goto("/security/")
    expect(page.get_by_role("heading", name="My laptop")).to_be_visible()
    assert overflow(page) <= 0
    page.get_by_role("button", name="Sign out").first.click()
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(lambda url: "/login/" not in url)

    assert SignIn.objects.latest("id").method == "passkey"
    expect(page.get_by_role("link", name="Notification settings")).to_have_count(0)  # menu closed
    bell = page.get_by_role("link", name="Notifications")
    expect(bell).to_be_visible()
    gathering.announce(
        write([Note(customer.pk, Kind.LOSS_LIMIT, "", "It was 500.00.")], timezone.now())
    )
    expect(bell).to_contain_text("1 unread")
    bell.click()
    expect(page.get_by_role("heading", name="A loss limit was reached")).to_be_visible()
    page.get_by_role("button", name="Mark all as read").click()
    expect(bell).not_to_contain_text("unread")
