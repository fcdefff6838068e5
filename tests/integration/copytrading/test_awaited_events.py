"""A worker that is woken while the event is being committed finds it all the same."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from apps.copytrading.services import work as working
from apps.copytrading.services.locks import master_lock
from apps.execution.models import AccountEvent, Batch
from tests.factories.copytrading import CopyWorld

pytestmark = pytest.mark.django_db(transaction=True)


def meanwhile(act: Callable[[], object], after_s: float) -> threading.Thread:
    """Do something on a connection of its own, a little later."""

    def later() -> None:
        time.sleep(after_s)
        act()
        connection.close()

    thread = threading.Thread(target=later)
    thread.start()
    return thread


def taken(master_account_id: int) -> tuple[threading.Event, threading.Thread]:
    """Another worker has the master until the event is set; it is gone when the thread ends."""
    has, free = threading.Event(), threading.Event()

    def hold() -> None:
        with master_lock(master_account_id):
            has.set()
            free.wait(30)

    gone = meanwhile(hold, 0)
    has.wait(30)
    return free, gone


def test_an_event_that_comes_a_moment_later_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "AWAIT_S", 30.0)
    world = CopyWorld()
    world.follow()
    trading = meanwhile(lambda: world.trade("p1", 100_000), 0.05)
    working.work(world.account_id, ["deal:d1"])
    trading.join()
    assert AccountEvent.objects.get().planned_at is not None
    assert Batch.objects.count() == 1


def test_nobody_waits_for_an_event_that_is_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    world = CopyWorld()
    world.trade("p1", 100_000)
    working.work(world.account_id)
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("it waits"))
    working.work(world.account_id, ["deal:d1"])
    assert AccountEvent.objects.get().planned_at is not None


def test_an_event_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "AWAIT_S", 0.05)
    world = CopyWorld()
    working.work(world.account_id, ["deal:d1"])
    assert not AccountEvent.objects.exists()


def test_who_finds_the_master_taken_waits_for_the_event_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever has it may have looked for the last time before the event was there."""
    monkeypatch.setattr(working, "AWAIT_S", 30.0)
    world = CopyWorld()
    world.follow()
    free, gone = taken(world.account_id)

    def trade() -> None:
        free.set()
        gone.join()
        world.trade("p1", 100_000)

    trading = meanwhile(trade, 0.05)
    working.work(world.account_id, ["deal:d1"])
    trading.join()
    assert AccountEvent.objects.get().planned_at is not None


def test_an_event_that_comes_as_the_master_becomes_free_is_not_left_to_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = CopyWorld()
    world.follow()
    free, gone = taken(world.account_id)
    look = working._there

    def comes(*asked: Any) -> bool:
        """Whoever had the master has gone for good before the event is there."""
        if not free.is_set():
            free.set()
            gone.join()
            world.trade("p1", 100_000)
        return look(*asked)

    monkeypatch.setattr(working, "_there", comes)
    working.work(world.account_id, ["deal:d1"])
    assert AccountEvent.objects.get().planned_at is not None
