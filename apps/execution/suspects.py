"""Accounts that should be read again before others: somebody doubts what is known of them.

Kept in Redis for a minute. Losing them loses time only: every account has its turn.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

import redis
import structlog
from django.conf import settings
from django.db import connection

_KEPT_S = 60
_log = structlog.get_logger(__name__)


def suspects_name(connection_id: int) -> str:
    """The set of suspects of a connection."""
    return f"{settings.GATEWAY_STREAM_PREFIX}:suspects:{connection_id}"


def suspect(account_ids: Collection[int]) -> None:
    """Have gateways read these accounts soon. Never raises: a Redis that is down is logged."""
    if not account_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT connection_id, array_agg(id) FROM platforms_tradingaccount "
            "WHERE id = ANY(%s) GROUP BY connection_id",
            [sorted(account_ids)],
        )
        found = cursor.fetchall()
    try:
        pipeline = _client().pipeline(transaction=False)
        for connection_id, ids in found:
            pipeline.sadd(suspects_name(connection_id), *ids)
            pipeline.expire(suspects_name(connection_id), _KEPT_S)
        pipeline.execute()
    except redis.RedisError as error:
        _log.warning("suspects not told, all accounts have their turn", error=repr(error)[:200])


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=1.0, socket_connect_timeout=0.5, retry=None
    )
