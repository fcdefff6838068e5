"""Accounts are read again while they are live: lost events are found, the budget is kept."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest

from apps.execution import receivers, selectors, suspects
from apps.execution.gateway import rereading
from apps.execution.models import Position
from apps.platforms.models import TradingAccount
from apps.platforms.ports import Snapshot
from apps.trading.orders import Side
from tests.integration.execution.test_session import bench, live, run, running, told, until
from tests.support.memory_platform import MemoryConnector

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal
__all__ = ["bench", "told"]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float]]:
    """Every snapshot that is taken: the account, and when."""
    taken: list[tuple[str, float]] = []
    read = MemoryConnector.snapshot

    async def snapshot(self: MemoryConnector, account: str) -> Snapshot:
        taken.append((account, time.monotonic()))
        return await read(self, account)

    monkeypatch.setattr(MemoryConnector, "snapshot", snapshot)
    return taken


def test_what_no_event_told_is_found(bench: Any, told: Any) -> None:
    b = bench()
    TradingAccount.objects.filter(pk=b.accounts[0].pk).update(journaled=True)

    async def work() -> None:
        async with running():
            await until(live)
            _, lost = b.platform.open("a0", Side.BUY, D(5000))
            b.platform.open("a1", Side.SELL, D(3000))
            await until(lambda: Position.objects.filter(closed_at=None).count() == 2)
            b.platform.close("a0", lost.position_id, D(2000))
            await until(lambda: Position.objects.filter(units=D(3000)).count() == 2)
            b.platform.protect("a0", lost.position_id, D("1.05"))
            await until(lambda: Position.objects.filter(stop_loss=D("1.05")).exists())
            b.platform.close("a0", lost.position_id, D(3000))
            await until(lambda: Position.objects.exclude(closed_at=None).exists())
            assert await until(live)

    run(work())
    events = selectors.unplanned_events(b.accounts[0].pk)
    assert [event.kind for event in events] == ["deal", "deal", "protection", "deal"]
    assert len(b.connectors) == 1


def test_an_account_that_agrees_is_left_alone(
    bench: Any, reads: list[tuple[str, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(
        "apps.execution.gateway.session.Session._read_quietly", lambda self, n: asked.append(n)
    )
    b = bench()
    TradingAccount.objects.filter(pk=b.accounts[0].pk).update(journaled=True)

    async def work() -> None:
        async with running():
            await until(live)
            for _ in range(5):
                b.platform.tell("a0", *b.platform.open("a0", Side.BUY, D(5000)))
            before = len(reads)
            await until(lambda: len(reads) > before + 6)

    run(work())
    assert asked == []


def test_reading_again_takes_a_quarter_of_the_budget(
    bench: Any, reads: list[tuple[str, float]]
) -> None:
    bench(rate=40)

    async def work() -> None:
        async with running():
            await until(live)
            before = len(reads)
            await until(lambda: len(reads) >= before + 8)

    run(work())
    times = [at for _, at in reads[-8:]]
    # 40 requests a second, a quarter of them, two for each snapshot: five snapshots a second
    assert times[-1] - times[0] >= 7 / 5 * 0.98
    assert {name for name, _ in reads[-8:]} == {"a0", "a1", "a2"}


def test_doubtful_accounts_come_first(
    bench: Any, reads: list[tuple[str, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rereading, "_ASK_S", 0.05)
    b = bench(accounts=40, rate=40)
    doubted = [b.accounts[35].pk, b.accounts[36].pk]

    async def work() -> None:
        async with running():
            await until(live)
            before = len(reads)

            def doubt() -> bool:
                suspects.suspect(doubted)
                return True

            await until(doubt)
            await until(lambda: {"a35", "a36"} <= {name for name, _ in reads[before:]}, 4)
            assert len(reads) - before < 20

    run(work())


def test_an_account_with_a_refused_order_is_doubtful(
    bench: Any, reads: list[tuple[str, float]]
) -> None:
    b = bench(accounts=40, rate=40)
    b.platform.refusal = "NOT_ENOUGH_MONEY"

    async def work() -> None:
        async with running():
            await until(live)
            before = len(reads)
            intent = b.intent(35)

            def submit() -> bool:
                b.submit(intent)
                return True

            await until(submit)
            await until(lambda: "a35" in {name for name, _ in reads[before:]}, 4)
            assert len(reads) - before < 20

    run(work())


def test_sources_hear_of_accounts_that_were_read(bench: Any) -> None:
    heard: list[int] = []
    receivers.register("copy", on_read=heard.extend)
    b = bench()

    async def work() -> None:
        async with running():
            await until(lambda: sorted(heard) == [a.pk for a in b.accounts])
            heard.clear()
            await until(live)
            b.platform.open("a1", Side.BUY, D(5000))
            await until(lambda: heard == [b.accounts[1].pk])

    run(work())
