"""Followers at risk and of one master: what is listed in which order, and what is done to whom."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.api import create_customer, create_staff
from apps.accounts.models import AuditEntry
from apps.accounts.roles import Role
from apps.analytics.follower_list import forget_risk_counts
from apps.analytics.margin_use import keep_margin_use
from apps.copytrading.models import CopySubscription
from apps.copytrading.services.margin import watch_margin
from apps.execution.models import Position
from apps.platforms.models import AccountState, ConnectionState
from tests.factories.copytrading import CopyWorld, switch_copying
from tests.support.queries import queries

ALL = reverse("console:followers_at_risk")
Sign = Callable[[Role], Client]


@pytest.fixture(autouse=True)
def fresh_counts() -> Iterator[None]:
    forget_risk_counts()
    yield
    forget_risk_counts()


@pytest.fixture
def sign(db: None) -> Sign:
    def client_of(role: Role) -> Client:
        values = {"actor": None, "email": f"{role}@example.org", "password": "pw", "name": "S"}
        client = Client()
        client.force_login(create_staff(**values, role=role))
        return client

    return client_of


@pytest.fixture
def risk(sign: Sign) -> Client:
    return sign(Role.RISK)


@pytest.fixture
def world(db: None) -> CopyWorld:
    world = CopyWorld()
    ConnectionState.objects.update(status="live", live_at=timezone.now())
    return world


def uses(copy: CopySubscription, margin: int | str, equity: int = 1_000) -> CopySubscription:
    AccountState.objects.filter(account_id=copy.follower.account_id).update(
        margin_used=Decimal(margin), equity=equity
    )
    watch_margin(timezone.now())
    forget_risk_counts()
    return copy


def login(copy: CopySubscription) -> str:
    return str(copy.follower.account.login)


def logins(client: Client, address: str, **asked: Any) -> list[str]:
    """Accounts of the page that is asked for, in its order."""
    response = client.get(address, asked)
    assert response.status_code == 200
    return [row.login for row in response.context["page"].rows]


def of_master(world: CopyWorld) -> str:
    return reverse("console:master_followers", args=[world.master.uuid])


def test_those_at_risk_come_first_with_what_they_use(world: CopyWorld, risk: Client) -> None:
    high = uses(world.follow(equity=1_000), 600)
    worst = uses(world.follow(equity=1_000), 850)
    calm = uses(world.follow(equity=1_000), 100)

    assert logins(risk, ALL) == [login(worst), login(high)]
    assert logins(risk, ALL, level="critical") == [login(worst)]
    assert logins(risk, ALL, level="warning") == [login(high)]
    assert logins(risk, ALL, level="all") == logins(risk, of_master(world))
    assert logins(risk, of_master(world)) == [login(worst), login(high), login(calm)]
    text = risk.get(ALL).content.decode()
    assert "85.0 %" in text
    assert "desk-count" in text
    row = risk.get(ALL).context["page"].rows[0]
    # 1:100, so that the account holds 85 times its equity; it is stopped out at half its margin.
    assert (row.leverage, row.room, round(row.margin_level, 1)) == (85, 575, Decimal("117.6"))
    assert (row.level, row.current) == ("critical", True)


def test_very_many_are_listed_in_an_order_that_is_kept(
    world: CopyWorld, risk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = [uses(world.follow(equity=1_000), margin) for margin in (510, 900, 700, 200)]
    keep_margin_use()
    monkeypatch.setattr("apps.analytics.follower_list.MOST", 2)
    monkeypatch.setattr("apps.analytics.follower_list._SORTED", 1)
    expected = [login(copies[i]) for i in (1, 2, 0, 3)]

    assert logins(risk, ALL) == expected[:3]
    assert logins(risk, ALL, sort="leverage") == expected[:3]
    assert logins(risk, ALL, level="all", sort="newest")[0] == login(copies[3])
    page = risk.get(of_master(world)).context["page"]
    assert [row.login for row in page.rows] == expected[:3]
    assert (page.total, page.more) == (2, True)
    uses(copies[3], 950)
    assert keep_margin_use() == 1
    assert logins(risk, ALL)[0] == login(copies[3])


def test_filters_and_search(world: CopyWorld, risk: Client) -> None:
    mara = create_customer(actor=None, email="mara@example.org", password="pw", name="Mara Lind")
    own = world.follow(equity=1_000, account={"owner": mara, "login": "77100"})
    paused = world.follow(status="paused")
    stopped = world.follow(status="disabled")
    other = CopyWorld()
    elsewhere = other.follow()
    everybody = {"level": "all"}

    assert logins(risk, ALL, **everybody, q="771") == [login(own)]
    assert logins(risk, ALL, **everybody, q="lind") == [login(own)]
    assert logins(risk, ALL, **everybody, q="100%") == []
    assert logins(risk, ALL, **everybody, customer=str(mara.uuid)) == [login(own)]
    assert logins(risk, ALL, **everybody, state="paused") == [login(paused)]
    assert logins(risk, ALL, **everybody, master=str(other.master.uuid)) == [login(elsewhere)]
    assert logins(risk, ALL, **everybody, platform="ctrader") == []
    assert login(stopped) not in logins(risk, of_master(world))
    assert logins(risk, of_master(world), state="stopped") == []
    assert logins(risk, ALL, level="odd", sort="odd", customer="x", page="x") == []


def test_a_stopped_follower_is_listed_while_it_holds_something(
    world: CopyWorld, risk: Client
) -> None:
    copy = world.follow()
    world.trade("p1", 100_000)
    world.run()
    CopySubscription.objects.update(status="disabled")

    assert logins(risk, of_master(world)) == [login(copy)]
    assert logins(risk, of_master(world), state="stopped") == [login(copy)]


def test_sizing_and_ratio_as_staff_call_them(world: CopyWorld, risk: Client) -> None:
    world.follow(volume_mode="equity_ratio", equity=2_500, risk_multiplier=2)
    world.follow(volume_mode="multiplier", risk_multiplier=Decimal("0.3"))
    world.follow(volume_mode="fixed", fixed_volume=Decimal("0.1"))
    world.follow(volume_mode="balance_ratio", equity=5_000)

    def said() -> list[tuple[str, Decimal | None]]:
        rows = risk.get(of_master(world), {"sort": "newest"}).context["page"].rows
        return [(row.sizing, row.ratio) for row in reversed(rows)]

    assert said() == [
        ("Proportional", Decimal("0.5")), ("Multiplier", Decimal("0.3")), ("Fixed", None),
        ("Proportional", Decimal("0.5")),
    ]  # fmt: skip
    world.trade("p1", 100_000)
    world.run()
    assert [ratio for _, ratio in said()] == [
        Decimal("0.5"), Decimal("0.3"), Decimal("0.1"), Decimal("0.5")
    ]  # fmt: skip


def test_the_file_has_all_that_fit(world: CopyWorld, risk: Client) -> None:
    high = uses(world.follow(equity=1_000), 600)
    world.follow(equity=1_000)

    def saved(address: str, **asked: Any) -> list[dict[str, str]]:
        response = risk.get(address, asked)
        text = async_to_sync(_read)(response.streaming_content)  # type: ignore[attr-defined]
        return list(csv.DictReader(io.StringIO(text)))

    rows = saved(reverse("console:followers_csv"))
    assert [(r["account"], r["level"], r["margin_used_percent"]) for r in rows] == [
        (login(high), "warning", "60.00")
    ]
    assert len(saved(reverse("console:master_followers_csv", args=[world.master.uuid]))) == 2


async def _read(parts: AsyncIterator[bytes]) -> str:
    return b"".join([part async for part in parts]).decode()


def dialog(client: Client, address: str, asked: dict[str, Any]) -> dict[str, str]:
    """What a dialog sends back as it stands, with a reason."""
    response = client.get(address, asked)
    assert response.status_code == 200
    return {"chosen": response.context["form"].initial["chosen"], "reason": "Margin"}


def test_one_is_stopped_with_its_loss_said_first(world: CopyWorld, risk: Client) -> None:
    copy, other = world.follow(), world.follow()
    world.trade("p1", 100_000)
    world.run()
    Position.objects.filter(account_id=copy.follower.account_id).update(open_result="-123.4")
    address = reverse("console:change_followers", args=["stop"])
    asked = {"id": copy.pk}

    text = risk.get(address, asked).content.decode()
    data = dialog(risk, address, asked)
    unsaid = risk.post(address, data)
    done = risk.post(address, {**data, "close_positions": "1"})
    world.run()

    assert "−123.40" in text
    assert "1 position" in text
    assert (unsaid.status_code, done.status_code) == (422, 302)
    held = Position.objects.filter(closed_at=None).values_list("account_id", flat=True)
    assert list(held) == [other.follower.account_id]
    line = AuditEntry.objects.get(action="subscription.stop")
    assert (line.actor, line.reason) == ("risk@example.org", "Margin")


def test_a_choice_and_all_that_fit_are_paused_and_nobody_else(
    world: CopyWorld, risk: Client
) -> None:
    high = [uses(world.follow(equity=1_000), margin) for margin in (600, 700, 800)]
    address = reverse("console:change_followers", args=["pause"])
    chosen = dialog(risk, address, {"id": [high[0].pk, high[1].pk]})
    assert risk.post(address, {**chosen, "reason": ""}).status_code == 422
    risk.post(address, chosen)

    data = dialog(risk, address, {"all": "1"})
    late = uses(world.follow(equity=1_000), 900)
    response = risk.post(f"{address}?level=critical", data)

    assert response.headers["Location"] == f"{ALL}?level=critical"
    states = {s.pk: s.status for s in CopySubscription.objects.all()}
    assert [states[copy.pk] for copy in (*high, late)] == ["paused"] * 3 + ["active"]
    assert AuditEntry.objects.filter(action="subscription.pause").count() == 3


def test_of_one_master_nobody_elses_follower_is_found(world: CopyWorld, risk: Client) -> None:
    strange = CopyWorld().follow()
    arguments = [world.master.uuid, "pause"]
    address = reverse("console:change_master_followers", args=arguments)

    assert risk.get(address, {"id": strange.pk}).status_code == 404
    assert b"Nobody is chosen" in risk.get(address).content
    assert b"Nobody is chosen" in risk.get(address, {"all": "1"}).content
    assert risk.get(reverse("console:change_followers", args=["erase"])).status_code == 404


def test_a_dialog_is_its_own_persons_and_its_own_actions(world: CopyWorld, sign: Sign) -> None:
    copy = world.follow()
    risk, admin = sign(Role.RISK), sign(Role.ADMIN)
    pause = reverse("console:change_followers", args=["pause"])
    stop = reverse("console:change_followers", args=["stop"])
    data = {**dialog(risk, pause, {"id": copy.pk}), "close_positions": "0"}

    for client, address in ((admin, pause), (risk, stop)):
        client.post(address, data)
        client.post(address, {**data, "chosen": "x"})

    copy.refresh_from_db()
    assert copy.status == "active"


def test_more_than_may_be_dealt_with_at_once_is_refused(
    world: CopyWorld, risk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    uses(world.follow(equity=1_000), 600)
    uses(world.follow(equity=1_000), 600)
    monkeypatch.setattr("apps.console.views.followers_bulk.MOST", 1)

    answer = risk.get(reverse("console:change_followers", args=["stop"]), {"all": "1"})

    assert b"Too many at once" in answer.content


def test_support_looks_and_finds_nothing_to_press(world: CopyWorld, sign: Sign) -> None:
    copy = uses(world.follow(equity=1_000), 600)
    support = sign(Role.SUPPORT)

    text = support.get(ALL).content.decode()

    assert login(copy) in text
    assert "Pause all" not in text
    assert 'name="id"' not in text
    address = reverse("console:change_followers", args=["pause"])
    assert support.get(address, {"id": copy.pk}).status_code == 403


def test_the_pages_go_with_the_module(world: CopyWorld, risk: Client) -> None:
    address = of_master(world)
    assert "Followers at risk" in risk.get(address).content.decode()
    switch_copying(False)

    for gone in (ALL, address, reverse("console:change_followers", args=["pause"])):
        assert risk.get(gone).status_code == 404
    assert "Followers at risk" not in risk.get(reverse("console:drift")).content.decode()


def test_more_followers_need_no_more_queries(world: CopyWorld, risk: Client) -> None:
    stop = reverse("console:change_followers", args=["stop"])
    pages = [ALL, of_master(world), f"{ALL}?level=all&q=1", f"{stop}?all=1&level=all"]

    def counted() -> list[int]:
        forget_risk_counts()
        return [queries(risk, page) for page in pages]

    uses(world.follow(equity=1_000), 600)
    few = counted()
    for _ in range(4):
        uses(world.follow(equity=1_000), 600)
    assert all(now <= before + 1 for now, before in zip(counted(), few, strict=True))
    assert max(few) <= 14
