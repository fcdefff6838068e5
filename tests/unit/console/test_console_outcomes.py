"""The ledger of all copies, for staff and nobody else."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.api import create_staff
from apps.accounts.roles import Role
from apps.copytrading.models import CopySubscription, Outcome
from apps.copytrading.services.sealing import seal_all
from tests.factories.accounts import UserFactory
from tests.factories.copytrading import CopyWorld
from tests.support.queries import queries


@pytest.fixture
def world(db: None) -> CopyWorld:
    return CopyWorld()


@pytest.fixture
def copies(world: CopyWorld) -> list[CopySubscription]:
    made = [world.follow(account={"owner": UserFactory()}) for _ in range(2)]
    world.trade("p1", 100_000)
    world.run()
    return made


@pytest.fixture
def staff(db: None) -> Client:
    user = create_staff(
        actor=None, email="desk@example.org", password="pw", name="Desk", role=Role.SUPPORT
    )
    client = Client()
    client.force_login(user)
    return client


def page(client: Client, **params: str) -> str:
    response = client.get(reverse("console:outcomes"), params)
    assert response.status_code == 200
    return response.content.decode()


def shown(text: str, copies: list[CopySubscription]) -> list[bool]:
    return [str(copy.follower.account.login) in text for copy in copies]


def test_staff_see_everybody(staff: Client, copies: list[CopySubscription]) -> None:
    assert shown(page(staff), copies) == [True, True]
    account = copies[0].follower.account
    assert shown(page(staff, account=account.login), copies)[1] is False
    assert shown(page(staff, copy=str(copies[1].uuid)), copies) == [False, True]
    assert shown(page(staff, master=str(copies[0].master.uuid)), copies) == [True, True]
    unknown = "0a0b0c0d-0000-4000-8000-000000000000"
    assert "No outcome fits" in page(staff, copy=unknown)
    assert "No outcome fits" in page(staff, account="nobody")


def test_one_outcome_and_its_chain(staff: Client, copies: list[CopySubscription]) -> None:
    seal_all(seconds=5)
    outcome = Outcome.objects.filter(subscription_id=copies[0].pk)[0]
    text = staff.get(reverse("console:outcome", args=[outcome.pk])).content.decode()
    assert "Master bought 1.00 EURUSD" in text
    assert reverse("console:master", args=[copies[0].master.uuid]) in text
    assert reverse("console:copy", args=[copies[0].uuid]) in text
    checked = staff.post(reverse("console:check_chain", args=[copies[0].uuid]))
    assert "All 1 sealed outcomes hold." in checked.content.decode()


def test_only_staff(copies: list[CopySubscription]) -> None:
    outcome = Outcome.objects.all()[0]
    customer = Client()
    customer.force_login(UserFactory())
    for address in (
        reverse("console:outcomes"),
        reverse("console:outcomes_csv"),
        reverse("console:outcome", args=[outcome.pk]),
    ):
        assert customer.get(address).status_code == 404
        assert Client().get(address).status_code == 302
    check = reverse("console:check_chain", args=[copies[0].uuid])
    assert customer.post(check).status_code == 404


def test_unknown_outcomes_are_not_found(staff: Client, world: CopyWorld) -> None:
    assert staff.get(reverse("console:outcome", args=[10**9])).status_code == 404
    assert staff.get("/console/outcomes/99999999999999999999/").status_code == 404
    unknown = "0a0b0c0d-0000-4000-8000-000000000000"
    assert staff.post(reverse("console:check_chain", args=[unknown])).status_code == 404


def test_query_counts_do_not_grow(
    staff: Client, world: CopyWorld, copies: list[CopySubscription]
) -> None:
    address = reverse("console:outcomes")
    before = queries(staff, address)
    for number in range(4):
        world.follow()
        world.trade(f"m{number}", 20_000)
    world.run()
    assert queries(staff, address) == before <= 8
