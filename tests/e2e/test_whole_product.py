"""From a stranger's first click to an outside client's trade that is copied before his eyes.

Venue, gateway and worker are the processes that an installation runs, on the demo's data.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.totp.internal import auth as totp
from django import db
from playwright.sync_api import Locator, Page, expect

from apps.benchmarks.hand import SYMBOL, Hand
from apps.benchmarks.rig import Rig
from apps.common.embedded import free_port
from apps.demo import plan
from apps.demo.passwords import demo_password
from apps.demo.seed import fill
from apps.demo.selectors import demo_seats, endpoint
from apps.platforms.models import AccountState, Connection, ConnectionState
from tests.e2e.conftest import PASSWORD, NewPage

pytestmark = pytest.mark.django_db(transaction=True)

#: The new account has a tenth of the master's equity and copies in proportion to it.
ACCOUNT, STRATEGY = "First steps", "Harbour Swing"
WITHIN_MS = 5_000  # generous: what a loaded machine needs is not what is being tested


@pytest.fixture
def rig(process_env: dict[str, str]) -> Iterator[Rig]:
    folder = Path(tempfile.mkdtemp(prefix="bellwether-whole-"))
    with Rig(folder, process_env) as rig:
        yield rig
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def elsewhere() -> Iterator[concurrent.futures.Executor]:
    """A thread for what needs an event loop; the browser's runs in the test's own."""
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        yield thread
        thread.submit(db.connections.close_all).result(5)


@pytest.fixture
def demo(rig: Rig, elsewhere: concurrent.futures.Executor, settings: Any) -> None:
    """The demo at work: every account read, the connection live, paper accounts offered."""
    pages = free_port()
    settings.PAPERVENUE_URL = f"http://127.0.0.1:{pages}"
    settings.PAPERVENUE_ADDRESS = f"127.0.0.1:{rig.port}"
    rig.venue("--http-port", str(pages))
    rig.wait_until(rig.venue_listens, "the venue's start", 30)
    address = {"host": "127.0.0.1", "port": rig.port, "admin_port": rig.admin_port, "days": 0}
    elsewhere.submit(fill, **address).result(60)
    rig.gateway()
    rig.workers()
    rig.wait_until(_is_live, "reading all accounts", 60)


def _is_live() -> bool:
    connection = Connection.objects.select_related("state").get()
    state = getattr(connection, "state", None)
    if state is None or state.status != ConnectionState.Status.LIVE:
        return False
    return AccountState.objects.filter(synced=True).count() == len(plan.accounts())


class Outsider:
    """An outside client at the venue, trading one master's account."""

    def __init__(self, thread: concurrent.futures.Executor) -> None:
        self._thread = thread
        self._loop = asyncio.new_event_loop()
        (seat,) = [s for s in self._there(demo_seats) if s.character.name == "harbour"]
        self.hand = self.run(Hand.sit_down(self._there(endpoint), seat.account))

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._there(self._loop.run_until_complete, work)

    def leave(self) -> None:
        self.run(self.hand.leave())
        self._loop.close()

    def _there(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return self._thread.submit(function, *arguments).result(30)


@pytest.fixture
def outsider(demo: None, elsewhere: concurrent.futures.Executor) -> Iterator[Outsider]:
    outsider = Outsider(elsewhere)
    yield outsider
    outsider.leave()


def sign_in(page: Page, email: str) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(demo_password(email))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/login/" not in url)


def register(page: Page) -> None:
    """A stranger becomes a customer whose sign-in asks for a code of the app."""
    page.goto("/accounts/signup/")
    page.get_by_label("Email").fill("nora@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password (again)").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("link", name="Discover", exact=True)).to_be_visible()
    page.goto("/security/")
    page.get_by_role("link", name="Set up").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_text("It cannot be scanned?").click()
    secret = page.locator("#totp-key").inner_text()
    page.get_by_label("Authenticator code").fill(code_now(secret))
    page.get_by_role("button", name="Switch it on").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()


def code_now(secret: str) -> str:
    """What an authenticator app shows."""
    return str(totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30)))


def open_paper_account(page: Page) -> None:
    """As much money as makes a tenth of the master's."""
    page.goto("/my-accounts/")
    page.get_by_role("link", name="Open a paper account").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Currency").select_option("USD")
    dialog.get_by_label("Starting balance").fill("10000")
    dialog.get_by_label("Name").fill(ACCOUNT)
    dialog.get_by_role("button", name="Open account").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(ACCOUNT)


def compare(page: Page) -> None:
    page.get_by_role("link", name="Discover", exact=True).click()
    for name in (STRATEGY, "Quickstep Scalping"):
        page.get_by_role("link", name=f"Compare {name}").click()
        expect(page.get_by_role("link", name=f"Take {name} out of").first).to_be_visible()
    page.get_by_role("link", name="Compare 2").click()
    expect(page.get_by_role("group", name="Figures side by side")).to_contain_text(STRATEGY)
    page.get_by_role("link", name=f"Follow {STRATEGY}").click()


