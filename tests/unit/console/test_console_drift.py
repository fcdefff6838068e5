"""The page of differences: who sees it, who ends them, and that orders are shown first."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.api import create_customer, create_staff
from apps.accounts.models import AuditEntry
from apps.accounts.roles import Role
from apps.copytrading.models import Drift, TradeLink
from apps.copytrading.services.reconcile import look_at
from apps.execution.models import Batch, Order, Position
from apps.platforms.models import TradingAccount
from tests.factories.copytrading import CopyWorld, quote, switch_copying
from tests.support.queries import queries

SignedIn = Callable[[Role | None], Client]
PAGE, REPAIR, ACCEPT = (
    reverse(f"console:{name}") for name in ("drift", "repair_drift", "accept_drift")
)


@pytest.fixture
def signed_in(db: None) -> SignedIn:
    def client_of(role: Role | None) -> Client:
        email = f"{role or 'customer'}@example.org"
        create = create_customer if role is None else create_staff
        values = {} if role is None else {"role": role}
        client = Client()
        client.force_login(
            create(actor=None, email=email, password="pw", name="Somebody", **values)
        )
        return client

    return client_of


@pytest.fixture
def world(db: None) -> CopyWorld:
    made = CopyWorld()
    quote(made.connection, "1", "1.0921")
    return made


def oversized(world: CopyWorld, count: int = 1) -> list[Drift]:
    """Copied positions that are larger than they should be, on accounts of their own."""
    for _ in range(count):
        world.follow()
    world.trade("m1", 100_000)
    world.run()
    ago = timezone.now() - timedelta(seconds=20)
    Position.objects.update(units=130_000, open_result=-13, updated_at=ago)
    Order.objects.update(final_at=ago)
    look_at(list(TradeLink.objects.values_list("account_id", flat=True)))
    found = list(Drift.objects.order_by("id"))
    assert len(found) == count
    return found


def chosen(drifts: list[Drift]) -> dict[str, list[str]]:
    return {"id": [str(drift.pk) for drift in drifts]}


def test_staff_see_what_differs_also_while_copying_is_off(
    world: CopyWorld, signed_in: SignedIn
) -> None:
    (drift,) = oversized(world)
    switch_copying(False)

    page = signed_in(Role.SUPPORT).get(PAGE).content.decode()

    assert "Too large" in page
    assert "larger than its copies should hold" in page
    assert "Repair" not in page  # support looks, but does not act
    assert REPAIR + f"?id={drift.pk}" in signed_in(Role.RISK).get(PAGE).content.decode()


def test_filters_and_nonsense(world: CopyWorld, signed_in: SignedIn) -> None:
    (drift,) = oversized(world)
    client = signed_in(Role.SUPPORT)

    def shown(query: str) -> bool:
        response = client.get(f"{PAGE}?{query}")
        assert response.status_code == 200
        return f'id="drift-{drift.pk}"' in response.content.decode()

    login = TradingAccount.objects.get(pk=drift.account_id).login
    assert shown(f"login={login}") and shown("kind=oversized")
    assert not shown("kind=missing")
    assert shown("kind=nonsense") and not shown("login=%25") and not shown("login=zzz")


def test_customers_and_strangers_find_nothing(world: CopyWorld, signed_in: SignedIn) -> None:
    (drift,) = oversized(world)
    customer = signed_in(None)
    for address in (PAGE, REPAIR, ACCEPT):
        assert Client().get(address).status_code == 302
        assert customer.get(address, {"id": drift.pk}).status_code == 404
        if address != PAGE:
            assert customer.post(address, {"id": drift.pk, "reason": "x"}).status_code == 404
    support = signed_in(Role.SUPPORT)
    for address in (REPAIR, ACCEPT):
        assert support.get(address, {"id": drift.pk}).status_code == 403
        assert support.post(address, {"id": drift.pk, "reason": "x"}).status_code == 403
    assert not Batch.objects.filter(settled=False).exists()


@pytest.mark.django_db(transaction=True)
def test_orders_are_shown_and_then_sent(world: CopyWorld, signed_in: SignedIn) -> None:
    drifts = oversized(world, 2)
    client = signed_in(Role.RISK)
    shown = client.get(REPAIR, chosen(drifts), headers={"HX-Request": "true",
                                                        "HX-Target": "dialog-body"})  # fmt: skip
    page = shown.content.decode()
    assert "<html" not in page and page.count("Close EURUSD") == 2
    assert "Send 2 orders" in page and "-3.00" in page.replace("\u2212", "-")
    confirm = re.findall(r'name="confirm" value="([^"]+)"', page)[0]

    refused = client.post(REPAIR, {**chosen(drifts), "confirm": confirm, "reason": ""})
    assert refused.status_code == 422
    stale = client.post(REPAIR, {**chosen(drifts), "confirm": "0", "reason": "x"}, follow=True)
    assert "has changed since this was shown" in stale.content.decode()
    assert world.run() == []

    done = client.post(REPAIR, {**chosen(drifts), "confirm": confirm, "reason": "too much"})
    assert done.status_code == 302
    assert len(world.run()) == 2
    assert AuditEntry.objects.filter(action="drift.repair", reason="too much").count() == 2


@pytest.mark.django_db(transaction=True)
def test_accepting_many(world: CopyWorld, signed_in: SignedIn) -> None:
    drifts = oversized(world, 2)
    client = signed_in(Role.RISK)
    assert "stay as they are" in client.get(ACCEPT, chosen(drifts)).content.decode()

    done = client.post(ACCEPT, {**chosen(drifts), "reason": "agreed"}, follow=True)

    assert "2 of 2 accepted" in done.content.decode()
    assert not Drift.objects.filter(resolved_at=None).exists()
    assert "Accepted as it is" in client.get(PAGE).content.decode()


@pytest.mark.parametrize("ids", [[], ["x"], ["9" * 30], ["-1"]])
def test_nothing_chosen_says_so(world: CopyWorld, signed_in: SignedIn, ids: list[str]) -> None:
    client = signed_in(Role.RISK)
    for address in (REPAIR, ACCEPT):
        assert "Nothing is chosen" in client.get(address, {"id": ids}).content.decode()
        response = client.post(address, {"id": ids, "reason": "x"})
        assert response.status_code == 200


def test_unknown_ones_do_not_exist(world: CopyWorld, signed_in: SignedIn) -> None:
    client = signed_in(Role.RISK)
    assert client.get(REPAIR, {"id": "999999"}).status_code == 404
    assert client.post(ACCEPT, {"id": "999999", "reason": "x"}).status_code == 404


def test_queries_do_not_grow(world: CopyWorld, signed_in: SignedIn) -> None:
    client = signed_in(Role.RISK)
    oversized(world, 1)
    few = queries(client, PAGE)
    for _ in range(4):
        world.follow()
    world.trade("m2", 10_000)
    world.run()
    Position.objects.update(units=500_000, updated_at=timezone.now() - timedelta(seconds=20))
    Order.objects.update(final_at=timezone.now() - timedelta(seconds=20))
    look_at(list(TradeLink.objects.values_list("account_id", flat=True)))
    assert Drift.objects.filter(resolved_at=None).count() > 4
    assert queries(client, PAGE) == few <= 10
