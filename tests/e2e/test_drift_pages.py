"""Differences in a real browser: they arrive, are repaired by staff and by their owner."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.copytrading.models import CopyFollower, CopySubscription, Drift, TradeLink
from apps.copytrading.services.reconcile import look_at
from apps.execution.models import Order, Position, StrayOrder
from apps.trading.orders import Leg
from tests.e2e.conftest import NewPage, overflow, sign_in
from tests.factories.copytrading import CopyWorld, quote

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(customer: User) -> CopyWorld:
    """Two copies of one position, one of them the customer's."""
    made = CopyWorld()
    quote(made.connection, "1", "1.0921")
    made.follow(account={"owner": customer, "name": "Main"})
    made.follow()
    CopyFollower.objects.update(manual_trading_mode="own_only")
    made.trade("p1", 100_000)
    made.run()
    now = timezone.now()
    Position.objects.create(
        account_id=made.account_id, position_id="p1", instrument_id="1", side="buy",
        units=100_000, price=1, opened_at=now, updated_at=now,
    )  # fmt: skip
    return made


def differ(units: list[int]) -> list[Drift]:
    """What the copies hold from now on, in their order, and the look that finds it."""
    ago = timezone.now() - timedelta(seconds=20)
    Order.objects.update(final_at=ago)
    links = list(TradeLink.objects.order_by("id"))
    for link, there in zip(links, units, strict=True):
        Position.objects.filter(account_id=link.account_id).update(
            units=there, open_result=-12, updated_at=ago
        )
    look_at([link.account_id for link in links])
    return list(Drift.objects.filter(resolved_at=None).order_by("id"))


def test_staff_see_differences_arrive_and_repair_those_they_choose(
    new_page: NewPage, owner: User, world: CopyWorld
) -> None:
    page = new_page()
    sign_in(page, owner)
    page.get_by_role("link", name="Drift").click()
    expect(page.get_by_text("Nothing differs")).to_be_visible()
    expect(page.get_by_role("button", name="Repair chosen")).to_be_hidden()

    drifts = differ([40_000, 150_000])
    table = page.get_by_role("table", name="Open differences")
    expect(table.get_by_role("checkbox")).to_have_count(2)
    for box in table.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Repair chosen").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("row")).to_have_count(3)
    expect(dialog).to_contain_text("Open EURUSD")
    expect(dialog).to_contain_text("Close EURUSD")
    dialog.get_by_label("Reason").fill("Agreed with the customer")
    dialog.get_by_role("button", name="Send 2 orders").click()
    expect(table.get_by_text("Being repaired")).to_have_count(2)

    assert len(world.run()) == 2
    differ([100_000, 100_000])
    expect(page.get_by_text("Nothing differs")).to_be_visible()
    ended = page.get_by_role("table", name="Differences that have ended")
    expect(ended.get_by_text("Repaired")).to_have_count(len(drifts))


def test_a_resting_order_that_nobody_waits_for_is_cancelled(
    new_page: NewPage, owner: User, world: CopyWorld
) -> None:
    copy = CopySubscription.objects.latest("id")
    order = Order.objects.filter(leg="open", relation=copy.relation).latest("id")
    StrayOrder.objects.create(
        account_id=order.account_id, platform_order_id="late-1", side="buy", units=50_000,
        client_order_id=order.client_order_id, instrument_id="1",
        shown_at=timezone.now() + timedelta(seconds=5),
    )  # fmt: skip
    look_at([order.account_id])
    page = new_page()
    sign_in(page, owner)
    page.goto("/console/drift/")
    row = page.get_by_role("table", name="Open differences").get_by_role("row", name="EURUSD")
    expect(row).to_contain_text("resting order")
    row.get_by_role("link", name="Repair").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Cancel the order in EURUSD")
    dialog.get_by_label("Reason").fill("Turned up late")
    dialog.get_by_role("button", name="Send").click()
    expect(row.get_by_text("Being repaired")).to_be_visible()
    (sent,) = world.deliver(lambda _: {"filled_units": Decimal(0)})
    assert (sent.leg, sent.platform_order_id) == (Leg.CANCEL, "late-1")


def test_a_customer_accepts_what_is_there(
    new_page: NewPage, customer: User, world: CopyWorld
) -> None:
    page = new_page()
    sign_in(page, customer)
    copy = CopySubscription.objects.get(follower__account__owner=customer)
    page.goto(f"/copying/{copy.uuid}/")
    differ([40_000, 100_000])

    notice = page.locator("#copy-drift")
    expect(notice).to_contain_text("smaller than its copies should hold")
    notice.get_by_role("link", name="Accept").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("the copy goes on with 0.40 lots")
    dialog.get_by_role("button", name="Accept").click()

    expect(page.get_by_text("accepted as it is")).to_be_visible()
    assert TradeLink.objects.get(subscription_id=copy.pk).held_units == 40_000


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(
    new_page: NewPage, owner: User, customer: User, world: CopyWorld, scheme: str
) -> None:
    differ([40_000, 150_000])
    first = Drift.objects.get(kind="undersized")
    Drift.objects.update(note="The last repair was rejected (NOT_ENOUGH_MONEY: no money).")
    phone = new_page(width=375, height=800, color_scheme=scheme)
    sign_in(phone, owner)
    for address in ("/console/drift/", f"/console/drift/repair/?id={first.pk}"):
        assert wide(phone, address) == 0
    phone = new_page(width=375, height=800, color_scheme=scheme)
    sign_in(phone, customer)
    copy = CopySubscription.objects.get(follower__account__owner=customer)
    account = copy.follower.account.uuid
    repair = f"/my-accounts/drift/{first.pk}/repair/"
    for address in (f"/copying/{copy.uuid}/", "/my-accounts/", f"/my-accounts/{account}/", repair):
        assert wide(phone, address) == 0


def wide(page: Page, address: str) -> int:
    response = page.goto(address)
    assert response is not None and response.status == 200
    return overflow(page)
