"""Celery tasks of notifications; none of them is about a single person.

They run in a worker of their own: a mail server that takes its time holds up nothing else.
"""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from apps.notifications import gathering
from apps.notifications.connection_watch import watch_connections as look_at_connections
from apps.notifications.models import Channel
from apps.notifications.sending import send_waiting


@shared_task(name="notify.gather", ignore_result=True)
def gather() -> None:
    """Turn what has happened into notifications, and what has gathered into deliveries."""
    while gathering.expand(timezone.now()) == gathering.AT_ONCE:
        pass
    while gathering.dispatch(timezone.now()) == gathering.DUE_AT_ONCE:
        pass


@shared_task(name="notify.mails", ignore_result=True)
def mails() -> None:
    """Send the e-mails that wait."""
    send_waiting(Channel.Type.EMAIL)


@shared_task(name="notify.messengers", ignore_result=True)
def messengers() -> None:
    """Send what waits for other channels."""
    send_waiting(Channel.Type.APPRISE)


@shared_task(name="notify.connections", ignore_result=True)
def watch_connections() -> None:
    """Tell customers of connections that stay away, and that are back."""
    look_at_connections(timezone.now())


@shared_task(name="notify.forget", ignore_result=True)
def forget() -> None:
    """Delete notifications that are older than they are kept."""
    gathering.forget_old(timezone.now(), timedelta(days=settings.KEEP_NOTIFICATIONS_DAYS))
