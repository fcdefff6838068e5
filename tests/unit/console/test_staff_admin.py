"""The staff admin shows what there is, and lets nobody change what the engine owns."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from apps.accounts.api import create_customer, create_staff
from apps.accounts.roles import Role
from tests.factories.copytrading import CopyWorld


@pytest.fixture
def world(db: None) -> CopyWorld:
    world = CopyWorld()
    world.follow()
    world.trade("p1", 100_000)
    world.run()
    return world


#: What the house writes itself.
WRITTEN = {reverse("admin:accounts_legaltext_changelist")}


def lists() -> list[str]:
    return [
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in admin.site._registry
    ]


def test_owners_see_every_list_and_add_nothing_by_hand(world: CopyWorld) -> None:
    owner = create_staff(
        actor=None, email="ida@example.org", password="pw", name="Ida", role=Role.OWNER
    )
    client = Client()
    client.force_login(owner)

    for address in lists():
        assert client.get(address).status_code == 200, address
        expected = 200 if address in WRITTEN else 403
        assert client.get(f"{address}add/").status_code == expected, address


def test_customers_do_not_get_in(world: CopyWorld) -> None:
    customer = create_customer(actor=None, email="mara@example.org", password="pw", name="Mara")
    client = Client()
    client.force_login(customer)

    for address in lists():
        assert client.get(address).status_code == 302, address


def test_credentials_are_never_shown(world: CopyWorld) -> None:
    owner = create_staff(
        actor=None, email="ida@example.org", password="pw", name="Ida", role=Role.OWNER
    )
    world.connection.credentials = {"access_token": "very-secret"}
    world.connection.save()
    client = Client()
    client.force_login(owner)

    page = client.get(reverse("admin:platforms_connection_change", args=[world.connection.pk]))

    assert page.status_code == 200
    assert "very-secret" not in page.content.decode()
