"""Operations: what people and machines are told of the running product, and who may ask."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from structlog.testing import capture_logs

from apps.accounts.roles import Role
from apps.common import task_watch
from apps.common.models import TaskFailure
from apps.console.live_operations import sweep_rows
from apps.console.metrics import metrics_text
from apps.console.views import operations
from apps.execution.models import ConnectionLease
from apps.execution.operations import backlog, leases
from tests.factories.accounts import staff
from tests.factories.copytrading import CopyWorld
from tests.factories.platforms import ConnectionFactory
from tests.support.queries import queries

pytestmark = pytest.mark.django_db


class Store:
    """Redis as far as the watch uses it."""

    def __init__(self) -> None:
        self.lists: dict[str, int] = {}
        self.hashes: dict[str, dict[bytes, bytes]] = {}
        self.away = False

    def hset(self, name: str, key: str, value: str) -> None:
        self._check()
        self.hashes.setdefault(name, {})[key.encode()] = value.encode()

    def hgetall(self, name: str) -> dict[bytes, bytes]:
        self._check()
        return self.hashes.get(name, {})

    def ping(self) -> bool:
        self._check()
        return True

    def pipeline(self, transaction: bool) -> Store:
        self._check()
        self.asked: list[str] = []
        return self

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def llen(self, name: str) -> None:
        self.asked.append(name)

    def execute(self) -> list[int]:
        return [self.lists.get(name, 0) for name in self.asked]

    def _check(self) -> None:
        if self.away:
            raise redis.ConnectionError


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    kept = Store()
    monkeypatch.setattr(task_watch, "_client", lambda: kept)
    return kept


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(staff(Role.SUPPORT))
    return client


def test_failures_are_counted_by_task_error_and_hour() -> None:
    for message in ("first", "second", "x" * 900):
        task_watch.record_failure("copy.work", "ValueError", message)
    task_watch.record_failure("copy.work", "KeyError", "k")
    task = SimpleNamespace(name="copy.seal")
    task_watch._failed(sender=task, exception=OSError("disk"))

    rows = {(row.task, row.error): row for row in task_watch.failures()}
    assert {key: row.count for key, row in rows.items()} == {
        ("copy.work", "ValueError"): 3,
        ("copy.work", "KeyError"): 1,
        ("copy.seal", "OSError"): 1,
    }
    assert rows["copy.work", "ValueError"].message == "x" * 500


def test_old_failures_go() -> None:
    task_watch.record_failure("copy.work", "ValueError", "old")
    long_ago = timezone.now() - task_watch.KEPT - timedelta(hours=1)
    TaskFailure.objects.update(last_at=long_ago, hour=long_ago)
    task_watch.record_failure("copy.work", "ValueError", "new")
    assert [row.message for row in TaskFailure.objects.all()] == ["new"]


def test_sweeps_tell_when_they_ran_and_are_late_when_they_did_not(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_watch._Watch, "names", frozenset({"copy.guards"}))
    task = SimpleNamespace(name="copy.guards")
    task_watch._begins(task_id="1", task=task)
    task_watch._ended(task_id="1", task=task, state="SUCCESS")
    task_watch._begins(task_id="2", task=SimpleNamespace(name="copy.work"))

    rows = {row.name: row for row in sweep_rows(timezone.now())}
    assert not rows["copy.guards"].late and rows["copy.guards"].run is not None
    assert rows["copy.guards"].run.state == "SUCCESS"
    assert rows["copy.seal"].late and rows["copy.seal"].run is None
    later = {row.name: row for row in sweep_rows(timezone.now() + timedelta(minutes=1))}
    assert later["copy.guards"].late


def test_leases_and_backlog_are_read_from_the_database() -> None:
    world = CopyWorld()
    world.follow()
    idle = ConnectionFactory(name="zz idle")
    ConnectionLease.objects.create(
        connection_id=world.connection.pk,
        holder="gw-1",
        epoch=3,
        expires_at=timezone.now() + timedelta(seconds=5),
    )
    world.trade("p1", 100_000)

    held = {row.connection_id: row.held for row in leases()}
    assert held[world.connection.pk] and not held[idle.pk]
    assert (backlog().events, backlog().batches) == (1, 0)
    world.work()
    found = backlog()
    assert (found.events, found.batches) == (0, 1)
    assert found.batches_since is not None
    world.run()
    assert backlog().batches == 0


def test_the_page_shows_them_with_a_constant_number_of_queries(
    store: Store, client: Client
) -> None:
    store.lists = {"copy": 7, "upkeep": 400}
    task_watch.record_failure("copy.work", "ValueError", "went wrong")
    address = reverse("console:operations")
    before = queries(client, address)
    for _ in range(4):
        ConnectionFactory()
    page = client.get(address).content.decode()
    assert queries(client, address) == before <= 9
    assert "went wrong" in page and "400" in page and "Nobody holds it" in page


def test_without_redis_the_page_says_so(store: Store, client: Client) -> None:
    store.away = True
    page = client.get(reverse("console:operations")).content.decode()
    assert "Redis does not answer" in page


def test_prometheus_reads_figures(store: Store) -> None:
    world = CopyWorld()
    world.follow()
    world.trade("p1", 100_000)
    world.run()
    store.lists = {"copy": 7}
    task_watch.record_failure("copy.work", 'Odd"Error', "x")

    text = metrics_text()

    assert 'bellwether_queue_tasks{queue="copy"} 7' in text
    assert 'bellwether_backlog{of="events"} 0' in text
    assert 'bellwether_copy_latency_seconds{hop="sent",quantile="0.99"}' in text
    assert 'bellwether_task_failures_24h{task="copy.work",error="Odd\\"Error"} 1' in text
    assert "bellwether_redis_up 1" in text
    for line in text.splitlines():
        assert line.startswith("#") or float(line.rsplit(" ", 1)[1]) >= 0, line


@pytest.mark.parametrize(
    ("token", "headers", "address", "status"),
    [
        ("", {}, "127.0.0.1", 200),
        ("", {}, "::1", 200),
        ("", {}, "10.0.0.7", 403),
        ("", {}, "", 403),
        ("", {"X-Forwarded-For": "10.0.0.7"}, "127.0.0.1", 403),
        ("secret", {}, "127.0.0.1", 403),
        ("secret", {"Authorization": "Bearer wrong"}, "127.0.0.1", 403),
        ("secret", {"Authorization": "Bearer secret"}, "10.0.0.7", 200),
    ],
)
def test_only_this_machine_or_the_token_reads_metrics(
    store: Store, settings: Any, token: str, headers: dict[str, str], address: str, status: int
) -> None:
    settings.METRICS_TOKEN = token
    answer = Client().get("/metrics", headers=headers, REMOTE_ADDR=address)
    assert answer.status_code == status
    assert ("bellwether_" in answer.content.decode()) == (status == 200)


def test_health_and_readiness(
    store: Store, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(operations._Migrations, "current", False)
    with django_assert_num_queries(0):
        assert Client().get("/healthz").content == b"ok\n"
    ready = Client().get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"database": "ok", "redis": "ok"})
    store.away = True
    assert Client().get("/readyz").json() == {"database": "ok", "redis": "away"}

    def broken() -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(connection, "cursor", broken)
    away = Client().get("/readyz")
    assert (away.status_code, away.json()["database"]) == (503, "away")


def test_one_id_leads_from_the_plan_to_the_outcome_in_the_logs() -> None:
    world = CopyWorld()
    for _ in range(2):
        world.follow()
    with capture_logs() as logs:
        world.trade("p1", 100_000)
        world.run()

    traced = [
        (line["event"], line.get("filled"))
        for line in logs
        if line.get("trace") == "trace-d1" or "trace-d1" in line.get("traces", ())
    ]
    assert traced == [("planned", None), ("settled", 2)]
