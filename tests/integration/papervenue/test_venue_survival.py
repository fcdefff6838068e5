"""What the venue acknowledged is there after a restart and after a kill."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from apps.openapi_wire import messages as m
from apps.openapi_wire.enums import OrderType
from apps.openapi_wire.payloads import PayloadType
from apps.papervenue.admin_client import AdminClient
from apps.papervenue.store import Store
from apps.papervenue.testing import OpenedAccount, running_venue
from tests.integration.papervenue.test_venue_sessions import LOT, buy
from tests.integration.papervenue.trader import Trader


class Process:
    """A real venue process."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, admin_port: int) -> None:
        self.process, self.port = process, port
        self.admin = AdminClient(admin_port)

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)


@contextlib.asynccontextmanager
async def venue_process(data: Path) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "manage.py", "papervenue", "serve", "--no-rate-limits"),
        *("--port", "0", "--admin-port", "0", "--prices", "ecb", "--data", str(data)),
        cwd=settings.BASE_DIR,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            line = (await process.stdout.readline()).decode()
        ports = [
            int(word.split(":")[1].strip(",")) for word in line.split() if "127.0.0.1:" in word
        ]
        assert len(ports) == 2, line
        yield Process(process, *ports)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def sign_in(process: Process, account: int, token: str) -> Trader:
    trader = await Trader.connect("127.0.0.1", process.port)
    await trader.sign_in("bellwether", "paper-venue")
    await trader.open(account, token)
    return trader


def told(trader: Trader) -> dict[int, Any]:
    """Deals that the client has heard of, by id."""
    events = [
        frame.message()
        for frame in trader.heard
        if frame.payload_type == PayloadType.PROTO_OA_EXECUTION_EVENT
    ]
    return {event.deal.dealId: event for event in events if event.HasField("deal")}


async def test_nothing_that_was_acknowledged_is_lost_in_a_kill(tmp_path: Path) -> None:
    async with venue_process(tmp_path) as first:
        opened = await first.admin.ask(
            "open_accounts", accounts=[{"name": "a", "deposit": "1000000", "leverage": 500}]
        )
        number = opened["accounts"][0]["account"]
        token = opened["owners"]["a"]["access_token"]
        account = OpenedAccount(number, 0, "a", token, "")
        trader = await sign_in(first, number, token)
        for sent in range(3_000):
            trader.send(buy(account, 100_000, label=f"n{sent}"))
            if sent == 1_500:
                await trader.wait(lambda frame: True, 600)
                first.kill()
                break
        await trader.hang_up()
        acknowledged = told(trader)
        assert len(acknowledged) >= 100
    async with venue_process(tmp_path) as second:
        [books] = (await second.admin.ask("books", accounts=[number]))["books"]
        deals = {deal["deal_id"]: deal for deal in books["deals"]}
        assert set(acknowledged) <= set(deals)
        positions = {position["position_id"] for position in books["positions"]}
        assert {event.position.positionId for event in acknowledged.values()} <= positions
        labels = [order["label"] for order in books["orders"]]
        assert len(labels) == len(set(labels)) == len(deals)
        trader = await sign_in(second, number, token)
        _, filled = await trader.trade(buy(account, 100_000))
        assert filled.deal.dealId > max(deals)  # no id is given twice
        await trader.close()


async def test_all_state_is_there_after_a_restart(tmp_path: Path) -> None:
    async with running_venue(tmp_path) as venue:
        account = venue.open_account(currency="EUR", margin_mode="netting")
        trader = await Trader.signed_in(venue, account)
        key = {"ctidTraderAccountId": account.account_id}
        await trader.trade(buy(account, label="kept", relativeStopLoss=500))
        venue.set_price("EURUSD", "1.10033", "1.10043")
        await trader.trade(buy(account, 300_000))
        await trader.trade(buy(account, orderType=2, limitPrice=1.05, stopLoss=1.04), 1)
        before = await trader.ask(m.ProtoOAReconcileReq(returnProtectionOrders=True, **key))
        books = venue.books(account.account_id)
        await venue.restart()
        trader = await Trader.signed_in(venue, account)
        after = await trader.ask(m.ProtoOAReconcileReq(returnProtectionOrders=True, **key))
        assert after == before
        assert venue.books(account.account_id) == books
        venue.set_price("EURUSD", "1.09000", "1.09010")
        [stopped] = await trader.events(PayloadType.PROTO_OA_EXECUTION_EVENT)
        assert stopped.deal.filledVolume == LOT + 300_000


async def test_what_cannot_be_written_is_not_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_venue(tmp_path) as venue:
        account = venue.open_account()
        trader = await Trader.signed_in(venue, account)
        server = venue.server

        def full(self: Store) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(Store, "commit", full)
            key = trader.send(buy(account))
            await trader.hang_up()
        assert not [frame for frame in trader.heard if frame.client_msg_id == key]
        assert server.stopping.is_set()


async def test_an_order_half_filled_at_the_end_is_cancelled_at_the_start(tmp_path: Path) -> None:
    async with running_venue(tmp_path) as venue:
        account = venue.open_account()
        venue.faults.add("partial", message="NEW_ORDER_REQ", delay_ms=60_000)
        trader = await Trader.signed_in(venue, account)
        await trader.trade(buy(account))
        await venue.restart()
        [order] = venue.books(account.account_id)["orders"]
        assert (order["status"], order["executed_units"]) == ("cancelled", "50000.00")


async def test_a_resting_order_filled_in_part_goes_on_after_a_restart(tmp_path: Path) -> None:
    async with running_venue(tmp_path) as venue:
        account = venue.open_account()
        venue.faults.add("partial", message="NEW_ORDER_REQ")
        trader = await Trader.signed_in(venue, account)
        terms = {"orderType": OrderType.STOP_LIMIT, "stopPrice": 1.102, "slippageInPoints": 50}
        await trader.trade(buy(account, **terms), 1)
        venue.ask("set_price", symbol="EURUSD", bid="1.10240", ask="1.10250")
        await venue.restart()
        venue.ask("set_price", symbol="EURUSD", bid="1.10000", ask="1.10010")
        book = venue.books(account.account_id)
        assert [(o["status"], o["executed_units"]) for o in book["orders"]] == [
            ("filled", "100000.00")
        ]
        assert [d["units"] for d in book["deals"]] == ["50000.00", "50000.00"]


async def test_prices_go_on_where_they_were(tmp_path: Path) -> None:
    async with venue_process(tmp_path) as first:
        await asyncio.sleep(1)
        before = (await first.admin.ask("prices"))["prices"]["EURUSD"]
        await first.admin.ask("shutdown")
        async with asyncio.timeout(10):
            await first.process.wait()
    async with venue_process(tmp_path) as second:
        after = (await second.admin.ask("prices"))["prices"]["EURUSD"]
        assert abs(float(after[0]) - float(before[0])) < 0.001
