"""Master Traders on the desk: the list, its file, the tabs of one, and changes of its status."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from asgiref.sync import async_to_sync
from django.test import Client
from django.urls import reverse

from apps.accounts.models import AuditEntry
from apps.accounts.roles import Role
from apps.analytics.alarm_models import MasterAlarm
from apps.analytics.follower_list import RiskCounts
from apps.console import master_forms
from apps.console.templatetags import console_nav
from apps.copytrading.models import CopyMaster, CopySubscription, MasterGate, Outcome, TradeLink
from apps.execution.models import Position
from tests.factories.accounts import staff
from tests.factories.copytrading import CopyWorld, MasterFactory, switch_copying
from tests.factories.discover import kept_up, listed
from tests.support.queries import queries

pytestmark = pytest.mark.django_db
TABS = ("master", "master_trades", "master_outcomes", "master_audit")


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Client:
    """A risk officer's browser; what is read now and then is not read again, however slow it is."""
    monkeypatch.setattr("apps.accounts.selectors._CONFIG_AGE_S", 3_600.0)
    monkeypatch.setattr("apps.accounts.house._AGE_S", 3_600.0)
    monkeypatch.setattr(console_nav, "open_count", lambda: 0)
    monkeypatch.setattr(console_nav, "risk_counts", lambda: RiskCounts(0, 0, 0))
    client = Client()
    client.force_login(staff(Role.RISK))
    return client


@pytest.fixture
def world() -> CopyWorld:
    world = CopyWorld()
    world.follow()
    world.trade("p1", 100_000)
    world.run()
    return world


def names(client: Client, **params: str) -> list[str]:
    response = client.get(reverse("console:masters"), params)
    assert response.status_code == 200
    return [entry.name for entry in response.context["page"].entries]


def saved(client: Client, **params: str) -> list[dict[str, str]]:
    response = client.get(reverse("console:masters_csv"), params)
    text = async_to_sync(_read)(response.streaming_content).decode()  # type: ignore[attr-defined]
    return list(csv.DictReader(io.StringIO(text)))


async def _read(parts: AsyncIterator[bytes]) -> bytes:
    return b"".join([part async for part in parts])


@pytest.mark.parametrize("masters", [1, 2, 4, 5, 9])
def test_the_file_has_every_master_once_however_its_parts_are_cut(
    desk: Client, monkeypatch: pytest.MonkeyPatch, masters: int
) -> None:
    switch_copying()
    monkeypatch.setattr("apps.console.views.masters.PART", 4)
    for number in range(masters):
        MasterFactory(strategy_name=f"Master {number}")
    rows = saved(desk, sort="name")
    assert [row["master"] for row in rows] == [f"Master {number}" for number in range(masters)]


def test_the_list_is_narrowed_searched_and_sorted(desk: Client) -> None:
    switch_copying()
    calm = listed("Calm", returns=(0.001, 0.002))
    wild = listed("Wild", returns=(0.03, -0.02), status="paused")
    MasterFactory(strategy_name="100% mine", visibility="private")
    kept_up()
    now = calm.created_at
    MasterAlarm.objects.create(
        master_id=wild.pk, account_id=wild.account_id, kind="leverage", text="t",
        raised_at=now, seen_at=now,
    )  # fmt: skip
    MasterGate.objects.create(
        master_id=wild.pk, rule="drawdown", value=Decimal(40), worst=Decimal(40),
        most=Decimal(30), reason="Its drawdown is 40 %.", began_at=now,
    )  # fmt: skip

    assert set(names(desk)) == {"Calm", "Wild", "100% mine"}
    assert names(desk, status="paused") == names(desk, watch="alarms") == ["Wild"]
    assert names(desk, watch="gated") == ["Wild"]
    assert names(desk, visibility="private") == names(desk, q="0% m") == ["100% mine"]
    assert names(desk, q=calm.account.login) == ["Calm"]
    assert names(desk, sort="name") == ["100% mine", "Calm", "Wild"]
    assert names(desk, sort="name", reverse="1") == ["Wild", "Calm", "100% mine"]
    assert names(desk, sort="drawdown")[:2] == ["Calm", "Wild"]
    assert names(desk, sort="drawdown", reverse="1")[:2] == ["Wild", "Calm"]
    assert names(desk, sort="alarms")[0] == "Wild"
    assert len(names(desk, sort="nonsense", status="nonsense", page="-")) == 3
    text = desk.get(reverse("console:masters")).content.decode()
    assert "No new followers" in text and "Sudden leverage" in text
    assert "No master fits" in desk.get(reverse("console:masters"), {"q": "zz"}).content.decode()


def test_a_sharpe_ratio_below_zero_has_its_minus(desk: Client) -> None:
    switch_copying()
    listed("Loser", returns=(-0.002, 0.001))
    kept_up()
    text = desk.get("/console/masters/").content.decode()
    assert re.search(r'data-label="Sharpe">\s*−\d+\.\d\d\s*<', text)


