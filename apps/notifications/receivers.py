"""What notifications listen to: each event is kept in the transaction in which it happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from django.utils import timezone

from apps.common.events import listen
from apps.notifications.models import Happening
from apps.notifications.topics import TOPICS


def connect() -> None:
    """Register for every topic that somebody may want to hear of; called once at the start."""
    for topic in TOPICS:
        together = partial(keep_all, topic)
        listen(topic, partial(keep, topic), within=True, together=together)


def keep(topic: str, payload: Mapping[str, Any]) -> None:
    """Write down what happened, to be told later: it is committed with it or not at all."""
    keep_all(topic, [payload])


def keep_all(topic: str, payloads: Sequence[Mapping[str, Any]]) -> None:
    """The same for several that happened at once, in one statement."""
    now = timezone.now()
    Happening.objects.bulk_create(
        Happening(topic=topic, payload=dict(payload), at=now, not_before=now)
        for payload in payloads
    )
