"""Seeing the portal as a customer: reading only, for a while, and on record."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts import people, view_as
from apps.accounts.models import AuditEntry, User
from apps.accounts.roles import Role
from apps.notifications.models import Notification
from tests.factories.accounts import CustomerFactory, staff
from tests.factories.copytrading import CopyWorld
from tests.factories.platforms import AccountFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def mara() -> User:
    user: User = CustomerFactory(user__email="mara@example.org").user
    AccountFactory(owner=user, login="70011", name="Savings")
    return user


@pytest.fixture
def client(mara: User) -> Client:
    client = Client()
    client.force_login(staff(Role.SUPPORT))
    begun = client.post(reverse("console:view_as", args=[mara.uuid]), {"reason": "Ticket 12"})
    assert begun["Location"] == reverse("portal:home")
    return client


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


def test_pages_are_the_customers_under_a_banner(client: Client, mara: User) -> None:
    page = client.get(reverse("portal:accounts"))

    assert "70011" in page.content.decode()
    assert "You see the portal as mara@example.org" in page.content.decode()
    assert page.headers["Cache-Control"] == "no-store"
    assert page.wsgi_request.user == mara
    assert AuditEntry.objects.get().reason == "Ticket 12"


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_can_be_changed(client: Client, mara: User, method: str) -> None:
    world = CopyWorld()
    copy = world.follow(account={"owner": mara})

    for where in (
        reverse("portal:change_copy", args=[copy.uuid, "pause"]),
        reverse("portal:follow"),
        reverse("portal:theme"),
        reverse("account_logout"),
    ):
        assert getattr(client, method)(where, {"reason": "x"}).status_code == 403, where

    copy.refresh_from_db()
    assert copy.status == "active"


def test_the_sign_in_and_the_staff_admin_stay_closed(client: Client) -> None:
    for where in (reverse("account_email"), reverse("admin:index")):
        assert client.get(where).status_code == 403


def test_the_desk_stays_the_desk_of_the_member_of_staff(client: Client, mara: User) -> None:
    page = client.get(reverse("console:customer", args=[mara.uuid]))
    assert page.status_code == 200
    assert "End the view" in page.content.decode()


def test_it_ends_by_hand(client: Client, mara: User) -> None:
    ended = client.post(reverse("console:end_view"))

    assert ended["Location"] == reverse("console:customer", args=[mara.uuid])
    assert "70011" not in client.get(reverse("portal:accounts")).content.decode()
    assert actions() == ["customer.view_begin", "customer.view_end"]


def test_it_ends_by_itself(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    later = timezone.now() + view_as.LASTS + timedelta(seconds=1)
    monkeypatch.setattr(view_as.timezone, "now", lambda: later)

    assert "70011" not in client.get(reverse("portal:accounts")).content.decode()
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.after) == ("customer.view_end", {"ended": "by itself"})


def test_it_ends_with_the_customers_lock(client: Client, mara: User) -> None:
    people.lock_user(actor=None, user=mara, reason="x")
    assert "70011" not in client.get(reverse("portal:accounts")).content.decode()


def test_signing_out_ends_it_on_record(client: Client) -> None:
    client.logout()
    assert actions() == ["customer.view_begin", "customer.view_end"]


def test_staff_cannot_be_viewed() -> None:
    actor, colleague = staff(Role.OWNER), staff(Role.RISK)
    with pytest.raises(view_as.NotPossible):
        view_as.begin(actor=actor, user=colleague, session={}, reason="x")


def test_what_would_be_noted_by_looking_is_not(client: Client, mara: User) -> None:
    now = timezone.now()
    notice = Notification.objects.create(
        user=mara, kind="security", text="x", at=now, last_at=now, due_at=now
    )

    answer = client.get(reverse("portal:notification", args=[notice.pk]))

    assert answer.status_code == 403
    notice.refresh_from_db()
    assert notice.read_at is None
    assert client.get(reverse("portal:security")).status_code == 403
