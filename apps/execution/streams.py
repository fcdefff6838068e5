"""The gateway's streams in Redis: committed slices on their way, and nothing else.

Losing them loses time only: the gateway finds unsent batches in PostgreSQL each second.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import redis
import structlog
from django.conf import settings

# Slices that a gateway has not read by then it finds in PostgreSQL.
STREAM_LENGTH = 200

_log = structlog.get_logger(__name__)


def stream_name(connection_id: int) -> str:
    return f"{settings.GATEWAY_STREAM_PREFIX}:{connection_id}"


def push(slices: Sequence[tuple[int, int, str, float, str]]) -> None:
    """Send slices (batch id, connection id, leg, committed at, items) in one round trip.

    Never raises: a Redis that is down is logged.
    """
    try:
        pipeline = _client().pipeline(transaction=False)
        for batch_id, connection_id, leg, committed_at, items in slices:
            pipeline.xadd(
                stream_name(connection_id),
                {"b": batch_id, "l": leg, "c": repr(committed_at), "i": items},
                maxlen=STREAM_LENGTH,
                approximate=True,
            )
        pipeline.execute()
    except redis.RedisError as error:
        _log.warning("slices not pushed, the sweep will find them", error=repr(error)[:200])


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=1.0, socket_connect_timeout=0.5, retry=None
    )
