"""Having notifications gathered and sent as the worker does, at a time of the test's choice."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from apps.accounts.models import User
from apps.notifications import gathering
from apps.notifications.models import Delivery, Notification


def gather(later: timedelta = timedelta(0)) -> None:
    """Happenings become notifications; those that are due by ``later`` become deliveries."""
    while gathering.expand(timezone.now()):
        pass
    while gathering.dispatch(timezone.now() + later):
        pass


def told(user: User) -> list[tuple[str, int]]:
    """Kind and count of everything that a person was told, the oldest first."""
    rows = Notification.objects.filter(user=user).order_by("id")
    return list(rows.values_list("kind", "count"))


def due_now() -> None:
    """The pauses before all deliveries that wait are over."""
    Delivery.objects.filter(state="waiting").update(not_before=timezone.now())


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def past(moment: datetime, seconds: float) -> datetime:
    return moment - timedelta(seconds=seconds)
