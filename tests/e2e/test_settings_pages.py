"""Setting copies, accounts, symbols and the product's defaults, in a real browser."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.accounts.selectors import forget_product_config, product_config
from apps.copytrading.models import CopyFollower, CopyMaster, CopySubscription, SymbolPair
from tests.e2e.conftest import NewPage, overflow, sign_in
from tests.factories.copytrading import CopyWorld, fund, symbol
from tests.factories.past import round_trips
from tests.factories.platforms import AccountFactory, ConnectionFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(transactional_db: None) -> CopyWorld:
    world = CopyWorld()
    symbol(world.connection, "XAUUSD", instrument_id="2")
    CopyMaster.objects.update(strategy_name="Harbour Swing", visibility="public")
    world.master.refresh_from_db()
    return world


@pytest.fixture
def copied(world: CopyWorld, customer: User) -> CopySubscription:
    """A copy on a platform that calls gold by another name."""
    other = ConnectionFactory()
    for number, name in enumerate(("EURUSD.raw", "GOLD"), 1):
        symbol(other, name, instrument_id=str(number), folded=name.removesuffix(".raw"))
    account = {"owner": customer, "name": "Main", "connection": other}
    return world.follow(equity=5_000, account=account, volume_mode="equity_ratio")


def unfold(page: Page, summary: str) -> None:
    page.locator("summary", has_text=summary).click()


def test_following_with_settings_tells_what_will_happen(
    new_page: NewPage, world: CopyWorld, customer: User
) -> None:
    for name, equity in (("Main", 5_000), ("Small", 100)):
        fund(AccountFactory(connection=world.connection, owner=customer, name=name), equity)
    round_trips(world.account_id, [100_000] * 15 + [1_500] * 5)
    page = new_page()
    sign_in(page, customer)
    page.goto("/copying/follow/")
    page.get_by_label("Name of the master").press_sequentially("swing")
    page.get_by_role("link", name="Harbour Swing").click()
    summary = page.get_by_role("region", name="What will happen")
    expect(summary).to_contain_text("Choose one of your accounts")
    rehearsal = page.get_by_role("region", name="Would it have worked on my account?")
    expect(rehearsal).to_contain_text("Choose one of your accounts")

    page.get_by_label("Your account").select_option(index=1)
    expect(summary).to_contain_text("One lot of the master is about 0.50 lots here")
    expect(summary).to_contain_text("The first copy is the master's next trade.")
    expect(rehearsal).to_contain_text("15 of 20 opened or increased, 5 skipped.")
    rehearsal.get_by_role("link", name="When the volume is below the smallest").click()
    page.get_by_role("radio", name="Open the smallest volume").check()
    expect(rehearsal).to_contain_text("20 of 20 opened or increased, 0 skipped, 5 rounded up.")
    expect(summary).to_contain_text("10 s, by default")
    expect(page.get_by_label("Maximum delay")).to_be_hidden()
    unfold(page, "Set guards")
    page.get_by_label("Maximum delay").fill("4")
    page.get_by_label("Maximum open trades").fill("3")
    expect(summary).to_contain_text("4 s, set for this copy")
    expect(page.get_by_label("Symbols", exact=True)).to_be_hidden()
    unfold(page, "Choose symbols")
    page.get_by_role("radio", name="Only these symbols").check()
    expect(summary).to_contain_text("No symbol is listed, so nothing will be copied.")
    page.get_by_label("Symbols", exact=True).fill("eurusd, XAUUSDD")
    unfold(page, "Everything, with stops")
    page.get_by_label("Reverse direction").check()
    page.get_by_role("checkbox", name="Risk disclosure, version 1").check()
    page.get_by_role("button", name="Start copying").click()
    expect(page.locator(".field-error")).to_have_text("Read it, and accept it to follow masters.")
    page.get_by_role("checkbox", name="Terms of copying, version 1").check()
    page.get_by_role("button", name="Start copying").click()

    expect(page.get_by_role("alert")).to_contain_text("Nothing is copied yet")
    expect(page.locator(".field-error")).to_contain_text("did you mean XAUUSD?")
    expect(page.get_by_label("Maximum delay")).to_have_value("4")
    expect(page.get_by_label("Reverse direction")).to_be_checked()
    page.get_by_label("Symbols", exact=True).fill("eurusd")
    page.get_by_role("button", name="Start copying").click()

    expect(page.get_by_text("You follow Harbour Swing. Nothing is opened at once.")).to_be_visible()
    created = CopySubscription.objects.get()
    assert (created.symbols_mode, created.symbols) == ("include", "EURUSD")
    assert (created.max_delay_s, created.max_positions) == (4, 3)
    assert created.reverse_direction and created.copy_sl and created.copy_pending_orders


def test_a_standing_copy_is_changed(
    new_page: NewPage, copied: CopySubscription, customer: User
) -> None:
    page = new_page()
    sign_in(page, customer)
    page.goto(f"/copying/{copied.uuid}/settings/")
    summary = page.get_by_role("region", name="What will happen")
    expect(summary).to_contain_text("Followed are opens, increases, partial closes, closes")

    page.get_by_role("radio", name="Opens only").check()
    expect(summary).to_contain_text("copied positions stay open until they are closed by hand")
    page.get_by_label("Risk multiplier").fill("0.5")
    expect(summary).to_contain_text("about 0.25 lots here")
    copied.refresh_from_db()
    assert copied.copy_mode == "sync"
    page.get_by_role("button", name="Save settings").click()

    expect(page.get_by_text("Settings saved.")).to_be_visible()
    settings = page.get_by_role("region", name="Settings")
    expect(settings).to_contain_text("Opens only")
    copied.refresh_from_db()
    assert (copied.copy_mode, copied.risk_multiplier) == ("open_only", Decimal("0.5"))


def upload(page: Page, content: str) -> None:
    file = {"name": "pairs.csv", "mimeType": "text/csv", "buffer": content.encode()}
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_role("button", name="Upload").click()


def test_symbols_are_mapped_by_file_and_one_by_one(
    new_page: NewPage, copied: CopySubscription, customer: User
) -> None:
    page = new_page()
    sign_in(page, customer)
    page.goto(f"/copying/{copied.uuid}/")
    page.get_by_role("link", name="Symbols").click()
    table = page.get_by_role("table", name="Symbols of the master's platform")
    expect(table.get_by_role("row", name="XAUUSD")).to_contain_text("no symbol of this name")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").click()
    sample = Path(download.value.path()).read_text()
    assert sample.splitlines() == ["master_symbol,slave_symbol", "EURUSD,EURUSD.raw", "XAUUSD,"]

    upload(page, sample.replace("XAUUSD,", "XAUUSD,GOLDD"))
    problems = page.get_by_role("table", name="Problems in the file")
    expect(problems.get_by_role("row").nth(1)).to_contain_text("did you mean GOLD?")
    expect(problems.get_by_role("row").nth(1)).to_contain_text("3")
    assert not SymbolPair.objects.exists()

    upload(page, sample.replace("XAUUSD,", "XAUUSD,GOLD"))
    expect(page.get_by_text("2 pairs stored.")).to_be_visible()
    expect(table.get_by_role("row", name="XAUUSD")).to_contain_text("GOLD")

    page.get_by_role("link", name="Change EURUSD").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("radio", name="Not copied").check()
    dialog.get_by_role("button", name="Save").click()
    expect(table.get_by_role("row", name="EURUSD")).to_contain_text("set not to be copied")

    page.get_by_role("link", name="Change EURUSD").click()
    dialog.get_by_role("radio", name="As this symbol").check()
    dialog.get_by_label("Your platform's symbol").fill("GOLD")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("the same name comes first")).to_be_visible()

    page.goto(f"/copying/{copied.uuid}/symbols/")
    page.get_by_role("link", name="Remove all pairs").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove all pairs").click()
    expect(page.get_by_text("All pairs are removed.")).to_be_visible()
    assert not SymbolPair.objects.exists()


def test_settings_of_an_account(
    new_page: NewPage, copied: CopySubscription, customer: User
) -> None:
    page = new_page()
    sign_in(page, customer)
    page.goto(f"/my-accounts/{copied.follower.account.uuid}/")
    page.get_by_role("link", name="Copy settings").click()
    page.get_by_label("Maximum of masters").fill("2.5")
    page.get_by_label("Minimum margin level").fill("300")
    page.get_by_role("radio", name="Own trades, copies stay untouched").check()
    page.get_by_role("button", name="Save settings").click()
    expect(page.get_by_text("Use a whole number from 0 to 1,000.")).to_be_visible()
    expect(page.get_by_label("Minimum margin level")).to_have_value("300")
    page.get_by_label("Maximum of masters").fill("2")
    page.get_by_role("button", name="Save settings").click()

    expect(page.get_by_text("They hold for every copy of this account.")).to_be_visible()
    follower = CopyFollower.objects.get()
    assert (follower.max_master_count, follower.min_margin_level) == (2, Decimal(300))
    assert follower.manual_trading_mode == "own_only"
    page.goto(f"/copying/{copied.uuid}/settings/")
    summary = page.get_by_role("region", name="What will happen")
    expect(summary).to_contain_text("300 %, set for the account")


def test_staff_change_defaults_and_read_how_a_copy_is_set(
    new_page: NewPage, copied: CopySubscription, owner: User
) -> None:
    page = new_page()
    sign_in(page, owner)
    page.goto("/console/product/")
    form = page.locator("form", has=page.get_by_label("Maximum delay"))
    form.get_by_label("Maximum delay").fill("0")
    form.get_by_label("Reason").fill("Slow feed")
    form.get_by_role("button", name="Save defaults").click()
    expect(form.get_by_text("Use a whole number from 1 to 3,600.")).to_be_visible()
    expect(form.get_by_label("Reason")).to_have_value("Slow feed")
    form.get_by_label("Maximum delay").fill("20")
    form.get_by_role("button", name="Save defaults").click()

    expect(page.get_by_text("They hold from now on.")).to_be_visible()
    trail = page.get_by_role("region", name="Changes")
    expect(trail).to_contain_text("Maximum delay 10 to 20")
    forget_product_config()
    assert product_config().max_delay_s == 20

    page.goto(f"/console/masters/{copied.master.uuid}/")
    page.get_by_role("link", name="Followers", exact=True).click()
    page.get_by_role("link", name=copied.follower.account.login, exact=True).click()
    expect(page.get_by_role("region", name="Guards")).to_contain_text("20 s")
    expect(page.get_by_role("button", name="Save")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(
    new_page: NewPage, copied: CopySubscription, customer: User, owner: User, scheme: str
) -> None:
    pages = {
        customer: (
            f"/copying/follow/?master={copied.master.uuid}",
            f"/copying/{copied.uuid}/settings/",
            f"/copying/{copied.uuid}/symbols/",
            f"/copying/{copied.uuid}/symbols/pair/?symbol=EURUSD",
            f"/copying/{copied.uuid}/symbols/remove/",
            f"/my-accounts/{copied.follower.account.uuid}/copying/",
        ),
        owner: ("/console/product/", f"/console/copies/{copied.uuid}/"),
    }
    for user, paths in pages.items():
        page = new_page(width=375, height=812, color_scheme=scheme)
        sign_in(page, user)
        for path in paths:
            page.goto(path)
            expect(page.get_by_role("main")).to_be_visible()
            assert overflow(page) <= 0, path


def test_one_position_is_closed_by_hand_where_the_account_allows_it(
    new_page: NewPage, world: CopyWorld, customer: User
) -> None:
    copied = world.follow(equity=5_000, account={"owner": customer, "name": "Main"})
    world.trade("m1", 100_000)
    world.run()
    CopyFollower.objects.update(manual_trading_mode="own_only")
    page = new_page()
    sign_in(page, customer)
    page.goto(f"/copying/{copied.uuid}/")
    page.get_by_role("link", name="Close EURUSD of Harbour Swing").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("keep its copied positions from being closed one by one")
    dialog.get_by_role("link", name="Settings of the account").click()
    page.get_by_role("radio", name="Own trades and copies").check()
    page.get_by_role("button", name="Save settings").click()
    expect(page.get_by_text("Settings saved.")).to_be_visible()

    page.goto(f"/copying/{copied.uuid}/")
    page.get_by_role("link", name="Close EURUSD of Harbour Swing").click()
    dialog.get_by_role("button", name="Close position").click()
    expect(page.get_by_text("EURUSD is being closed.")).to_be_visible()
    world.run()

    expect(page.get_by_text("No copied position is open")).to_be_visible()
