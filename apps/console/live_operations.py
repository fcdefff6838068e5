"""What the live page about the running product shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from apps.accounts.models import User
from apps.common.live_pages import LivePage, Params, Section, section
from apps.common.models import TaskFailure
from apps.common.task_watch import Run, failures, queue_depths, runs
from apps.console.live import may_look
from apps.copytrading.rows import LatencyFigures
from apps.copytrading.selectors import latency
from apps.execution.operations import Backlog, LeaseRow, backlog, leases

_PAGE = "console/operations.html#"

#: Queues in the order of the page, and what waits in them.
QUEUES = {
    "copy": "Planning and settling copies",
    "bots": "Bots",
    "default": "Everything else",
    "upkeep": "Guards, reconciliation, sealing",
    "analytics": "Figures",
    "rewards": "Fees",
    "notify": "Notifications",
}
#: A queue with more tasks than this, or work older than this, is told as late.
MANY_TASKS, LATE = 100, timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Now:
    """The figures at the top: ``redis`` False: queues cannot be read."""

    latency: LatencyFigures
    backlog: Backlog
    late: bool
    redis: bool


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A queue and how many tasks wait in it."""

    name: str
    what: str
    depth: int | None
    many: bool


@dataclass(frozen=True, slots=True)
class SweepRow:
    """Something that runs by the clock: how often, when last, how long it took."""

    name: str
    every_s: float
    run: Run | None
    late: bool


def queue_rows(depths: dict[str, int] | None) -> list[QueueRow]:
    """All queues; depths are None while Redis is away."""
    return [
        QueueRow(name, what, depth, depth is not None and depth > MANY_TASKS)
        for name, what in QUEUES.items()
        for depth in [None if depths is None else depths[name]]
    ]


def sweep_rows(now: datetime) -> list[SweepRow]:
    """All sweeps in the order of how often they run; late is one that missed three turns."""
    known = runs()
    rows = []
    entries: list[Any] = list(settings.CELERY_BEAT_SCHEDULE.values())
    for entry in entries:
        every, name = float(entry["schedule"]), str(entry["task"])
        run = known.get(name)
        late = run is None or (now - run.at).total_seconds() > 3 * every + 5
        rows.append(SweepRow(name, every, run, late))
    return sorted(rows, key=lambda row: (row.every_s, row.name))


def _now(waiting: Backlog, moment: datetime, redis: bool) -> Now:
    oldest = [t for t in (waiting.events_since, waiting.batches_since) if t is not None]
    return Now(latency(), waiting, bool(oldest) and moment - min(oldest) > LATE, redis)


def _sections(user: User, params: Params) -> Iterable[Section]:
    moment, depths = timezone.now(), queue_depths(QUEUES)
    figures = _now(backlog(), moment, depths is not None)
    yield section("ops-now", f"{_PAGE}now", [figures], key=lambda _: "all", tag="div")
    yield section("ops-queues", f"{_PAGE}queue", queue_rows(depths), key=lambda row: row.name)
    yield section(
        "ops-leases",
        f"{_PAGE}lease",
        [_shown(row) for row in leases()],
        key=lambda row: row.connection_id,
        empty=f"{_PAGE}no_lease",
    )
    yield section(
        "ops-sweeps",
        f"{_PAGE}sweep",
        sweep_rows(moment),
        key=lambda row: row.name.replace(".", "-"),
    )
    yield section(
        "ops-failures",
        f"{_PAGE}failure",
        [_failure(row) for row in failures()],
        key=lambda row: row.id,
        empty=f"{_PAGE}no_failure",
    )


def _shown(row: LeaseRow) -> LeaseRow:
    """A lease without the seconds that run: rows stay equal while nothing changes."""
    left = None if row.left_s is None else (1.0 if row.left_s > 0 else -1.0)
    return LeaseRow(
        row.connection_id, row.connection, row.platform, row.enabled, row.holder, row.epoch,
        left, row.status, row.reconnects,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class FailureRow:
    """Failures of one task with one error within an hour."""

    id: int
    task: str
    error: str
    message: str
    count: int
    last_at: datetime


def _failure(row: TaskFailure) -> FailureRow:
    return FailureRow(row.pk, row.task, row.error, row.message, row.count, row.last_at)


OPERATIONS = LivePage("operations", may_look, lambda user, params: (), _sections, refresh_s=2.0)
