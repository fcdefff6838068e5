"""What is unusual about how a master trades, for risk staff."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.analytics.domain.alarms import AlarmKind
from apps.common.fields import JSONTextField


class MasterAlarm(models.Model):
    """One alarm about one master, from when it was raised until it was cleared; kept then.

    ``text`` says what is unusual, ``evidence`` holds the numbers and trades that show it, see
    :class:`apps.analytics.domain.alarms.Found`. ``seen_at`` is when it was last found to hold.
    ``note`` is what whoever acknowledged it wrote. Of one master and kind one is open at a time.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    master_id = models.BigIntegerField()
    account_id = models.BigIntegerField()
    kind = models.CharField(max_length=16, choices=[(k.value, k.label) for k in AlarmKind])
    text = models.CharField(max_length=400)
    evidence = JSONTextField(default=dict)
    raised_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    note = models.CharField(max_length=500, blank=True)
    cleared_at = models.DateTimeField(null=True)
    cleared_why = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["master_id", "kind"], condition=Q(cleared_at=None), name="one_open_alarm"
            )
        ]
        indexes = [
            models.Index(fields=["-raised_at", "-id"], name="alarm_newest"),
            models.Index(fields=["master_id", "-raised_at"], name="alarm_of_master"),
            models.Index(fields=["-raised_at"], name="alarm_open", condition=Q(cleared_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of master {self.master_id}"


class WatchedMaster(models.Model):
    """What is remembered of a master's account between two looks, so that a look is cheap.

    ``trades`` is how many it had closed when their sizes were judged; ``worst`` the deepest
    drawdown before the high from which it fell at the end of ``day``, empty where its history is
    too short.
    """

    account_id = models.BigIntegerField(primary_key=True)
    trades = models.PositiveIntegerField(default=0)
    worst = models.FloatField(null=True)
    day = models.DateField(null=True)

    def __str__(self) -> str:
        return f"{self.account_id} at {self.trades} trades"
