"""Copies of resting orders on the pages of a customer."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.copytrading.models import CopySubscription
from apps.trading.orders import OrderType
from tests.factories.pending import PendingWorld
from tests.support.queries import queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> PendingWorld:
    return PendingWorld()


def table(page: str) -> str:
    """The part of a page that lists pending orders."""
    return page.partition('id="resting"')[2].partition("</table>")[0]


def test_they_stand_beside_open_positions(
    as_customer: Client, world: PendingWorld, copied: CopySubscription
) -> None:
    pages = (
        reverse("portal:copying"),
        reverse("portal:subscription", args=[copied.uuid]),
    )
    assert all("No pending order rests" in as_customer.get(p).content.decode() for p in pages)
    before = [queries(as_customer, page) for page in pages]
    world.place("r1", 100_000, stop_loss=Decimal("1.08"))
    world.place(
        "r2",
        60_000,
        type=OrderType.STOP_LIMIT,
        stop_price=Decimal("1.0950"),
        price=Decimal("1.0955"),
        expires_at=timezone.now() + timedelta(hours=1),
    )
    world.run()
    world.fills(world.placed()[0], 10_000)
    world.run()
    for page in pages:
        shown = table(as_customer.get(page).content.decode())
        assert all(text in shown for text in ("Limit", "1.09000", "1.08000", "Resting"))
        assert all(text in shown for text in ("Stop-limit", "1.09500", "1.09550"))
        assert "0.10" in shown and "filled" in shown
    assert [queries(as_customer, page) for page in pages] == before


def test_a_stranger_sees_none(
    as_stranger: Client, stranger: User, world: PendingWorld, copied: CopySubscription
) -> None:
    world.place("r1", 100_000)
    world.run()
    assert "1.09000" not in table(as_stranger.get(reverse("portal:copying")).content.decode())
    page = as_stranger.get(reverse("portal:subscription", args=[copied.uuid]))
    assert page.status_code == 404


def test_outcomes_speak_of_orders(
    as_customer: Client, world: PendingWorld, copied: CopySubscription
) -> None:
    world.place("r1", 100_000)
    world.run()
    world.cancel("r1")
    world.run()
    page = as_customer.get(reverse("portal:copying")).content.decode()
    assert "Placed an order in EURUSD" in page and "Cancelled an order in EURUSD" in page
