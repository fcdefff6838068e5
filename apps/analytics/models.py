"""Equity of accounts, sampled while the house runs."""

from __future__ import annotations

from django.db import models

from apps.common.fields import PriceField


class EquitySample(models.Model):
    """Money of one account at one full minute, in its currency."""

    id = models.BigAutoField(primary_key=True)
    account_id = models.BigIntegerField()
    at = models.DateTimeField()
    balance = PriceField()
    equity = PriceField()
    margin_used = PriceField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account_id", "at"], name="equity_once_a_minute")
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.at:%Y-%m-%d %H:%M} {self.equity}"
