"""Workers that are killed anywhere, and workers that work at once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from apps.common.database import ask_together
from apps.copytrading.models import CopySubscription, Decision, Outcome, TradeLink, WaitingEvent
from apps.copytrading.services import load, planning, settling
from apps.copytrading.services.locks import master_lock
from apps.copytrading.services.orders import SOURCE
from apps.copytrading.services.work import work
from apps.execution.api import Overtaken, pass_fence, read_fence
from apps.execution.models import AccountEvent, Batch, Order
from tests.factories.copytrading import CopyWorld

pytestmark = pytest.mark.django_db(transaction=True)


class Killed(BaseException):
    """Stands for SIGKILL: nothing after it runs, the open transaction is lost."""


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> CopyWorld:
    monkeypatch.setattr(load, "FIRST_PAGE", 2)
    monkeypatch.setattr(load, "SECOND_PAGE", 4)
    monkeypatch.setattr(load, "PAGE", 4)
    monkeypatch.setattr(planning, "SLICE", 2)
    world = CopyWorld()
    for _ in range(7):
        world.follow()
    return world


def kill_at(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, call: int, *, after: bool
) -> None:
    """Kill the worker at the n-th call of a function, before or after it has done its part."""
    real: Callable[..., Any] = getattr(module, name)
    calls = 0

    def killing(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call and not after:
            raise Killed
        result = real(*args)
        if calls == call:
            raise Killed
        return result

    monkeypatch.setattr(module, name, killing)


def check(world: CopyWorld, events: int, held: Decimal) -> None:
    """Each event ended once for each subscription, by at most one order for each leg."""
    copies = CopySubscription.objects.count()
    assert Outcome.objects.count() == events * copies
    legs = Counter(Decision.objects.values_list("event_id", "subscription_id", "leg"))
    assert max(legs.values(), default=1) == 1
    sent = Counter(intent.client_order_id for intent in world.sent)
    assert max(sent.values(), default=1) == 1
    assert set(sent) == set(Decision.objects.values_list("client_order_id", flat=True))
    assert not WaitingEvent.objects.exists()
    assert not AccountEvent.objects.filter(planned_at=None).exists()
    assert not Order.objects.filter(settled_at=None).exists()
    open_links = TradeLink.objects.filter(state="open", held_units__gt=0)
    assert [link.held_units for link in open_links] == ([held] * copies if held else [])


@pytest.mark.parametrize(
    ("module", "name", "call", "after"),
    [
        (planning, "commit_written", 1, False),
        (planning, "commit_written", 2, False),
        (planning, "commit_written", 3, True),
        (planning, "store_links", 1, True),
        (planning, "insert_outcomes", 1, True),
        (planning, "withdraw_overtaken", 1, True),
        (settling, "store_links", 1, True),
        (settling, "insert_outcomes", 1, False),
        (settling, "store_waits", 1, True),
    ],
)
def test_killed_anywhere_and_resumed(
    world: CopyWorld,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    name: str,
    call: int,
    after: bool,
) -> None:
    world.trade("m1", 100_000)
    with monkeypatch.context() as patch:
        kill_at(patch, module, name, call, after=after)
        with pytest.raises(Killed):
            world.run_for_ever()
    world.trade("m1", 50_000)  # while nobody worked
    world.run()
    check(world, 2, Decimal(150_000))
    world.trade("m1", -150_000)
    world.run()
    check(world, 3, Decimal(0))


@pytest.mark.parametrize("call", [1, 2, 3, 4])
def test_fills_arrive_before_the_run_is_resumed(
    world: CopyWorld, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    """Orders of an interrupted run are filled before its links exist."""
    world.trade("m1", 100_000)
    with monkeypatch.context() as patch:
        kill_at(patch, planning, "commit_written", call, after=False)
        with pytest.raises(Killed):
            world.work()
    sent_before = len(world.deliver())
    assert sent_before == (0, 2, 4, 6)[call - 1]
    world.protect("m1", Decimal("1.05"))
    world.trade("m1", -100_000)
    world.run()
    check(world, 3, Decimal(0))


def test_events_planned_together_and_interrupted(
    world: CopyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.trade("m1", 100_000)
    world.run()
    world.trade("m1", 50_000)
    world.protect("m1", Decimal("1.05"))
    world.trade("m1", 50_000)
    with monkeypatch.context() as patch:
        kill_at(patch, planning, "commit_written", 2, after=False)
        with pytest.raises(Killed):
            world.work()
    world.run()
    check(world, 4, Decimal(200_000))
    counts = Counter(Outcome.objects.values_list("event_kind", "code"))
    assert counts[("increased", "SUPERSEDED")] == counts[("increased", "COPIED")] == 7
    assert counts[("protection", "COPIED")] == 7


def test_what_an_interrupted_run_has_ordered_takes_a_place(
    world: CopyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    CopySubscription.objects.update(max_positions=1)
    world.trade("m1", 100_000)
    with monkeypatch.context() as patch:
        kill_at(patch, planning, "store_links", 1, after=False)
        with pytest.raises(Killed):
            world.work()
    world.trade("m2", 100_000)
    world.run()
    assert Counter(Outcome.objects.values_list("code", flat=True)) == {
        "COPIED": 7, "MAX_POSITIONS": 7
    }  # fmt: skip


def test_a_subscription_that_began_after_the_event_has_no_part_in_it(
    world: CopyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = world.trade("m1", 100_000)
    with monkeypatch.context() as patch:
        kill_at(patch, planning, "commit_written", 2, after=False)
        with pytest.raises(Killed):
            world.work()
    late = world.follow(started_after_event=event)
    world.run()
    assert Outcome.objects.filter(subscription_id=late.pk).count() == 0
    assert Outcome.objects.count() == 7


def test_one_worker_at_a_time_and_no_wake_up_is_lost(world: CopyWorld) -> None:
    world.trade("m1", 100_000)
    with master_lock(world.account_id) as taken:
        assert taken
        worker = threading.Thread(target=_work_elsewhere, args=(world.account_id,))
        worker.start()
        worker.join()
        assert not Decision.objects.exists()
    world.run()
    check(world, 1, Decimal(100_000))


def test_two_workers_at_once(world: CopyWorld) -> None:
    barrier = threading.Barrier(2)

    def both() -> None:
        barrier.wait()
        for _ in range(10):
            _work_elsewhere(world.account_id)

    workers = [threading.Thread(target=both) for _ in range(2)]
    for worker in workers:
        worker.start()
    for change in (100_000, 50_000, -100_000):
        world.trade("m1", change)
    for worker in workers:
        worker.join()
    world.run()
    check(world, 3, Decimal(50_000))


def _work_elsewhere(account_id: int) -> None:
    try:
        work(account_id)
    finally:
        connection.close()


def test_outcomes_and_decisions_are_never_changed(world: CopyWorld) -> None:
    world.trade("m1", 100_000)
    world.run()
    for rows in (Outcome.objects.all(), Decision.objects.all()):
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(account_id=0)
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.delete()
    assert Outcome.objects.count() == Batch.objects.count() + 3  # 7 outcomes, 4 slices


def test_a_reversal_over_an_empty_link_is_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The old link holds nothing any more and must end before the new side's link is stored."""
    world = CopyWorld()
    world.follow()
    world.trade("m1", 100_000)
    world.run()
    world.trade("m1", -99_900)  # what is left is too small to be held
    world.run()
    assert TradeLink.objects.get().held_units == 0
    world.reverse("m1", 100_000)
    with monkeypatch.context() as patch:
        kill_at(patch, planning, "store_links", 1, after=False)
        with pytest.raises(Killed):
            world.work()
    world.run()
    assert list(TradeLink.objects.order_by("id").values_list("state", "held_units")) == [
        ("closed", 0),
        ("open", 100_000),
    ]


