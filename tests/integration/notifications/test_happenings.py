"""What happens in other apps reaches those concerned: once, counted, and never lost."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.roles import Role
from apps.copytrading import api as copying
from apps.copytrading.models import Drift, Outcome
from apps.copytrading.services.guards import enforce_guards
from apps.copytrading.services.masters import set_master_status
from apps.execution.api import set_kill_switch
from apps.notifications.domain.kinds import Kind
from apps.notifications.models import Delivery, Happening, Notification
from apps.notifications.receivers import keep
from apps.notifications.topics import TOPICS
from apps.platforms.models import AccountState, TradingAccount
from apps.trading.orders import OrderState
from tests.factories.accounts import UserFactory, staff
from tests.factories.copytrading import CopyWorld
from tests.support.telling import gather, hours, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> CopyWorld:
    return CopyWorld()


@pytest.fixture
def mara() -> User:
    return UserFactory(email="mara@example.org")


def refuse(_: Any) -> dict[str, Any]:
    return {"state": OrderState.REJECTED, "code": "NOT_ENOUGH_MONEY", "message": "no money"}


def test_a_refused_copy_is_told_with_its_reason(world: CopyWorld, mara: User) -> None:
    world.follow(account={"owner": mara})
    world.trade("p1", 100_000)
    world.run(refuse)
    gather()

    (notice,) = Notification.objects.filter(user=mara)
    outcome = Outcome.objects.get()
    assert (notice.kind, notice.count) == ("copy_failed", 1)
    assert "EURUSD of Strategy" in notice.text and "refused" in notice.text
    assert notice.link == f"/copying/outcomes/{outcome.pk}/"
    assert not Happening.objects.exists()


def test_a_storm_of_copies_is_one_message_with_a_count(world: CopyWorld, mara: User) -> None:
    copies = [world.follow(account={"owner": mara}) for _ in range(2)]
    world.trade("p1", 100_000)
    world.run(refuse)
    first = list(Outcome.objects.all())
    keys = [(number, copy.pk) for number in range(5_000, 5_500) for copy in copies]
    Outcome.objects.bulk_create(
        Outcome(**{**_values(first[0]), "event_id": event, "subscription_id": copy})
        for event, copy in keys
    )
    for event_id in range(5_000, 5_500):  # as a worker publishes them, event by event
        ids = [copy.pk for copy in copies]
        keep("copy.not_copied", {"event_ids": [event_id] * 2, "subscription_ids": ids})
    gather()

    assert told(mara) == [("copy_failed", 1002)]
    gather(hours(1))
    assert Delivery.objects.count() == 1
    notice = Notification.objects.get()
    assert notice.heading == "1,002 trades were not copied: their orders failed"
    assert notice.link == "/copying/outcomes/?state=failed"


def test_many_copies_of_one_event_cost_one_query_and_one_statement(
    world: CopyWorld, mara: User
) -> None:
    for _ in range(12):
        world.follow(account={"owner": mara})
    world.follow(account={"owner": UserFactory()})
    world.trade("p1", 100_000)
    world.run(refuse)
    with CaptureQueriesContext(connection) as queries:
        gather()

    assert told(mara) == [("copy_failed", 12)]
    assert len(queries) < 16


def _values(outcome: Outcome) -> dict[str, Any]:
    fields = [field.name for field in Outcome._meta.fields if field.name != "id"]
    return {name: getattr(outcome, name) for name in fields}


def test_a_storm_that_goes_on_does_not_become_a_message_a_minute(
    world: CopyWorld, mara: User
) -> None:
    world.follow(account={"owner": mara})
    for number in range(6):
        world.trade(f"p{number}", 100_000)
        world.run(refuse)
        gather(timedelta(minutes=number))

    # The first left after half a minute; the others gather for a quarter of an hour.
    assert Delivery.objects.count() == 1
    assert sum(count for _, count in told(mara)) == 6
    assert len(told(mara)) == 2


def test_what_the_customer_chose_is_no_news(world: CopyWorld, mara: User) -> None:
    world.follow(account={"owner": mara}, symbols_mode="exclude", symbols="EURUSD")
    world.follow(account={"owner": mara}, volume_mode="fixed", fixed_volume=Decimal("0.001"))
    world.trade("p1", 100_000)
    world.run()
    gather()

    assert {o.code for o in Outcome.objects.all()} == {"SYMBOL_FILTERED", "BELOW_MINIMUM"}
    assert told(mara) == [("copy_skipped", 1)]


def test_what_is_rolled_back_is_not_told(world: CopyWorld, mara: User) -> None:
    copy = world.follow(account={"owner": mara})
    owner = staff(Role.OWNER)
    with transaction.atomic():
        copying.pause(actor=owner, subscription=copy, reason="looking into it")
        assert Happening.objects.count() == 1
        transaction.set_rollback(True)
    assert not Happening.objects.exists()


def test_who_did_it_needs_no_telling(world: CopyWorld, mara: User) -> None:
    copy = world.follow(account={"owner": mara})
    copying.pause(actor=mara, subscription=copy)
    gather()
    assert told(mara) == []

    copying.resume(actor=mara, subscription=copy)
    copying.stop(
        actor=staff(Role.RISK), subscription=copy, close_positions=False, reason="Under review."
    )
    gather()
    (notice,) = Notification.objects.filter(user=mara)
    assert notice.text.endswith("was stopped by our staff: Under review.")


def test_who_holds_positions_of_a_master_is_told_that_staff_close_them(
    world: CopyWorld, mara: User
) -> None:
    world.follow(equity=5_000, account={"owner": mara}, volume_mode="equity_ratio")
    world.trade("p1", 100_000)
    world.run()
    Happening.objects.all().delete()

    copying.deactivate_master(
        actor=staff(Role.RISK), master=world.master, reason="Out.", close_positions=True
    )
    gather()

    texts = set(Notification.objects.filter(user=mara).values_list("text", flat=True))
    assert any("closes everything that it holds, as asked by our staff: Out." in t for t in texts)
    assert any("has ended" in t for t in texts)


def test_guards_tell_what_they_did(world: CopyWorld, mara: User) -> None:
    copy = world.follow(account={"owner": mara}, min_equity=Decimal(6_000))
    AccountState.objects.filter(account=copy.follower.account).update(equity=5_000)
    enforce_guards(timezone.now())
    gather()

    (notice,) = Notification.objects.filter(user=mara)
    assert notice.kind == "min_equity"
    assert "5,000.00 USD, below the minimum of 6,000.00" in notice.text


def test_thousands_who_follow_a_master_are_told_in_one_statement(
    world: CopyWorld, mara: User
) -> None:
    people = User.objects.bulk_create(User(email=f"u{n}@example.org") for n in range(60))
    for person in people:
        world.follow(account={"owner": person})
    world.follow(account={"owner": people[0]})
    world.follow(account={"owner": mara}, status="disabled")
    set_master_status(
        actor=staff(Role.RISK), master=world.master, status="paused", reason="Holiday."
    )
    with CaptureQueriesContext(connection) as queries:
        gather()

    notices = Notification.objects.filter(kind="master_changed")
    assert notices.count() == 60  # one for each person, none for a copy at rest
    assert all("is paused" in notice.text for notice in notices)
    inserts = [q for q in queries if "INSERT INTO notifications_notification" in q["sql"]]
    assert len(inserts) == 1
    assert len(queries) < 20


def test_the_owner_of_a_master_hears_what_staff_decided(world: CopyWorld, mara: User) -> None:
    TradingAccount.objects.filter(pk=world.account_id).update(owner=mara)
    world.master.refresh_from_db()
    set_master_status(
        actor=staff(Role.ADMIN), master=world.master, status="rejected", reason="Too young."
    )
    gather()

    (notice,) = Notification.objects.filter(user=mara)
    assert notice.kind == "master_decision"
    assert notice.text.endswith("was not approved. The reason: Too young.")


def test_an_approval_is_told_to_the_owner_and_to_nobody_else(world: CopyWorld, mara: User) -> None:
    world.follow(account={"owner": UserFactory()})
    TradingAccount.objects.filter(pk=world.account_id).update(owner=mara)
    type(world.master).objects.update(status="pending")
    world.master.refresh_from_db()
    set_master_status(actor=staff(Role.ADMIN), master=world.master, status="active")
    gather()

    (notice,) = Notification.objects.all()
    assert notice.user == mara
    assert notice.text.endswith("is approved and active.")


def test_a_margin_warning_is_told_and_a_critical_one_does_not_wait(mara: User) -> None:
    payload = {
        "account_id": 5, "account_uuid": str(mara.uuid), "login": "1001", "owner_id": mara.pk,
        "currency": "USD", "level": "warning", "before": "normal", "used_percent": "55.0",
        "threshold": "50.0", "equity": "1000.00", "margin_used": "550.00",
    }  # fmt: skip
    keep("copy.margin_warning", payload)
    gather(timedelta(seconds=10))
    keep("copy.margin_warning", {**payload, "level": "critical", "used_percent": "85.0"})
    gather(timedelta(seconds=10))
    keep("copy.margin_eased", {**payload, "level": "normal", "used_percent": "20.0"})
    gather()

    texts = [n.text for n in Notification.objects.filter(user=mara, kind="margin").order_by("id")]
    assert "uses 55.0 % of its equity" in texts[0]
    assert "it is critical" in texts[1]
    assert "back to normal" in texts[2]
    assert Delivery.objects.count() == 2


def test_a_kill_switch_is_told_to_those_whom_it_holds(world: CopyWorld, mara: User) -> None:
    copy = world.follow(account={"owner": mara})
    other = UserFactory()
    TradingAccount.objects.filter(pk=world.account_id).update(owner=other)
    key = str(copy.follower.account_id)
    set_kill_switch(
        actor=staff(Role.RISK), scope="account", key=key, state="halted", reason="secret reason"
    )
    gather()

    (notice,) = Notification.objects.all()
    assert notice.user == mara
    assert "is halted" in notice.text and "secret reason" not in notice.text


def test_drift_is_told_once_and_not_when_it_has_gone(world: CopyWorld, mara: User) -> None:
    copy = world.follow(account={"owner": mara})
    now = timezone.now()
    drift = Drift.objects.create(
        account_id=copy.follower.account_id, kind="missing", key="link:1", symbol="EURUSD",
        first_seen_at=now, last_seen_at=now,
    )  # fmt: skip
    keep("copy.drift_found", {"drift_ids": [drift.pk]})
    gather()
    assert told(mara) == [("drift", 1)]

    Drift.objects.update(resolved_at=now)
    keep("copy.drift_found", {"drift_ids": [drift.pk]})
    gather()
    assert told(mara) == [("drift", 1)]


def test_a_happening_that_cannot_be_told_waits_and_holds_up_no_other(
    world: CopyWorld, mara: User
) -> None:
    copy = world.follow(account={"owner": mara})
    keep("copy.not_copied", {"event_ids": "broken"})
    copying.pause(actor=staff(Role.RISK), subscription=copy, reason="x")
    gather()

    assert told(mara) == [("copy_stopped", 1)]
    left = Happening.objects.get()
    assert left.attempts == 1 and left.error
    assert left.not_before > timezone.now()


def test_a_listener_that_fails_does_not_touch_what_it_listens_to(
    world: CopyWorld, mara: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")

    monkeypatch.setattr(Happening.objects, "create", broken)
    world.follow(account={"owner": mara})
    world.trade("p1", 100_000)
    world.run(refuse)

    assert Outcome.objects.get().state == "rejected"


def test_every_kind_can_be_told_and_is_documented() -> None:
    from pathlib import Path

    text = (Path(__file__).parents[3] / "docs" / "notifications.md").read_text()
    missing = [kind.value for kind in Kind if f"`{kind.value}`" not in text]
    assert missing == []
    assert len(TOPICS) > 20
