"""Signing in: second factors, sessions, history, and staff who must have a second factor."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from allauth.usersessions.models import UserSession
from django.conf import LazySettings
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from apps.accounts import selectors
from apps.accounts.api import create_customer, create_staff
from apps.accounts.models import AuditEntry, SignIn, User
from apps.accounts.roles import Role
from apps.accounts.tasks import forget_old_sign_ins
from apps.notifications.models import Notification
from tests.support.queries import queries
from tests.support.telling import gather

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


@pytest.fixture
def mara() -> User:
    return create_customer(actor=None, email="mara@example.org", password=PASSWORD, name="Mara")


@pytest.fixture
def owner() -> User:
    return create_staff(
        actor=None, email="ida@example.org", password=PASSWORD, name="Ida", role=Role.OWNER
    )


def browser() -> Client:
    return Client(headers={"User-Agent": FIREFOX})


def sign_in(client: Client, user: User, password: str = PASSWORD) -> Any:
    return client.post("/accounts/login/", {"login": user.email, "password": password})


def test_a_long_address_makes_a_customer_with_a_name_that_fits() -> None:
    words = {"email": f"{'a' * 200}@example.org", "password1": PASSWORD, "password2": PASSWORD}

    assert browser().post("/accounts/signup/", words).status_code == 302

    assert User.objects.get(email=words["email"]).customer.name == "a" * 128


def confirm(client: Client, path: str) -> HttpResponse:
    """Do something that asks for the password once more."""
    asked = client.post(path)
    assert asked["Location"].startswith("/accounts/reauthenticate/")
    return client.post(asked["Location"], {"password": PASSWORD})  # type: ignore[return-value]


def code_of(user: User, offset: int = 0) -> str:
    row = Authenticator.objects.get(user=user, type="totp")
    secret = row.wrap().instance.data["secret"]
    from allauth.mfa.adapter import get_adapter

    return code_for(get_adapter().decrypt(secret), offset)


def code_for(secret: str, offset: int = 0) -> str:
    counter = next(iter(totp.yield_hotp_counters_from_time())) + offset
    return str(totp.format_hotp_value(totp.hotp_value(secret, counter)))


def set_up_app(client: Client) -> str:
    """Set up an authenticator app as a person does; answers the page that follows."""
    path = "/accounts/2fa/totp/activate/"
    asked = client.get(path)
    if asked.status_code == 302:
        asked = client.post(asked["Location"], {"password": PASSWORD}, follow=True)
    page = asked.content.decode()
    assert 'src="data:image/svg+xml;base64,' in page
    secret = page.partition('id="totp-key">')[2].partition("<")[0]
    answer = client.post(path, {"code": code_for(secret)}, follow=True)
    return str(answer.content.decode())


def test_signing_in_asks_for_the_code_of_the_app(mara: User) -> None:
    first = browser()
    sign_in(first, mara)
    page = set_up_app(first)
    assert "10 of 10 are left" in page and "Recovery codes" in page
    stored = Authenticator.objects.get(user=mara, type="totp").data["secret"]
    assert stored.startswith("gAAAA")  # encrypted, as platform credentials are

    second = browser()
    assert sign_in(second, mara)["Location"].startswith("/accounts/2fa/authenticate/")
    assert second.get("/my-accounts/").status_code == 302
    wrong = second.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert "Incorrect code" in wrong.content.decode()
    answer = second.post("/accounts/2fa/authenticate/", {"code": code_of(mara, 1)})
    assert answer["Location"] == "/"
    assert second.get("/my-accounts/").status_code == 200

    attempts = SignIn.objects.filter(user=mara).order_by("id")
    assert [(a.method, a.succeeded, a.new_device) for a in attempts] == [
        ("password", True, False), ("code", False, False), ("code", True, True),
    ]  # fmt: skip


def test_a_recovery_code_opens_once(mara: User) -> None:
    first = browser()
    sign_in(first, mara)
    page = set_up_app(first)
    code = page.partition('class="mono">')[2].partition("<")[0]

    for expected in (302, 200):
        client = browser()
        sign_in(client, mara)
        answer = client.post("/accounts/2fa/authenticate/", {"code": code})
        assert answer.status_code == expected
    assert SignIn.objects.filter(method="recovery", succeeded=True).count() == 1


def test_the_history_says_when_where_and_with_what(mara: User) -> None:
    client = browser()
    sign_in(client, mara, "wrong")
    sign_in(client, mara)
    page = client.get("/security/").content.decode()

    assert "Firefox on Linux" in page and "127.0.0.1" in page
    assert "Refused" in page and "Signed in" in page
    sign_in(browser(), User(email="unknown@example.org"), "wrong")
    assert SignIn.objects.count() == 2


def test_a_new_device_is_told_and_a_known_one_is_not(mara: User) -> None:
    client = browser()
    sign_in(client, mara)
    client.post("/accounts/logout/")
    sign_in(client, mara)
    gather()
    assert not Notification.objects.filter(kind="sign_in").exists()

    sign_in(browser(), mara)
    gather()
    (notice,) = Notification.objects.filter(user=mara, kind="sign_in")
    assert "Firefox on Linux at 127.0.0.1" in notice.text


def test_a_session_is_ended_alone_and_all_others_together(mara: User) -> None:
    clients = [browser() for _ in range(4)]
    for client in clients:
        sign_in(client, mara)
    here, *others = clients
    page = here.get("/security/").content.decode()
    assert page.count("Firefox on Linux at") == 3 and "This session" in page

    one = UserSession.objects.exclude(session_key=here.session.session_key).first()
    assert one is not None
    answer = confirm(here, f"/security/sessions/{one.pk}/end/")
    assert answer["Location"] == "/security/"
    assert not Session.objects.filter(session_key=one.session_key).exists()
    alive = [c.get("/security/").status_code for c in others]
    assert sorted(alive) == [200, 200, 302]

    here.post("/security/sessions/end-others/")
    assert [c.get("/security/").status_code for c in clients] == [200, 302, 302, 302]
    gather()
    assert Notification.objects.filter(text__startswith="Other sessions").exists()


def test_a_stranger_ends_no_session_and_sees_no_history(mara: User) -> None:
    hers, other = browser(), browser()
    sign_in(hers, mara)
    stranger = create_customer(actor=None, email="x@example.org", password=PASSWORD, name="X")
    sign_in(other, stranger)
    session = UserSession.objects.get(user=mara)
    asked = other.post(f"/security/sessions/{session.pk}/end/")
    answer = other.post(asked["Location"], {"password": PASSWORD})
    assert answer.status_code == 404
    other.post("/security/sessions/end-others/")

    assert hers.get("/security/").status_code == 200
    SignIn.objects.filter(user=mara).update(device="Only hers")
    assert "Only hers" not in other.get("/security/sign-ins/").content.decode()
    assert Client().get("/security/")["Location"].startswith("/accounts/login/")
    key = Authenticator.objects.create(user=mara, type="webauthn", data={"name": "Hers"})
    for way in ("remove", "edit"):
        path = f"/accounts/2fa/webauthn/keys/{key.pk}/{way}/"
        assert other.get(path).status_code == 404


def test_a_new_password_ends_all_other_sessions(mara: User) -> None:
    here, other = browser(), browser()
    sign_in(here, mara)
    sign_in(other, mara)
    new = "another horse battery"
    here.post(
        "/accounts/password/change/",
        {"oldpassword": PASSWORD, "password1": new, "password2": new},
    )

    assert here.get("/security/").status_code == 200
    assert other.get("/security/").status_code == 302
    assert UserSession.objects.filter(user=mara).count() == 1
    assert AuditEntry.objects.filter(action="security.password_changed").exists()
    gather()
    assert Notification.objects.filter(text__startswith="Your password was changed").exists()


@pytest.mark.parametrize(
    "path",
    ["/accounts/2fa/totp/activate/", "/accounts/2fa/webauthn/add/", "/accounts/email/"],
)
def test_changes_ask_who_it_is_once_more(mara: User, path: str) -> None:
    client = browser()
    sign_in(client, mara)
    answer = client.get(path)
    if path == "/accounts/email/":
        answer = client.post(path, {"action_add": "", "email": "new@example.org"})
    assert answer["Location"].startswith("/accounts/reauthenticate/")


def test_removing_the_app_is_told(mara: User) -> None:
    client = browser()
    sign_in(client, mara)
    set_up_app(client)
    assert (
        "Remove the authenticator app?"
        in client.get("/accounts/2fa/totp/deactivate/").content.decode()
    )
    client.post("/accounts/2fa/totp/deactivate/")
    gather()

    changes = list(AuditEntry.objects.filter(action__startswith="security.").order_by("id"))
    assert [entry.action.partition(".")[2] for entry in changes] == [
        "second_factor_added", "recovery_codes_made", "second_factor_removed",
    ]  # fmt: skip
    told = Notification.objects.filter(user=mara, kind="security")
    assert told.filter(text__contains="was removed from your sign-in").exists()


def test_staff_without_a_second_factor_are_led_to_set_one_up(
    owner: User, settings: LazySettings
) -> None:
    client = browser()
    sign_in(client, owner)
    assert client.get("/console/platforms/").status_code == 200

    settings.STAFF_SECOND_FACTOR = True
    for path in ("/console/platforms/", "/staff-admin/", "/my-accounts/"):
        assert client.get(path)["Location"] == "/security/"
    assert "Staff sign in with a second factor" in client.get("/security/").content.decode()
    assert selectors.roles_of(User.objects.get(pk=owner.pk)) == frozenset()  # sockets, too

    set_up_app(client)
    assert client.get("/console/platforms/").status_code == 200
    assert selectors.roles_of(User.objects.get(pk=owner.pk)) == {Role.OWNER}


def test_customers_need_none(mara: User, settings: LazySettings) -> None:
    settings.STAFF_SECOND_FACTOR = True
    client = browser()
    sign_in(client, mara)
    assert client.get("/my-accounts/").status_code == 200


def test_the_staff_admin_has_no_way_in_of_its_own(owner: User) -> None:
    answer = Client().get("/staff-admin/login/")
    assert answer["Location"].startswith("/accounts/login/")
    answer = Client().post("/staff-admin/login/", {"username": owner.email, "password": PASSWORD})
    assert answer["Location"].startswith("/accounts/login/")


def test_wrong_passwords_are_limited(mara: User, settings: LazySettings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "3/5m/key"}
    client = browser()
    pages = [sign_in(client, mara, "wrong").content.decode() for _ in range(4)]
    assert "Too many failed" in pages[-1]
    assert sign_in(client, mara).status_code == 200  # the right one has to wait as well


def test_the_page_costs_the_same_with_a_long_history(mara: User) -> None:
    client = browser()
    sign_in(client, mara)
    few = queries(client, "/security/")
    now = timezone.now()
    SignIn.objects.bulk_create(
        SignIn(user=mara, at=now - timedelta(hours=n), succeeded=True, method="password")
        for n in range(120)
    )
    for _ in range(5):
        sign_in(browser(), mara)
    assert queries(client, "/security/") == few <= 12
    page = client.get("/security/sign-ins/").content.decode()
    assert page.count("<tr>") == 51 and "Older" in page
    assert client.get("/security/sign-ins/?below=x").status_code == 200


def test_passkey_data_is_given_to_anybody_who_wants_to_sign_in() -> None:
    answer = Client().get("/accounts/2fa/webauthn/login/", headers={"Accept": "application/json"})
    if answer.status_code == 302:
        answer = Client().get(
            "/accounts/2fa/webauthn/login/", headers={"X-Requested-With": "XMLHttpRequest"}
        )
    assert "challenge" in json.loads(answer.content)["request_options"]["publicKey"]


def test_old_attempts_are_forgotten_after_the_days_that_are_set(
    mara: User, owner: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.accounts.history._AT_ONCE", 2)
    settings.KEEP_SIGN_INS_DAYS = 30
    for user, days in ((mara, 40), (owner, 35), (mara, 31), (mara, 29), (mara, 0)):
        at = timezone.now() - timedelta(days=days)
        SignIn.objects.create(user=user, at=at, succeeded=True, method="password")

    forget_old_sign_ins()

    kept = [(timezone.now() - row.at).days for row in SignIn.objects.order_by("id")]
    assert kept == [29, 0]
