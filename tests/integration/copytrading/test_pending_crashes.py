"""Copies of resting orders: workers that die, and what many followers cost."""

from __future__ import annotations

from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.copytrading.models import Outcome, TradeLink
from apps.copytrading.services import (
    pending_book,
    pending_following,
    pending_settling,
    planning,
)
from apps.execution.models import AccountEvent
from tests.factories.pending import PendingWorld
from tests.support.pendings import asleep, at_rest, held, world

__all__ = ["asleep", "world"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("step", ["place", "amend", "cancel", "fill", "own fill"])
def test_a_worker_that_is_killed_leaves_all_or_nothing(
    world: PendingWorld, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at each of its writes in turn, it goes on to the same end."""
    world.follow()
    world.follow(risk_multiplier=Decimal("0.5"))
    if step != "place":
        world.place("r1", 100_000)
        world.run()
    if step == "place":
        world.place("r1", 100_000)
    elif step == "amend":
        world.change("r1", price=Decimal("1.0910"))
    elif step == "cancel":
        world.cancel("r1")
    else:
        if step == "own fill":
            world.fills(world.placed()[0])
        world.master_fills("r1", 100_000)
    for victim in (pending_book, pending_settling, planning, pending_following):
        with monkeypatch.context() as patch:
            kill_once(patch, victim)
            while True:
                try:
                    world.run()
                    break
                except Killed:
                    continue
    wanted = {"place": 0, "amend": 0, "cancel": 0, "fill": 150_000, "own fill": 150_000}
    assert (held(), at_rest()) == (wanted[step], True)
    told = AccountEvent.objects.count()
    assert Outcome.objects.count() == 2 * told
    assert len(world.placed()) == (2 if step in ("place", "amend") else 0)


class Killed(Exception):
    """The worker died."""


def kill_once(patch: pytest.MonkeyPatch, victim: ModuleType) -> None:
    """Die at the first use of each function that writes."""
    for name in ("store_pendings", "insert_outcomes", "store_links", "forget_waits"):
        if not hasattr(victim, name):
            continue
        real, left = getattr(victim, name), [1]

        def dying(*args: Any, real: Any = real, left: list[int] = left, **more: Any) -> Any:
            if left.pop() if left else 0:
                raise Killed
            return real(*args, **more)

        patch.setattr(victim, name, dying)


def test_more_followers_cost_no_more_queries(world: PendingWorld) -> None:
    """Placing, noting that they rest, the master's fill, the cancels, and what is made up."""

    def queries(key: str) -> list[int]:
        counts = []
        for step in (world.place, world.master_fills):
            step(key, 100_000, **({} if step == world.place else {"position": f"m-{key}"}))
            for _ in range(3):
                with CaptureQueriesContext(connection) as seen:
                    world.work()
                counts.append(len(seen))
                world.deliver()
        world.run()
        return counts

    for _ in range(2):
        world.follow()
    queries("r1")
    before = queries("r2")
    for _ in range(5):
        world.follow()
    after = queries("r3")
    # The product's configuration is cached for a moment and may be read once more.
    assert all(now <= then + 1 for now, then in zip(after, before, strict=True))
    assert at_rest() and len(TradeLink.objects.filter(position_key="m-r3")) == 7
