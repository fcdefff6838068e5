"""Figures of the running product in the text format of Prometheus.

A constant number of queries, each from an index; nothing here scans outcomes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.utils import timezone

from apps.common.task_watch import failures, queue_depths, runs
from apps.console.live import GATEWAY_SILENCE
from apps.console.live_operations import QUEUES
from apps.copytrading.drifts import open_counts
from apps.copytrading.quality import totals
from apps.copytrading.selectors import latency
from apps.execution.kill_switch import kill_switches
from apps.execution.operations import backlog, leases
from apps.execution.selectors import gateways

Sample = tuple[dict[str, str], float]


def metrics_text() -> str:
    """All figures as text."""
    now = timezone.now()
    parts = (*_queues(), *_engine(now), *_connections(now), *_latency(), *_copies(), *_tasks(now))
    return "".join(parts)


def _metric(name: str, kind: str, help_text: str, samples: Iterable[Sample]) -> str:
    name = f"bellwether_{name}"
    lines = [f"# HELP {name} {help_text}", f"# TYPE {name} {kind}"]
    for labels, value in samples:
        told = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        lines.append(f"{name}{{{told}}} {value:g}" if told else f"{name} {value:g}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())


def _queues() -> Iterator[str]:
    depths = queue_depths(QUEUES)
    yield _metric("redis_up", "gauge", "Whether Redis answers.", [({}, float(depths is not None))])
    waiting = [({"queue": name}, float(n)) for name, n in (depths or {}).items()]
    yield _metric("queue_tasks", "gauge", "Tasks that wait in a queue.", waiting)


def _engine(now: datetime) -> Iterator[str]:
    found = backlog()
    sizes = (("events", found.events), ("batches", found.batches), ("orders", found.orders))
    ages = (
        ("events", found.events_since),
        ("batches", found.batches_since),
        ("orders", found.orders_since),
    )
    yield _metric(
        "backlog",
        "gauge",
        "Events without a plan, batches not sent whole, orders without an end.",
        [({"of": name}, float(size)) for name, size in sizes],
    )
    yield _metric(
        "backlog_oldest_seconds",
        "gauge",
        "Age of the oldest of each.",
        [({"of": name}, _age(since, now)) for name, since in ages],
    )
    switches = [({"scope": s.scope.value, "state": s.state.value}, 1.0) for s in kill_switches()]
    counted: dict[tuple[str, str], float] = {}
    for labels, value in switches:
        key = (labels["scope"], labels["state"])
        counted[key] = counted.get(key, 0.0) + value
    yield _metric(
        "kill_switches",
        "gauge",
        "Kill switches that are not active.",
        [({"scope": scope, "state": state}, n) for (scope, state), n in counted.items()],
    )


def _connections(now: datetime) -> Iterator[str]:
    rows = leases()
    named = [({"connection": row.connection, "platform": row.platform}, row) for row in rows]
    yield _metric(
        "connection_up",
        "gauge",
        "Whether the session of a connection is live.",
        [(labels, float(row.status == "live")) for labels, row in named],
    )
    yield _metric(
        "connection_leased",
        "gauge",
        "Whether a gateway holds the lease of a connection.",
        [(labels, float(row.held)) for labels, row in named],
    )
    yield _metric(
        "connection_reconnects_total",
        "counter",
        "Sessions of a connection after its first.",
        [(labels, float(row.reconnects)) for labels, row in named],
    )
    running = sum(now - g.seen_at < GATEWAY_SILENCE for g in gateways())
    yield _metric("gateways", "gauge", "Gateways that run.", [({}, float(running))])


def _latency() -> Iterator[str]:
    figures = latency()
    hops = {
        "planned": figures.planned,
        "sent": figures.sent,
        "accepted": figures.accepted,
        "filled": figures.filled,
    }
    yield _metric(
        "copy_latency_seconds",
        "gauge",
        "From receipt of a master's event to each hop, over the last 1,000 orders.",
        [
            ({"hop": hop, "quantile": q}, value / 1000)
            for hop, found in hops.items()
            for q, value in (("0.5", found.p50), ("0.95", found.p95), ("0.99", found.p99))
            if value is not None
        ],
    )


def _copies() -> Iterator[str]:
    yield _metric(
        "outcomes_total",
        "counter",
        "Outcomes by state, as far as they are rolled up.",
        [({"state": state}, float(count)) for state, count in totals().items()],
    )
    yield _metric(
        "drift_open",
        "gauge",
        "Differences that stand, by kind.",
        [({"kind": kind}, float(count)) for kind, count in open_counts().items()],
    )


def _tasks(now: datetime) -> Iterator[str]:
    counted: dict[tuple[str, str], int] = {}
    for row in failures(hours=24, limit=500):
        key = (row.task, row.error)
        counted[key] = counted.get(key, 0) + row.count
    yield _metric(
        "task_failures_24h",
        "gauge",
        "Failures of tasks within the last 24 hours.",
        [({"task": task, "error": error}, float(n)) for (task, error), n in counted.items()],
    )
    yield _metric(
        "sweep_age_seconds",
        "gauge",
        "Since a sweep ran last.",
        [({"task": name}, _age(run.at, now)) for name, run in sorted(runs().items())],
    )
