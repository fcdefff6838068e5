"""The console: who may see it, who may act, and that its queries do not grow."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.api import create_customer, create_staff
from apps.accounts.models import AuditEntry
from apps.accounts.roles import Role
from apps.accounts.selectors import product_config
from apps.console.live_copying import hop_rows
from apps.copytrading.models import CopyMaster
from apps.copytrading.rows import LatencyFigures, Quantiles
from tests.factories.copytrading import CopyWorld, switch_copying
from tests.support.queries import queries

SignedIn = Callable[[Role | None], Client]


@pytest.fixture
def signed_in(db: None) -> SignedIn:
    def client_of(role: Role | None) -> Client:
        email = f"{role or 'customer'}@example.org"
        create = create_customer if role is None else create_staff
        values = {} if role is None else {"role": role}
        user = create(actor=None, email=email, password="pw", name="Somebody", **values)
        client = Client()
        client.force_login(user)
        return client

    return client_of


@pytest.fixture
def world(db: None) -> CopyWorld:
    world = CopyWorld()
    world.follow()
    return world


def addresses(world: CopyWorld) -> dict[str, str]:
    one = {"uuid": world.master.uuid}
    return {
        **{n: reverse(f"console:{n}") for n in ("home", "live", "masters", "platforms", "product")},
        "master": reverse("console:master", kwargs=one),
        "change_master": reverse("console:change_master", kwargs={**one, "action": "pause"}),
        "copy_trading": reverse("console:copy_trading"),
        "defaults": reverse("console:defaults"),
        "rules": reverse("console:rules"),
        "applications": reverse("console:applications"),
        "decide_application": reverse(
            "console:decide_application", kwargs={**one, "decision": "approve"}
        ),
        "copy": reverse("console:copy", args=[world.master.subscriptions.earliest("id").uuid]),
    }


@pytest.mark.parametrize("method", ["get", "post"])
def test_customers_find_no_console(world: CopyWorld, signed_in: SignedIn, method: str) -> None:
    client = signed_in(None)

    for label, address in addresses(world).items():
        response = getattr(client, method)(address, {"reason": "x", "enabled": "0"})
        assert response.status_code in (404, 405), label

    assert product_config().copy_trading_enabled
    world.master.refresh_from_db()
    assert world.master.status == CopyMaster.Status.ACTIVE


def test_nothing_is_open_without_signing_in(world: CopyWorld) -> None:
    for label, address in addresses(world).items():
        assert Client().get(address).status_code in (302, 405), label


def test_support_looks_but_does_not_act(world: CopyWorld, signed_in: SignedIn) -> None:
    client = signed_in(Role.SUPPORT)
    found = addresses(world)

    for label in ("live", "masters", "master", "copy", "platforms", "product", "applications"):
        assert client.get(found[label]).status_code == 200, label
    for label in ("defaults", "rules", "decide_application"):
        assert client.post(found[label], {"reason": "x"}).status_code == 403, label
    assert client.post(found["change_master"], {"reason": "x"}).status_code == 403
    assert client.post(found["copy_trading"], {"reason": "x", "enabled": "0"}).status_code == 403
    assert "Pause" not in client.get(found["master"]).content.decode()
    assert 'name="reason"' not in client.get(found["product"]).content.decode()


def test_risk_pauses_a_master_and_the_reason_is_kept(world: CopyWorld, signed_in: SignedIn) -> None:
    client = signed_in(Role.RISK)
    address = addresses(world)["change_master"]

    refused = client.post(address, {"reason": ""})
    done = client.post(address, {"reason": "News"})

    assert (refused.status_code, done.status_code) == (422, 302)
    world.master.refresh_from_db()
    assert world.master.status == CopyMaster.Status.PAUSED
    assert AuditEntry.objects.filter(reason="News", actor="risk@example.org").exists()


def test_an_action_that_a_status_does_not_allow_is_refused_with_the_status(
    world: CopyWorld, signed_in: SignedIn
) -> None:
    client = signed_in(Role.OWNER)
    kept = AuditEntry.objects.count()
    address = reverse("console:change_master", args=[world.master.uuid, "approve"])
    unknown = reverse("console:change_master", args=[world.master.uuid, "promote"])

    answer = client.post(address, {"reason": "x"}, follow=True)

    name = world.master.strategy_name
    assert f"Nothing was changed: {name} is active." in answer.content.decode()
    world.master.refresh_from_db()
    assert world.master.status == "active" and AuditEntry.objects.count() == kept
    assert client.post(unknown, {"reason": "x"}).status_code == 404


def test_what_only_takes_a_form_leads_to_the_form(signed_in: SignedIn) -> None:
    client = signed_in(Role.OWNER)
    targets = {
        "copy_trading": "product",
        "bot_trading": "product",
        "defaults": "product",
        "rules": "product",
        "change_house": "house",
        "confirm_closes": "kill_switch",
        "end_view": "customers",
    }

    found = {name: client.get(reverse(f"console:{name}")).headers["Location"] for name in targets}

    assert found == {name: reverse(f"console:{page}") for name, page in targets.items()}


@pytest.mark.parametrize("query", ["text=%00", "login=a%00b"])
def test_a_query_is_read_without_its_nuls(
    world: CopyWorld, signed_in: SignedIn, query: str
) -> None:
    client = signed_in(Role.SUPPORT)
    for page in ("customers", "alarms", "drift", "kill_switch", "outcomes", "audit"):
        answer = client.get(f"{reverse(f'console:{page}')}?{query}&q=%00&text=a%00")
        assert answer.status_code == 200, page
        assert "\x00" not in answer.content.decode()


def test_owners_switch_the_module_and_its_pages_go(world: CopyWorld, signed_in: SignedIn) -> None:
    client = signed_in(Role.OWNER)
    found = addresses(world)

    answer = {"reason": "Maintenance", "enabled": "0", "confirmed": "1"}
    client.post(found["copy_trading"], answer)
    switch_copying(False)

    for label in ("live", "masters", "master", "copy"):
        assert client.get(found[label]).status_code == 404, label
    for label in ("platforms", "product"):
        assert client.get(found[label]).status_code == 200, label
    assert AuditEntry.objects.filter(reason="Maintenance").exists()


def test_query_counts_do_not_grow_with_what_is_shown(world: CopyWorld, signed_in: SignedIn) -> None:
    client = signed_in(Role.OWNER)
    labels = ("live", "masters", "master", "platforms")

    def counted() -> list[int]:
        return [queries(client, addresses(world)[label]) for label in labels]

    before = counted()
    for number in range(3):
        world.follow()
        world.trade(f"p{number}", 100_000)
    world.run()

    assert counted() == before
    of_master = before.pop(labels.index("master"))
    assert max(before) <= 14 and of_master <= 20


def test_filters_show_one_master_and_one_state(world: CopyWorld, signed_in: SignedIn) -> None:
    CopyMaster.objects.update(strategy_name="Harbour Swing")
    world.trade("p1", 100_000)
    world.run()
    client, live = signed_in(Role.OWNER), addresses(world)["live"]

    shown = client.get(live, {"master": str(world.master.uuid), "state": "copied"})
    none = client.get(live, {"state": "rejected"})
    wrong = client.get(live, {"master": "nobody", "state": "nonsense"})

    assert "Copied in full" in shown.content.decode()
    assert "No outcome here" in none.content.decode()
    assert "Copied in full" in wrong.content.decode()


def test_hops_are_drawn_to_the_scale_of_the_slowest() -> None:
    nothing = Quantiles(None, None, None)
    figures = LatencyFigures(
        9, Quantiles(1.0, 2.0, 5.0), Quantiles(4.0, 10.0, 20.0), nothing, nothing
    )

    planned, sent, accepted, _ = hop_rows(figures)

    assert (planned.bar, sent.bar, accepted.bar) == ("25.00", "100.00", "0.00")
    assert sent.mark_50 == "20.00"
