"""Adding cTrader accounts by their owner's permission, against a server on loopback."""

from __future__ import annotations

import asyncio
from io import StringIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.platforms.granting import KEPT, forget_grants
from apps.platforms.limits import Limits
from apps.platforms.models import Connection, PendingGrant, TradingAccount
from apps.platforms.opening import archive_account
from apps.platforms.ports import Credentials
from apps.platforms.registry import create_connector
from tests.support.venue_thread import BesideVenue

pytestmark = pytest.mark.django_db

DEMO, LIVE = "Bellwether Paper Demo", "Bellwether Paper Live"


def begin(client: Client) -> str:
    """The address to which the customer is sent."""
    return str(client.get(reverse("portal:connect_ctrader")).headers["Location"])


def terms_of(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def allow(venue: BesideVenue, address: str, **form: str) -> str:
    """Sign in on the venue's page and allow it; the address to go back to."""
    status, page, _ = venue.fetch(address)
    assert status == 200 and "Give access to your accounts?" in page
    values = {"ctid": "mara", "password": "at the venue", "decision": "allow"} | form
    status, _, back = venue.fetch(f"{venue.url}/oauth/authorize", terms_of(address) | values)
    assert status == 302
    return back


def path_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"


def granted(client: Client, venue: BesideVenue) -> Any:
    """Through the flow up to the page where accounts are chosen."""
    return client.get(path_of(allow(venue, begin(client))))


def added(client: Client, venue: BesideVenue, *logins: str) -> Any:
    response = granted(client, venue)
    grant = PendingGrant.objects.get()
    chosen = [f"{a['server']}/{a['login']}" for a in grant.accounts if a["login"] in logins or not
              logins]  # fmt: skip
    return client.post(response.url, {"account": chosen})


def problem(client: Client, response: Any) -> str:
    """What the page says on which a failed attempt ends; nothing may be left behind."""
    assert response.status_code == 302 and response.url == reverse("portal:connect")
    assert not TradingAccount.objects.exists() and not PendingGrant.objects.exists()
    page = client.get(response.url).content.decode()
    assert "No account was added" in page
    return page


def test_the_whole_way(as_customer: Client, customer: User, venue: BesideVenue) -> None:
    address = begin(as_customer)
    asked = terms_of(address)
    assert address.startswith(f"{venue.url}/oauth/authorize?")
    assert asked["redirect_uri"] == "http://localhost" + reverse("portal:ctrader_back")
    assert len(asked["state"]) >= 32

    response = as_customer.get(path_of(allow(venue, address)))
    page = as_customer.get(response.url).content.decode()
    for shown in (DEMO, LIVE, "12,500.00", "40,000.00", "1:30", "Netting", "Real"):
        assert shown in page, shown

    grant = PendingGrant.objects.get()
    first, second = (a for a in grant.accounts if a["login"] != grant.accounts[-1]["login"])
    chosen = [f"{a['server']}/{a['login']}" for a in (first, second)]
    assert as_customer.post(response.url, {"account": chosen}).url == reverse("portal:accounts")

    accounts = {a.server: a for a in TradingAccount.objects.all()}
    assert {a.login for a in accounts.values()} == {first["login"], second["login"]}
    live = accounts[LIVE]
    assert (live.owner, live.group.mode, live.currency) == (customer, "real", "USD")
    assert (live.leverage, live.connection.owner, live.opened_by_owner) == (30, customer, False)
    assert len({a.connection.access_grant for a in accounts.values()}) == 1
    assert len({a.connection_id for a in accounts.values()}) == len(accounts) == 2
    assert not PendingGrant.objects.exists()
    assert as_customer.get(response.url).status_code == 404


def test_tokens_are_encrypted_never_shown_and_open_the_account(
    as_customer: Client, venue: BesideVenue, capfd: pytest.CaptureFixture[str]
) -> None:
    response = granted(as_customer, venue)
    token = PendingGrant.objects.get().credentials["access_token"]
    pages = as_customer.get(response.url).content.decode()
    grant = PendingGrant.objects.get()
    chosen = [f"{a['server']}/{a['login']}" for a in grant.accounts]
    as_customer.post(response.url, {"account": chosen})
    account = TradingAccount.objects.select_related("connection").first()
    assert account is not None
    for page in (reverse("portal:accounts"), reverse("portal:account", args=[account.uuid])):
        pages += as_customer.get(page).content.decode()
    with connection.cursor() as cursor:
        cursor.execute("SELECT credentials FROM platforms_connection")
        stored = " ".join(row[0] for row in cursor.fetchall())
        cursor.execute("SELECT before::text || after::text FROM accounts_auditentry")
        stored += " ".join(row[0] for row in cursor.fetchall())
    said = "".join(capfd.readouterr())

    assert len(token) > 30
    for where in (pages, stored, said):
        assert token not in where
    assert asyncio.run(_attached(account)) == {}


async def _attached(account: TradingAccount) -> dict[str, str]:
    """Reasons for which the account is refused with the stored credentials."""
    c = account.connection

    class Kept:
        async def save(self, values: dict[str, str]) -> None:
            raise AssertionError("the token is new")

    credentials = Credentials(c.host, c.port, c.tls, dict(c.credentials))
    connector = create_connector(c.platform, credentials, Kept(), Limits.per_second(0, 0))
    try:
        await connector.connect()
        return await connector.attach([account.platform_account_id])
    finally:
        await connector.close()


def test_access_that_is_denied(as_customer: Client, venue: BesideVenue) -> None:
    back = allow(venue, begin(as_customer), decision="deny")
    assert "You gave no access" in problem(as_customer, as_customer.get(path_of(back)))


@pytest.mark.parametrize("change", ["another", "missing"])
def test_an_answer_with_a_wrong_state(as_customer: Client, venue: BesideVenue, change: str) -> None:
    query = terms_of(allow(venue, begin(as_customer)))
    query |= {"state": "another"} if change == "another" else {}
    if change == "missing":
        query.pop("state")
    response = as_customer.get(reverse("portal:ctrader_back"), query)
    assert "does not belong to your request" in problem(as_customer, response)


def test_a_platform_that_returns_no_state_may_be_trusted_to(
    as_customer: Client, venue: BesideVenue, settings: Any
) -> None:
    settings.CTRADER_REQUIRE_STATE = False
    query = terms_of(allow(venue, begin(as_customer)))
    wrong = as_customer.get(reverse("portal:ctrader_back"), query | {"state": "another"})
    assert "does not belong to your request" in problem(as_customer, wrong)

    query = terms_of(allow(venue, begin(as_customer)))
    query.pop("state")
    assert "/add/ctrader/" in as_customer.get(reverse("portal:ctrader_back"), query).url


def test_an_answer_that_nobody_asked_for(
    as_customer: Client, as_stranger: Client, venue: BesideVenue
) -> None:
    back = path_of(allow(venue, begin(as_customer)))
    assert "belongs to no request of this browser" in problem(as_stranger, as_stranger.get(back))


def test_a_code_is_good_once(as_customer: Client, venue: BesideVenue) -> None:
    query = terms_of(allow(venue, begin(as_customer)))
    as_customer.get(reverse("portal:ctrader_back"), query)
    PendingGrant.objects.all().delete()
    again = terms_of(begin(as_customer))["state"]
    response = as_customer.get(reverse("portal:ctrader_back"), query | {"state": again})
    assert "good for one minute and once only" in problem(as_customer, response)


def test_a_code_that_has_expired(
    as_customer: Client, venue: BesideVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.papervenue.web.codes.LIFETIME_MS", 0)
    response = granted(as_customer, venue)
    assert "good for one minute and once only" in problem(as_customer, response)


def test_an_application_that_is_refused(
    as_customer: Client, venue: BesideVenue, settings: Any
) -> None:
    settings.CTRADER_CLIENT_SECRET = "wrong"
    response = granted(as_customer, venue)
    assert "does not accept the application" in problem(as_customer, response)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("CTRADER_TOKEN_URL", "http://127.0.0.1:1/token", "cannot be reached"),
        ("CTRADER_DEMO", "127.0.0.1:1", "trading server does not answer"),
    ],
)
def test_a_platform_that_is_away(
    as_customer: Client,
    venue: BesideVenue,
    settings: Any,
    name: str,
    value: str,
    said: str,
) -> None:
    setattr(settings, name, value)
    assert said in problem(as_customer, granted(as_customer, venue))


