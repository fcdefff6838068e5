"""Real gateway processes on the real paper venue: leases, crashes, lost servers."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from apps.benchmarks.hand import Hand
from apps.benchmarks.rig import Rig
from apps.demo.desk import Endpoint
from apps.execution import api, selectors
from apps.execution.intents import Intent, client_order_id
from apps.execution.journal import DealPayload
from apps.execution.models import Batch, ConnectionLease, Order
from apps.papervenue.admin_client import AdminClient
from apps.papervenue.config import VenueConfig
from apps.platforms.api import create_connection
from apps.platforms.models import AccountState, Connection, ConnectionState
from apps.trading.orders import Leg, Side
from tests.factories.platforms import AccountFactory
from tests.support.proxy import Line

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal


class Bench:
    """A venue with accounts, connections that lead to it, and gateways to start."""

    def __init__(self, rig: Rig, accounts: int, connections: int) -> None:
        self.rig = rig
        self.admin = AdminClient(rig.admin_port)
        self.start_venue()
        opened = self.admin.ask_now(
            "open_accounts",
            accounts=[
                {"name": f"a{n}", "owner": "test", "currency": "USD", "deposit": "100000"}
                for n in range(accounts * connections)
            ],
        )
        self.numbers = [a["account"] for a in opened["accounts"]]
        tokens = opened["owners"]["test"]
        config = VenueConfig()
        self.client, self.token = (config.client_id, config.client_secret), tokens["access_token"]
        self.connections = [
            create_connection(
                actor=None,
                name=f"venue {n}",
                platform="paper",
                server=f"venue {n}",
                host="127.0.0.1",
                port=rig.port,
                tls=False,
                credentials={
                    "client_id": config.client_id,
                    "client_secret": config.client_secret,
                    "access_token": tokens["access_token"],
                    "refresh_token": tokens["refresh_token"],
                },
                requests_per_second=0,
                history_per_second=0,
            )
            for n in range(connections)
        ]
        self.accounts = [
            AccountFactory(
                connection=self.connections[n // accounts], platform_account_id=str(number)
            )
            for n, number in enumerate(self.numbers)
        ]

    def start_venue(self) -> None:
        self.rig.venue("--prices", "manual", "--no-rate-limits")
        self.rig.wait_until(self.rig.venue_listens, "the venue", 20)
        self.admin.ask_now("set_price", symbol="EURUSD", bid="1.10000", ask="1.10010")

    def live(self, gateway: str = "") -> bool:
        """Whether all connections are live, at the gateway of that name if one is given."""
        states = ConnectionState.objects.filter(status="live", live_at__isnull=False)
        states = states.filter(gateway__startswith=f"{gateway}:") if gateway else states
        return states.count() == len(self.connections)

    def wait(self, true: Callable[[], bool], what: str, seconds: float = 20) -> None:
        self.rig.wait_until(true, what, seconds, 0.02)

    def intents(self, count: int, key: str) -> list[Intent]:
        return [
            Intent(
                client_order_id=client_order_id("test", key, n),
                account_id=self.accounts[n % len(self.accounts)].pk,
                platform_account=str(self.numbers[n % len(self.accounts)]),
                leg=Leg.OPEN,
                source="test",
                instrument_id="1",
                side=Side.BUY,
                units=D(1000),
            )
            for n in range(count)
        ]

    def submit(self, intents: list[Intent]) -> None:
        ids = {a.pk: a.connection_id for a in self.accounts}
        api.submit(intents, connection_ids=ids, now=datetime.now(UTC))

    def labels(self) -> list[str]:
        """Client ids of all positions on the venue's books."""
        books = self.admin.ask_now("books")["books"]
        return [p["label"] for book in books for p in book["positions"]]

    def all_final(self, count: int) -> bool:
        return Order.objects.exclude(final_at=None).count() == count

    def settled(self) -> bool:
        return not Batch.objects.filter(settled=False).exists()


