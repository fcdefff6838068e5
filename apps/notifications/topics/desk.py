"""What members of staff are told of: alarms about masters, and who applies to be one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.urls import reverse

from apps.accounts.roles import PERMISSIONS, Permission
from apps.analytics.alarms import ALARMS_RAISED
from apps.analytics.selectors import alarms_chosen
from apps.copytrading.api import APPLICATION_RECEIVED
from apps.notifications.domain.kinds import Kind
from apps.notifications.topics.handler import Handler
from apps.notifications.writing import STAFF, write_for


def alarms_raised(payload: Mapping[str, Any], now: datetime) -> set[int]:
    """Tell risk staff; several at once are one message. One that was cleared is no news."""
    found = [alarm for alarm in alarms_chosen(payload["uuids"]) if alarm.is_open]
    if not found:
        return set()
    first = found[0]
    text = f"{first.strategy_name} ({first.login}): {first.text}"
    link, key = reverse("console:alarm", args=[first.uuid]), str(first.uuid)
    if len(found) > 1:
        text = f"{len(found)} alarms were raised. One of them: {text}"
        link, key = reverse("console:alarms"), "several"
    return _tell(Kind.MASTER_ALARM, key, text, link, now)


def application_received(payload: Mapping[str, Any], now: datetime) -> set[int]:
    """Tell those who decide; the applicant is no member of staff."""
    text = f"{payload['strategy_name']} waits for a decision: the rules stand beside its figures."
    return _tell(Kind.APPLICATION, "", text, reverse("console:applications"), now)


def _tell(kind: Kind, key: str, text: str, link: str, now: datetime) -> set[int]:
    asked = Permission(kind.spec.permission)
    roles = [role.value for role, granted in PERMISSIONS.items() if asked in granted]
    return write_for(STAFF, roles, kind, key=key, text=text, link=link, now=now)


TOPICS: Mapping[str, Handler] = {
    ALARMS_RAISED: alarms_raised,
    APPLICATION_RECEIVED: application_received,
}