def simulate_and_follow(page: Page) -> None:
    """What the account would have copied, with these settings and with others; then for real."""
    told = page.locator("#rehearsal")
    expect(told).to_contain_text("2 of 2 opened or increased", timeout=WITHIN_MS)
    page.get_by_label("Risk multiplier").fill("0.001")
    expect(told).to_contain_text("0 of 2 opened or increased", timeout=WITHIN_MS)
    page.get_by_label("Risk multiplier").fill("1")
    expect(told).to_contain_text("2 of 2 opened or increased", timeout=WITHIN_MS)
    for text in ("Risk disclosure", "Terms of copying"):
        page.get_by_role("checkbox", name=text).check()
    page.get_by_role("button", name="Start copying").click()
    expect(page.get_by_text(f"You follow {STRATEGY}.")).to_be_visible()


def pause_and_stop(page: Page) -> None:
    copies = page.get_by_role("table", name="Copies")
    dialog = page.get_by_role("dialog")
    page.get_by_role("link", name=f"Pause {STRATEGY} on {ACCOUNT}").click()
    dialog.get_by_role("button", name="Pause").click()
    expect(copies).to_contain_text("Paused")
    page.get_by_role("link", name=f"Stop {STRATEGY} on {ACCOUNT}").click()
    expect(dialog).to_contain_text("no copied position is open")
    dialog.get_by_role("button", name="Stop copying").click()
    expect(page.get_by_text("copying is stopped.")).to_be_visible()


def lots(volume: str) -> re.Pattern[str]:
    return re.compile(rf"\b{re.escape(volume)}\s*lots")


def position_of(page: Page) -> Locator:
    rows = page.get_by_role("table", name="Open copied positions").get_by_role("row")
    return rows.filter(has_text=SYMBOL).filter(has_text=f"{STRATEGY} · {ACCOUNT}")


def outcome_of(page: Page, what: str) -> Locator:
    rows = page.get_by_role("table", name="Outcomes").get_by_role("row")
    return rows.filter(has_text=f"{what} {SYMBOL}").filter(has_text=f"· {ACCOUNT}").first


def test_a_stranger_comes_and_copies_an_outside_trade_while_staff_watch(
    new_page: NewPage, outsider: Outsider
) -> None:
    hand = outsider.hand
    for _ in range(2):  # what is to be simulated
        outsider.run(hand.close(outsider.run(hand.open(2)), 2))
    page, desk = new_page(), new_page()
    register(page)
    open_paper_account(page)
    compare(page)
    simulate_and_follow(page)
    sign_in(desk, plan.STAFF[0].email)
    desk.goto("/console/live/")
    expect(desk.get_by_role("status")).to_have_text("Live")
    page.get_by_role("link", name="My copying").first.click()
    expect(page.get_by_role("heading", name="My copying")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("Live")
    page.evaluate("window.neverReloaded = true")

    held = outsider.run(hand.open(2))
    expect(position_of(page)).to_contain_text(lots("0.20"), timeout=WITHIN_MS)
    expect(position_of(page)).to_contain_text(lots("2.00"))
    opened = outcome_of(page, "Opened")
    expect(opened).to_contain_text("Copied", timeout=WITHIN_MS)
    opened.locator("summary").click()
    expect(opened).to_contain_text("Master bought 2.00 EURUSD")
    # The master paid for what was simulated, so that its equity is not quite what it was.
    expect(opened).to_contain_text(re.compile(r"your equity 10,000\.00 USD against [\d,.]+ USD"))
    event = desk.get_by_role("row").filter(has_text=SYMBOL).filter(has_text=STRATEGY).first
    followers = sum(copy.master == "harbour" for copy in plan.COPIES) + 1
    expect(event).to_contain_text(f"{followers}", timeout=WITHIN_MS)

    outsider.run(hand.close(held, 1))
    expect(position_of(page)).to_contain_text(lots("0.10"), timeout=WITHIN_MS)
    expect(outcome_of(page, "Partly closed")).to_contain_text("Copied", timeout=WITHIN_MS)

    outsider.run(hand.protect(held, 300))
    expect(outcome_of(page, "Moved stops")).to_contain_text("Copied", timeout=WITHIN_MS)

    outsider.run(hand.close(held, 1))
    expect(position_of(page)).to_have_count(0, timeout=WITHIN_MS)
    expect(outcome_of(page, "Closed")).to_contain_text("Copied", timeout=WITHIN_MS)
    assert page.evaluate("window.neverReloaded") is True
    pause_and_stop(page)
