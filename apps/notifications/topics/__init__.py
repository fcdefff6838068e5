"""Who is told what of which event; the events are known by their names alone.

A handler gets the payload that was published and the time, writes notifications, and answers
whose they are. It may be called again for an event that it could not finish.
"""

from __future__ import annotations

from collections.abc import Mapping

from apps.notifications.topics import copies, desk, masters, people, platforms
from apps.notifications.topics.handler import Handler

#: Topics whose payloads hold lists alone: those of many happenings are told as one.
TOGETHER = frozenset({"copy.not_copied", "copy.drift_found"})

TOPICS: Mapping[str, Handler] = {
    **copies.TOPICS,
    **masters.TOPICS,
    **desk.TOPICS,
    **platforms.TOPICS,
    **people.TOPICS,
}
