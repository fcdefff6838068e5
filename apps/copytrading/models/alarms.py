"""Accounts that use much of their equity as margin."""

from __future__ import annotations

from django.db import models


class MarginAlarm(models.Model):
    """A following account beyond a threshold of used margin, while it is."""

    class Level(models.TextChoices):
        WARNING = "warning", "High"
        CRITICAL = "critical", "Critical"

    account_id = models.BigIntegerField(primary_key=True)
    level = models.CharField(max_length=8, choices=Level)
    used_percent = models.DecimalField(max_digits=6, decimal_places=2, help_text="of equity")
    since = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.account_id}: {self.level} ({self.used_percent} %)"
