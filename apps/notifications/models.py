"""What is to be told to whom, by which channel, and what became of it.

A *happening* is written in the transaction of what happened. It is turned into one
*notification* for each person concerned; when that has gathered long enough, one *delivery* for
each channel that the person chose.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.common.fields import EncryptedJSONField, JSONTextField
from apps.notifications.domain.kinds import kind_choices, kind_of


class Happening(models.Model):
    """Something that people may have to hear of; deleted once their notifications stand."""

    id = models.BigAutoField(primary_key=True)
    topic = models.CharField(max_length=64)
    payload: models.Field[Any, Any] = JSONTextField()
    at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField()
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        indexes = [models.Index(fields=["not_before"], name="happening_due")]

    def __str__(self) -> str:
        return f"{self.topic} {self.id}"


class Notification(models.Model):
    """What one person is told about one matter; ``count`` grows while it gathers.

    ``key`` names the matter: of one person, kind and key only one gathers at a time. ``due_at``
    is when it leaves; ``shown``: whether the person wants it in the page.
    """

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    kind = models.CharField(max_length=24, choices=kind_choices)
    key = models.CharField(max_length=96, blank=True)
    count = models.PositiveIntegerField(default=1)
    text = models.CharField(max_length=600)
    link = models.CharField(max_length=200, blank=True)
    shown = models.BooleanField(default=True)
    at = models.DateTimeField()
    last_at = models.DateTimeField()
    due_at = models.DateTimeField()
    gathering = models.BooleanField(default=True)
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "kind", "key"],
                condition=Q(gathering=True),
                name="one_notification_gathers",
            )
        ]
        indexes = [
            models.Index(fields=["user", "kind", "key", "-due_at"], name="notification_of_matter"),
            models.Index(fields=["user", "-id"], name="notification_of_user"),
            models.Index(
                fields=["user"], name="notification_unread", condition=Q(shown=True, read_at=None)
            ),
            models.Index(fields=["due_at"], name="notification_due", condition=Q(gathering=True)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.user_id} ({self.count})"

    @property
    def heading(self) -> str:
        return kind_of(self.kind).heading(self.count)

    @property
    def tone(self) -> str:
        return kind_of(self.kind).spec.tone


class Channel(models.Model):
    """Where a person's messages go: the e-mail address of the sign-in, or an apprise address.

    The address is a secret: encrypted, never logged, shown only as ``masked``.
    """

    class Type(models.TextChoices):
        EMAIL = "email", "E-mail"
        APPRISE = "apprise", "Messenger"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    type = models.CharField(max_length=8, choices=Type)
    name = models.CharField(max_length=40)
    service = models.CharField(max_length=40, blank=True)
    masked = models.CharField(max_length=120, blank=True)
    address = EncryptedJSONField(default=dict)
    created_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(type="email"), name="one_email_channel"
            ),
            models.UniqueConstraint(fields=["user", "name"], name="channel_name_once"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_email(self) -> bool:
        """Whether it is the one to the sign-in's own address, which stays."""
        return self.type == self.Type.EMAIL

    @property
    def fails(self) -> bool:
        """Whether the last attempt came to nothing."""
        if self.failed_at is None:
            return False
        return self.delivered_at is None or self.delivered_at < self.failed_at


class Preference(models.Model):
    """A choice unlike the default: a kind by one channel, or in the page (no channel)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    kind = models.CharField(max_length=24, choices=kind_choices)
    channel = models.ForeignKey(Channel, null=True, on_delete=models.CASCADE)
    wanted = models.BooleanField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "kind", "channel"], nulls_distinct=False, name="one_preference"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.wanted}"


class Delivery(models.Model):
    """One notification by one channel; sent at least once, or given up with the reason."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        FAILED = "failed", "Given up"

    id = models.BigAutoField(primary_key=True)
    notification = models.ForeignKey(Notification, on_delete=models.CASCADE)
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField()
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["notification", "channel"], name="delivered_once")
        ]
        indexes = [
            models.Index(
                fields=["not_before"], name="delivery_waiting", condition=Q(state="waiting")
            )
        ]

    def __str__(self) -> str:
        return f"{self.notification_id} by {self.channel_id}: {self.state}"


class ConnectionAlarm(models.Model):
    """A connection that is not live: since when, and whether its customers have been told."""

    connection_id = models.BigIntegerField(primary_key=True)
    since = models.DateTimeField()
    seen_at = models.DateTimeField()
    refused = models.BooleanField(default=False)
    told = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"connection {self.connection_id} since {self.since}"
