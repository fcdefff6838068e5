"""Sending what waits: claimed for a while, sent, and marked; tried again where it failed.

A claim is committed before anything is sent. Who dies in between leaves a delivery that comes
due again when the claim is over: a message arrives at least once, rarely twice, never not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from apps.notifications.domain.kinds import kind_of
from apps.notifications.errors import AddressRefused, NotDelivered
from apps.notifications.messages import MailServerDown, send_mail, send_to_messenger
from apps.notifications.models import Channel, Delivery

#: How long a claim lasts, how many are claimed together, and how long one run goes on.
CLAIM_S = 180
AT_ONCE = 10
RUN_S = 20.0
#: Pauses between attempts in seconds; after the last one a delivery is given up.
PAUSES_S = (30, 120, 600, 3600, 6 * 3600, 24 * 3600)
_LOCK = {Channel.Type.EMAIL: 7_102_001, Channel.Type.APPRISE: 7_102_002}

_CLAIM = """
    UPDATE notifications_delivery d
    SET attempts = d.attempts + 1, not_before = %s
    WHERE d.id IN (
        SELECT w.id FROM notifications_delivery w
        JOIN notifications_channel c ON c.id = w.channel_id AND c.type = %s
        WHERE w.state = 'waiting' AND w.not_before <= %s
        ORDER BY w.not_before, w.id LIMIT %s FOR UPDATE OF w SKIP LOCKED)
    RETURNING d.id
"""

_log = structlog.get_logger(__name__)

Send = Callable[[Delivery], None]


def send_waiting(kind: Channel.Type) -> int:
    """Send what waits for one type of channel; answers how many arrived.

    One process at a time does it for a type, so that a slow mail server holds up mail alone.
    """
    with _only_one(kind) as mine:
        if not mine:
            return 0
        if kind is Channel.Type.EMAIL:
            return _send_mails()
        return _send_all(kind, _message)


@contextmanager
def _only_one(kind: Channel.Type) -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK[kind]])
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK[kind]])


def _send_mails() -> int:
    backend: BaseEmailBackend = get_connection(fail_silently=False)
    try:
        return _send_all(Channel.Type.EMAIL, lambda delivery: _mail(backend, delivery))
    finally:
        try:
            backend.close()
        except OSError:
            _log.info("the mail server ended the connection first")


def _send_all(kind: Channel.Type, send: Send) -> int:
    arrived, until = 0, time.monotonic() + RUN_S
    while time.monotonic() < until:
        claimed = claim(kind, timezone.now())
        if not claimed:
            break
        arrived += _attempt_each(claimed, send)
    return arrived


def claim(kind: Channel.Type, now: datetime) -> list[Delivery]:
    """Take deliveries that are due; they come due again when the claim is over."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [now + timedelta(seconds=CLAIM_S), kind.value, now, AT_ONCE])
        ids = [row[0] for row in cursor.fetchall()]
    found = Delivery.objects.filter(pk__in=ids).select_related("notification__user", "channel")
    return list(found.order_by("id"))


def _attempt_each(claimed: Sequence[Delivery], send: Send) -> int:
    arrived, down = 0, set[int]()
    for delivery in claimed:
        if delivery.channel_id in down:
            _give_back(delivery)
            continue
        try:
            send(delivery)
        except MailServerDown as error:
            _failed(delivery, str(error), for_good=False)
            down.update(d.channel_id for d in claimed)
            _put_off(Channel.Type.EMAIL)
        except (NotDelivered, AddressRefused) as error:
            _failed(delivery, str(error), for_good=isinstance(error, AddressRefused))
            down.add(delivery.channel_id)
        else:
            _arrived(delivery)
            arrived += 1
    return arrived


def _mail(backend: BaseEmailBackend, delivery: Delivery) -> None:
    notification = delivery.notification
    send_mail(
        backend,
        notification.user.email,
        subject_of(delivery),
        body_of(delivery),
        f"notification-{notification.pk}-{delivery.channel_id}",
    )


def _message(delivery: Delivery) -> None:
    address = delivery.channel.address.get("url", "")
    send_to_messenger(address, subject_of(delivery), body_of(delivery))


def subject_of(delivery: Delivery) -> str:
    notification = delivery.notification
    return kind_of(notification.kind).heading(notification.count)


def body_of(delivery: Delivery) -> str:
    """The message in plain words, with where to read on."""
    notification = delivery.notification
    base = settings.SITE_URL.rstrip("/")
    lines = [notification.text, ""]
    if notification.link:
        lines += [f"{base}{notification.link}", ""]
    lines.append(f"What you are told, and how: {base}/notifications/settings/")
    return "\n".join(lines)


def _arrived(delivery: Delivery) -> None:
    now = timezone.now()
    Delivery.objects.filter(pk=delivery.pk).update(state=Delivery.State.SENT, sent_at=now, error="")
    note_success(delivery.channel_id, now)


def note_success(channel_id: int, now: datetime) -> None:
    """The channel works."""
    Channel.objects.filter(pk=channel_id).update(delivered_at=now, error="")


def note_failure(channel_id: int, error: str, now: datetime) -> None:
    """The channel does not work; the customer sees why."""
    Channel.objects.filter(pk=channel_id).update(failed_at=now, error=error[:300])


def _failed(delivery: Delivery, error: str, *, for_good: bool) -> None:
    now = timezone.now()
    over = for_good or delivery.attempts > len(PAUSES_S)
    waits = PAUSES_S[min(delivery.attempts, len(PAUSES_S)) - 1]
    Delivery.objects.filter(pk=delivery.pk).update(
        state=Delivery.State.FAILED if over else Delivery.State.WAITING,
        not_before=now + timedelta(seconds=waits),
        error=error[:300],
    )
    note_failure(delivery.channel_id, error, now)
    _log.warning(
        "a message was not delivered", delivery=delivery.pk, attempts=delivery.attempts, over=over
    )


def _give_back(delivery: Delivery) -> None:
    """Its channel has just failed: it was not tried, and waits as long as that one."""
    Delivery.objects.filter(pk=delivery.pk).update(
        attempts=F("attempts") - 1, not_before=timezone.now() + timedelta(seconds=PAUSES_S[0])
    )


def _put_off(kind: Channel.Type) -> None:
    """The server behind all channels of a type is down: nobody knocks again at once."""
    until = timezone.now() + timedelta(seconds=PAUSES_S[0])
    Delivery.objects.filter(state=Delivery.State.WAITING, channel__type=kind).update(
        not_before=Greatest(F("not_before"), until)
    )