def test_secrets_go_to_no_address_that_is_not_encrypted(
    as_customer: Client, venue: BesideVenue, settings: Any
) -> None:
    settings.CTRADER_TOKEN_URL = "http://tokens.example.org/token"
    assert "not set up safely" in problem(as_customer, granted(as_customer, venue))


def test_an_id_without_accounts(as_customer: Client, venue: BesideVenue) -> None:
    back = allow(venue, begin(as_customer), ctid="nobody")
    response = as_customer.get(path_of(back))
    assert "gave access to no trading account" in problem(as_customer, response)


def test_the_venue_lets_nobody_in_with_a_wrong_password(
    as_customer: Client, venue: BesideVenue
) -> None:
    address = begin(as_customer)
    for form in ({"ctid": "mara", "password": "guess"}, {"ctid": "who", "password": ""}):
        status, page, _ = venue.fetch(
            f"{venue.url}/oauth/authorize", terms_of(address) | form | {"decision": "allow"}
        )
        assert status == 403 and "is wrong" in page


def test_an_account_of_somebody_else_is_not_added(
    as_customer: Client, as_stranger: Client, customer: User, venue: BesideVenue
) -> None:
    added(as_stranger, venue)
    before = set(TradingAccount.objects.values_list("login", flat=True))

    response = granted(as_customer, venue)
    page = as_customer.get(response.url).content.decode()
    assert page.count("added here by somebody else") == 3
    grant = PendingGrant.objects.get()
    chosen = [f"{a['server']}/{a['login']}" for a in grant.accounts]
    refused = as_customer.post(response.url, {"account": chosen})

    assert refused.status_code == 422
    assert "added here by somebody else" in refused.content.decode()
    assert not TradingAccount.objects.filter(owner=customer).exists()
    assert not Connection.objects.filter(owner=customer).exists()
    assert set(TradingAccount.objects.values_list("login", flat=True)) == before


