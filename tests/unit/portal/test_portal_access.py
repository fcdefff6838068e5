"""What is not yours does not exist for you, and nothing is open without signing in."""

from __future__ import annotations

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains

from apps.accounts.roles import Role
from apps.copytrading.models import CopySubscription, TradeLink
from apps.notifications.models import Channel, Notification
from apps.portal.urls import urlpatterns
from tests.factories.accounts import staff
from tests.factories.copytrading import switch_copying
from tests.support.portal_addresses import (
    ALWAYS,
    ELSEWHERE,
    LEAD_ON,
    OPEN,
    OWN_ACCOUNT,
    OWN_OTHER,
    PERSONAL,
    POST_ONLY,
    WITH_COPYING,
    addresses,
    own_master,
    owner_of,
)


def test_every_address_is_covered_here(copied: CopySubscription) -> None:
    names = {pattern.name for pattern in urlpatterns}

    assert names - OPEN - ELSEWHERE == {label.split()[0] for label in addresses(copied)}


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_finds_nothing(
    as_stranger: Client, copied: CopySubscription, method: str
) -> None:
    account = str(copied.follower.account.uuid)
    own = {
        label: address
        for label, address in addresses(copied).items()
        if str(copied.uuid) in address
        or account in address
        or str(own_master(copied).uuid) in address
        or label in OWN_OTHER
    }

    for label, address in own.items():
        response = getattr(as_stranger, method)(address, {"close_positions": "1"})
        wrong_method = method == "post" or label in POST_ONLY
        if label == "end_session" and method == "post":
            # Asked who one is before anything is looked up; test_security answers, and gets 404.
            assert response.url.startswith(reverse("account_reauthenticate"))
            continue
        assert response.status_code in ({404, 405} if wrong_method else {404}), label

    copied.refresh_from_db()
    assert copied.status == CopySubscription.Status.ACTIVE
    assert (TradeLink.objects.get().close_cause, TradeLink.objects.get().state) == ("", "open")
    copied.master.refresh_from_db()
    assert copied.master.enabled and copied.master.archived_at is None
    copied.follower.refresh_from_db()
    assert copied.follower.archived_at is None
    customer = owner_of(copied)
    assert Notification.objects.get(user=customer).read_at is None
    assert Channel.objects.filter(user=customer).count() == 2
    assert UserSession.objects.filter(user=customer, user_agent="Another").exists()


@pytest.mark.parametrize("method", ["get", "post"])
def test_nothing_is_open_without_signing_in(copied: CopySubscription, method: str) -> None:
    for label, address in addresses(copied).items():
        response = getattr(Client(), method)(address)
        wrong_method = method == "post" or label in POST_ONLY
        assert response.status_code in ({302, 405} if wrong_method else {302}), label
        if response.status_code == 302:
            assert response.url.startswith(reverse("account_login")), label


def test_the_owner_sees_every_page(as_customer: Client, copied: CopySubscription) -> None:
    for label, address in addresses(copied).items():
        expected = 405 if label in POST_ONLY else 302 if label in LEAD_ON else 200
        assert as_customer.get(address).status_code == expected, label


def test_pages_of_a_module_that_is_off_are_gone(
    as_customer: Client, copied: CopySubscription
) -> None:
    switch_copying(False)
    without = {*OWN_ACCOUNT, *PERSONAL, "remove_channel", "accounts", "connect"} - WITH_COPYING

    for label, address in addresses(copied).items():
        expected = 200 if label in without or label.startswith(ALWAYS) else 404
        if label in LEAD_ON:
            expected = 302
        client = as_customer.post if label in POST_ONLY else as_customer.get
        assert client(address, {"all": "1"}).status_code == expected, label
    page = as_customer.get(reverse("portal:accounts"), follow=True)
    assert "My copying" not in page.content.decode()
    assert "My masters" not in page.content.decode()


def test_changes_need_the_token_of_the_form(copied: CopySubscription) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(copied.follower.account.owner)

    response = client.post(
        reverse("portal:change_copy", args=[copied.uuid, "stop"]), {"close_positions": "1"}
    )

    assert response.status_code == 403
    copied.refresh_from_db()
    assert copied.status == CopySubscription.Status.ACTIVE


def test_a_foreign_account_cannot_be_chosen(as_stranger: Client, copied: CopySubscription) -> None:
    response = as_stranger.post(
        reverse("portal:follow"),
        {
            "master": str(copied.master.uuid),
            "account": str(copied.follower.account.uuid),
            "volume_mode": "multiplier",
        },
    )

    assert response.status_code == 422
    assert CopySubscription.objects.count() == 1


def test_customers_begin_at_their_copies_and_the_gallery_is_for_staff(
    as_customer: Client, copied: CopySubscription
) -> None:
    assert as_customer.get("/").url == reverse("portal:copying")
    assert as_customer.get(reverse("portal:gallery")).status_code == 404


@pytest.mark.django_db
def test_charts_have_a_page_of_the_gallery(client: Client) -> None:
    client.force_login(staff(Role.ADMIN))
    components, charts = client.get("/gallery/"), client.get("/gallery/?show=charts")
    assertContains(components, "Colours")
    assertNotContains(components, "data-chart=")
    assertContains(charts, "data-chart=", count=6)
    assertNotContains(charts, "Colours")
