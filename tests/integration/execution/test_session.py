"""A session on a platform in memory, with real PostgreSQL and Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from structlog.testing import capture_logs

from apps.execution import api, receivers, selectors, streams
from apps.execution.gateway import resolve
from apps.execution.gateway.directory import Directory
from apps.execution.gateway.process import Gateway
from apps.execution.intents import Intent, client_order_id, dump
from apps.execution.models import Batch, ConnectionLease, Deal, Gate, Order, Position
from apps.platforms.limits import Limits
from apps.platforms.models import AccountState, ConnectionState, Symbol, TradingAccount
from apps.trading.orders import Leg, OrderState, Side
from tests.factories.platforms import AccountFactory, ConnectionFactory
from tests.support.memory_books import MemoryPlatform
from tests.support.memory_platform import MemoryConnector

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal


@pytest.fixture
def told(live_redis_url: str) -> Iterator[dict[str, list[int]]]:
    heard: dict[str, list[int]] = {"events": [], "orders": []}
    receivers.register(
        "copy",
        on_events=lambda keys: heard["events"].extend(keys),
        on_orders=lambda keys: heard["orders"].extend(keys),
    )
    before = dict(receivers._receivers)
    yield heard
    receivers._receivers.clear()
    receivers._receivers.update(before)


class Bench:
    """A gateway in this process on a platform in memory."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, accounts: int, rate: int) -> None:
        self.platform = MemoryPlatform()
        self.connectors: list[MemoryConnector] = []
        self.rate = rate
        connection = ConnectionFactory()
        self.connection_id = connection.pk
        self.accounts = [
            AccountFactory(connection=connection, platform_account_id=f"a{n}")
            for n in range(accounts)
        ]
        bench = self

        async def connector(directory: Directory) -> MemoryConnector:
            return bench.connector(directory)

        monkeypatch.setattr(Directory, "connector", connector)

    def connector(self, directory: Directory) -> MemoryConnector:
        directory.platform = "paper"
        connector = MemoryConnector(self.platform, Limits.per_second(self.rate, 0))
        self.connectors.append(connector)
        return connector

    def intent(self, n: int, leg: Leg = Leg.OPEN, **values: Any) -> Intent:
        account = self.accounts[n % len(self.accounts)]
        defaults: dict[str, Any] = {
            "client_order_id": client_order_id("test", leg, n),
            "account_id": account.pk,
            "platform_account": account.platform_account_id,
            "leg": leg,
            "source": "copy",
            "relation": f"sub:{n}",
            "wake_key": 77,
            "instrument_id": "1",
            "side": Side.BUY,
            "units": D(1000),
        }
        return Intent(**defaults | values)

    def submit(self, *intents: Intent) -> None:
        ids = {i.account_id: self.connection_id for i in intents}
        api.submit(intents, connection_ids=ids, now=datetime.now(UTC))


@asynccontextmanager
async def running() -> AsyncIterator[Gateway]:
    gateway = Gateway("test")
    task = asyncio.create_task(gateway.run())
    try:
        yield gateway
    finally:
        gateway._stop.set()
        await task