def test_nothing_chosen_is_said(as_customer: Client, venue: BesideVenue) -> None:
    response = granted(as_customer, venue)
    refused = as_customer.post(response.url, {"account": ["Another/1"]})
    assert refused.status_code == 422
    assert "Choose at least one account" in refused.content.decode()

    everything = as_customer.get(response.url).content.decode()
    nothing = as_customer.post(response.url, {}).content.decode()
    assert " checked" in everything and " checked" not in nothing  # as it was sent


def test_giving_access_again_renews_the_tokens(as_customer: Client, venue: BesideVenue) -> None:
    added(as_customer, venue)
    before = Connection.objects.first()
    assert before is not None

    assert granted(as_customer, venue).url == reverse("portal:accounts")

    tokens = {c.credentials["access_token"] for c in Connection.objects.all()}
    assert len(tokens) == 1 and before.credentials["access_token"] not in tokens
    assert "was renewed" in as_customer.get(reverse("portal:accounts")).content.decode()


def test_a_removed_account_comes_back_as_it_was(
    as_customer: Client, customer: User, venue: BesideVenue
) -> None:
    added(as_customer, venue)
    account = TradingAccount.objects.get(currency="USD")
    archive_account(actor=customer, account=account)
    account.refresh_from_db()
    ended = account.connection
    assert (account.active, ended.enabled, ended.credentials) == (False, False, {})
    others = Connection.objects.exclude(pk=ended.pk)
    assert all(c.enabled and c.credentials for c in others)

    added(as_customer, venue, account.login)

    account.refresh_from_db()
    account.connection.refresh_from_db()
    assert account.active and account.archived_at is None
    assert account.connection.enabled and account.connection.credentials
    assert TradingAccount.objects.count() == 3


def test_another_customers_permission_does_not_exist(
    as_customer: Client, as_stranger: Client, venue: BesideVenue
) -> None:
    response = granted(as_customer, venue)
    assert as_stranger.get(response.url).status_code == 404
    assert as_stranger.post(response.url, {"account": ["x"]}).status_code == 404
    assert Client().get(response.url).status_code == 302


def test_access_that_nobody_used_is_erased(as_customer: Client, venue: BesideVenue) -> None:
    response = granted(as_customer, venue)
    PendingGrant.objects.update(created_at=timezone.now() - KEPT * 2)
    assert as_customer.get(response.url).status_code == 404
    assert forget_grants() == 1
    assert not PendingGrant.objects.exists()


def test_without_an_application_nothing_is_offered(as_customer: Client) -> None:
    page = as_customer.get(reverse("portal:connect")).content.decode()
    assert "Go to cTrader" not in page
    assert "cannot be added here" in problem(
        as_customer, as_customer.get(reverse("portal:connect_ctrader"))
    )


def test_a_new_secret_of_the_application_reaches_the_connections(
    as_customer: Client, venue: BesideVenue, settings: Any
) -> None:
    added(as_customer, venue)
    settings.CTRADER_CLIENT_SECRET = "renewed"
    out = StringIO()
    for told in ("2 connections", "0 connections"):
        call_command("ctrader_application", stdout=out)
        assert told in out.getvalue()
    assert {c.credentials["client_secret"] for c in Connection.objects.all()} == {"renewed"}
