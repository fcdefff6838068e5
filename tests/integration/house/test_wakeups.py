"""Tasks that an event loop sends are what Celery's own workers expect."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import orjson
import redis

from apps.common.wakeups import Wake, Wakeups
from apps.copytrading.tasks import reconcile, work
from config.celery import app

_OF_ITS_OWN = {"id", "root_id", "argsrepr", "origin"}


async def sent(*wakes: Wake) -> None:
    wakeups = Wakeups()
    for wake in wakes:
        await wakeups.send([wake])
    await wakeups.close()


def waiting(url: str, queue: str) -> list[dict[str, Any]]:
    with redis.Redis.from_url(url) as client:
        found: Any = client.lrange(queue, 0, -1)
    return [orjson.loads(text) for text in reversed(found)]


def decoded(message: dict[str, Any]) -> Any:
    return orjson.loads(base64.b64decode(message["body"]))


def arguments(message: dict[str, Any]) -> Any:
    return decoded(message)[:2]


def without(values: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


def test_a_message_is_what_celery_would_have_sent(live_redis_url: str) -> None:
    asyncio.run(sent(Wake(work, [5, ["deal:1"]]), Wake(work, [6])))
    with app.connection_for_write(live_redis_url) as connection:
        work.apply_async(args=[6], connection=connection)
    first, second, celerys = waiting(live_redis_url, "copy")

    assert arguments(first) == [[5, ["deal:1"]], {}]
    assert decoded(second) == decoded(celerys)
    assert without(second["headers"], _OF_ITS_OWN) == without(celerys["headers"], _OF_ITS_OWN)
    tags = {"correlation_id", "delivery_tag", "reply_to"}
    assert without(second["properties"], tags) == without(celerys["properties"], tags)
    parts = {"body", "headers", "properties"}
    assert without(second, parts) == without(celerys, parts)


def test_no_two_messages_have_the_same_ids(live_redis_url: str) -> None:
    asyncio.run(sent(*[Wake(work, [7])] * 3))
    found = waiting(live_redis_url, "copy")
    assert len({message["headers"]["id"] for message in found}) == 3
    assert len({message["properties"]["delivery_tag"] for message in found}) == 3
    assert [m["headers"]["id"] for m in found] == [m["properties"]["correlation_id"] for m in found]


def test_a_task_goes_to_the_queue_that_it_is_routed_to(live_redis_url: str) -> None:
    asyncio.run(sent(Wake(reconcile, [[1, 2]])))
    (message,) = waiting(live_redis_url, "upkeep")
    assert message["properties"]["delivery_info"]["routing_key"] == "upkeep"
    assert arguments(message) == [[[1, 2]], {}]


def test_a_redis_that_is_away_stops_nobody(settings: Any) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    asyncio.run(asyncio.wait_for(sent(Wake(work, [1])), 10))
