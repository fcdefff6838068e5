"""Masters, followers, subscriptions and their symbol pairs: configuration, and small."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper

from apps.common.fields import PriceField
from apps.copytrading.models.guards import NOT_NEGATIVE, GuardSettings
from apps.platforms.models import TradingAccount


class CopyMaster(models.Model):
    """A strategy profile on a normal trading account."""

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"
        INACTIVE = "inactive", "Inactive"
        REJECTED = "rejected", "Rejected"

    class Visibility(models.TextChoices):
        PUBLIC = "public", "Public"
        PRIVATE = "private", "Private"

    class FollowerModes(models.TextChoices):
        """Whose accounts may follow."""

        BOTH = "both", "Real and demo accounts"
        REAL = "real", "Real accounts only"
        DEMO = "demo", "Demo accounts only"

    class Audience(models.TextChoices):
        """Who sees something on the page of a master besides its owner and staff."""

        EVERYBODY = "everybody", "Everybody who sees this master"
        FOLLOWERS = "followers", "Only who follows"
        NOBODY = "nobody", "Nobody"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    account = models.OneToOneField(TradingAccount, on_delete=models.PROTECT, related_name="master")
    strategy_name = models.CharField(max_length=64)
    description = models.TextField(blank=True)
    status = models.CharField(max_length=16, choices=Status, default=Status.PENDING)
    status_reason = models.CharField(max_length=500, blank=True)
    enabled = models.BooleanField(default=True)
    visibility = models.CharField(max_length=8, choices=Visibility, default=Visibility.PRIVATE)
    allowed_follower_modes = models.CharField(
        max_length=8, choices=FollowerModes, default=FollowerModes.BOTH
    )
    max_followers = models.PositiveIntegerField(default=0, help_text="0: no limit")
    min_investment = PriceField(
        default=Decimal(0),
        validators=NOT_NEGATIVE,
        help_text="equity or allocated capital of a follower, master account currency, 0: none",
    )
    applied_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    show_positions = models.CharField(
        max_length=16, choices=Audience, default=Audience.FOLLOWERS, db_default=Audience.FOLLOWERS
    )
    show_trades = models.CharField(
        max_length=16, choices=Audience, default=Audience.EVERYBODY, db_default=Audience.EVERYBODY
    )
    trades_delay_h = models.PositiveSmallIntegerField(
        default=0,
        db_default=0,
        help_text="hours after closing until a trade is shown to those who do not follow",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["strategy_name", "id"], condition=Q(archived_at=None), name="master_by_name"
            ),
            models.Index(
                fields=["applied_at", "created_at", "id"],
                condition=Q(status="pending", archived_at=None),
                name="master_waits",
            ),
        ]

    def __str__(self) -> str:
        return self.strategy_name


class MasterPicture(models.Model):
    """The picture of a master: a square WebP image that we encoded ourselves."""

    master = models.OneToOneField(
        CopyMaster, on_delete=models.CASCADE, primary_key=True, related_name="picture"
    )
    image = models.BinaryField()
    digest = models.CharField(max_length=16)
    at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"picture of master {self.master_id}"


class CopyFollower(GuardSettings):
    """Copy settings of a normal trading account; its guards hold for all its subscriptions."""

    class ManualTrading(models.TextChoices):
        """What its owner may do by hand on an account that follows."""

        DISABLED = "disabled", "No trading by hand"
        OWN_ONLY = "own_only", "Own trades, copies stay untouched"
        ALL = "all", "Own trades and copies"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    account = models.OneToOneField(
        TradingAccount, on_delete=models.PROTECT, related_name="follower"
    )
    enabled = models.BooleanField(default=True)
    max_master_count = models.PositiveIntegerField(
        default=0, help_text="masters followed at once, 0: product default"
    )
    manual_trading_mode = models.CharField(
        max_length=16, choices=ManualTrading, default=ManualTrading.ALL
    )
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"follower {self.account}"


class CopySubscription(GuardSettings):
    """Links a follower account to a master account, with the settings of the copy."""

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"
        DISABLED = "disabled", "Stopped"

    class VolumeMode(models.TextChoices):
        FIXED = "fixed", "Fixed lots"
        MULTIPLIER = "multiplier", "Multiplier"
        EQUITY_RATIO = "equity_ratio", "Proportional to equity"
        BALANCE_RATIO = "balance_ratio", "Proportional to balance"
        EQUITY_BASED = "equity_based", "Equity based"

    class BelowMinimum(models.TextChoices):
        SKIP = "skip", "Skip"
        ROUND_UP = "round_up", "Round up to the minimum"

    class CopyMode(models.TextChoices):
        SYNC = "sync", "Everything"
        OPEN_ONLY = "open_only", "Opens only"
        CLOSE_ONLY = "close_only", "Closes only"

    class SymbolsMode(models.TextChoices):
        ALL = "all", "All symbols"
        INCLUDE = "include", "Only these symbols"
        EXCLUDE = "exclude", "All but these symbols"

    class AutoRepair(models.TextChoices):
        """Which differences are repaired without asking."""

        OFF = "off", "Show only"
        CLOSES = "closes", "Close what is too much"
        ALL = "all", "Close and open"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    master = models.ForeignKey(
        CopyMaster,
        on_delete=models.PROTECT,
        related_name="subscriptions",
        db_index=False,  # all_copies_of_master is one
    )
    follower = models.ForeignKey(
        CopyFollower, on_delete=models.PROTECT, related_name="subscriptions"
    )
    status = models.CharField(max_length=16, choices=Status, default=Status.ACTIVE)
    status_reason = models.CharField(max_length=500, blank=True)
    enabled = models.BooleanField(default=True)
    volume_mode = models.CharField(
        max_length=16, choices=VolumeMode, default=VolumeMode.EQUITY_RATIO
    )
    risk_multiplier = models.DecimalField(
        max_digits=12, decimal_places=4, default=Decimal(1), validators=NOT_NEGATIVE
    )
    fixed_volume = models.DecimalField(
        max_digits=16,
        decimal_places=4,
        default=Decimal(0),
        validators=NOT_NEGATIVE,
        help_text="lots",
    )
    base_equity = PriceField(null=True, blank=True, help_text="follower account currency")
    allocated_capital = PriceField(
        default=Decimal(0), validators=NOT_NEGATIVE, help_text="0: the whole account"
    )
    below_minimum = models.CharField(max_length=16, choices=BelowMinimum, default=BelowMinimum.SKIP)
    min_volume = models.DecimalField(
        max_digits=16,
        decimal_places=4,
        default=Decimal(0),
        validators=NOT_NEGATIVE,
        help_text="lots, 0: not set",
    )
    max_volume = models.DecimalField(
        max_digits=16,
        decimal_places=4,
        default=Decimal(0),
        validators=NOT_NEGATIVE,
        help_text="lots, 0: not set",
    )
    copy_sl = models.BooleanField(default=True)
    copy_tp = models.BooleanField(default=True)
    copy_partial_close = models.BooleanField(default=True)
    copy_pending_orders = models.BooleanField(default=True)
    copy_existing_positions = models.BooleanField(default=False)
    copy_mode = models.CharField(max_length=16, choices=CopyMode, default=CopyMode.SYNC)
    reverse_direction = models.BooleanField(default=False)
    symbols_mode = models.CharField(max_length=16, choices=SymbolsMode, default=SymbolsMode.ALL)
    symbols = models.TextField(blank=True, help_text="the master's names, comma-separated")
    auto_repair = models.CharField(max_length=16, choices=AutoRepair, default=AutoRepair.OFF)
    has_pairs = models.BooleanField(default=False, editable=False)
    revision = models.PositiveIntegerField(
        default=1, editable=False, help_text="number of the SubscriptionVersion that holds"
    )
    result = PriceField(default=Decimal(0), help_text="realised, account currency, net of costs")
    started_after_event = models.BigIntegerField(
        default=0, help_text="journal id at creation; earlier events are not this copy's"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["master", "follower"],
                condition=Q(archived_at=None),
                name="one_running_relation",
            ),
            models.CheckConstraint(
                condition=~Q(volume_mode="equity_based") | Q(base_equity__gt=0),
                name="base_equity_required",
            ),
            models.CheckConstraint(
                condition=~Q(volume_mode="fixed") | Q(fixed_volume__gt=0),
                name="fixed_volume_required",
            ),
            models.CheckConstraint(
                condition=Q(max_volume=0) | Q(max_volume__gte=F("min_volume")),
                name="max_not_below_min",
            ),
        ]
        indexes = [
            models.Index(
                fields=["status"], name="subscription_not_active", condition=~Q(status="active")
            ),
            # Counted for every master of a list, without a look at the rows themselves.
            models.Index(
                fields=["master", "status"],
                include=["follower"],
                condition=Q(archived_at=None),
                name="copies_of_master",
            ),
            # Thousands of a master's are put in order for one page of them.
            models.Index(
                fields=["master"],
                include=["status", "follower", "id"],
                name="all_copies_of_master",
            ),
        ]

    def __str__(self) -> str:
        return f"subscription {self.pk}"

    @property
    def relation(self) -> str:
        """Key of this subscription in the gates and orders of execution."""
        return f"sub:{self.pk}"


class SymbolPair(models.Model):
    """Which symbol of the follower's platform is meant by one of the master's; '' is none."""

    subscription = models.ForeignKey(
        CopySubscription, on_delete=models.CASCADE, related_name="pairs"
    )
    master_symbol = models.CharField(max_length=64)
    follower_symbol = models.CharField(max_length=64, blank=True, help_text="'': not copied")

    class Meta:
        constraints = [
            models.UniqueConstraint("subscription", Upper("master_symbol"), name="pair_once")
        ]

    def __str__(self) -> str:
        return f"{self.master_symbol} -> {self.follower_symbol or 'not copied'}"


class SubscriptionVersion(models.Model):
    """The settings of a subscription as they stood from one change to the next; kept for good."""

    subscription_id = models.BigIntegerField()
    number = models.PositiveIntegerField()
    settings = models.JSONField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscription_id", "number"], name="version_once")
        ]

    def __str__(self) -> str:
        return f"settings {self.number} of subscription {self.subscription_id}"
