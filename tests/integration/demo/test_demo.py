"""The demo as people meet it: filled once, found again, alive, and open to a trade by hand."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from apps.accounts.models import User
from apps.accounts.selectors import product_config
from apps.benchmarks.rig import Rig
from apps.benchmarks.venue_books import read_books
from apps.copytrading.models import CopyMaster, CopySubscription
from apps.demo import plan
from apps.demo.errors import NotADemo, NotEmpty
from apps.demo.models import DemoInstallation
from apps.demo.seed import fill
from apps.platforms.models import Connection, TradingAccount

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rig(process_env: dict[str, str]) -> Iterator[Rig]:
    folder = Path(tempfile.mkdtemp(prefix="bellwether-demo-"))
    with Rig(folder, process_env) as rig:
        rig.venue()
        rig.wait_until(rig.venue_listens, "the venue's start", 30)
        yield rig
    shutil.rmtree(folder, ignore_errors=True)


def fill_from(rig: Rig, days: int = 0) -> bool:
    """Fill the demo, with a past of so many days: most tests need none."""
    return fill(host="127.0.0.1", port=rig.port, admin_port=rig.admin_port, days=days)


def everything() -> dict[str, list]:
    """All rows of our own apps, to see that nothing changed."""
    return {
        model._meta.label: list(model.objects.order_by("pk").values())
        for model in apps.get_models()
        if model.__module__.startswith("apps.")
    }


def last_balances() -> dict[str, Decimal]:
    """The balance that each account's record ends with, by login."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT ON (a.login) a.login, s.balance FROM analytics_equitysample s "
            "JOIN platforms_tradingaccount a ON a.id = s.account_id ORDER BY a.login, s.at DESC"
        )
        return dict(cursor.fetchall())


def test_it_is_filled_once_and_found_again(rig: Rig) -> None:
    assert fill_from(rig, 15)
    assert TradingAccount.objects.count() == len(plan.accounts())
    public = CopyMaster.objects.filter(status="active", visibility="public")
    assert public.count() == len(plan.MASTERS)
    assert CopySubscription.objects.count() == len(plan.COPIES)
    assert CopySubscription.objects.filter(status="paused").count() == 1
    assert product_config().copy_trading_enabled
    assert not product_config().bot_trading_enabled
    before, books = everything(), read_books(rig)
    held = {str(book["login"]): Decimal(book["balance"]) for book in books.values()}
    assert held == last_balances(), "the venue goes on where the past ends"

    assert not fill_from(rig, 15)
    assert everything() == before
    assert len(read_books(rig)) == len(books)


def test_the_printed_sign_ins_work(rig: Rig) -> None:
    out = StringIO()
    call_command("demo", port=rig.port, admin_port=rig.admin_port, days=0, stdout=out)
    printed = [line.split()[-2:] for line in out.getvalue().splitlines()[1:]]
    assert {email for email, _ in printed} == {
        person.email for person in (*plan.STAFF, *plan.CUSTOMERS) if person.signs_in
    }
    for email, password in printed:
        assert authenticate(username=email, password=password)


def test_a_venue_on_another_port_is_followed(rig: Rig) -> None:
    fill_from(rig)
    marker = DemoInstallation.objects.get()
    marker.venue = {**marker.venue, "port": 1}
    marker.save()
    fill_from(rig)
    assert DemoInstallation.objects.get().venue["port"] == rig.port
    assert Connection.objects.get().port == rig.port


def test_an_installation_with_data_is_left_alone(rig: Rig) -> None:
    User.objects.create_user("somebody@example.com", "a password")
    with pytest.raises(NotEmpty):
        fill_from(rig)
    assert not TradingAccount.objects.exists()


def test_an_interrupted_filling_begins_anew(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError("the power went")

    with monkeypatch.context() as broken:
        broken.setattr("apps.demo.seed.copying.pause", fail)
        with pytest.raises(RuntimeError):
            fill_from(rig)
    assert not User.objects.exists()
    accounts = len(read_books(rig))
    assert fill_from(rig)
    assert len(read_books(rig)) == accounts, "the venue's accounts were found again"


@pytest.mark.parametrize("command", ["demo_traders", "demo_trade"])
def test_a_plain_installation_has_no_demo(command: str) -> None:
    arguments = ["list"] if command == "demo_trade" else []
    with pytest.raises(NotADemo, match="no demo"):
        call_command(command, *arguments)


def test_a_missing_venue_is_said_clearly() -> None:
    with pytest.raises(CommandError, match="venue"):
        call_command("demo", port=1, admin_port=1)
    assert not User.objects.exists()


def count(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.fetchone()[0])


def live(accounts: int) -> bool:
    return (
        count("SELECT count(*) FROM platforms_accountstate WHERE synced") == accounts
        and count("SELECT count(*) FROM platforms_connectionstate WHERE status = 'live'") == 1
    )


def copied(state: str = "copied") -> int:
    return count(f"SELECT count(*) FROM copytrading_outcome WHERE state = '{state}'")


def test_traders_keep_it_alive_over_a_restart_of_the_venue(rig: Rig) -> None:
    fill_from(rig)
    rig.gateway()
    rig.workers()
    rig.wait_until(lambda: live(len(plan.accounts())), "reading all accounts", 60)
    rig.traders()
    rig.wait_until(lambda: copied() > 3, "the first copies", 45)
    rig.kill("venue")
    rig.venue()
    time.sleep(1)
    before = count("SELECT count(*) FROM execution_accountevent")
    rig.wait_until(
        lambda: count("SELECT count(*) FROM execution_accountevent") > before + 2,
        "trading after the venue's restart",
        60,
    )
    assert "at work" in rig.tail("traders", 100_000)


def test_a_trade_by_hand_arrives_with_its_parts_and_its_stop(rig: Rig) -> None:
    fill_from(rig)
    rig.gateway()
    rig.workers()
    rig.wait_until(lambda: live(len(plan.accounts())), "reading all accounts", 60)

    def by_hand(*words: str) -> str:
        out = StringIO()
        call_command("demo_trade", "--master", "harbour", *words, stdout=out)
        return out.getvalue()

    def held(login_of: str) -> list[tuple]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT l.held_units, l.stop_loss IS NOT NULL, l.state FROM copytrading_tradelink l"
                " JOIN platforms_tradingaccount a ON a.id = l.account_id WHERE a.name = %s",
                [login_of],
            )
            return cursor.fetchall()

    # 'Hauptkonto' sizes by balance × 1.5, 'Core' by a multiplier of 0.6.
    assert "buy 100,000 EURUSD" in by_hand("open", "--lots", "1.0")
    rig.wait_until(lambda: held("Core") == [(60_000, False, "open")], "the copy", 10)
    assert "closes 50,000" in by_hand("partial", "--lots", "0.5")
    rig.wait_until(lambda: held("Core") == [(30_000, False, "open")], "the part", 10)
    by_hand("stop", "--sl-pips", "50")
    rig.wait_until(lambda: held("Core") == [(30_000, True, "open")], "the stop", 10)
    assert "is closed" in by_hand("close")
    rig.wait_until(lambda: held("Core") == [(0, True, "closed")], "the close", 10)
    assert "no open position" in by_hand("list")
