"""Customers, and a venue that stands for cTrader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from apps.accounts.api import create_customer
from apps.accounts.models import User
from tests.support.venue_thread import BesideVenue, venue_beside


@pytest.fixture(scope="module")
def running() -> Iterator[BesideVenue]:
    with venue_beside() as venue:
        venue.ask(
            "open_accounts",
            accounts=[
                {"name": "one", "owner": "mara", "currency": "EUR", "deposit": "12500"},
                {"name": "two", "owner": "mara", "currency": "USD", "deposit": "40000",
                 "live": True, "leverage": 30},
                {"name": "three", "owner": "mara", "currency": "GBP", "deposit": "800",
                 "margin_mode": "netting"},
            ],
        )  # fmt: skip
        venue.ask("set_password", owner="mara", password="at the venue")
        venue.ask("set_password", owner="nobody", password="at the venue")
        yield venue


@pytest.fixture
def venue(running: BesideVenue, settings: Any) -> BesideVenue:
    """The venue as this installation's cTrader and its venue for paper accounts."""
    settings.CTRADER_CLIENT_ID = running.venue.client_id
    settings.CTRADER_CLIENT_SECRET = running.venue.client_secret
    settings.CTRADER_AUTHORIZE_URL = f"{running.url}/oauth/authorize"
    settings.CTRADER_TOKEN_URL = f"{running.url}/oauth/token"
    settings.CTRADER_REDIRECT_URL = "http://localhost/my-accounts/add/ctrader/back/"
    settings.CTRADER_LIVE = settings.CTRADER_DEMO = running.address
    settings.CTRADER_TLS = False
    settings.PAPERVENUE_URL = running.url
    settings.PAPERVENUE_ADDRESS = running.address
    return running


@pytest.fixture
def customer(db: None) -> User:
    return create_customer(actor=None, email="mara@example.org", password="pw", name="Mara")


@pytest.fixture
def stranger(db: None) -> User:
    return create_customer(actor=None, email="other@example.org", password="pw", name="Other")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def as_customer(customer: User) -> Client:
    return signed_in(customer)


@pytest.fixture
def as_stranger(stranger: User) -> Client:
    return signed_in(stranger)
