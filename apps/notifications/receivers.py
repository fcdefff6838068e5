"""What notifications listen to: each event is kept in the transaction in which it happened."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.utils import timezone

from apps.common.events import listen
from apps.notifications.models import Happening
from apps.notifications.topics import TOPICS


def connect() -> None:
    """Register for every topic that somebody may want to hear of; called once at the start."""
    for topic in TOPICS:
        listen(topic, partial(keep, topic), within=True)


def keep(topic: str, payload: Mapping[str, Any]) -> None:
    """Write down what happened, to be told later: it is committed with it or not at all."""
    now = timezone.now()
    Happening.objects.create(topic=topic, payload=dict(payload), at=now, not_before=now)
