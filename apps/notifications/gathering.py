"""From happenings to notifications, and from those that have gathered to deliveries.

Nothing here waits for a network. Several may work at once: each takes rows that no other holds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Count, Q

from apps.common.events import publish
from apps.notifications.choices import Choices
from apps.notifications.models import Channel, Delivery, Happening, Notification
from apps.notifications.topics import TOGETHER, TOPICS

#: Published after commit when what somebody's bell shows has changed: ``unread`` by user id.
UNREAD_CHANGED = "notifications.unread"
#: Happenings and due notifications that are taken up together.
AT_ONCE = 200
DUE_AT_ONCE = 1000
_RETRY_S = 15
_LONGEST_RETRY_S = 3600

_log = structlog.get_logger(__name__)


def expand(now: datetime) -> int:
    """Turn what has happened into notifications; answers how many happenings were taken up."""
    taken = 0
    told: set[int] = set()
    with transaction.atomic():
        due = Happening.objects.select_for_update(skip_locked=True).filter(not_before__lte=now)
        for happenings in _together(due.order_by("id")[:AT_ONCE]):
            told |= _expand(happenings, now)
            taken += len(happenings)
        announce(told)
    return taken


def _together(happenings: Iterable[Happening]) -> Iterable[list[Happening]]:
    found: dict[str, list[Happening]] = {}
    for happening in happenings:
        # What can be told together is; the others keep an entry each, in their order.
        alone = "" if happening.topic in TOGETHER else f"#{happening.pk}"
        found.setdefault(f"{happening.topic}{alone}", []).append(happening)
    return found.values()


def _expand(happenings: Sequence[Happening], now: datetime) -> set[int]:
    """Write their notifications and forget them; one that cannot be told is tried again later."""
    first, *others = happenings
    try:
        with transaction.atomic():
            told = TOPICS[first.topic](merged([h.payload for h in happenings]), now)
            Happening.objects.filter(pk__in=[h.pk for h in happenings]).delete()
            return told
    except Exception as error:
        if others:
            return set[int]().union(*(_expand([one], now) for one in happenings))
        happening = first
        _log.exception("a happening could not be told", topic=happening.topic, id=happening.pk)
        wait = min(_RETRY_S * 2 ** min(happening.attempts, 12), _LONGEST_RETRY_S)
        Happening.objects.filter(pk=happening.pk).update(
            attempts=min(happening.attempts + 1, 32000),
            not_before=now + timedelta(seconds=wait),
            error=f"{type(error).__name__}: {error}"[:500],
        )
        return set()


def merged(payloads: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Payloads that are told together: their lists, one after the other."""
    if len(payloads) == 1:
        return payloads[0]
    return {name: [v for payload in payloads for v in payload[name]] for name in payloads[0]}


def announce(user_ids: Collection[int]) -> None:
    """Have the bells of these people show how much is unread."""
    if user_ids:
        publish(UNREAD_CHANGED, unread=unread_of(user_ids))


def unread_of(user_ids: Collection[int]) -> dict[int, int]:
    """How many notifications of each person are unread."""
    unread = Notification.objects.filter(user_id__in=user_ids, shown=True, read_at=None)
    counts = unread.values("user_id").annotate(n=Count("id")).values_list("user_id", "n")
    return dict.fromkeys(user_ids, 0) | dict(counts)


def dispatch(now: datetime) -> int:
    """End the gathering of what is due, and have it delivered; answers how many were."""
    with transaction.atomic():
        due = list(
            Notification.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(gathering=True, due_at__lte=now)
            .order_by("due_at")[:DUE_AT_ONCE]
        )
        if not due:
            return 0
        channels = _channels({notification.user_id for notification in due}, now)
        choices = Choices.of(channels)
        deliveries = [
            Delivery(notification=notification, channel=channel, not_before=now, created_at=now)
            for notification in due
            for channel in channels.get(notification.user_id, ())
            if choices.wants(notification.user_id, notification.kind, channel)
        ]
        Delivery.objects.bulk_create(deliveries, batch_size=1000, ignore_conflicts=True)
        Notification.objects.filter(pk__in=[n.pk for n in due]).update(gathering=False)
        return len(due)


def _channels(user_ids: Iterable[int], now: datetime) -> dict[int, list[Channel]]:
    """Everybody's channels; the one for e-mail is made where somebody has none yet."""
    ids = list(user_ids)
    have = Channel.objects.filter(user_id__in=ids, type=Channel.Type.EMAIL)
    without = set(ids) - set(have.values_list("user_id", flat=True))
    make_email_channels(without, now)
    found: dict[int, list[Channel]] = defaultdict(list)
    for channel in Channel.objects.filter(user_id__in=ids).defer("address").order_by("id"):
        found[channel.user_id].append(channel)
    return found


def make_email_channels(user_ids: Iterable[int], now: datetime) -> None:
    """Give people the channel to the e-mail address of their sign-in."""
    Channel.objects.bulk_create(
        [
            Channel(
                user_id=user_id,
                type=Channel.Type.EMAIL,
                name="E-mail",
                service="E-mail",
                created_at=now,
            )
            for user_id in sorted(user_ids)
        ],
        ignore_conflicts=True,
    )


def forget_old(now: datetime, keep: timedelta) -> int:
    """Delete what is older than ``keep`` and not about to be sent, with its deliveries."""
    old = Notification.objects.filter(Q(last_at__lt=now - keep), gathering=False)
    ids = list(old.values_list("pk", flat=True)[:5000])
    Notification.objects.filter(pk__in=ids).delete()
    return len(ids)