def test_a_wish_to_close_outlives_an_interrupted_run(monkeypatch: pytest.MonkeyPatch) -> None:
    world = CopyWorld()
    copy = world.follow()
    world.trade("m1", 100_000)
    world.run()
    world.trade("m1", -50_000)
    with monkeypatch.context() as patch:
        kill_at(patch, planning, "store_links", 1, after=False)
        with pytest.raises(Killed):
            world.work()
    TradeLink.objects.update(close_cause=f"stop:{copy.pk}")
    world.run()
    assert TradeLink.objects.get().state == "closed"


def test_who_has_been_overtaken_commits_nothing_more(
    world: CopyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two workers that both believe to hold the lock: only one of them can go on."""
    world.trade("m1", 100_000)
    now = timezone.now()
    waiting = planning.Waiting._make(
        (*ask_together(*planning.beginning(world.account_id, now)), now)
    )
    stale = read_fence(SOURCE, world.account_id)
    first = planning.commit_written
    calls = 0

    def commit(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:  # the other one does all of it in between
            monkeypatch.setattr(planning, "commit_written", first)
            planning.plan_waiting(world.account_id)
        return first(*args)

    monkeypatch.setattr(planning, "commit_written", commit)
    with pytest.raises(Overtaken):
        planning.plan_found(world.account_id, waiting)
    with pytest.raises(Overtaken), transaction.atomic():
        pass_fence(stale)
    assert not Batch.objects.filter(pending=True).exists()
    world.run()
    check(world, 1, Decimal(100_000))


def test_more_events_than_are_taken_up_at_once_are_resumed(
    world: CopyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an interrupted run has begun is ended first, also behind the limit."""
    world.trade("m1", 100_000)
    world.trade("m2", 100_000)
    with monkeypatch.context() as patch:
        kill_at(patch, planning, "commit_written", 2, after=False)
        with pytest.raises(Killed):
            world.work()
    monkeypatch.setattr(planning, "EVENTS_AT_ONCE", 1)
    world.deliver()
    world.run()
    copies = CopySubscription.objects.count()
    assert Outcome.objects.filter(code="COPIED").count() == 2 * copies
    assert Decision.objects.count() == len(world.sent) == 2 * copies
    assert not Batch.objects.filter(pending=True).exists()
