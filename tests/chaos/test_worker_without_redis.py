"""A worker goes on after its broker was killed while all of its tasks were under way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import redis
from django.db import connection
from django.utils import timezone

from apps.benchmarks.chaos.stage import Processes
from apps.common.embedded import EmbeddedServers
from apps.execution.models import AccountEvent
from apps.trading.orders import Side
from config.celery import app

pytestmark = pytest.mark.django_db(transaction=True)

ACCOUNTS = (901, 902, 903)
LOST = ("Couldn't ack", "Cannot connect")


@pytest.fixture
def servers(server_folder: Path) -> Iterator[EmbeddedServers]:
    servers = EmbeddedServers(server_folder / "servers", durable=False, postgres=False)
    with servers:
        yield servers


@pytest.mark.parametrize(
    ("name", "queue", "tasks"), [("worker", "copy", 2), ("upkeep", "upkeep", 1)]
)
def test_tasks_that_lost_their_broker_do_not_stop_the_worker(
    servers: EmbeddedServers,
    server_folder: Path,
    process_env: dict[str, str],
    name: str,
    queue: str,
    tasks: int,
) -> None:
    folder = server_folder / "run"
    folder.mkdir()
    for account_id in ACCOUNTS:
        happened(account_id)
    env = process_env | {"REDIS_URL": servers.redis_url}
    # The server is the test's own: a worker of pytest-xdist has no database of its number there.
    env.pop("PYTEST_XDIST_WORKER", None)
    with Processes(folder, env) as rig:
        getattr(rig, name)()
        with journal_locked(process_env["DATABASE_URL"]):
            for account_id in ACCOUNTS[:tasks]:
                wake(servers, account_id, queue)
            rig.wait_until(lambda: under_way() == tasks, "tasks under way", 60)
            servers.kill_redis()
        rig.wait_until(lambda: planned() == set(ACCOUNTS[:tasks]), "the end of the tasks", 30)
        rig.wait_until(lambda: any(w in rig.tail(name) for w in LOST), "the lost broker", 30)
        servers.start_redis()
        for account_id in ACCOUNTS[tasks:]:
            wake(servers, account_id, queue)
        rig.wait_until(lambda: planned() == set(ACCOUNTS), "the tasks after them", 30)
        # Of wake-ups no note is taken.
        assert acknowledges(servers) == (name == "upkeep")


def happened(account_id: int) -> None:
    """An event of an account that nobody copies: planning it is to stamp it."""
    payload = {
        "deal_id": "1", "platform_order_id": "1", "client_order_id": "", "position_id": "1",
        "instrument_id": "1", "symbol": "EURUSD", "side": Side.BUY.value, "units": "1000",
        "price": "1.1", "effect": "open", "position_units": "1000", "position_side": "buy",
        "position_price": "1.1", "stop_loss": None, "take_profit": None, "own": False,
    }  # fmt: skip
    now = timezone.now()
    AccountEvent.objects.create(
        account_id=account_id,
        connection_id=1,
        kind="deal",
        dedupe_key="deal:1",
        position_id="1",
        payload=payload,
        trace_id="t",
        ts_event=now,
        received_at=now,
    )


def acknowledges(servers: EmbeddedServers) -> bool:
    """Whether this Redis was told, since it began, that a task is done."""
    time.sleep(0.2)  # it may be told a moment after
    with redis.Redis.from_url(servers.redis_url) as client:
        return "cmdstat_zrem" in client.info("commandstats")


def planned() -> set[int]:
    found = AccountEvent.objects.exclude(planned_at=None)
    return set(found.values_list("account_id", flat=True))


def wake(servers: EmbeddedServers, account_id: int, queue: str) -> None:
    with app.connection_for_write(servers.redis_url) as connection:
        app.send_task("copy.work", args=[account_id], queue=queue, connection=connection)


def under_way() -> int:
    """Tasks that wait for the locked journal."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with connection.cursor() as cursor:
        cursor.execute(waiting)
        return int(cursor.fetchone()[0])


@contextmanager
def journal_locked(url: str) -> Iterator[None]:
    """Whoever plans waits."""
    with psycopg.connect(url) as connection:
        connection.execute("LOCK TABLE execution_accountevent IN ACCESS EXCLUSIVE MODE")
        yield
