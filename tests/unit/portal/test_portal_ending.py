"""Deleting copies, masters and an account's following, and detaching: what each says and does."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import AuditEntry, User
from apps.copytrading.models import CopyMaster, CopySubscription, TradeLink
from apps.execution.models import Position
from tests.factories.copytrading import CopyWorld


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.copytrading.tasks.work.delay", lambda account_id: None)


@pytest.fixture
def holding(world: CopyWorld, copied: CopySubscription) -> CopySubscription:
    """The copy with an open position that has lost 12.50."""
    world.trade("p1", 100_000)
    world.run()
    Position.objects.filter(account_id=copied.follower.account_id).update(open_result="-12.50")
    return copied


@pytest.fixture
def mine(world: CopyWorld, customer: User) -> CopyMaster:
    """The master on an account of the customer."""
    world.master.account.owner = customer
    world.master.account.save()
    return world.master


def text(client: Client, address: str) -> str:
    return client.get(address).content.decode()


@pytest.mark.parametrize(("close", "left"), [("0", "open"), ("1", "closed")])
def test_deleting_a_copy(
    as_customer: Client, world: CopyWorld, holding: CopySubscription, close: str, left: str
) -> None:
    address = reverse("portal:change_copy", args=[holding.uuid, "delete"])
    said = text(as_customer, address)
    assert "−12.50" in said and "Delete, keep positions" in said and "Delete and close" in said
    assert as_customer.post(address).status_code == 422
    holding.refresh_from_db()
    assert holding.archived_at is None

    assert as_customer.post(address, {"close_positions": close}).status_code == 302

    holding.refresh_from_db()
    assert holding.archived_at is not None and holding.status == "disabled"
    world.run()
    assert TradeLink.objects.get().state == left
    assert AuditEntry.objects.filter(action="subscription.delete").exists()
    page = as_customer.get(reverse("portal:subscription", args=[holding.uuid]))
    assert page.status_code == (200 if left == "open" else 404)
    if left == "open":
        assert address not in page.content.decode()


@pytest.mark.parametrize(("close", "left"), [("0", "open"), ("1", "closed")])
def test_ending_all_copying_of_an_account(
    as_customer: Client, world: CopyWorld, holding: CopySubscription, close: str, left: str
) -> None:
    account = holding.follower.account
    address = reverse("portal:delete_follower", args=[account.uuid])
    assert address in text(as_customer, reverse("portal:follower_settings", args=[account.uuid]))
    said = text(as_customer, address)
    assert "1 copy is stopped for good" in said and "−12.50" in said
    assert as_customer.post(address, {"close_positions": "?"}).status_code == 422

    assert as_customer.post(address, {"close_positions": close}).status_code == 302

    holding.refresh_from_db()
    holding.follower.refresh_from_db()
    assert holding.follower.archived_at is not None and holding.status == "disabled"
    world.run()
    assert TradeLink.objects.get().state == left
    assert AuditEntry.objects.filter(action="follower.delete").exists()
    assert as_customer.get(address).status_code == 404


def test_detaching(as_customer: Client, world: CopyWorld, holding: CopySubscription) -> None:
    link = TradeLink.objects.get()
    address = reverse("portal:detach_position", args=[link.pk])
    assert address in text(as_customer, reverse("portal:copying"))
    said = text(as_customer, address)
    assert "Detach 0.50 lots EURUSD?" in said and "−12.50" in said

    assert as_customer.post(address).status_code == 302

    link.refresh_from_db()
    assert link.state == "detached"
    assert AuditEntry.objects.filter(action="subscription.detach_position").exists()
    assert as_customer.get(address).status_code == 404


def test_where_the_account_forbids_it_the_dialog_says_so(
    as_customer: Client, holding: CopySubscription
) -> None:
    holding.follower.manual_trading_mode = "own_only"
    holding.follower.save()
    address = reverse("portal:detach_position", args=[TradeLink.objects.get().pk])
    assert "from being detached one by one" in text(as_customer, address)
    answer = as_customer.post(address, follow=True).content.decode()
    assert "keep its copied positions" in answer
    assert TradeLink.objects.get().state == "open"


def test_an_owners_masters(
    as_customer: Client, world: CopyWorld, mine: CopyMaster, holding: CopySubscription
) -> None:
    page = text(as_customer, reverse("portal:masters"))
    assert mine.strategy_name in page and "Switch off" in page
    off, on, delete = (
        reverse("portal:change_master", args=[mine.uuid, action])
        for action in ("switch-off", "switch-on", "delete")
    )
    for address in (off, delete):
        assert "1 account copies it, 1 copied position is open" in text(as_customer, address)

    as_customer.post(off)
    mine.refresh_from_db()
    assert not mine.enabled
    assert "Switched off" in text(as_customer, reverse("portal:masters"))
    as_customer.post(on)
    mine.refresh_from_db()
    assert mine.enabled
    as_customer.post(delete)
    mine.refresh_from_db()
    holding.refresh_from_db()
    assert mine.archived_at is not None and holding.status == "disabled"
    actions = AuditEntry.objects.filter(object_type="master").order_by("id")
    assert [entry.action for entry in actions] == [
        "master.switch_off", "master.switch_on", "master.delete"
    ]  # fmt: skip
    assert as_customer.get(delete).status_code == 404
    assert "None of your accounts is a master" in text(as_customer, reverse("portal:masters"))


def test_masters_are_in_the_navigation_of_those_who_have_one(
    as_customer: Client, as_stranger: Client, copied: CopySubscription, mine: CopyMaster
) -> None:
    assert "My masters" in text(as_customer, reverse("portal:copying"))
    assert "My masters" not in text(as_stranger, reverse("portal:copying"))
    assert mine.strategy_name not in text(as_stranger, reverse("portal:masters"))
