"""Workers are woken while an event is being committed, and again where that takes long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Any, cast

import pytest

from apps.common.wakeups import Wake
from apps.copytrading.tasks import work
from apps.execution import receivers
from apps.execution.gateway import journaling
from apps.execution.gateway.db import Database
from apps.execution.gateway.journaling import Journal

ACCOUNT, OTHER = 7, 8


class Disk:
    """A database that commits the events of the accounts it is told to."""

    def __init__(self, told: list[set[tuple[int, str]]], *written: int) -> None:
        self.told = told
        self.written = written
        self.told_before: list[set[tuple[int, str]]] = []

    async def run_ahead(
        self, statement: str, values: Sequence[object], visible: Callable[[list[Any]], None]
    ) -> None:
        await asyncio.sleep(0)
        self.told_before = list(self.told)
        visible([(account, "trace") for account in self.written])


def journaled(*written: int) -> tuple[list[set[tuple[int, str]]], list[set[tuple[int, str]]]]:
    """What was told before the commit, and all that was told, not counting empty calls."""
    told: list[set[tuple[int, str]]] = []

    def tell(keys: Collection[tuple[int, str]]) -> None:
        if keys:
            told.append(set(keys))

    disk = Disk(told, *written)
    journal = Journal(cast(Database, disk), 1, tell)
    asyncio.run(journal.deals([], [], [(ACCOUNT, "deal:1")]))
    return disk.told_before, told


def test_who_is_told_ahead_is_not_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journaling, "AWAIT_S", 60.0)
    before, told = journaled(ACCOUNT)
    assert before == told == [{(ACCOUNT, "deal:1")}]


def test_who_was_told_too_early_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journaling, "AWAIT_S", 0.0)
    before, told = journaled(ACCOUNT)
    assert before == [{(ACCOUNT, "deal:1")}]
    assert told == [{(ACCOUNT, "deal:1")}, {(ACCOUNT, "")}]


def test_an_account_that_was_not_expected_is_told_when_its_event_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(journaling, "AWAIT_S", 60.0)
    _, told = journaled(ACCOUNT, OTHER)
    assert told == [{(ACCOUNT, "deal:1")}, {(OTHER, "")}]


def test_events_of_one_account_wake_one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receivers, "_receivers", {})
    receivers.register(
        "x", on_events=lambda awaited: [Wake(work, [k, v]) for k, v in awaited.items()]
    )
    receivers.register("broken", on_events=lambda awaited: [Wake(work, [1 / 0])])
    wakes = receivers.wakes_for_events([(ACCOUNT, "a"), (ACCOUNT, ""), (ACCOUNT, "b"), (OTHER, "")])
    assert [list(wake.args) for wake in wakes] == [[ACCOUNT, ["a", "b"]], [OTHER, []]]
