"""Halting everything and letting single closes pass, in a real browser."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from apps.accounts.models import User
from apps.execution import api
from apps.execution.intents import Intent
from apps.execution.models import CloseConfirmation, Gate
from apps.trading.orders import Leg, Side
from tests.e2e.conftest import NewPage, overflow, sign_in
from tests.factories.copytrading import CopyWorld

pytestmark = pytest.mark.django_db(transaction=True)


def waiting(world: CopyWorld, count: int) -> None:
    account = world.master.account
    intents = [
        Intent(
            f"close-{n}", account.pk, account.platform_account_id, Leg.CLOSE, "copy",
            instrument_id="1", side=Side.SELL, units=10_000 * (n + 1), position_id=f"p{n}",
        )
        for n in range(count)
    ]  # fmt: skip
    api.submit(intents, connection_ids={account.pk: world.connection.pk}, now=timezone.now())


def test_staff_halt_everything_and_confirm_what_may_close(new_page: NewPage, owner: User) -> None:
    world = CopyWorld()
    page = new_page()
    sign_in(page, owner)
    page.get_by_role("link", name="Kill switch").click()
    expect(page.get_by_role("status")).to_have_text("Live")
    switches = page.get_by_role("table", name="Switches", exact=True)
    expect(switches.get_by_role("row", name="Everything")).to_contain_text("Active")

    switches.get_by_role("link", name="Change the switch on Everything").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("radio", name="Halted").check()
    dialog.get_by_label("Reason").fill("Prices look wrong")
    dialog.get_by_role("button", name="Move the switch").click()
    expect(switches.get_by_role("row", name="Everything")).to_contain_text("Halted")
    assert Gate.objects.get().reason == "Prices look wrong"

    waiting(world, 3)
    closes = page.get_by_role("table", name="Waiting closes")
    expect(closes.get_by_role("checkbox")).to_have_count(3)
    closes.get_by_role("checkbox").nth(1).check()
    page.get_by_label("Reason").fill("Client called")
    page.get_by_role("button", name="Confirm selected").click()

    expect(page.get_by_text("1 close may leave now.")).to_be_visible()
    expect(closes.get_by_role("checkbox")).to_have_count(2)
    changes = page.get_by_role("table", name="Changes of kill switches")
    expect(changes).to_contain_text("Client called")
    assert CloseConfirmation.objects.get().pk == "close-1"

    api.set_kill_switch(actor=owner, scope="global", state="active", reason="All clear")
    expect(switches.get_by_role("row", name="Everything")).to_contain_text("Active")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(new_page: NewPage, owner: User, scheme: str) -> None:
    world = CopyWorld()
    waiting(world, 2)
    for scope, key in (("global", ""), ("account", str(world.account_id))):
        api.set_kill_switch(
            actor=owner, scope=scope, key=key, state="halted",
            reason="Prices on the feed have jumped, both sides are being checked",
        )  # fmt: skip
    page = new_page(width=375, height=812, color_scheme=scheme)
    sign_in(page, owner)
    page.goto("/console/kill-switch/?login=1")
    expect(page.get_by_role("button", name="Confirm all held closes")).to_be_visible()
    assert overflow(page) <= 0
    page.goto("/console/kill-switch/everything/")
    expect(page.get_by_role("button", name="Move the switch")).to_be_visible()
    assert overflow(page) <= 0