@pytest.fixture
def bench(process_env: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    with Rig(tmp_path, process_env) as rig:

        def begin(accounts: int = 4, connections: int = 1) -> Bench:
            return Bench(rig, accounts, connections)

        yield begin


def test_two_gateways_share_and_one_takes_over(bench: Callable[..., Bench]) -> None:
    b = bench(accounts=2, connections=2)
    b.rig.gateway("one")
    b.wait(b.live, "both connections live")
    b.rig.gateway("two")

    def shared() -> bool:
        holders = set(ConnectionLease.objects.values_list("holder", flat=True))
        return {h.partition(":")[0] for h in holders} == {"one", "two"} and b.live()

    b.wait(shared, "each gateway holds one")
    epochs = dict(ConnectionLease.objects.values_list("connection_id", "epoch"))
    began = time.monotonic()
    b.rig.kill("one")
    b.wait(lambda: b.live("two"), "the survivor holds both", 15)
    assert time.monotonic() - began < 15
    after = dict(ConnectionLease.objects.values_list("connection_id", "epoch"))
    assert sorted(after[c] - epochs[c] for c in after) == [0, 1]
    b.submit(b.intents(8, "after"))
    b.wait(lambda: b.all_final(8), "all orders final", 15)
    assert set(Order.objects.values_list("state", flat=True)) == {"filled"}
    assert sorted(b.labels()) == sorted(i.client_order_id for i in b.intents(8, "after"))


def test_a_gateway_that_was_stopped_and_overtaken_sends_nothing_more(
    bench: Callable[..., Bench],
) -> None:
    b = bench()
    b.rig.gateway("one")
    b.wait(b.live, "live")
    pid = b.rig.pid("one")
    os.kill(pid, signal.SIGSTOP)
    try:
        b.submit(b.intents(100, "held"))
        b.rig.gateway("two")
        b.wait(lambda: b.live("two"), "overtaken", 15)
    finally:
        os.kill(pid, signal.SIGCONT)
    b.wait(lambda: b.all_final(100), "all orders final", 15)
    time.sleep(1.0)
    labels = b.labels()
    assert len(labels) == len(set(labels)) == 100
    batches = Batch.objects.values_list("claim_epoch", flat=True)
    assert set(batches) == {ConnectionLease.objects.get().epoch}


def test_nothing_is_doubled_or_lost_when_a_gateway_is_killed_while_sending(
    bench: Callable[..., Bench],
) -> None:
    b = bench()
    b.rig.gateway("one")
    b.wait(b.live, "live")
    intents = b.intents(2000, "burst")
    b.submit(intents)
    b.wait(lambda: Batch.objects.filter(claimed__gt=0).exists(), "claimed")
    b.rig.kill("one")
    b.rig.gateway("two")
    b.wait(lambda: b.all_final(2000), "all orders final", 40)
    b.wait(b.settled, "batches settled")
    labels = b.labels()
    assert len(labels) == len(set(labels))
    filled = set(Order.objects.filter(state="filled").values_list("client_order_id", flat=True))
    assert filled == set(labels)
    states = set(Order.objects.values_list("state", flat=True))
    assert states <= {"filled", "not_delivered"}


def test_unanswered_orders_are_found_and_dropped_ones_are_not_resent(
    bench: Callable[..., Bench],
) -> None:
    b = bench()
    b.rig.gateway()
    b.wait(b.live, "live")
    b.admin.ask_now(
        "faults",
        rules=[
            {"action": "mute", "message": "NEW_ORDER_REQ", "account": b.numbers[0], "count": 1},
            {"action": "drop", "message": "NEW_ORDER_REQ", "account": b.numbers[1], "count": 1},
        ],
    )
    intents = b.intents(4, "faulty")
    b.submit(intents)
    b.wait(lambda: b.all_final(4), "all orders final", 30)
    states = dict(Order.objects.values_list("client_order_id", "state"))
    assert [states[i.client_order_id] for i in intents] == [
        "filled",
        "not_delivered",
        "filled",
        "filled",
    ]
    assert len(b.labels()) == 3


def test_a_master_deal_is_journaled_and_survives_a_gap(bench: Callable[..., Bench]) -> None:
    b = bench()
    api.set_journaled([b.accounts[0].pk], True)
    b.rig.gateway("one")
    b.wait(b.live, "live")
    b.submit(b.intents(1, "first"))
    b.wait(lambda: len(selectors.unplanned_events(b.accounts[0].pk)) == 1, "journaled")
    b.wait(b.settled, "batch settled")
    b.rig.stop("one")
    lease = ConnectionLease.objects.get()
    assert lease.holder == ""
    b.rig.gateway("two")
    b.wait(lambda: b.live("two"), "live again", 30)
    taken = next(line for line in b.rig.tail("two").splitlines() if "connection taken" in line)
    assert "waits_s=0.0" in taken, "a lease that was given back is taken at once"
    assert len(selectors.unplanned_events(b.accounts[0].pk)) == 1
    state = AccountState.objects.get(account=b.accounts[0])
    assert (state.open_positions, state.synced) == (1, True)
    assert state.equity == state.balance + state.open_result


def test_a_venue_that_restarts_is_found_again(bench: Callable[..., Bench]) -> None:
    b = bench()
    b.rig.gateway()
    b.wait(b.live, "live")
    b.rig.kill("venue")
    b.submit(b.intents(4, "while away"))
    b.wait(lambda: not b.live(), "seen to be down")
    b.start_venue()
    b.wait(b.live, "live again", 30)
    b.submit(b.intents(4, "after"))
    b.wait(b.settled, "all settled", 30)
    after = {i.client_order_id for i in b.intents(4, "after")}
    assert after <= set(b.labels())
    assert len(b.labels()) == len(set(b.labels()))


def test_replaced_credentials_make_a_new_session(bench: Callable[..., Bench]) -> None:
    b = bench()
    Connection.objects.update(port=1)
    b.rig.gateway()
    b.wait(lambda: ConnectionState.objects.filter(status="down").exists(), "cannot connect")
    Connection.objects.update(port=b.rig.port)
    b.wait(b.live, "live", 15)


@pytest.fixture
def lines(process_env: dict[str, str]) -> Iterator[tuple[Line, Line, dict[str, str]]]:
    with Line(process_env["DATABASE_URL"]) as database, Line(process_env["REDIS_URL"]) as redis:
        env = process_env | {"DATABASE_URL": database.url, "REDIS_URL": redis.url}
        yield database, redis, env


def test_loss_of_redis_costs_time_only(
    lines: tuple[Line, Line, dict[str, str]], tmp_path: Path
) -> None:
    _, redis, env = lines
    with Rig(tmp_path, env) as rig:
        b = Bench(rig, 4, 1)
        rig.gateway()
        b.wait(b.live, "live")
        redis.cut()
        b.submit(b.intents(8, "without"))
        b.wait(lambda: b.all_final(8), "sent without Redis", 10)
        redis.mend()
        time.sleep(2.5)
        b.submit(b.intents(8, "with"))
        b.wait(lambda: b.all_final(16), "sent with Redis", 10)
        assert len(b.labels()) == len(set(b.labels())) == 16


@pytest.mark.parametrize("away_s", [2.0, 9.0])
def test_loss_of_postgres_loses_nothing(
    lines: tuple[Line, Line, dict[str, str]], tmp_path: Path, away_s: float
) -> None:
    """For less than the lease the session stays, for more it is made anew."""
    database, _, env = lines
    with Rig(tmp_path, env) as rig:
        b = Bench(rig, 4, 1)
        master = b.accounts[0].pk
        api.set_journaled([master], True)
        rig.gateway()
        b.wait(b.live, "live")
        hand = Endpoint("127.0.0.1", rig.port, *b.client, b.token)
        asyncio.run(open_by_hand(hand, b.numbers[0]))
        b.wait(lambda: len(selectors.unplanned_events(master)) == 1, "journaled")
        burst = b.intents(200, "burst")
        b.submit(burst)
        b.wait(lambda: len(b.labels()) > 1, "burst begun")
        database.cut()
        asyncio.run(open_by_hand(hand, b.numbers[0]))
        time.sleep(away_s)
        database.mend()
        b.wait(lambda: len(hand_events(master)) == 2, "the missed deal", 25)
        b.wait(lambda: b.all_final(200), "all orders final", 40)
        b.wait(b.settled, "settled")
        labels = [label for label in b.labels() if label]
        assert len(labels) == len(set(labels))
        filled = Order.objects.filter(state="filled").values_list("client_order_id", flat=True)
        assert set(filled) == set(labels)


async def open_by_hand(endpoint: Endpoint, account: int) -> None:
    hand = await Hand.sit_down(endpoint, account)
    await hand.open(1)
    await hand.leave()


def hand_events(account_id: int) -> list[selectors.JournaledEvent]:
    """Journaled deals that no order of ours made."""
    events = selectors.unplanned_events(account_id)
    return [e for e in events if isinstance(e.payload, DealPayload) and not e.payload.own]
