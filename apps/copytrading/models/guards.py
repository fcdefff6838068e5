"""The settings that hold opens back, as accounts and subscriptions carry them."""

from __future__ import annotations

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from apps.common.fields import PriceField

NOT_NEGATIVE = [MinValueValidator(Decimal(0))]


class GuardSettings(models.Model):
    """Guards on opens; 0 inherits. The strictest of product, follower and subscription holds."""

    max_positions = models.PositiveIntegerField(default=0, help_text="linked positions, 0: inherit")
    min_equity = PriceField(
        default=Decimal(0), validators=NOT_NEGATIVE, help_text="account currency, 0: inherit"
    )
    max_slippage = models.DecimalField(
        max_digits=8,
        decimal_places=4,
        default=Decimal(0),
        validators=[*NOT_NEGATIVE, MaxValueValidator(Decimal(100))],
        help_text="percent of the master's price, worse direction only, 0: inherit",
    )
    max_delay_s = models.PositiveIntegerField(default=0, help_text="seconds, 0: inherit")
    loss_limit = PriceField(
        default=Decimal(0), validators=NOT_NEGATIVE, help_text="account currency, 0: inherit"
    )
    min_margin_level = models.DecimalField(
        max_digits=10,
        decimal_places=2,
        default=Decimal(0),
        validators=NOT_NEGATIVE,
        help_text="percent that must remain after an open, 0: inherit",
    )

    class Meta:
        abstract = True
