"""Staff pause, resume and stop many copies at once."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.api import create_customer, create_staff
from apps.accounts.models import AuditEntry, Customer, User
from apps.accounts.roles import Role
from apps.copytrading import interventions
from apps.copytrading.errors import NotFound, NotPermitted
from apps.copytrading.interventions import Action, intervene, preview
from apps.copytrading.models import CopySubscription, SubscriptionVersion, TradeLink
from apps.copytrading.services.intervening import close_what_is_held
from apps.execution.models import Gate, Position
from apps.notifications.models import Happening
from tests.factories.copytrading import CopyWorld

pytestmark = pytest.mark.django_db


@pytest.fixture
def risk() -> User:
    return create_staff(
        actor=None, email="rio@example.org", password="pw", name="Rio", role=Role.RISK
    )


def holding(copies: int, **settings: Any) -> tuple[CopyWorld, list[CopySubscription]]:
    """A master with copies that hold one position each."""
    world = CopyWorld()
    made = [world.follow(**settings) for _ in range(copies)]
    world.trade("p1", 100_000)
    world.run()
    return world, made


def statuses(copies: list[CopySubscription]) -> list[str]:
    for copy in copies:
        copy.refresh_from_db()
    return [str(copy.status) for copy in copies]


def gates() -> set[str]:
    return set(Gate.objects.filter(scope="relation").values_list("key", flat=True))


def test_a_pause_holds_opens_back_and_is_kept_with_its_reason(risk: User) -> None:
    _world, copies = holding(3)
    ids = [copy.pk for copy in copies[:2]]

    done = intervene(actor=risk, action=Action.PAUSE, subscription_ids=ids, reason="Too high")

    assert (done.changed, done.closing) == (2, 0)
    assert statuses(copies) == ["paused", "paused", "active"]
    assert copies[0].status_reason == "Too high"
    assert gates() == {copy.relation for copy in copies[:2]}
    lines = AuditEntry.objects.filter(action="subscription.pause").order_by("id")
    assert [(e.actor, e.reason, e.before, e.after) for e in lines] == [
        ("rio@example.org", "Too high", {"status": "active"}, {"status": "paused"})
    ] * 2
    assert {e.object_id for e in lines} == {str(copy.uuid) for copy in copies[:2]}
    assert SubscriptionVersion.objects.filter(subscription_id__in=ids).count() == 2
    assert Happening.objects.filter(topic="audit.subscription.pause").count() == 2
    again = intervene(actor=risk, action=Action.PAUSE, subscription_ids=ids, reason="Once more")
    assert again.changed == 0
    assert lines.count() == 2


def test_a_resume_copies_again_but_not_what_its_owner_switched_off(risk: User) -> None:
    _, copies = holding(2)
    CopySubscription.objects.filter(pk=copies[1].pk).update(enabled=False)
    ids = [copy.pk for copy in copies]
    intervene(actor=risk, action=Action.PAUSE, subscription_ids=ids, reason="News")

    done = intervene(actor=risk, action=Action.RESUME, subscription_ids=ids, reason="Over")

    assert done.changed == 2
    assert statuses(copies) == ["active", "active"]
    assert gates() == {copies[1].relation}


def test_who_may_not_copy_is_not_resumed(risk: User) -> None:
    _, copies = holding(2)
    owner = create_customer(actor=None, email="o@example.org", password="pw", name="O")
    copies[0].follower.account.owner = owner
    copies[0].follower.account.save()
    Customer.objects.filter(user=owner).update(may_copy=False)
    ids = [copy.pk for copy in copies]
    intervene(actor=risk, action=Action.PAUSE, subscription_ids=ids, reason="News")

    said = preview(Action.RESUME, ids)
    done = intervene(actor=risk, action=Action.RESUME, subscription_ids=ids, reason="Over")

    assert (said.changes, said.withheld) == (1, 1)
    assert (done.changed, done.withheld) == (1, 1)
    assert statuses(copies) == ["paused", "active"]


def test_a_stop_keeps_positions_that_follow_the_closes_of_their_master(risk: User) -> None:
    world, copies = holding(2)
    ids = [copy.pk for copy in copies]

    intervene(actor=risk, action=Action.STOP, subscription_ids=ids, reason="Enough")
    world.run()

    assert statuses(copies) == ["disabled", "disabled"]
    assert Position.objects.filter(closed_at=None).count() == 2
    world.trade("p1", -100_000)
    world.run()
    assert not Position.objects.filter(closed_at=None).exists()


def test_a_stop_closes_what_is_held_and_can_be_asked_for_again(risk: User) -> None:
    world, copies = holding(3)
    ids = [copy.pk for copy in copies[:2]]
    stop = {"actor": risk, "action": Action.STOP, "reason": "Margin"}
    intervene(**stop, subscription_ids=ids[:1])

    done = intervene(**stop, subscription_ids=ids, close_positions=True)
    world.run()

    assert (done.changed, done.closing, done.later) == (1, 2, 0)
    held = Position.objects.filter(closed_at=None).values_list("account_id", flat=True)
    assert list(held) == [copies[2].follower.account_id]
    assert TradeLink.objects.filter(state="open", held_units__gt=0).count() == 1
    lines = AuditEntry.objects.filter(action="subscription.stop").order_by("id")
    assert [e.after.get("close_positions") for e in lines] == [False, True, True]
    flat = intervene(**stop, subscription_ids=ids, close_positions=True)
    assert (flat.changed, flat.closing) == (0, 0)
    assert lines.count() == 3


def test_workers_close_for_many_masters_and_repeating_asks_for_nothing_twice(
    risk: User, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    worlds = [holding(1) for _ in range(2)]
    copies = [copy for _, made in worlds for copy in made]
    asked: list[tuple[list[int], str]] = []
    monkeypatch.setattr(interventions, "MASTERS_AT_ONCE", 1)
    monkeypatch.setattr(interventions.close_stopped, "delay", lambda *call: asked.append(call))
    monkeypatch.setattr("apps.copytrading.receivers.wake", lambda ids: None)
    stop = {"actor": risk, "action": Action.STOP, "reason": "Margin", "close_positions": True}

    with django_capture_on_commit_callbacks(execute=True):
        done = intervene(**stop, subscription_ids=[copy.pk for copy in copies])

    assert (done.changed, done.closing, done.later) == (2, 2, 1)
    assert statuses(copies) == ["disabled", "disabled"]
    [(ids, cause)] = asked
    assert ids == [copies[1].pk]
    assert close_what_is_held(ids, cause) == 1
    assert close_what_is_held(ids, cause) == 0
    for world, _ in worlds:
        world.run()
    assert not Position.objects.filter(closed_at=None).exists()


def test_a_preview_says_in_money_what_a_stop_would_realise() -> None:
    _world, copies = holding(3)
    results = {copies[0]: "-40.5", copies[1]: "10", copies[2]: "7"}
    for copy, result in results.items():
        Position.objects.filter(account_id=copy.follower.account_id).update(open_result=result)

    said = preview(Action.STOP, [copy.pk for copy in copies[:2]])

    assert (said.copies, said.accounts, said.masters, said.changes) == (2, 2, 1, 2)
    [money] = said.sums
    assert money.positions == 2
    assert (money.result, money.gains, money.losses) == (
        Decimal("-30.5"), Decimal(10), Decimal("-40.5")
    )  # fmt: skip
    assert [position.result for position in said.positions] == [Decimal("-40.5"), Decimal(10)]
    assert said.positions[0].login == copies[0].follower.account.login
    with pytest.raises(NotFound):
        preview(Action.STOP, [0])


@pytest.mark.parametrize("role", [Role.SUPPORT, None])
def test_others_change_nothing(role: Role | None) -> None:
    _, copies = holding(1)
    values = {"actor": None, "email": "x@example.org", "password": "pw", "name": "X"}
    somebody = create_customer(**values) if role is None else create_staff(**values, role=role)

    with pytest.raises(NotPermitted):
        intervene(
            actor=somebody, action=Action.STOP, subscription_ids=[copies[0].pk], reason="x",
            close_positions=True,
        )  # fmt: skip

    assert statuses(copies) == ["active"]


@pytest.mark.parametrize(
    "do",
    [
        lambda risk, ids: intervene(
            actor=risk, action=Action.PAUSE, subscription_ids=ids, reason="x"
        ),
        lambda risk, ids: intervene(
            actor=risk, action=Action.STOP, subscription_ids=ids, reason="x", close_positions=True
        ),
        lambda risk, ids: preview(Action.STOP, ids),
    ],
)
def test_more_copies_need_no_more_queries(risk: User, do: Callable[[User, list[int]], Any]) -> None:
    counts = []
    for number in (2, 9):
        _world, copies = holding(number)
        Position.objects.update(open_result=-1)
        with CaptureQueriesContext(connection) as captured:
            do(risk, [copy.pk for copy in copies])
        counts.append(len(captured))

    assert counts[1] <= counts[0]
