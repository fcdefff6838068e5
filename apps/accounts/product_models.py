"""The product configuration: which modules run, and the defaults that everything inherits."""

from __future__ import annotations

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models


class ProductConfig(models.Model):
    """One row: which modules run, and the defaults that accounts and subscriptions inherit."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    copy_trading_enabled = models.BooleanField(default=False)
    bot_trading_enabled = models.BooleanField(default=False)
    max_delay_s = models.PositiveIntegerField(
        "maximum delay",
        default=10,
        validators=[MinValueValidator(1), MaxValueValidator(3600)],
        help_text="seconds after the master's event within which a copy may still open",
    )
    stale_account_s = models.PositiveIntegerField(
        "oldest usable equity",
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(3600)],
        help_text="seconds; an older figure sizes no new copy",
    )
    max_slippage = models.DecimalField(
        "slippage tolerance",
        max_digits=8,
        decimal_places=4,
        default=Decimal("0.1"),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(100))],
        help_text="percent of the master's price in the worse direction, 0: no limit",
    )
    min_margin_level = models.DecimalField(
        "minimum margin level",
        max_digits=10,
        decimal_places=2,
        default=Decimal(150),
        validators=[MinValueValidator(Decimal(0))],
        help_text="percent that must remain after an open, 0: no limit",
    )
    max_positions = models.PositiveIntegerField(
        "maximum open trades", default=0, help_text="for each subscription, 0: no limit"
    )
    min_equity = models.DecimalField(
        "minimum equity",
        max_digits=28,
        decimal_places=8,
        default=Decimal(0),
        validators=[MinValueValidator(Decimal(0))],
        help_text="currency of the follower's account, 0: no limit",
    )
    loss_limit = models.DecimalField(
        "loss limit",
        max_digits=28,
        decimal_places=8,
        default=Decimal(0),
        validators=[MinValueValidator(Decimal(0))],
        help_text="currency of the follower's account, for each subscription, 0: no limit",
    )
    max_master_count = models.PositiveIntegerField(
        "maximum of masters",
        default=10,
        help_text="that one account may follow at once, 0: no limit",
    )
    max_paper_accounts = models.PositiveIntegerField(
        "paper accounts",
        default=5,
        help_text="that a customer may open, 0: none are offered",
    )
    master_min_age_days = models.PositiveIntegerField(
        "age of the account",
        default=30,
        help_text="days that a master's account must have been known, 0: no rule",
    )
    master_min_trades = models.PositiveIntegerField(
        "closed trades", default=20, help_text="that it must have, 0: no rule"
    )
    master_min_equity = models.DecimalField(
        "equity",
        max_digits=28,
        decimal_places=8,
        default=Decimal(0),
        validators=[MinValueValidator(Decimal(0))],
        help_text="that it must hold, in its own currency, 0: no rule",
    )
    master_max_drawdown = models.DecimalField(
        "largest drawdown",
        max_digits=8,
        decimal_places=4,
        default=Decimal(50),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(100))],
        help_text="percent below its high that it may have fallen, 0: no rule",
    )
    master_rules_bind = models.BooleanField(
        "rules must be met",
        default=True,
        help_text="otherwise anybody may apply, and staff see what is not met",
    )
    margin_warning = models.DecimalField(
        "margin warning",
        max_digits=5,
        decimal_places=2,
        default=Decimal(50),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(500))],
        help_text="percent of equity that is used as margin, 0: no warning",
    )
    margin_critical = models.DecimalField(
        "critical margin",
        max_digits=5,
        decimal_places=2,
        default=Decimal(80),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(500))],
        help_text="percent of equity that is used as margin, 0: no warning",
    )
    gate_daily_loss = models.DecimalField(
        "daily loss",
        max_digits=5,
        decimal_places=2,
        default=Decimal(10),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(100))],
        help_text="percent lost since midnight UTC, 0: no rule",
    )
    gate_drawdown = models.DecimalField(
        "drawdown",
        max_digits=5,
        decimal_places=2,
        default=Decimal(30),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(100))],
        help_text="percent below its high, 0: no rule",
    )
    gate_leverage = models.DecimalField(
        "leverage",
        max_digits=7,
        decimal_places=2,
        default=Decimal(30),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(10000))],
        help_text="times its equity that its open positions are worth, 0: no rule",
    )
    alarm_drawdown = models.DecimalField(
        "drawdown beyond its history",
        max_digits=6,
        decimal_places=2,
        default=Decimal("1.2"),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(1000))],
        help_text="times its deepest drawdown before, 0: no alarm",
    )
    alarm_size_growth = models.DecimalField(
        "larger after losses",
        max_digits=6,
        decimal_places=2,
        default=Decimal("1.5"),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(1000))],
        help_text="times the size before, typically after a lost trade, 0: no alarm",
    )
    alarm_averaging_down = models.PositiveIntegerField(
        "averaging down",
        default=4,
        validators=[MaxValueValidator(1000)],
        help_text="entries in a row, each at a worse price than the one before, 0: no alarm",
    )
    alarm_leverage = models.DecimalField(
        "sudden leverage",
        max_digits=6,
        decimal_places=2,
        default=Decimal(3),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(1000))],
        help_text="times the share of equity that it usually binds as margin, 0: no alarm",
    )
    alarm_silence = models.DecimalField(
        "silence",
        max_digits=6,
        decimal_places=2,
        default=Decimal(5),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(1000))],
        help_text="times its usual pause between trades, 0: no alarm",
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "product configuration"
        verbose_name_plural = "product configuration"
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="one_product_config"),
        ]

    def __str__(self) -> str:
        return "Product configuration"
