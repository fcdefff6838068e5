"""Celery tasks that an event loop sends itself.

Celery's own way of sending blocks, so it needs a thread, which takes turns with the loop for the
interpreter: some 4 ms until a task is on its way, when waking a worker is all that is wanted. Here
Celery makes the message of a task once; each sending is a copy of it with an id and arguments of
its own, pushed to the queue that the task is routed to (Celery's message protocol 2, in the
envelope of kombu's transport for Redis).
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import orjson
import structlog
from celery import Task
from django.conf import settings
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

_log = structlog.get_logger(__name__)


class Wake(NamedTuple):
    """A task to be run with these arguments, which JSON must know."""

    task: Task[Any, Any]
    args: Sequence[Any]


class Wakeups:
    """Sends tasks whose loss does no harm: of a Redis that is away a line in the log tells."""

    def __init__(self) -> None:
        self._redis: Redis | None = None
        self._drafts: dict[str, _Draft] = {}

    async def send(self, wakes: Iterable[Wake]) -> None:
        """Put tasks into their queues, in one round trip. Never raises."""
        try:
            pipeline = self._client().pipeline(transaction=False)
            for wake in wakes:
                pipeline.lpush(*self._message(wake))
            await pipeline.execute()
        except Exception as error:  # whatever it is, it must not stop who sends
            _log.warning("wake-ups were lost, the sweep carries on", error=repr(error)[:200])

    def _client(self) -> Redis:
        if self._redis is None:
            self._redis = Redis.from_url(
                settings.CELERY_BROKER_URL,
                socket_timeout=1.0,
                socket_connect_timeout=0.5,
                retry=Retry(NoBackoff(), 1),  # one that was restarted is found again
            )
        return self._redis

    async def close(self) -> None:
        if self._redis is not None:
            await self._redis.aclose()

    def _message(self, wake: Wake) -> tuple[str, bytes]:
        """Queue and message."""
        draft = self._drafts.get(wake.task.name)
        if draft is None:
            draft = self._drafts[wake.task.name] = _drafted(wake)
        return draft.queue, draft.message(wake.args)


class _Draft(NamedTuple):
    queue: str
    envelope: dict[str, Any]
    embedded: dict[str, Any]

    def message(self, args: Sequence[Any]) -> bytes:
        task_id = str(uuid.uuid4())
        body = orjson.dumps([args, {}, self.embedded])
        ids = {"id": task_id, "root_id": task_id, "argsrepr": repr(args)}
        tags = {"correlation_id": task_id, "delivery_tag": str(uuid.uuid4())}
        own = {
            "body": base64.b64encode(body).decode(),
            "headers": self.envelope["headers"] | ids,
            "properties": self.envelope["properties"] | tags,
        }
        return orjson.dumps(self.envelope | own)


def _drafted(wake: Wake) -> _Draft:
    """The message that Celery makes of a task, taken from a queue in memory."""
    app = wake.task.app
    queue = app.amqp.router.route({}, wake.task.name)["queue"].name
    own = f"draft-{uuid.uuid4()}"  # queues in memory are shared by the whole process
    with app.connection_for_write("memory://") as connection:
        wake.task.apply_async(args=list(wake.args), connection=connection, queue=own)
        channel = connection.default_channel
        envelope = channel._get(own)
        channel.queue_delete(own)
    envelope["properties"]["delivery_info"]["routing_key"] = queue
    _, _, embedded = orjson.loads(base64.b64decode(envelope["body"]))
    return _Draft(queue, envelope, embedded)
