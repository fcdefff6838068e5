"""How a worker handles tasks of a queue that keeps no note of what was taken from it.

Celery acknowledges them all the same: a round trip for nothing, after which kombu remembers the
tag for as long as only such queues are read.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from celery.worker.request import Request


class WakeupRequest(Request):
    """Acknowledges nothing that came from a queue without acknowledgements."""

    def acknowledge(self) -> None:
        if self._noted:
            super().acknowledge()
        else:
            self.acknowledged = True

    def reject(self, requeue: bool = False) -> None:
        if self._noted:
            super().reject(requeue=requeue)
        else:
            self.acknowledged = True

    @cached_property
    def _noted(self) -> bool:
        queues: list[Any] = self.app.conf.task_queues or []
        unnoted = {queue.routing_key for queue in queues if queue.no_ack}
        return self.delivery_info.get("routing_key") not in unnoted
