"""What is kept of masters for lists of them, see :mod:`apps.analytics.summaries`."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.common.fields import JSONTextField, PriceField


class MasterSummary(models.Model):
    """What lists of masters show, filter and sort by besides figures; kept up by the minute.

    ``symbols`` are the folded names of what its usual trades were in. ``followers`` counts the
    copies that run, ``strangers`` those of them on accounts of other owners, ``following`` is the
    money that they size on, in the currency of the master's account. ``earned``, ``in_profit`` and
    ``sample`` are what its followers really earned, see
    :class:`apps.analytics.copies.FollowerEarnings`. Narrow, for lists read all of it.
    """

    account_id = models.BigIntegerField(primary_key=True)
    platform = models.CharField(max_length=32, help_text="the account's")
    mode = models.CharField(max_length=8, help_text="the account group's")
    since = models.DateField(null=True, help_text="first day of the record")
    symbols = ArrayField(models.CharField(max_length=64), default=list)
    seen_deal_id = models.BigIntegerField(default=0, help_text="deals up to this one are in it")
    followers = models.PositiveIntegerField(default=0)
    strangers = models.PositiveIntegerField(default=0)
    following = PriceField(default=0)
    earned = models.FloatField(null=True)
    in_profit = models.FloatField(null=True)
    sample = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "master summaries"

    def __str__(self) -> str:
        return f"{self.account_id}: {self.followers} followers"


class UsualTrades(models.Model):
    """The sizes of a master's last trades, as [folded symbol, units, times]."""

    account_id = models.BigIntegerField(primary_key=True)
    openings = JSONTextField(default=list)

    class Meta:
        verbose_name = verbose_name_plural = "usual trades"

    def __str__(self) -> str:
        return f"{self.account_id}: {self.openings}"
