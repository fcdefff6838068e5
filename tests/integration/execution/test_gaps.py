"""What a session must not leave lying: part-filled closes, lost claims, unread accounts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from asgiref.sync import sync_to_async
from psycopg_pool import PoolTimeout

from apps.execution import selectors, streams
from apps.execution.gateway import bus, claims, closes, resolve, session
from apps.execution.gateway.db import Database
from apps.execution.gateway.lease import Leases
from apps.execution.models import Batch, ConnectionLease, Deal, Order, Position
from apps.platforms.models import TradingAccount
from apps.platforms.ports import (
    Finding,
    PlatformError,
    PositionUpdate,
    Presence,
    Snapshot,
)
from apps.trading.orders import Leg, Side
from tests.integration.execution.test_session import bench, live, run, running, told, until
from tests.support.memory_platform import MemoryConnector

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal
__all__ = ["bench", "told"]


def test_a_close_that_a_dead_gateway_got_in_part_only_comes_to_its_end(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolve, "_GRACE", timedelta(0))
    monkeypatch.setattr(resolve, "QUIET", timedelta(0))
    b = bench()
    _, position = b.platform.open("a0", Side.BUY, D(5000))
    close = b.intent(0, Leg.CLOSE, position_id=position.position_id, units=D(5000))
    b.submit(close)
    Batch.objects.update(claimed=1, claimed_at=datetime.now(UTC))
    b.platform.close("a0", position.position_id, D(2000))

    async def work() -> None:
        async with running():
            await until(lambda: Order.objects.filter(final_at__isnull=False).exists())

    run(work())
    order = Order.objects.get()
    assert (order.state, order.filled_units) == ("cancelled", D(2000))
    assert b.platform.sent == []


def test_an_unknown_close_is_not_taken_for_the_one_before_it(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two closes of one position within seconds, neither with an id of ours on the platform."""
    monkeypatch.setattr(resolve, "_GRACE", timedelta(0))
    b = bench()
    _, position = b.platform.open("a0", Side.BUY, D(9000))
    position_id = position.position_id
    before = b.intent(0, Leg.CLOSE, position_id=position_id, units=D(3000))
    lost = b.intent(3, Leg.CLOSE, position_id=position_id, units=D(5000))

    async def work() -> None:
        async with running():
            await until(live)
            await sync_to_async(b.submit)(before)
            await until(lambda: Order.objects.filter(state="filled").exists())
            b.platform.deals["a0"] = [
                replace(d, client_order_id="") for d in b.platform.deals["a0"]
            ]
            b.platform.deaf = True
            await sync_to_async(b.submit)(lost)
            await until(lambda: Order.objects.filter(final_at__isnull=False).count() == 2)

    run(work())
    order = Order.objects.get(client_order_id=lost.client_order_id)
    assert (order.state, order.filled_units) == ("not_delivered", D(0))


def test_two_unknown_closes_of_one_position_find_a_close_each(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolve, "_GRACE", timedelta(0))
    b = bench()
    _, position = b.platform.open("a0", Side.BUY, D(9000))
    closes = [
        b.intent(n, Leg.CLOSE, position_id=position.position_id, units=D(3000)) for n in (0, 3)
    ]
    close = type(b.platform).close
    monkeypatch.setattr(  # as on a platform whose closes carry no id of ours
        type(b.platform), "close", lambda self, a, p, units, tag="": close(self, a, p, units)
    )

    async def work() -> None:
        async with running():
            await until(live)
            b.platform.silent = True
            await sync_to_async(b.submit)(*closes)
            await until(lambda: Order.objects.filter(state="filled").count() == 2)

    run(work())
    ids = set(Order.objects.values_list("platform_order_id", flat=True))
    assert len(ids) == 2
    assert set(Order.objects.values_list("filled_units", flat=True)) == {D(3000)}


