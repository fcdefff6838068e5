"""Paper accounts that customers open by themselves, at a venue on loopback."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.api import update_product_defaults
from apps.accounts.models import AuditEntry, User
from apps.accounts.selectors import forget_product_config
from apps.platforms.errors import LimitReached, PlatformAway, PlatformRefusal
from apps.platforms.models import Connection, TradingAccount
from apps.platforms.opening import archive_account
from apps.platforms.paper import open_paper_account
from apps.trading.positions import MarginMode
from tests.support.venue_thread import BesideVenue

pytestmark = pytest.mark.django_db
D = Decimal


def test_the_form_as_it_stands_opens_an_account(
    as_customer: Client, customer: User, venue: BesideVenue
) -> None:
    form = as_customer.get(reverse("portal:open_paper")).context["form"]
    values = {name: form[name].initial or "" for name in ("currency", "balance", "name")}

    response = as_customer.post(reverse("portal:open_paper"), values)

    account = TradingAccount.objects.get()
    assert response.url == reverse("portal:account", args=[account.uuid])
    assert (account.owner, account.currency, account.group.mode) == (customer, "EUR", "demo")
    assert account.connection.owner is None and account.connection.credentials["access_token"]
    held = {row["account"]: row for row in venue.ask("accounts")["accounts"]}
    opened = held[int(account.platform_account_id)]
    assert (opened["balance"], opened["login"]) == ("10000.00", int(account.login))
    assert AuditEntry.objects.filter(action="account.created", actor=customer.email).exists()


def test_all_of_a_house_share_one_connection(
    customer: User, stranger: User, venue: BesideVenue
) -> None:
    for owner in (customer, stranger):
        open_paper_account(owner=owner, currency="JPY", balance=D(500_000))
    assert Connection.objects.count() == 1
    netting = open_paper_account(
        owner=customer, currency="USD", balance=D("1234.56"), margin_mode=MarginMode.NETTING
    )
    assert netting.margin_mode == "netting" and netting.name == "Paper USD"


def test_no_more_than_the_product_allows(customer: User, venue: BesideVenue) -> None:
    update_product_defaults(actor=None, max_paper_accounts=2)
    forget_product_config()
    first = open_paper_account(owner=customer)
    open_paper_account(owner=customer)
    with pytest.raises(LimitReached, match="as many as one may open"):
        open_paper_account(owner=customer)
    archive_account(actor=customer, account=first)
    assert open_paper_account(owner=customer).pk != first.pk


def test_opening_and_removing_in_turn_has_an_end(
    customer: User, venue: BesideVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.platforms.paper.A_DAY", 2)
    for _ in range(2):
        archive_account(actor=customer, account=open_paper_account(owner=customer))
    with pytest.raises(LimitReached, match="tomorrow"):
        open_paper_account(owner=customer)


def test_none_are_offered_where_the_product_says_so(
    as_customer: Client, venue: BesideVenue
) -> None:
    update_product_defaults(actor=None, max_paper_accounts=0)
    forget_product_config()
    assert as_customer.get(reverse("portal:open_paper")).status_code == 404
    page = as_customer.get(reverse("portal:accounts")).content.decode()
    assert "Open a paper account" not in page


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"currency": "XXX"}, "Choose one of EUR"),
        ({"balance": D("99.99")}, "from 100 to 10,000,000"),
        ({"balance": D("NaN")}, "from 100 to 10,000,000"),
        ({"currency": "JPY", "balance": D("1000.5")}, "JPY has no decimals"),
    ],
)
def test_terms_that_cannot_be(
    customer: User, venue: BesideVenue, terms: dict[str, object], said: str
) -> None:
    with pytest.raises(PlatformRefusal, match=said):
        open_paper_account(owner=customer, **terms)  # type: ignore[arg-type]
    assert not TradingAccount.objects.exists()


def test_a_venue_that_is_away_opens_nothing(
    as_customer: Client, customer: User, venue: BesideVenue, settings: Any
) -> None:
    settings.PAPERVENUE_URL = "http://127.0.0.1:1"
    with pytest.raises(PlatformAway):
        open_paper_account(owner=customer)
    response = as_customer.post(
        reverse("portal:open_paper"), {"currency": "EUR", "balance": "1000"}
    )
    assert response.status_code == 422
    assert "cannot be reached at the moment" in response.content.decode()
    assert not TradingAccount.objects.exists() and not Connection.objects.exists()


def test_a_secret_that_the_venue_does_not_know(
    customer: User, venue: BesideVenue, settings: Any
) -> None:
    settings.PAPERVENUE_CLIENT_SECRET = "wrong"
    with pytest.raises(PlatformAway, match="client id or client secret is wrong"):
        open_paper_account(owner=customer)
