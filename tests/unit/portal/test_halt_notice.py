"""Customers are told, calmly, what staff hold back on their accounts."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.api import create_customer
from apps.execution import api
from tests.factories.platforms import AccountFactory

pytestmark = pytest.mark.django_db


def shown(client: Client) -> str:
    return client.get(reverse("portal:accounts")).content.decode()


def move(scope: str, key: str, state: str) -> None:
    api.set_kill_switch(actor=None, scope=scope, key=key, state=state, reason="rumours of fraud")


def test_only_what_concerns_the_customer_is_told() -> None:
    user = create_customer(actor=None, email="mara@example.org", password="pw", name="Mara")
    mine, other = AccountFactory(owner=user, login="7001"), AccountFactory(login="7002")
    client = Client()
    client.force_login(user)

    move("account", str(other.pk), "halted")
    move("platform", "ctrader", "halted")
    assert "halted" not in shown(client)

    move("account", str(mine.pk), "reducing")
    text = shown(client)
    assert "Nothing new is opened on account 7001 at the moment." in text
    assert "rumours" not in text and "7002" not in text

    move("platform", "paper", "halted")
    assert "Trading on Paper venue is halted at the moment." in shown(client)
    move("global", "", "halted")
    assert "Trading is halted at the moment." in shown(client)


def test_pages_before_signing_in_say_nothing() -> None:
    move("global", "", "halted")
    assert "halted" not in Client().get(reverse("account_login")).content.decode()