def test_pages_and_queries_do_not_depend_on_the_number(
    desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch_copying()
    monkeypatch.setattr(master_forms, "MASTERS_SHOWN", 2)
    for name in "AB":
        MasterFactory(strategy_name=name)
    address = reverse("console:masters")
    before = queries(desk, address)
    for name in "CDE":
        MasterFactory(strategy_name=name)

    assert queries(desk, address) == before <= 8
    seen = [names(desk, sort="name", page=str(page)) for page in (1, 2, 3)]
    assert seen == [["A", "B"], ["C", "D"], ["E"]]


def test_the_file_holds_the_whole_list_and_no_formula(desk: Client) -> None:
    switch_copying()
    MasterFactory(strategy_name='=HYPERLINK("x")', status_reason="@bad")
    MasterFactory(strategy_name="Other", status="paused")

    rows = saved(desk, sort="name")

    assert [row["master"] for row in rows] == ['\'=HYPERLINK("x")', "Other"]
    assert rows[0]["status_reason"] == "'@bad" and rows[0]["money_following"] == "0.00"
    assert [row["master"] for row in saved(desk, status="paused")] == ["Other"]


@pytest.mark.parametrize("name", TABS)
def test_every_tab_marks_itself_and_its_queries_do_not_grow(
    desk: Client, world: CopyWorld, name: str
) -> None:
    address = reverse(f"console:{name}", args=[world.master.uuid])
    before = queries(desk, address)
    for number in range(3):
        world.follow()
        world.trade(f"more{number}", 100_000)
    world.run()

    assert queries(desk, address) == before <= 20
    text = desk.get(address).content.decode()
    assert text.count('aria-current="page"') >= 1
    assert f'<a href="{address}" aria-current="page">' in text
    assert world.master.strategy_name in text and world.master.account.login in text


def test_outcomes_and_audit_are_of_this_master_alone(desk: Client, world: CopyWorld) -> None:
    other = MasterFactory(strategy_name="Another")
    pause = reverse("console:change_master", args=[world.master.uuid, "pause"])
    desk.post(pause, {"reason": "Too wild"})

    def text(name: str, master: CopyMaster) -> str:
        return desk.get(reverse(f"console:{name}", args=[master.uuid])).content.decode()

    story = reverse("console:outcome", args=[Outcome.objects.get().pk])
    assert story in text("master_outcomes", world.master)
    assert story not in text("master_outcomes", other)
    assert "Too wild" in text("master_audit", world.master)
    assert "Nobody intervened" in text("master_audit", other)
    assert "Too wild" in text("master", world.master)


def test_deactivating_says_what_a_close_realises_and_closes_on_wish(
    desk: Client, world: CopyWorld
) -> None:
    link = TradeLink.objects.get()
    Position.objects.filter(account_id=link.account_id).update(open_result=Decimal("-1234.5"))
    address = reverse("console:change_master", args=[world.master.uuid, "deactivate"])

    asked = desk.get(address).content.decode()
    refused = desk.post(address, {"reason": "Out", "positions": ""})
    done = desk.post(address, {"reason": "Out", "positions": "close"})

    assert "1,234.50" in asked and "1 copied position is open" in asked
    assert (refused.status_code, done.status_code) == (422, 302)
    world.master.refresh_from_db()
    link.refresh_from_db()
    assert world.master.status == CopyMaster.Status.INACTIVE
    assert link.close_cause.startswith("stop:master:") and link.in_flight
    entry = AuditEntry.objects.get(action="master.close_copies")
    assert entry.after == {"copies": 1, "positions": 1} and entry.reason == "Out"
    told = AuditEntry.objects.get(action="subscription.close_everything")
    assert (told.before, told.reason) == ({"positions": 1}, "Out")
    assert str(told.object_id) == str(CopySubscription.objects.get(pk=link.subscription_id).uuid)


def test_keeping_positions_closes_nothing(desk: Client, world: CopyWorld) -> None:
    address = reverse("console:change_master", args=[world.master.uuid, "deactivate"])

    desk.post(address, {"reason": "Out", "positions": "keep"})

    world.master.refresh_from_db()
    assert world.master.status == CopyMaster.Status.INACTIVE
    assert TradeLink.objects.get().close_cause == ""
    assert not AuditEntry.objects.filter(action="master.close_copies").exists()


def test_what_pausing_does_is_said_of_this_master_alone(desk: Client, world: CopyWorld) -> None:
    other = MasterFactory()
    text = desk.get(
        reverse("console:change_master", args=[world.master.uuid, "pause"])
    ).content.decode()
    quiet = desk.get(reverse("console:change_master", args=[other.uuid, "pause"])).content.decode()

    assert "1 running copy of" in text and "1 copied position is open" in text
    assert "No copy of it runs." in quiet and "No copied position is open." in quiet
