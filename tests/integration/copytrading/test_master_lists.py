"""Lists of masters for staff: by page, by name, and to choose from."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.api import create_staff
from apps.accounts.models import User
from apps.accounts.roles import Role
from apps.console import live_copying
from apps.copytrading import master_lists, selectors
from tests.factories.copytrading import MasterFactory, switch_copying

pytestmark = pytest.mark.django_db


def test_masters_come_by_page_and_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    switch_copying()
    for name in ("Alpha", "Beta", "Beta", "50% off"):
        MasterFactory(strategy_name=name)
    monkeypatch.setattr(live_copying, "MASTERS_SHOWN", 2)

    seen, params = [], {}
    while True:
        rows, later = live_copying.masters_shown(params)
        seen += [row.strategy_name for row in rows]
        if not later:
            break
        params = {"after": later}
    assert seen == ["50% off", "Alpha", "Beta", "Beta"]
    assert [m.strategy_name for m in selectors.masters(name="0% o")] == ["50% off"]
    assert selectors.masters(name="%") == selectors.masters(name="50%")
    assert live_copying.masters_shown({"after": "nonsense"})[0][0].strategy_name == "50% off"

    create_staff(actor=None, email="a@example.org", password="pw", name="A", role=Role.SUPPORT)
    client = Client()
    client.force_login(User.objects.get(email="a@example.org"))
    page = client.get(reverse("console:masters"), {"name": "beta"}).content.decode()
    assert page.count('<th scope="row">') == 2 and "Alpha" not in page
    assert "Next page" in client.get(reverse("console:masters")).content.decode()


def test_the_chosen_master_is_always_among_those_to_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(master_lists, "_CHOICES", 2)
    first, *_, last = [MasterFactory() for _ in range(4)]
    found = {choice.uuid for choice in selectors.masters_to_choose()}
    assert first.uuid in found and last.uuid not in found
    chosen = {choice.uuid for choice in selectors.masters_to_choose(str(last.uuid))}
    assert last.uuid in chosen
