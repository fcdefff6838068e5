"""A customer's differences: on the pages of copies and accounts, and only one's own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.copytrading.models import CopyFollower, CopySubscription, Drift, TradeLink
from apps.copytrading.services.reconcile import look_at
from apps.execution.models import Batch, Order, Position
from tests.factories.copytrading import CopyWorld, quote, switch_copying

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def drift(world: CopyWorld, copied: CopySubscription) -> Drift:
    """A copied position of which the customer closed a part where that is not wanted."""
    quote(world.connection, "1", "1.0921")
    CopyFollower.objects.update(manual_trading_mode="own_only")
    world.trade("p1", 100_000)
    world.run()
    ago = timezone.now() - timedelta(seconds=20)
    Position.objects.update(units=20_000, updated_at=ago)
    Order.objects.update(final_at=ago)
    Position.objects.create(
        account_id=world.account_id, position_id="p1", instrument_id="1", side="buy",
        units=100_000, price=1, opened_at=ago, updated_at=ago,
    )  # fmt: skip
    look_at([copied.follower.account_id])
    return Drift.objects.get()


def addresses(drift: Drift) -> list[str]:
    return [reverse(f"portal:{name}_drift", args=[drift.pk]) for name in ("repair", "accept")]


def test_it_stands_on_the_pages_of_its_copy_and_account(
    as_customer: Client, as_stranger: Client, copied: CopySubscription, drift: Drift
) -> None:
    pages = [
        reverse("portal:subscription", args=[copied.uuid]),
        reverse("portal:account", args=[copied.follower.account.uuid]),
        reverse("portal:accounts"),
    ]
    for page in pages:
        text = as_customer.get(page).content.decode()
        assert "smaller than its copies should hold" in text, page
        assert addresses(drift)[0] in text
    assert "smaller than" not in as_stranger.get(pages[2]).content.decode()


def test_strangers_find_nothing(as_stranger: Client, drift: Drift) -> None:
    for address in addresses(drift):
        assert as_stranger.get(address).status_code == 404
        assert as_stranger.post(address, {"confirm": "x"}).status_code == 404
        assert Client().get(address).status_code == 302
    drift.refresh_from_db()
    assert (drift.resolved_at, drift.repair_cause) == (None, "")


@pytest.mark.parametrize("pk", [10**12, 10**30])
def test_unknown_ones_do_not_exist(as_customer: Client, pk: int) -> None:
    assert as_customer.get(reverse("portal:repair_drift", args=[pk])).status_code == 404


def test_the_order_is_shown_and_then_sent(
    as_customer: Client, world: CopyWorld, drift: Drift
) -> None:
    repair, _ = addresses(drift)
    shown = as_customer.get(repair)
    assert "Open EURUSD" in shown.content.decode()

    stale = as_customer.post(repair, {"confirm": "0"}, follow=True)
    assert "has changed since this was shown" in stale.content.decode()
    assert world.run() == []
    done = as_customer.post(repair, {"confirm": shown.context["preview"].confirm}, follow=True)

    assert "the order is on its way" in done.content.decode()
    assert "Being repaired" in done.content.decode()
    (sent,) = world.run()
    assert sent.units == 30_000
    link = TradeLink.objects.get()
    assert (link.held_units, link.in_flight) == (50_000, "")


def test_accepting_it_while_copying_is_off(
    as_customer: Client, drift: Drift, world: CopyWorld
) -> None:
    switch_copying(False)
    _, accept = addresses(drift)
    assert "the copy goes on with" in as_customer.get(accept).content.decode()

    done = as_customer.post(accept, follow=True)

    assert "accepted as it is" in done.content.decode()
    assert TradeLink.objects.get().held_units == 20_000
    assert not Batch.objects.filter(settled=False).exists()


def test_what_cannot_be_repaired_says_why(as_customer: Client, drift: Drift) -> None:
    CopySubscription.objects.update(status="paused")
    repair, _ = addresses(drift)
    page = as_customer.get(repair).content.decode()
    assert "Nothing can be sent now" in page
    assert "Copying was paused" in page
