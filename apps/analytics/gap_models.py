"""What is kept of the gap between copies and their masters."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.common.fields import PriceField, UnitsField


class ReleasedPosition(models.Model):
    """A position that left its copy open, with what it was worth then, in account currency."""

    link_id = models.BigIntegerField(primary_key=True)
    units = UnitsField()
    price = PriceField(help_text="at which it could have been closed")
    worth = PriceField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"link {self.link_id}: {self.worth}"


class GapMoney(models.Model):
    """A gap in the follower's account currency: ``actual`` less ``expected``, in its parts.

    The parts are those of :class:`apps.analytics.domain.attribution.Cause`.
    """

    expected = PriceField(default=0)
    actual = PriceField(default=0)
    late_start = PriceField(default=0)
    skipped = PriceField(default=0)
    rounding = PriceField(default=0)
    entry_slippage = PriceField(default=0)
    exit_slippage = PriceField(default=0)
    costs = PriceField(default=0)
    currency = PriceField(default=0)
    manual = PriceField(default=0)
    residual = PriceField(default=0)

    class Meta:
        abstract = True


class SubscriptionGap(GapMoney):
    """The gap of all settled trades of a copy: the sum of its :class:`TradeGap` rows."""

    subscription_id = models.BigIntegerField(primary_key=True)
    trades = models.PositiveIntegerField(default=0)
    copied = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"subscription {self.subscription_id}: {self.actual - self.expected}"


class TradeGap(GapMoney):
    """One trade of a master, from flat to flat, and what a copy made of it.

    ``round_key`` is the master's deal that began it. ``link_id`` is empty where nothing was
    copied; ``code`` then says why. ``side`` is the copy's. ``settled``: nothing of it changes
    any more, and it is in the sums.
    """

    id = models.BigAutoField(primary_key=True)
    subscription_id = models.BigIntegerField()
    master_account_id = models.BigIntegerField()
    position_key = models.CharField(max_length=64)
    round_key = models.CharField(max_length=64)
    link_id = models.BigIntegerField(null=True)
    code = models.CharField(max_length=32, blank=True)
    symbol = models.CharField(max_length=64)
    side = models.CharField(max_length=4)
    opened_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    settled = models.BooleanField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscription_id", "round_key"], name="gap_once")
        ]
        indexes = [
            models.Index(
                fields=["subscription_id"], name="gap_unsettled", condition=Q(settled=False)
            )
        ]

    def __str__(self) -> str:
        return f"{self.subscription_id} {self.symbol} {self.actual - self.expected}"
