"""What became of Celery's tasks: failures in PostgreSQL, last runs of sweeps in Redis.

Failures are counted by task, error and hour, so that one that fails every two seconds for a week
is a few rows. The last runs may be lost with Redis: a sweep that runs says so again at once.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
import structlog
from celery.signals import task_failure, task_postrun, task_prerun
from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.db.models import F
from django.utils import timezone

from apps.common.models import TaskFailure

_log = structlog.get_logger(__name__)
_RUNS = "ops:runs"
#: Failures are kept for so long.
KEPT = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Run:
    """The last run of a task."""

    at: datetime
    took_ms: float
    state: str


class _Watch:
    names: frozenset[str] = frozenset()
    started: dict[str, float] = {}  # of this process


def watch(names: Collection[str]) -> None:
    """Note failures of all tasks, and the runs of these; called once in a worker."""
    _Watch.names = frozenset(names)
    task_failure.connect(_failed, dispatch_uid="task_watch")
    task_prerun.connect(_begins, dispatch_uid="task_watch")
    task_postrun.connect(_ended, dispatch_uid="task_watch")


def _failed(sender: Any = None, exception: BaseException | None = None, **_: Any) -> None:
    name = getattr(sender, "name", "") or "unknown"
    try:
        record_failure(name, type(exception).__name__, str(exception))
    except (DatabaseError, InterfaceError):
        _log.warning("a failure could not be noted", task=name)


def record_failure(task: str, error: str, message: str) -> None:
    """Count a failure within its hour; what is old goes."""
    now = timezone.now()
    key = {
        "task": task[:128],
        "error": error[:64],
        "hour": now.replace(minute=0, second=0, microsecond=0),
    }
    seen = {"message": message[:500], "last_at": now}
    if TaskFailure.objects.filter(**key).update(count=F("count") + 1, **seen):
        return
    TaskFailure.objects.bulk_create([TaskFailure(**key, **seen)], ignore_conflicts=True)
    TaskFailure.objects.filter(last_at__lt=now - KEPT).delete()


def _begins(task_id: str = "", task: Any = None, **_: Any) -> None:
    if task is not None and task.name in _Watch.names:
        _Watch.started[task_id] = time.monotonic()


def _ended(task_id: str = "", task: Any = None, state: str | None = "", **_: Any) -> None:
    began = _Watch.started.pop(task_id, None)
    if began is None or task is None:
        return
    took = (time.monotonic() - began) * 1000
    note = json.dumps({"at": time.time(), "ms": round(took, 1), "state": state or ""})
    try:
        _client().hset(_RUNS, task.name, note)
    except redis.RedisError:
        pass  # the next run notes it


def runs() -> dict[str, Run]:
    """Last runs by task; empty while Redis is away."""
    try:
        found: Mapping[bytes, bytes] = _client().hgetall(_RUNS)  # type: ignore[assignment]
    except redis.RedisError:
        return {}
    notes = {name.decode(): json.loads(text) for name, text in found.items()}
    return {
        name: Run(datetime.fromtimestamp(note["at"], UTC), note["ms"], note["state"])
        for name, note in notes.items()
    }


def queue_depths(names: Collection[str]) -> dict[str, int] | None:
    """Tasks that wait in each queue; None while Redis is away."""
    names = list(names)
    try:
        with _client().pipeline(transaction=False) as pipe:
            for name in names:
                pipe.llen(name)
            return dict(zip(names, pipe.execute(), strict=True))
    except redis.RedisError:
        return None


def failures(hours: int = 24, limit: int = 50) -> list[TaskFailure]:
    """Failures of the last hours, the latest first."""
    since = timezone.now() - timedelta(hours=hours)
    return list(TaskFailure.objects.filter(last_at__gte=since).order_by("-last_at")[:limit])


def redis_answers() -> bool:
    """Whether Redis can be reached within a second."""
    try:
        return bool(_client().ping())
    except redis.RedisError:
        return False


class _Held:
    client: redis.Redis | None = None
    url = ""


def _client() -> redis.Redis:
    if _Held.client is None or _Held.url != settings.REDIS_URL:
        _Held.url = settings.REDIS_URL
        _Held.client = redis.Redis.from_url(
            _Held.url, socket_timeout=1.0, socket_connect_timeout=1.0
        )
    return _Held.client
