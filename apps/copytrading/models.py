"""Masters, followers and subscriptions; and what the engine made of every master event.

The first three are configuration and small. Decisions, links, legs, waiting events and
outcomes are written in bulk by workers, refer to each other by plain ids, and are never
deleted.
"""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q

from apps.common.fields import PriceField, RatioField, UnitsField
from apps.copytrading.codes import CODE_CHOICES, STATE_CHOICES
from apps.copytrading.domain.link import LinkState
from apps.platforms.models import TradingAccount
from apps.trading.orders import Leg, Side

NOT_NEGATIVE = [MinValueValidator(Decimal(0))]


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

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    account = models.OneToOneField(TradingAccount, on_delete=models.PROTECT, related_name="master")
    strategy_name = models.CharField(max_length=64)
    description = models.TextField(blank=True)
    status = models.CharField(max_length=16, choices=Status, default=Status.PENDING)
    status_reason = models.CharField(max_length=500, blank=True)
    enabled = models.BooleanField(default=True)
    visibility = models.CharField(max_length=8, choices=Visibility, default=Visibility.PRIVATE)
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.strategy_name


class CopyFollower(models.Model):
    """Copy settings of a normal trading account."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    account = models.OneToOneField(
        TradingAccount, on_delete=models.PROTECT, related_name="follower"
    )
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"follower {self.account}"


class CopySubscription(models.Model):
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

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    master = models.ForeignKey(CopyMaster, on_delete=models.PROTECT, related_name="subscriptions")
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
    max_delay_s = models.PositiveIntegerField(default=0, help_text="seconds, 0: product default")
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

    def __str__(self) -> str:
        return f"subscription {self.pk}"

    @property
    def relation(self) -> str:
        """Key of this subscription in the gates and orders of execution."""
        return f"sub:{self.pk}"


def _choices(enum: type) -> list[tuple[str, str]]:
    return [(m.value, m.value.replace("_", " ")) for m in enum]  # type: ignore[attr-defined]


class Decision(models.Model):
    """That one order shall be sent for (master event, subscription, leg); never changed.

    ``numbers`` keeps what the volume was computed from. The order itself carries the same
    ``client_order_id``, derived from the three.
    """

    id = models.BigAutoField(primary_key=True)
    event_id = models.BigIntegerField()
    subscription_id = models.BigIntegerField()
    leg = models.CharField(max_length=8, choices=_choices(Leg))
    master_account_id = models.BigIntegerField()
    account_id = models.BigIntegerField()
    position_key = models.CharField(max_length=64, help_text="master position, or symbol")
    client_order_id = models.CharField(max_length=50)
    batch_id = models.BigIntegerField()
    units = UnitsField()
    # JSON as text: written by the thousand in the hottest moment, read whole, never queried.
    numbers = models.TextField()
    link = models.TextField(help_text="the link as this order makes it, to resume from")
    decided_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["event_id", "subscription_id", "leg"], name="decision_once"
            )
        ]
        indexes = [
            models.Index(fields=["client_order_id"], name="decision_of_order"),
        ]

    def __str__(self) -> str:
        return f"event {self.event_id} for {self.subscription_id}: {self.leg} {self.units}"


class TradeLink(models.Model):
    """A master position and what one subscription holds for it.

    ``ratio`` (follower units per master unit) is frozen at the first open. ``target_units``
    is what should be held, exact; ``held_units`` what our own fills say is held.
    ``in_flight`` is the client order id of the one order that may be under way.
    """

    id = models.BigAutoField(primary_key=True)
    subscription_id = models.BigIntegerField()
    master_account_id = models.BigIntegerField()
    account_id = models.BigIntegerField()
    position_key = models.CharField(max_length=64, help_text="master position, or symbol")
    symbol = models.CharField(max_length=64, help_text="the follower's name of it")
    instrument_id = models.CharField(max_length=64)
    side = models.CharField(max_length=4, choices=_choices(Side), help_text="the follower's")
    state = models.CharField(max_length=16, choices=_choices(LinkState), default=LinkState.OPEN)
    ratio = RatioField()
    grows = models.BooleanField(help_text="increases of the master add to it")
    master_units = UnitsField(help_text="held by the master after the last applied event")
    target_units = RatioField()
    held_units = UnitsField(default=0)
    stop_loss = PriceField(null=True)
    take_profit = PriceField(null=True)
    position_id = models.CharField(max_length=64, blank=True, help_text="the follower's")
    in_flight = models.CharField(max_length=50, blank=True)
    close_cause = models.CharField(
        max_length=128, blank=True, help_text="why a person or a guard wants it closed"
    )
    master_price = PriceField(null=True)
    result = PriceField(default=0, help_text="realised, account currency, net of costs")
    opened_event_id = models.BigIntegerField()
    last_event_id = models.BigIntegerField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subscription_id", "position_key"],
                condition=Q(state="open"),
                name="one_open_link",
            ),
            models.UniqueConstraint(
                fields=["in_flight"], condition=~Q(in_flight=""), name="one_order_in_flight"
            ),
        ]
        indexes = [
            models.Index(fields=["master_account_id", "position_key"], name="link_of_position"),
            models.Index(fields=["subscription_id", "-id"], name="link_of_subscription"),
            models.Index(
                fields=["account_id", "instrument_id"],
                name="link_open_on_account",
                condition=Q(state="open"),
            ),
        ]

    def __str__(self) -> str:
        return f"link {self.id}: {self.held_units} of {self.target_units}"


class LinkLeg(models.Model):
    """One follower position that a link holds, with our share of it."""

    id = models.BigAutoField(primary_key=True)
    link_id = models.BigIntegerField()
    account_id = models.BigIntegerField()
    position_id = models.CharField(max_length=64)
    units = UnitsField()
    opened_units = UnitsField()
    open_price = PriceField()
    seen_deal_id = models.BigIntegerField(
        default=0, help_text="newest deal of somebody else that was taken note of"
    )
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["link_id", "position_id"], name="leg_once")]
        indexes = [
            models.Index(fields=["account_id", "position_id"], name="leg_of_position"),
            models.Index(fields=["link_id"], name="leg_open", condition=Q(closed_at=None)),
        ]

    def __str__(self) -> str:
        return f"leg {self.position_id}: {self.units}"


class WaitingEvent(models.Model):
    """A master event that a link cannot apply yet, because an order of it is in flight."""

    event_id = models.BigIntegerField()
    subscription_id = models.BigIntegerField()
    master_account_id = models.BigIntegerField()
    position_key = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event_id", "subscription_id"], name="waits_once")
        ]
        indexes = [
            models.Index(fields=["master_account_id", "position_key"], name="waiting_of_position")
        ]

    def __str__(self) -> str:
        return f"event {self.event_id} waits for {self.subscription_id}"


class Outcome(models.Model):
    """What became of one master event for one subscription. Inserted once, when final."""

    id = models.BigAutoField(primary_key=True)
    event_id = models.BigIntegerField()
    subscription_id = models.BigIntegerField()
    master_account_id = models.BigIntegerField()
    account_id = models.BigIntegerField()
    link_id = models.BigIntegerField(null=True)
    position_key = models.CharField(max_length=64, blank=True)
    event_kind = models.CharField(max_length=16, help_text="opened, increased, closed, …")
    symbol = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=16, choices=STATE_CHOICES)
    code = models.CharField(max_length=32, choices=CODE_CHOICES)
    message = models.CharField(max_length=300, blank=True)
    client_order_id = models.CharField(max_length=50, blank=True)
    trace_id = models.CharField(max_length=32, blank=True)
    side = models.CharField(max_length=4, choices=_choices(Side), blank=True)
    units = UnitsField(default=0, help_text="ordered")
    filled_units = UnitsField(default=0)
    lot_units = UnitsField(default=1, help_text="units of one lot on the follower's platform")
    master_price = PriceField(null=True)
    fill_price = PriceField(null=True)
    slippage = PriceField(null=True, help_text="price, positive is worse for the follower")
    slippage_money = PriceField(null=True, help_text="account currency, positive is a cost")
    numbers = models.JSONField(default=dict)
    master_deal_at = models.DateTimeField()
    received_at = models.DateTimeField()
    planned_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    filled_at = models.DateTimeField(null=True)
    final_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event_id", "subscription_id"], name="outcome_once")
        ]
        indexes = [
            models.Index(fields=["subscription_id", "-id"], name="outcome_of_subscription"),
            models.Index(fields=["master_account_id", "-id"], name="outcome_of_master"),
        ]

    def __str__(self) -> str:
        return f"event {self.event_id} for {self.subscription_id}: {self.code}"
