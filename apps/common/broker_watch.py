"""A worker's eye on its broker.

Celery notices a broker that has gone by reading from it. A worker whose tasks were all under
way when that happened reads nothing any more: it could not acknowledge them, and waits for that
before it takes others, for ever. So the broker is looked at on a line of its own, and once it
does not answer the worker connects anew, with a clean slate.
"""

from __future__ import annotations

from typing import Any

import redis
from celery import bootsteps

LOOK_S = 1.0
_ANSWER_S = 2.0


class BrokerWatch(bootsteps.StartStopStep):
    """Part of the worker's consumer: begins with each connection to the broker, ends with it."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        self._timer: Any = None
        self._line: redis.Redis | None = None
        super().__init__(consumer, **options)

    def start(self, consumer: Any) -> None:
        if consumer.connection.transport.driver_type != "redis":
            return
        self._line = redis.Redis.from_url(
            consumer.app.conf.broker_url,
            single_connection_client=True,
            socket_timeout=_ANSWER_S,
            socket_connect_timeout=_ANSWER_S,
            retry=None,
        )
        self._line.ping()
        self._timer = consumer.timer.call_repeatedly(LOOK_S, self._look)

    def stop(self, consumer: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._line is not None:
            self._line.close()
            self._line = None

    shutdown = stop

    def _look(self) -> None:
        """Raises where the line has broken, which makes the consumer begin anew."""
        if self._line is not None:
            self._line.ping()
