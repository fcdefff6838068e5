"""Talking upwards: lower apps publish what happened, higher ones listen.

Delivery is in-process, after the commit of the transaction in which it was published, and a
listener's failure is logged, never the publisher's. What must not be lost is a row in
PostgreSQL; an event only tells somebody to look sooner.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from django.db import transaction

Listener = Callable[[Mapping[str, Any]], None]

_listeners: dict[str, list[Listener]] = defaultdict(list)
_log = structlog.get_logger(__name__)


def listen(topic: str, listener: Listener) -> None:
    """Call ``listener`` with the payload of every event of ``topic``; once per listener."""
    if listener not in _listeners[topic]:
        _listeners[topic].append(listener)


def publish(topic: str, **payload: Any) -> None:
    """Tell the listeners of ``topic`` when the current transaction has been committed."""
    transaction.on_commit(lambda: _deliver(topic, payload))


def _deliver(topic: str, payload: Mapping[str, Any]) -> None:
    for listener in _listeners[topic]:
        try:
            listener(payload)
        except Exception:
            _log.exception("event listener failed", topic=topic)