async def until(check: Callable[[], Any], seconds: float = 8.0) -> Any:
    """Wait until a check on the database holds."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        found = await sync_to_async(check)()
        if found:
            return found
        assert asyncio.get_running_loop().time() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


def live() -> bool:
    return ConnectionState.objects.filter(status="live").exists()


def run(work: Coroutine[Any, Any, None]) -> None:
    async def whole() -> None:
        try:
            await work
        finally:
            await sync_to_async(connections.close_all)()

    asyncio.run(whole())


@pytest.fixture
def bench(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, told: dict[str, list[int]]
) -> Callable[..., Bench]:
    return lambda accounts=3, rate=0: Bench(monkeypatch, accounts, rate)


def states() -> dict[str, str]:
    return dict(Order.objects.values_list("client_order_id", "state"))


def test_a_session_begins_journals_sends_and_settles(bench: Any, told: Any) -> None:
    b = bench()
    master = b.accounts[0]
    TradingAccount.objects.filter(pk=master.pk).update(journaled=True)

    async def work() -> None:
        async with running():
            await until(live)
            assert await until(lambda: Symbol.objects.get().folded == "EURUSD")
            deal, position = b.platform.open("a0", Side.BUY, D(5000))
            b.platform.tell("a0", deal, position)
            (event,) = await until(lambda: selectors.unplanned_events(master.pk))
            assert event.payload.units == 5000
            assert event.payload.position_units == 5000
            intents = [b.intent(n) for n in range(600)]
            await sync_to_async(b.submit)(*intents)
            await until(lambda: len(selectors.unsettled_orders("copy", 77)) == 600)
            await until(lambda: Batch.objects.filter(settled=False).count() == 0)
            await until(lambda: AccountState.objects.filter(open_positions=200).count() == 2)
            await until(lambda: 77 in told["orders"] and master.pk in told["events"])

    run(work())
    assert len(b.platform.sent) == 600
    assert set(states().values()) == {OrderState.FILLED}
    assert Deal.objects.count() == 601
    assert Position.objects.filter(closed_at=None).count() == 601
    assert ConnectionLease.objects.get().holder == ""


def test_one_id_leads_from_the_masters_deal_to_the_fills_in_the_logs(bench: Any) -> None:
    b = bench()
    master = b.accounts[0]
    TradingAccount.objects.filter(pk=master.pk).update(journaled=True)

    async def work() -> None:
        async with running():
            await until(live)
            b.platform.tell("a0", *b.platform.open("a0", Side.BUY, D(5000)))
            (event,) = await until(lambda: selectors.unplanned_events(master.pk))
            trace.append(event.trace_id)
            copies = [b.intent(n, trace_id=event.trace_id) for n in (1, 2, 4)]
            await sync_to_async(b.submit)(*copies)
            await until(lambda: Batch.objects.filter(settled=True).exists())

    trace: list[str] = []
    with capture_logs() as logs:
        run(work())
    journaled = [line for line in logs if trace[0] in line.get("traces", ())]
    stored = [line for line in logs if line.get("trace") == trace[0]]
    assert [line["event"] for line in journaled] == ["journaled"]
    assert {line["event"] for line in stored} == {"orders stored"}
    assert sum(line["filled"] for line in stored) == 3


def test_own_deals_on_a_watched_account_are_journaled_with_it(bench: Any) -> None:
    b = bench()
    TradingAccount.objects.filter(pk=b.accounts[1].pk).update(journaled=True)

    async def work() -> None:
        async with running():
            await until(live)
            await sync_to_async(b.submit)(b.intent(1))
            (event,) = await until(lambda: selectors.unplanned_events(b.accounts[1].pk))
            assert event.payload.own

    run(work())


def test_gates_withdrawals_and_lateness_hold_orders_back(bench: Any) -> None:
    b = bench(rate=0)
    now = datetime.now(UTC)
    free, gated, late, account_gated = (b.intent(n) for n in range(4))
    gated_close = b.intent(1, Leg.CLOSE, position_id="p1", relation="sub:1")
    late = b.intent(2, not_after=now - timedelta(seconds=1))
    taken_back = b.intent(7)
    account_gated = b.intent(0, client_order_id="c-gated-by-source", source="bot", wake_key=5)
    api.set_gate(
        scope=Gate.Scope.RELATION, key="sub:1", state=Gate.State.REDUCING, actor="x", now=now
    )
    api.set_gate(
        scope=Gate.Scope.SOURCE, key="bot:5", state=Gate.State.REDUCING, actor="x", now=now
    )
    b.submit(free, gated, late, taken_back, account_gated, gated_close)
    api.withdraw([taken_back.client_order_id], reason="test", now=now)

    async def work() -> None:
        async with running():
            await until(lambda: Batch.objects.filter(settled=False).count() == 0)

    run(work())
    found = {o.client_order_id: (o.state, o.code) for o in Order.objects.all()}
    assert found == {
        free.client_order_id: ("filled", ""),
        gated.client_order_id: ("withheld", "GATED"),
        late.client_order_id: ("expired", "TOO_LATE"),
        taken_back.client_order_id: ("cancelled", "WITHDRAWN"),
        account_gated.client_order_id: ("withheld", "GATED"),
        gated_close.client_order_id: ("rejected", "POSITION_NOT_FOUND"),
    }
    assert {r.client_order_id for r in b.platform.sent} == {
        free.client_order_id,
        gated_close.client_order_id,
    }


def test_a_slice_whose_id_was_given_to_another_is_not_sent_as_that(bench: Any) -> None:
    """PostgreSQL may give an id twice when it crashes before the first one is on the disk."""
    b = bench()
    lost, real = b.intent(1), b.intent(2)

    async def work() -> None:
        async with running():
            await until(live)
            batch = Batch(connection_id=b.connection_id, leg="open", priority=2, size=1)
            batch.items, batch.created_at = dump([real]), datetime.now(UTC)
            before = (batch.created_at - timedelta(seconds=1)).timestamp()
            await batch.asave()
            slices = [(batch.pk, b.connection_id, "open", before, dump([lost]))]
            await sync_to_async(streams.push)(slices)
            await until(lambda: states() == {real.client_order_id: "filled"})

    run(work())
    assert [request.client_order_id for request in b.platform.sent] == [real.client_order_id]


def test_a_halted_close_waits_and_lets_others_pass(bench: Any) -> None:
    b = bench()
    _, held = b.platform.open("a1", Side.BUY, D(1000))
    _, other = b.platform.open("a2", Side.BUY, D(1000))
    key = str(b.accounts[1].pk)
    now = datetime.now(UTC)
    api.set_gate(scope=Gate.Scope.ACCOUNT, key=key, state=Gate.State.HALTED, actor="x", now=now)
    halted = b.intent(1, Leg.CLOSE, position_id=held.position_id)
    free = b.intent(2, Leg.CLOSE, position_id=other.position_id)
    b.submit(halted, free)

    async def work() -> None:
        async with running():
            await until(lambda: states() == {free.client_order_id: "filled"})
            await asyncio.sleep(1.2)
            assert len(b.platform.sent) == 1
            await sync_to_async(api.clear_gate)(scope=Gate.Scope.ACCOUNT, key=key)
            await until(lambda: states().get(halted.client_order_id) == "filled")
            await until(lambda: Batch.objects.filter(settled=False).count() == 0)

    run(work())


def test_limited_sending_keeps_priority_and_opens_nothing_late(bench: Any) -> None:
    b = bench(rate=10)
    _, position = b.platform.open("a0", Side.BUY, D(1000))

    async def work() -> None:
        async with running():
            await until(live)
            limit = datetime.now(UTC) + timedelta(seconds=1.5)
            opens = [b.intent(n, not_after=limit) for n in range(60)]
            await sync_to_async(b.submit)(*opens)
            await until(lambda: len(b.platform.sent) >= 5)
            close = b.intent(0, Leg.CLOSE, position_id=position.position_id)
            before = len(b.platform.sent)
            await sync_to_async(b.submit)(close)
            await until(lambda: close.client_order_id in states())
            order = [r.client_order_id for r in b.platform.sent]
            assert order.index(close.client_order_id) <= before + 10
            await until(lambda: Batch.objects.filter(settled=False).count() == 0)

    run(work())
    late = [s for s in states().values() if s == OrderState.EXPIRED]
    assert len(late) + len(b.platform.sent) == 61
    assert len(late) >= 25


def test_accepted_but_not_answered_is_found(bench: Any, told: Any) -> None:
    b = bench()
    b.platform.silent = True

    async def work() -> None:
        async with running():
            await until(live)
            await sync_to_async(b.submit)(b.intent(0))
            await until(lambda: set(states().values()) == {"filled"})
            assert len(b.platform.sent) == 1
            close = b.intent(0, Leg.CLOSE, position_id="p1")
            await sync_to_async(b.submit)(close)
            await until(lambda: states().get(close.client_order_id) == "filled")

    run(work())
    assert Position.objects.get().closed_at is not None


def test_an_order_that_was_lost_is_not_delivered_and_never_resent(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolve, "_GRACE", timedelta(seconds=0.3))
    b = bench()
    b.platform.deaf = True

    async def work() -> None:
        async with running():
            await until(live)
            await sync_to_async(b.submit)(b.intent(0))
            await until(lambda: set(states().values()) == {"not_delivered"})

    run(work())
    assert len(b.platform.sent) == 1


def test_what_a_dead_gateway_had_claimed_is_asked_for(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolve, "_GRACE", timedelta(0))
    b = bench()
    sent, lost, later = b.intent(0), b.intent(1), b.intent(2)
    b.submit(sent, lost, later)
    Batch.objects.update(claimed=2, claimed_at=datetime.now(UTC))
    b.platform.open("a0", Side.BUY, D(1000), sent.client_order_id)

    async def work() -> None:
        async with running():
            await until(lambda: Batch.objects.filter(settled=True).exists())

    run(work())
    assert states() == {
        sent.client_order_id: "filled",
        lost.client_order_id: "not_delivered",
        later.client_order_id: "filled",
    }
    assert [r.client_order_id for r in b.platform.sent] == [later.client_order_id]


def test_what_was_missed_during_a_gap_is_journaled(bench: Any) -> None:
    b = bench()
    master = b.accounts[0]
    TradingAccount.objects.filter(pk=master.pk).update(journaled=True)

    async def work() -> None:
        async with running():
            await until(live)
            deal, position = b.platform.open("a0", Side.BUY, D(5000))
            b.platform.tell("a0", deal, position)
            await until(lambda: len(selectors.unplanned_events(master.pk)) == 1)
            (connector,) = b.connectors
            connector.cut()
            await until(lambda: ConnectionState.objects.filter(status="down").exists())
            b.platform.close("a0", position.position_id, D(2000))
            _, second = b.platform.open("a0", Side.SELL, D(1000))
            b.platform.protect("a0", position.position_id, D("1.05"))
            connector.mend()
            events = await until(
                lambda: (e := selectors.unplanned_events(master.pk)) and len(e) == 4 and e
            )
            first, part, opened, protected = (e.payload for e in events)
            assert (part.units, part.position_units) == (2000, 3000)
            assert (opened.position_id, opened.position_side) == (second.position_id, "sell")
            assert (protected.position_id, protected.stop_loss) == (
                position.position_id,
                D("1.05"),
            )
            assert first.position_units == 5000
            await until(live)

    run(work())


def test_an_order_that_stands_twice_is_closed_once(bench: Any) -> None:
    b = bench()
    tag = client_order_id("twice")
    _, first = b.platform.open("a0", Side.BUY, D(1000), tag)
    b.platform.open("a0", Side.BUY, D(1000), tag)

    async def work() -> None:
        async with running():
            await until(lambda: Order.objects.filter(cause="duplicate", state="filled").exists())
            await asyncio.sleep(0.3)

    run(work())
    assert list(b.platform.positions["a0"]) == [first.position_id]
    assert len(b.platform.sent) == 1


def test_an_account_that_is_added_is_taken_up(bench: Any) -> None:
    b = bench(accounts=1)

    async def work() -> None:
        async with running():
            await until(live)
            account = await sync_to_async(AccountFactory)(
                connection=b.accounts[0].connection, platform_account_id="new"
            )
            await until(lambda: AccountState.objects.filter(account=account).exists())

    run(work())
