"""Talking upwards: lower apps publish what happened, higher ones listen.

Delivery is in-process, after the commit of the transaction in which it was published, and a
listener's failure is logged, never the publisher's. What must not be lost is a row in
PostgreSQL; an event only tells somebody to look sooner. A listener that has such a row to write
listens *within*: it is called at once, and what it writes is committed with the publisher's work
or not at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import structlog
from django.db import transaction

Listener = Callable[[Mapping[str, Any]], None]
#: Takes the payloads of several events of a topic at once.
Together = Callable[[Sequence[Mapping[str, Any]]], None]

_listeners: dict[str, list[Listener]] = defaultdict(list)
_within: dict[str, list[Listener]] = defaultdict(list)
_together: dict[Listener, Together] = {}
_log = structlog.get_logger(__name__)


def listen(
    topic: str, listener: Listener, *, within: bool = False, together: Together | None = None
) -> None:
    """Call ``listener`` with the payload of every event of ``topic``; once per listener.

    ``within`` the publisher's transaction, in a savepoint of its own; otherwise after its commit.
    Several that are published at once go to ``together`` instead, where it is given.
    """
    if together is not None:
        _together[listener] = together
    listeners = (_within if within else _listeners)[topic]
    if listener not in listeners:
        listeners.append(listener)


def publish(topic: str, **payload: Any) -> None:
    """Tell the listeners of ``topic`` when the current transaction has been committed.

    Those that listen within it are told at once.
    """
    for listener in _within.get(topic, ()):
        _tell(listener, topic, payload)
    if topic in _listeners:
        transaction.on_commit(lambda: _deliver(topic, payload))


def publish_all(topic: str, payloads: Sequence[Mapping[str, Any]]) -> None:
    """Like :func:`publish` for several events of one topic that happened at once."""
    for listener in _within.get(topic, ()) if payloads else ():
        together = _together.get(listener)
        if together is not None and len(payloads) > 1:
            _tell(together, topic, payloads)
            continue
        for payload in payloads:
            _tell(listener, topic, payload)
    if topic in _listeners:
        for payload in payloads:
            transaction.on_commit(partial(_deliver, topic, payload))


def _tell(listener: Callable[[Any], None], topic: str, payload: object) -> None:
    try:
        with transaction.atomic():
            listener(payload)
    except Exception:
        _log.exception("event listener failed", topic=topic)


def _deliver(topic: str, payload: Mapping[str, Any]) -> None:
    for listener in _listeners[topic]:
        try:
            listener(payload)
        except Exception:
            _log.exception("event listener failed", topic=topic)
