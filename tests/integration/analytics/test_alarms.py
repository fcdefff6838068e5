"""Alarms about masters: raised with their evidence, told, acknowledged and cleared."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import AuditEntry, User
from apps.accounts.product_models import ProductConfig
from apps.accounts.roles import Role
from apps.accounts.selectors import forget_product_config
from apps.analytics.alarm_models import MasterAlarm
from apps.analytics.api import acknowledge_alarms, roll_up, watch_masters
from apps.analytics.domain.alarms import AlarmKind
from apps.analytics.models import AccountFigures, EquityDay
from apps.analytics.selectors import alarm_by_uuid, alarm_history, new_alarms, open_alarms_of
from apps.analytics.trade_models import AccountTrades, TradeRecord
from apps.console.live_alarms import forget_count
from apps.copytrading.errors import InvalidSettings, NotPermitted
from apps.copytrading.models import CopyMaster
from apps.execution.models import Deal, Position
from apps.notifications.api import add_channel, choose, ensure_email_channel
from apps.notifications.models import Delivery, Notification
from tests.factories.accounts import CustomerFactory, staff
from tests.factories.alarms import alarm
from tests.factories.copytrading import MasterFactory, switch_copying, symbol
from tests.factories.equity import at_hour, closed_days, sampled
from tests.support.queries import queries
from tests.support.telling import gather, hours, told

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 10)
YESTERDAY = TODAY - timedelta(days=1)
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
Kind = AlarmKind


@pytest.fixture(autouse=True)
def _on() -> None:
    switch_copying()
    forget_count()


@pytest.fixture
def master() -> CopyMaster:
    found: CopyMaster = MasterFactory(strategy_name="Harbour")
    symbol(found.account.connection)
    return found


def open_kinds(master: CopyMaster) -> list[str]:
    return [row.kind.value for row in open_alarms_of([master.pk]).get(master.pk, [])]


def traded(master: CopyMaster, sizes: list[tuple[int, int]], *, every: float = 10) -> None:
    """Closed trades of (lots, result), each an hour long, the last one two hours ago."""
    first = NOON - timedelta(hours=every * len(sizes) + 1)
    for number, (lots, result) in enumerate(sizes):
        at = first + timedelta(hours=every * number)
        TradeRecord.objects.create(
            id=number + 1, account_id=master.account_id, position_id=str(number),
            instrument_id="1", side="buy", units=lots * 100_000, opened_at=at,
            closed_at=at + timedelta(hours=1), open_price=D("1.1"), close_price=D("1.1"),
            profit=result, commission=0, swap=0, result=result,
        )  # fmt: skip
    AccountTrades.objects.create(
        account_id=master.account_id, trades=len(sizes), first_at=first,
        last_at=first + timedelta(hours=every * (len(sizes) - 1) + 1),
    )  # fmt: skip


def test_a_drawdown_beyond_its_history(master: CopyMaster) -> None:
    returns = [0.01] * 25 + [-0.06, 0.1, -0.05]
    closed_days(master.account_id, TODAY - timedelta(days=len(returns)), returns)
    EquityDay.objects.filter(account_id=master.account_id).update(equity=10_000)
    AccountFigures.objects.create(
        account_id=master.account_id, day=YESTERDAY, current_drawdown=0.05, standings=b""
    )
    sampled(master.account_id, {NOON - timedelta(minutes=2): 9_900})
    assert watch_masters(now=NOON) == (0, 0)  # 6 % down, as once before
    sampled(master.account_id, {NOON - timedelta(minutes=1): 9_600})
    assert watch_masters(now=NOON) == (1, 0)
    assert watch_masters(now=NOON) == (0, 0)

    (row,) = open_alarms_of([master.pk])[master.pk]
    assert (row.kind, row.strategy_name) == (Kind.DRAWDOWN, "Harbour")
    assert row.text == (
        "It is 8.8 % below its high; the deepest drawdown before this one was 6.0 %."
    )
    later = NOON + timedelta(hours=1)
    sampled(master.account_id, {later - timedelta(minutes=1): 10_300})
    assert watch_masters(now=later) == (0, 1)
    (past,) = alarm_history(master.pk)
    assert (past.cleared_at, past.cleared_why) == (later, "It is within the threshold again.")


def test_larger_after_losses_shows_the_trades(master: CopyMaster) -> None:
    traded(master, [(1, -50), (2, 60)] * 6)
    assert watch_masters(now=NOON) == (1, 0)
    assert watch_masters(now=NOON) == (0, 0)  # judged once, until it trades again
    (row,) = open_alarms_of([master.pk])[master.pk]
    assert row.kind is Kind.SIZE_GROWTH and "2.00 times that trade's size" in row.text
    found = alarm_by_uuid(row.uuid)
    assert found is not None
    lost, then = found.evidence["trades"][:2]
    assert (lost["what"], lost["lots"], lost["result"]) == ("Lost", "1", "-50.00")
    assert (then["what"], then["lots"]) == ("Then 2.00 times the size", "2")


def test_averaging_down_counts_entries_not_fills(master: CopyMaster) -> None:
    def entry(number: int, price: str, order: str) -> None:
        Position.objects.get_or_create(
            account_id=master.account_id, position_id=order, instrument_id="1", side="buy",
            defaults={"units": 1, "price": 1, "opened_at": NOON, "updated_at": NOON},
        )  # fmt: skip
        Deal.objects.create(
            account_id=master.account_id, deal_id=str(number), platform_order_id=order,
            position_id=order, instrument_id="1", side="buy", effect="open", units=50_000,
            price=D(price), executed_at=NOON + timedelta(minutes=number), received_at=NOON,
        )  # fmt: skip

    for number, price in enumerate(("1.1050", "1.1049", "1.1048", "1.1047")):
        entry(number, price, "one")  # one order, filled in parts
    assert watch_masters(now=NOON) == (0, 0)
    for number, price in enumerate(("1.1000", "1.0950", "1.0900"), 10):
        entry(number, price, f"more{number}")
    assert watch_masters(now=NOON) == (1, 0)
    (row,) = open_alarms_of([master.pk])[master.pk]
    assert row.kind is Kind.AVERAGING_DOWN
    assert row.text.startswith("4 buys of EURUSD in a row, each at a worse price")
    Position.objects.update(closed_at=NOON)
    assert watch_masters(now=NOON) == (0, 1)


def test_sudden_leverage_is_against_its_own_margin(master: CopyMaster) -> None:
    closed_days(master.account_id, TODAY - timedelta(days=15), [0.001] * 15)
    EquityDay.objects.filter(account_id=master.account_id).update(equity=10_000, most_margin=500)
    sampled(master.account_id, {NOON - timedelta(minutes=1): 10_000})
    roll_up(now=NOON)
    assert watch_masters(now=NOON) == (0, 0)
    EquityDay.objects.filter(account_id=master.account_id, day=TODAY).update(margin_used=2_000)
    assert watch_masters(now=NOON) == (1, 0)
    (row,) = open_alarms_of([master.pk])[master.pk]
    assert row.text == "It binds 20.0 % of its equity as margin; at most 5.0 % is usual for a day."


def test_silence_ends_with_the_next_trade(master: CopyMaster) -> None:
    traded(master, [(1, 10)] * 30)
    assert watch_masters(now=NOON + timedelta(days=3)) == (0, 0)
    later = NOON + timedelta(days=9)
    assert watch_masters(now=later) == (1, 0)
    assert open_kinds(master) == ["silence"]
    AccountTrades.objects.update(last_at=later)
    assert watch_masters(now=later) == (0, 1)


def test_alarms_of_masters_that_ended_or_were_switched_off_are_cleared(master: CopyMaster) -> None:
    traded(master, [(1, 10)] * 30)
    later = NOON + timedelta(days=9)
    watch_masters(now=later)
    ProductConfig.objects.update(alarm_silence=0)
    forget_product_config()
    assert watch_masters(now=later) == (0, 1)
    ended = alarm(MasterFactory(status="inactive"))
    assert watch_masters(now=later) == (0, 1)
    ended.refresh_from_db()
    assert ended.cleared_why == "It is no longer a master that can be followed."


def test_a_look_costs_the_same_for_any_number_of_masters() -> None:
    def some(number: int) -> None:
        for _ in range(number):
            one = MasterFactory()
            returns = [0.01] * 30 + [-0.2]
            closed_days(one.account_id, TODAY - timedelta(days=31), returns)
            EquityDay.objects.filter(account_id=one.account_id).update(
                equity=10_000, most_margin=100
            )
            AccountFigures.objects.create(
                account_id=one.account_id, day=YESTERDAY, current_drawdown=0.2, standings=b""
            )
            AccountTrades.objects.create(account_id=one.account_id, trades=1, last_at=NOON)
            sampled(one.account_id, {NOON - timedelta(minutes=1): 10_000})
        EquityDay.objects.update(margin_used=5_000)

    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            watch_masters(now=NOON)
        return len(captured)

    some(2)
    few = cost()
    some(6)
    assert cost() <= few <= 24
    assert MasterAlarm.objects.count() == 8


def test_risk_staff_are_told_by_the_channels_that_they_chose(master: CopyMaster) -> None:
    risk, support, customer = staff(Role.RISK), staff(Role.SUPPORT), CustomerFactory().user
    ensure_email_channel(user=risk)  # as the page of the choices does
    messenger = add_channel(
        user=risk, name="Pager", address="tgram://123456789:AAHsecretTokenOfTheBot/55512345/"
    )
    choose(user=risk, ticked={f"master_alarm:{messenger.uuid}"})
    traded(master, [(1, -50), (2, 60)] * 6)
    watch_masters(now=NOON)
    gather(hours(1))

    assert told(support) == told(customer) == []
    notice = Notification.objects.get(user=risk, kind="master_alarm")
    assert (notice.kind, notice.shown) == ("master_alarm", False)
    assert "Harbour" in notice.text and "times that trade's size" in notice.text
    assert notice.link == reverse("console:alarm", args=[MasterAlarm.objects.get().uuid])
    assert [d.channel.name for d in Delivery.objects.filter(notification=notice)] == ["Pager"]


def test_several_alarms_are_one_message() -> None:
    risk = staff(Role.RISK)
    first, second = MasterFactory(), MasterFactory()
    for one in (first, second):
        AccountTrades.objects.create(
            account_id=one.account_id, trades=50, first_at=NOON - timedelta(days=20),
            last_at=NOON - timedelta(days=9),
        )  # fmt: skip
    assert watch_masters(now=NOON) == (2, 0)
    gather()
    notice = Notification.objects.get(user=risk)
    assert notice.text.startswith("2 alarms were raised. One of them: ")
    assert notice.link == reverse("console:alarms")


def test_an_acknowledgement_says_who_when_and_what(master: CopyMaster) -> None:
    risk, support = staff(Role.RISK), staff(Role.SUPPORT)
    rung = alarm(master)
    with pytest.raises(NotPermitted):
        acknowledge_alarms(actor=support, uuids=[rung.uuid], note="seen")
    with pytest.raises(InvalidSettings):
        acknowledge_alarms(actor=risk, uuids=[rung.uuid], note=" ")
    assert new_alarms() == 1
    assert acknowledge_alarms(actor=risk, uuids=[rung.uuid], note="Called the owner") == 1
    assert acknowledge_alarms(actor=risk, uuids=[rung.uuid], note="Again") == 0
    assert new_alarms() == 0
    row = alarm_by_uuid(rung.uuid)
    assert row is not None and row.is_open and not row.is_new
    assert (row.acknowledged_by, row.note) == (risk.email, "Called the owner")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.object_id, entry.reason) == (
        "master.acknowledge", risk.email, str(master.uuid), "Called the owner",
    )  # fmt: skip


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def acknowledged(client: Client, *chosen: MasterAlarm) -> Any:
    data = {"reason": "On it", "alarm": [str(one.uuid) for one in chosen]}
    return client.post(reverse("console:acknowledge_alarms"), data)


def test_the_list_narrows_and_counts_what_is_new(master: CopyMaster) -> None:
    client = client_of(staff(Role.RISK))
    page = reverse("console:alarms")
    assert "No alarm to show" in client.get(page).content.decode()
    first, second = alarm(master), alarm(MasterFactory(strategy_name="Tide"), "silence")
    alarm(master, "leverage", cleared_at=NOON, cleared_why="Over.")
    forget_count()
    text = client.get(page).content.decode()
    assert "Harbour" in text and "Tide" in text and "Sudden leverage" not in text.split("<tbody")[1]
    assert '2<span class="visually-hidden"> waiting</span>' in text
    assert "Tide" not in client.get(f"{page}?kind=drawdown").content.decode().split("<tbody")[1]
    assert "Tide" in client.get(f"{page}?name=tid").content.decode().split("<tbody")[1]
    cleared = client.get(f"{page}?state=cleared").content.decode()
    assert "Sudden leverage" in cleared.split("<tbody")[1]

    asked = client.get(reverse("console:acknowledge_alarms"), {"alarm": [first.uuid, second.uuid]})
    assert "Acknowledge 2 alarms?" in asked.content.decode()
    assert acknowledged(client, first, second).status_code == 302
    assert MasterAlarm.objects.filter(note="On it").count() == 2
    assert "On it" in client.get(reverse("console:alarm", args=[first.uuid])).content.decode()
    assert (
        "Nothing is chosen"
        in client.get(reverse("console:acknowledge_alarms"), {"alarm": first.uuid}).content.decode()
    )


def test_one_alarm_shows_evidence_and_what_to_do(master: CopyMaster) -> None:
    rung = alarm(master, "silence")
    there = reverse("console:alarm", args=[rung.uuid])
    risk = client_of(staff(Role.RISK)).get(there).content.decode()
    pause = reverse("console:change_master", args=[master.uuid, "pause"])
    link = reverse("console:connection", args=[master.account.connection.uuid])
    assert pause in risk and link in risk and "−120.00" in risk and "18.0%" in risk
    support = client_of(staff(Role.SUPPORT)).get(there).content.decode()
    assert pause not in support and "Acknowledge</a>" not in support and link in support
    ProductConfig.objects.update(copy_trading_enabled=False)
    forget_product_config()
    assert client_of(staff(Role.RISK)).get(there).status_code == 404


def test_more_alarms_cost_no_more_queries(master: CopyMaster) -> None:
    client = client_of(staff(Role.RISK))
    rung = alarm(master)
    pages = [reverse("console:alarms"), reverse("console:alarm", args=[rung.uuid])]
    few = [queries(client, page) for page in pages]
    for kind in ("silence", "leverage", "size_growth"):
        alarm(master, kind)
        alarm(MasterFactory(), kind)
    many = [queries(client, page) for page in pages]
    # What is read once a second for all pages may fall into any of them.
    assert all(after <= before + 1 for before, after in zip(few, many, strict=True))
    assert max(few) <= 9


def test_those_who_decide_are_told_of_applications(master: CopyMaster) -> None:
    from apps.copytrading import api as copying

    risk, support = staff(Role.RISK), staff(Role.SUPPORT)
    owner = CustomerFactory().user
    master.account.owner = owner
    master.account.save(update_fields=["owner"])
    copying.apply_for_public(actor=owner, master=master)
    gather(hours(1))
    assert told(support) == told(owner) == []
    (notice,) = Notification.objects.filter(user=risk)
    assert (notice.kind, notice.link) == ("application", reverse("console:applications"))
    assert notice.text.startswith("Harbour waits for a decision")


def test_the_desk_is_offered_to_those_who_may_act() -> None:
    def offered(user: User) -> str:
        return client_of(user).get(reverse("portal:notification_settings")).content.decode()

    assert "An alarm about a master" in offered(staff(Role.RISK))
    for user in (staff(Role.SUPPORT), CustomerFactory().user):
        text = offered(user)
        assert "An alarm about a master" not in text and "The desk" not in text


def test_a_gate_is_not_an_alarm_and_days_begin_at_midnight(master: CopyMaster) -> None:
    sampled(master.account_id, {at_hour(YESTERDAY, 23, 59): 10_000, NOON: 8_000})
    roll_up(now=NOON + timedelta(minutes=1))
    assert watch_masters(now=NOON + timedelta(minutes=1)) == (0, 0)