def test_a_found_increase_does_not_end_its_position(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks for an order by its id may not be shown the position that it added to."""
    b = bench()
    first, more = b.intent(0), b.intent(3)

    async def found(connector: Any, account: str, cid: str, since: Any, leg: Any) -> Finding:
        if cid != more.client_order_id:
            return Finding(Presence.ABSENT)
        deal = replace(b.platform.deals["a0"][0], deal_id="d9", client_order_id=cid)
        return Finding(Presence.FOUND, deals=(replace(deal, platform_order_id="o9"),))

    monkeypatch.setattr(MemoryConnector, "find_by_client_id", found)

    async def work() -> None:
        async with running():
            await until(live)
            await sync_to_async(b.submit)(first)
            await until(lambda: Order.objects.filter(state="filled").exists())
            b.platform.deaf = True
            await sync_to_async(b.submit)(more)
            await until(lambda: Order.objects.filter(state="filled").count() == 2)
            await until(lambda: Deal.objects.filter(deal_id="d9").exists())

    run(work())
    assert Position.objects.get().closed_at is None


def test_an_old_change_of_stops_does_not_bring_an_old_volume_back(bench: Any) -> None:
    b = bench()
    now = datetime.now(UTC)

    async def work() -> None:
        async with running():
            await until(live)
            deal, position = b.platform.open("a0", Side.BUY, D(4000))
            b.platform.tell("a0", deal, position)
            grown = replace(position, units=D(31000))
            b.platform.tell("a0", replace(deal, deal_id="d8", units=D(27000)), grown)
            stale = replace(position, stop_loss=D("1.05"))
            b.platform.push([PositionUpdate("a0", stale, now, now)])
            await until(lambda: Position.objects.filter(stop_loss=D("1.05")).exists())

    run(work())
    assert Position.objects.get().units == D(31000)


def test_items_of_a_claim_that_was_not_answered_are_asked_for(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolve, "_GRACE", timedelta(0))
    monkeypatch.setattr(session, "_RECHECK_S", 0.0)
    b = bench()

    async def work() -> None:
        async with running():
            await until(live)
            lost, later = b.intent(0), b.intent(1)
            now = datetime.now(UTC)

            def claimed_in_part() -> bool:
                """As by this session: committed, but the answer to the commit was lost."""
                b.submit(lost, later)
                epoch = ConnectionLease.objects.get().epoch
                Batch.objects.update(claimed=1, claimed_at=now, claim_epoch=epoch)
                return True

            await until(claimed_in_part)
            await until(lambda: Order.objects.filter(final_at__isnull=False).count() == 2)

    monkeypatch.setattr(streams, "push", lambda slices: None)
    run(work())
    assert sorted(Order.objects.values_list("state", flat=True)) == ["filled", "not_delivered"]


def test_an_account_that_could_not_be_read_is_read_again(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_RECHECK_S", 0.0)
    refusals = [PlatformError("CANT_ROUTE_REQUEST"), ConnectionError("no answer in time")]
    read = MemoryConnector.snapshot

    async def snapshot(self: MemoryConnector, account: str) -> Snapshot:
        if account == "a0" and refusals:
            raise refusals.pop(0)
        return await read(self, account)

    monkeypatch.setattr(MemoryConnector, "snapshot", snapshot)
    b = bench()
    master = b.accounts[0]
    TradingAccount.objects.filter(pk=master.pk).update(journaled=True)

    async def work() -> None:
        async with running():
            await until(live)
            b.platform.tell("a0", *b.platform.open("a0", Side.BUY, D(5000)))
            await until(lambda: len(selectors.unplanned_events(master.pk)) == 1)

    run(work())
    assert len(b.connectors) == 1


def test_a_part_that_does_not_hear_its_end_does_not_keep_the_connection(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lease was lost; the next session of the same gateway must be able to begin."""
    b = bench()
    swallowed: list[bool] = []

    async def unsent(*_: Any) -> list[Any]:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if swallowed:
                raise
            swallowed.append(True)
        return []

    monkeypatch.setattr(bus, "unsent", unsent)

    async def work() -> None:
        async with running():
            await until(live)
            past = datetime.now(UTC) - timedelta(seconds=1)
            taken = ConnectionLease.objects.all()
            await sync_to_async(taken.update)(holder="other", epoch=7, expires_at=past)
            await until(lambda: ConnectionLease.objects.filter(epoch=8).exists() and live())

    run(work())
    assert swallowed
    assert len(b.connectors) == 2


def test_an_unknown_close_is_asked_for_again_when_postgresql_is_back(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its session stands meanwhile."""
    b = bench()
    _, position = b.platform.open("a0", Side.BUY, D(9000))
    position_id = position.position_id
    close = type(b.platform).close
    monkeypatch.setattr(  # as on a platform whose closes carry no id of ours
        type(b.platform), "close", lambda self, a, p, units, tag="": close(self, a, p, units)
    )
    away = [psycopg.OperationalError("terminating connection"), PoolTimeout("no connection")]
    taken = closes.Closes._taken

    async def fail(self: Any, *values: Any) -> Any:
        if away:
            raise away.pop()
        return await taken(self, *values)

    monkeypatch.setattr(closes.Closes, "_taken", fail)

    async def work() -> None:
        async with running():
            await until(live)
            b.platform.silent = True
            await sync_to_async(b.submit)(
                b.intent(0, Leg.CLOSE, position_id=position_id, units=D(3000))
            )
            await until(lambda: Order.objects.filter(state="filled").exists())

    run(work())
    assert away == []
    assert len(b.connectors) == 1


def test_what_a_lost_claim_took_is_looked_for_at_once(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL went away between the commit and its answer; nothing was sent."""
    monkeypatch.setattr(resolve, "_GRACE", timedelta(0))
    b = bench()
    claim, lost = claims.Claims.claim, [True]

    async def once(self: Any, parts: Any) -> Any:
        verdict = await claim(self, parts)
        if lost and lost.pop():
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return verdict

    monkeypatch.setattr(claims.Claims, "claim", once)

    async def work() -> None:
        async with running():
            await until(live)
            await sync_to_async(b.submit)(b.intent(0))
            await until(lambda: Order.objects.filter(final_at__isnull=False).exists())

    run(work())
    assert Order.objects.get().state == "not_delivered"
    assert b.platform.sent == []


def test_a_gateway_takes_up_again_what_it_has_let_lapse(bench: Any) -> None:
    """Its own deadline passed, though PostgreSQL, which answered late, had renewed the lease."""
    b = bench()
    waits: list[float] = []

    async def work() -> None:
        async with running() as gateway:
            await until(live)
            (lease,) = gateway.leases.held.values()
            lease.deadline = 0.0
            await until(lambda: ConnectionLease.objects.filter(epoch=2).exists() and live())
            waits.extend(lease.wait_s() for lease in gateway.leases.held.values())
            await sync_to_async(b.submit)(b.intent(0))
            await until(lambda: Order.objects.filter(state="filled").exists())

    run(work())
    assert len(b.connectors) == 2
    assert waits == [0.0]  # nothing is left of the session before


def test_a_lease_that_is_not_held_any_more_is_not_renewed(bench: Any) -> None:
    b = bench()

    async def work() -> None:
        database = Database()
        await database.open()
        leases = Leases(database, "me")
        (lease,) = await leases.acquire(1, set())
        lease.deadline = 0.0
        assert leases.expired() == [lease]
        before = await sync_to_async(ConnectionLease.objects.get)(connection_id=b.connection_id)
        assert await leases.renew() == []
        after = await sync_to_async(ConnectionLease.objects.get)(connection_id=b.connection_id)
        assert after.expires_at == before.expires_at
        await database.close()

    run(work())
