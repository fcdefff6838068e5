"""A customer with a copy of a master, and somebody to whom it does not belong."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.accounts.api import create_customer
from apps.accounts.legal import accept_texts, current_texts
from apps.accounts.models import User
from apps.copytrading.models import CopySubscription
from tests.factories.copytrading import CopyWorld


@pytest.fixture
def world(db: None) -> CopyWorld:
    return CopyWorld()


@pytest.fixture
def customer(db: None) -> User:
    return create_customer(actor=None, email="mara@example.org", password="pw", name="Mara")


@pytest.fixture
def stranger(db: None) -> User:
    return create_customer(actor=None, email="other@example.org", password="pw", name="Other")


@pytest.fixture
def copied(world: CopyWorld, customer: User) -> CopySubscription:
    return world.follow(
        equity=5_000, account={"owner": customer, "name": "Main"}, volume_mode="equity_ratio"
    )


@pytest.fixture
def accepted(customer: User) -> None:
    """The customer has accepted what must be accepted before following anybody."""
    accept_texts(actor=customer, versions={t.kind: t.version for t in current_texts()})


@pytest.fixture
def as_customer(customer: User) -> Client:
    client = Client()
    client.force_login(customer)
    return client


@pytest.fixture
def as_stranger(stranger: User) -> Client:
    client = Client()
    client.force_login(stranger)
    return client
