"""What is kept of the margin of accounts that follow, see :mod:`apps.analytics.margin_use`."""

from __future__ import annotations

from django.db import models


class MarginUse(models.Model):
    """How far an account that follows is leveraged, in steps, for lists that begin with the most.

    Kept by the minute, and coarse so that few rows change: the figures that lists show are read
    from the state of the account.
    """

    follower_id = models.BigIntegerField(primary_key=True)
    account_id = models.BigIntegerField(help_text="the follower's, to save a look for it")
    used = models.SmallIntegerField(help_text="margin in whole percent of equity, at most 999")
    times = models.SmallIntegerField(
        help_text="tenths of how many times its equity it holds, at most 30,000"
    )

    class Meta:
        indexes = [
            models.Index(fields=["used"], name="margin_use_of_equity"),
            models.Index(fields=["times"], name="margin_use_leverage"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.used} % of equity"
