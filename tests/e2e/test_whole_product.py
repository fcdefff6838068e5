"""From an outside client's trade on a master account to what a customer reads in the browser.

Venue, gateway and worker are the processes that an installation runs, on the demo's data.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import re
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from django import db
from playwright.sync_api import Locator, Page, expect

from apps.benchmarks.hand import SYMBOL, Hand
from apps.benchmarks.rig import Rig
from apps.demo import plan
from apps.demo.passwords import demo_password
from apps.demo.seed import fill
from apps.demo.selectors import demo_seats, endpoint
from apps.platforms.models import AccountState, Connection, ConnectionState
from tests.e2e.conftest import NewPage

pytestmark = pytest.mark.django_db(transaction=True)

#: Mara's main account has a tenth of the master's equity and copies in proportion to it.
FOLLOWER, STRATEGY = "Main", "Harbour Swing"
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
def demo(rig: Rig, elsewhere: concurrent.futures.Executor) -> None:
    """The demo at work: every account read, the connection live."""
    rig.venue()
    rig.wait_until(rig.venue_listens, "the venue's start", 30)
    address = {"host": "127.0.0.1", "port": rig.port, "admin_port": rig.admin_port, "days": 0}
    elsewhere.submit(fill, **address).result(60)
    rig.gateway()
    rig.worker()
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


def lots(volume: str) -> re.Pattern[str]:
    return re.compile(rf"\b{re.escape(volume)}\s*lots")


def position_of(page: Page) -> Locator:
    rows = page.get_by_role("table", name="Open copied positions").get_by_role("row")
    return rows.filter(has_text=SYMBOL).filter(has_text=f"{STRATEGY} · {FOLLOWER}")


def outcome_of(page: Page, what: str) -> Locator:
    rows = page.get_by_role("table", name="Outcomes").get_by_role("row")
    return rows.filter(has_text=f"{what} {SYMBOL}").filter(has_text=f"· {FOLLOWER}").first


def test_an_outside_trade_is_copied_before_the_customers_eyes(
    new_page: NewPage, outsider: Outsider
) -> None:
    page = new_page()
    sign_in(page, plan.TRADER)
    expect(page.get_by_role("heading", name="My copying")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("Live")
    page.evaluate("window.neverReloaded = true")
    hand = outsider.hand

    held = outsider.run(hand.open(2))
    expect(position_of(page)).to_contain_text(lots("0.20"), timeout=WITHIN_MS)
    expect(position_of(page)).to_contain_text(lots("2.00"))
    opened = outcome_of(page, "Opened")
    expect(opened).to_contain_text("Copied", timeout=WITHIN_MS)
    opened.locator("summary").click()
    expect(opened).to_contain_text("Master bought 2.00 EURUSD")
    expect(opened).to_contain_text("against 100,000.00 USD gives")

    outsider.run(hand.close(held, 1))
    expect(position_of(page)).to_contain_text(lots("0.10"), timeout=WITHIN_MS)
    expect(outcome_of(page, "Partly closed")).to_contain_text("Copied", timeout=WITHIN_MS)

    outsider.run(hand.protect(held, 300))
    expect(outcome_of(page, "Moved stops")).to_contain_text("Copied", timeout=WITHIN_MS)

    outsider.run(hand.close(held, 1))
    expect(position_of(page)).to_have_count(0, timeout=WITHIN_MS)
    expect(outcome_of(page, "Closed")).to_contain_text("Copied", timeout=WITHIN_MS)
    assert page.evaluate("window.neverReloaded") is True


def test_staff_watch_a_trade_reach_all_followers(new_page: NewPage, outsider: Outsider) -> None:
    page = new_page()
    sign_in(page, plan.STAFF[0].email)
    page.goto("/console/live/")
    expect(page.get_by_role("status")).to_have_text("Live")
    hand = outsider.hand

    outsider.run(hand.open(2))
    event = page.get_by_role("row").filter(has_text=SYMBOL).filter(has_text=STRATEGY).first
    followers = sum(copy.master == "harbour" for copy in plan.COPIES)
    expect(event).to_contain_text(f"{followers}", timeout=WITHIN_MS)
