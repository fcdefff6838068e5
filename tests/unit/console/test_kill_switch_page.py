"""The page of the kill switches: who may look, who may move them, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.api import create_customer, create_staff
from apps.accounts.errors import NotPermitted
from apps.accounts.models import AuditEntry, User
from apps.accounts.roles import Role
from apps.execution import api
from apps.execution.intents import Intent
from apps.execution.kill_switch import KillScope, kill_switches, switches_over
from apps.execution.models import CloseConfirmation, Gate
from apps.execution.waiting_closes import waiting_closes
from apps.trading.orders import Leg, Side
from tests.factories.copytrading import CopyWorld, switch_copying
from tests.support.queries import queries

pytestmark = pytest.mark.django_db


def person(role: Role | None) -> User:
    email = f"{role or 'customer'}@example.org"
    if role is None:
        return create_customer(actor=None, email=email, password="pw", name="Somebody")
    return create_staff(actor=None, email=email, password="pw", name="Somebody", role=role)


@pytest.fixture
def signed_in() -> Callable[[Role | None], Client]:
    def client_of(role: Role | None) -> Client:
        client = Client()
        client.force_login(person(role))
        return client

    return client_of


@pytest.fixture
def world() -> CopyWorld:
    world = CopyWorld()
    world.follow()
    return world


def page() -> str:
    return reverse("console:kill_switch")


def held_closes(world: CopyWorld, count: int) -> list[str]:
    """Closes that no gateway has taken, under a halted switch."""
    account = world.master.account
    ids = [f"close-{n}" for n in range(count)]
    intents = [
        Intent(
            cid, account.pk, account.platform_account_id, Leg.CLOSE, "copy", instrument_id="1",
            side=Side.SELL, units=10_000, position_id=f"p{n}",
        )
        for n, cid in enumerate(ids)
    ]  # fmt: skip
    api.submit(intents, connection_ids={account.pk: world.connection.pk}, now=timezone.now())
    api.set_kill_switch(actor=None, scope="global", state="halted", reason="prices look wrong")
    return ids


def test_it_is_never_hidden(world: CopyWorld, signed_in: Any) -> None:
    client = signed_in(Role.SUPPORT)
    switch_copying(False)
    shown = client.get(page())
    assert shown.status_code == 200
    assert "Kill switch" in client.get(reverse("console:platforms")).content.decode()


def test_strangers_find_nothing_and_support_only_looks(world: CopyWorld, signed_in: Any) -> None:
    account = world.master.account
    addresses = [
        page(),
        reverse("console:kill_everything"),
        reverse("console:kill_platform", args=["paper"]),
        reverse("console:kill_account", args=[account.uuid]),
        reverse("console:confirm_closes"),
    ]
    customer, support = signed_in(None), signed_in(Role.SUPPORT)
    data = {"state": "halted", "reason": "x", "all": "1"}
    for address in addresses:
        assert Client().get(address).status_code in (302, 405)
        assert customer.get(address).status_code in (404, 405)
        assert customer.post(address, data).status_code in (404, 405)
    for address in addresses[1:]:
        assert support.post(address, data).status_code == 403
    assert not Gate.objects.exists()
    text = support.get(page()).content.decode()
    assert 'name="reason"' not in text and "Change<" not in text


@pytest.mark.parametrize("scope", ["everything", "platform", "account"])
def test_risk_moves_a_switch_with_a_reason(world: CopyWorld, signed_in: Any, scope: str) -> None:
    account = world.master.account
    address, key = {
        "everything": (reverse("console:kill_everything"), ""),
        "platform": (reverse("console:kill_platform", args=["paper"]), "paper"),
        "account": (reverse("console:kill_account", args=[account.uuid]), str(account.pk)),
    }[scope]
    client = signed_in(Role.RISK)
    assert "Nothing is opened or increased" in client.get(address).content.decode()
    assert client.post(address, {"state": "halted", "reason": " "}).status_code == 422
    assert client.post(address, {"state": "nonsense", "reason": "x"}).status_code == 422
    assert client.post(address, {"reason": "x"}).status_code == 422

    done = client.post(address, {"state": "halted", "reason": "Fat finger"}, follow=True)

    text = done.content.decode()
    assert "Fat finger" in text and "risk@example.org" in text and "Halted" in text
    gate = Gate.objects.get()
    assert (gate.key, gate.state, gate.actor) == (key, "halted", "risk@example.org")
    entry = AuditEntry.objects.get(object_type="kill_switch")
    assert (entry.before, entry.after) == ({"state": "active"}, {"state": "halted"})
    client.post(address, {"state": "active", "reason": "All clear"})
    assert not Gate.objects.exists()
    assert AuditEntry.objects.filter(object_type="kill_switch").count() == 2


def test_unknown_platforms_and_accounts_do_not_exist(world: CopyWorld, signed_in: Any) -> None:
    client = signed_in(Role.OWNER)
    data = {"state": "halted", "reason": "x"}
    nobody = "00000000-0000-0000-0000-000000000000"
    assert client.post(reverse("console:kill_platform", args=["nope"]), data).status_code == 404
    assert client.post(reverse("console:kill_account", args=[nobody]), data).status_code == 404


def test_accounts_are_found_by_login(world: CopyWorld, signed_in: Any) -> None:
    client, account = signed_in(Role.RISK), world.master.account
    found = client.get(page(), {"login": account.login}).content.decode()
    assert reverse("console:kill_account", args=[account.uuid]) in found
    none = client.get(page(), {"login": "99999999' OR 1=1"}).content.decode()
    assert "No account has this login" in none


def test_held_closes_are_confirmed_one_some_or_all(world: CopyWorld, signed_in: Any) -> None:
    ids = held_closes(world, 5)
    client, address = signed_in(Role.RISK), reverse("console:confirm_closes")
    shown = client.get(page()).content.decode()
    assert "The kill switch on everything is halted." in shown
    assert shown.count('name="one"') == 5

    assert client.post(address, {"one": ids[0], "reason": ""}).status_code == 422
    client.post(address, {"one": ids[0], "close": ids[1:], "reason": "client called"})
    assert set(CloseConfirmation.objects.values_list("pk", flat=True)) == {ids[0]}
    client.post(address, {"close": [ids[1], ids[2], "unknown"], "reason": "client called"})
    assert set(CloseConfirmation.objects.values_list("pk", flat=True)) == set(ids[:3])
    none = client.post(address, {"reason": "client called"}, follow=True)
    assert "No close was chosen" in none.content.decode()
    client.post(address, {"all": "1", "reason": "the rest"})
    assert set(CloseConfirmation.objects.values_list("pk", flat=True)) == set(ids)
    entry = AuditEntry.objects.filter(action="kill_switch.confirm_closes").latest("id")
    assert (entry.object_label, entry.reason) == ("2 held closes", "the rest")
    assert all(close.confirmed for close in waiting_closes(timezone.now()))


def test_nothing_is_confirmed_that_no_switch_holds(world: CopyWorld) -> None:
    ids = held_closes(world, 2)
    api.set_kill_switch(actor=None, scope="global", state="reducing", reason="better")
    assert api.confirm_held_closes(actor=None, client_order_ids=ids, reason="x") == []


def test_roles_and_values_are_checked_below_the_page_too(world: CopyWorld) -> None:
    support = person(Role.SUPPORT)
    with pytest.raises(NotPermitted):
        api.set_kill_switch(actor=support, scope="global", state="halted", reason="x")
    with pytest.raises(NotPermitted):
        api.confirm_held_closes(actor=support, client_order_ids=["c"], reason="x")
    for wrong in (
        {"scope": "source"}, {"key": "x"}, {"state": "off"}, {"reason": " "},
        {"scope": "platform", "key": "nope"}, {"scope": "account", "key": "²"},
        {"scope": "account", "key": "999999"}, {"scope": "account", "key": "9" * 40},
    ):  # fmt: skip
        values = {"scope": "global", "state": "halted", "reason": "x"} | wrong
        with pytest.raises(ValueError):
            api.set_kill_switch(actor=None, **values)


def test_the_same_state_again_changes_nothing(world: CopyWorld) -> None:
    values = {"actor": None, "scope": "platform", "key": "paper", "reason": "x"}
    assert api.set_kill_switch(state="reducing", **values)
    assert not api.set_kill_switch(state="reducing", **values)
    assert api.set_kill_switch(state="halted", **values)
    assert AuditEntry.objects.count() == 2


def test_which_switches_hold_an_account(world: CopyWorld) -> None:
    mine, other = world.master.account_id, world.follow().follower.account_id
    for scope, key in (("account", str(other)), ("platform", "ctrader"), ("platform", "paper")):
        api.set_kill_switch(actor=None, scope=scope, key=key, state="reducing", reason="x")
    assert [s.scope for s in switches_over([mine])] == [KillScope.PLATFORM]
    assert [s.key for s in switches_over([other])] == ["paper", str(other)]
    assert switches_over([]) == []
    assert [s.key for s in kill_switches()] == ["ctrader", "paper", str(other)]


def test_query_counts_do_not_grow(world: CopyWorld, signed_in: Any) -> None:
    client = signed_in(Role.OWNER)
    held_closes(world, 1)
    api.set_kill_switch(
        actor=None, scope="account", key=str(world.account_id), state="halted", reason="x"
    )
    before = queries(client, page())
    held_closes(world, 20)
    for _ in range(3):
        key = str(world.follow().follower.account_id)
        api.set_kill_switch(actor=None, scope="account", key=key, state="halted", reason="x")
    assert queries(client, page()) == before <= 16
