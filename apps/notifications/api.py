"""Changing notifications, channels and choices of one person."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from django.core.mail import get_connection
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.api import record_audit
from apps.accounts.models import User
from apps.notifications import addresses
from apps.notifications.choices import is_locked, kinds_for
from apps.notifications.errors import (
    AddressRefused,
    NameTaken,
    NotDelivered,
    TooManyChannels,
    TooSoon,
)
from apps.notifications.gathering import announce, make_email_channels
from apps.notifications.messages import send_mail, send_to_messenger
from apps.notifications.models import Channel, Notification, Preference
from apps.notifications.selectors import cell_name, channels_of
from apps.notifications.sending import note_failure, note_success

#: Channels that one person may have, e-mail among them.
MOST_CHANNELS = 8
_BETWEEN_TESTS = timedelta(seconds=10)


@transaction.atomic
def mark_read(*, user: User, ids: Collection[int] | None = None, kind: str = "") -> int:
    """Mark notifications as read: those named, or all (of a kind); answers how many were unread."""
    unread = Notification.objects.filter(user=user, read_at=None, shown=True)
    if ids is not None:
        unread = unread.filter(pk__in=ids)
    if kind:
        unread = unread.filter(kind=kind)
    changed = unread.update(read_at=timezone.now())
    if changed:
        announce([user.pk])
    return changed


def ensure_email_channel(*, user: User) -> None:
    """Have the channel to the person's own e-mail address; it is there for everybody."""
    if not Channel.objects.filter(user=user, type=Channel.Type.EMAIL).exists():
        make_email_channels([user.pk], timezone.now())


@transaction.atomic
def add_channel(*, user: User, name: str, address: str) -> Channel:
    """Store an apprise address for a person's messages.

    AddressRefused for one that is not allowed, NameTaken, TooManyChannels.
    """
    service = addresses.checked(address)
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if Channel.objects.filter(user=user).count() >= MOST_CHANNELS:
        raise TooManyChannels(
            f"You have {MOST_CHANNELS} channels, which is the most; remove one first."
        )
    try:
        with transaction.atomic():
            channel = Channel.objects.create(
                user=user,
                type=Channel.Type.APPRISE,
                name=name.strip() or service.name,
                service=service.name,
                masked=addresses.masked(address),
                address={"url": address.strip()},  # type: ignore[misc]  # the field encrypts it
                created_at=timezone.now(),
            )
    except IntegrityError:
        raise NameTaken("You have a channel of this name; choose another one.") from None
    _audit(user, "security.channel_added", channel)
    return channel


@transaction.atomic
def remove_channel(*, user: User, channel: Channel) -> None:
    """Forget a channel with its address and what still waits for it; e-mail stays."""
    if channel.is_email:
        raise AddressRefused("The e-mail address of your sign-in cannot be removed here.")
    _audit(user, "security.channel_removed", channel)
    channel.delete()


def _audit(user: User, action: str, channel: Channel) -> None:
    record_audit(
        actor=user,
        action=action,
        object_type="user",
        object_id=user.uuid,
        object_label=user.email,
        after={"what": f"{channel.name} ({channel.service})"},
    )


def send_test(*, user: User, channel: Channel) -> None:
    """Send a message now, and note whether it arrived; NotDelivered or AddressRefused if not."""
    now = timezone.now()
    latest = max(filter(None, (channel.delivered_at, channel.failed_at)), default=None)
    if latest is not None and now - latest < _BETWEEN_TESTS:
        raise TooSoon("A message has just been sent by this channel; wait ten seconds.")
    title = "This channel works"
    body = f"Messages for {user.email} arrive by the channel {channel.name}."
    try:
        if channel.is_email:
            backend = get_connection(fail_silently=False)
            send_mail(backend, user.email, title, body, f"test-{channel.uuid}-{now:%H%M%S%f}")
        else:
            send_to_messenger(channel.address.get("url", ""), title, body)
    except (NotDelivered, AddressRefused) as error:
        note_failure(channel.pk, str(error), now)
        raise
    note_success(channel.pk, timezone.now())


@transaction.atomic
def choose(*, user: User, ticked: Collection[str]) -> None:
    """Store what the person wants by which channel: the names of the boxes that are ticked.

    Only what differs from the defaults is kept; what is locked stays as it is.
    """
    channels = channels_of(user)
    differing = []
    for kind in kinds_for(user):
        for way in (None, *channels):
            default = True if way is None else kind.spec.sent
            wanted = cell_name(kind, way) in ticked
            if wanted != default and not is_locked(kind, way):
                differing.append(Preference(user=user, kind=kind, channel=way, wanted=wanted))
    Preference.objects.filter(user=user).delete()
    Preference.objects.bulk_create(differing)


__all__ = [
    "add_channel",
    "choose",
    "ensure_email_channel",
    "mark_read",
    "remove_channel",
    "send_test",
]
