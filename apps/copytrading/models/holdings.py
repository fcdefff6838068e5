"""Resting orders, held symbols, and differences between what is meant and what is there."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.common.fields import PriceField, RatioField, UnitsField
from apps.copytrading.domain.pending import PendingState
from apps.copytrading.models.words import choices
from apps.trading.orders import OrderType, Side


class PendingLink(models.Model):
    """A resting order of a master and the follower's own that stands for it.

    ``units`` is what should rest, ``target_units`` the exact volume behind it.
    ``platform_order_id`` is the follower's order ('' until it rests), ``filled_units`` what it
    has filled. What it fills is held by a trade link: until the master's order fills under
    ``order:`` and its ``order_key``, from then on under the master's position
    (``position_key``). ``in_flight`` is the placement, the amendment or the cancel under way;
    ``cancel_cause`` says why the order is to be cancelled, not before ``retry_at``.
    """

    id = models.BigAutoField(primary_key=True)
    subscription_id = models.BigIntegerField()
    master_account_id = models.BigIntegerField()
    account_id = models.BigIntegerField()
    order_key = models.CharField(max_length=64, help_text="the master's order")
    symbol = models.CharField(max_length=64, help_text="the follower's name of it")
    instrument_id = models.CharField(max_length=64)
    side = models.CharField(max_length=4, choices=choices(Side), help_text="the follower's")
    type = models.CharField(max_length=16, choices=choices(OrderType), help_text="the follower's")
    state = models.CharField(
        max_length=16,
        choices=[(state.value, state.label) for state in PendingState],
        default=PendingState.PLACING,
    )
    ratio = RatioField()
    grows = models.BooleanField(default=True)
    master_units = UnitsField()
    target_units = RatioField(default=0)
    units = UnitsField()
    price = PriceField(null=True)
    stop_price = PriceField(null=True)
    stop_loss = PriceField(null=True)
    take_profit = PriceField(null=True)
    expires_at = models.DateTimeField(null=True)
    client_order_id = models.CharField(max_length=50)
    platform_order_id = models.CharField(max_length=64, blank=True)
    in_flight = models.CharField(max_length=50, blank=True)
    filled_units = UnitsField(default=0)
    fill_price = PriceField(null=True)
    position_id = models.CharField(max_length=64, blank=True, help_text="the follower's")
    position_key = models.CharField(
        max_length=64, blank=True, help_text="the master's position, once its order has filled"
    )
    trade_link_id = models.BigIntegerField(null=True)
    cancel_cause = models.CharField(max_length=128, blank=True)
    retry_at = models.DateTimeField(null=True)
    opened_event_id = models.BigIntegerField()
    last_event_id = models.BigIntegerField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subscription_id", "order_key"], name="one_pending_link"
            )
        ]
        indexes = [
            models.Index(fields=["master_account_id", "order_key"], name="pending_of_order"),
            models.Index(fields=["client_order_id"], name="pending_of_client_id"),
            models.Index(
                fields=["subscription_id"], name="pending_open", condition=Q(closed_at=None)
            ),
            models.Index(
                fields=["master_account_id"],
                name="pending_open_of_master",
                condition=Q(closed_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"pending link {self.id}: {self.state}"


class SymbolHold(models.Model):
    """Which subscription has a symbol of a netting or spot account; taken before an order leaves.

    Masters are planned by different workers at the same time, so the row is the lock.
    """

    account_id = models.BigIntegerField()
    instrument_id = models.CharField(max_length=64)
    subscription_id = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account_id", "instrument_id"], name="symbol_held_once")
        ]
        indexes = [models.Index(fields=["subscription_id"], name="hold_of_subscription")]

    def __str__(self) -> str:
        return f"{self.instrument_id} on {self.account_id}: {self.subscription_id}"


class Drift(models.Model):
    """A difference between what links should hold and what is there, while it lasts.

    ``key`` names the place (link or position); one open row per (account, kind, key).
    """

    class Kind(models.TextChoices):
        MISSING = "missing", "Missing"
        ORPHAN = "orphan", "Orphan"
        OVERSIZED = "oversized", "Too large"
        UNDERSIZED = "undersized", "Too small"
        WRONG_SIDE = "wrong_side", "Wrong side"
        FOREIGN = "foreign", "Traded by hand"
        HELD_CLOSE = "held_close", "Close held back"

    class Resolution(models.TextChoices):
        GONE = "gone", "It went away"
        REPAIRED = "repaired", "Repaired"
        ACCEPTED = "accepted", "Accepted as it is"

    id = models.BigAutoField(primary_key=True)
    account_id = models.BigIntegerField()
    subscription_id = models.BigIntegerField(null=True)
    master_account_id = models.BigIntegerField(null=True)
    link_id = models.BigIntegerField(null=True)
    kind = models.CharField(max_length=16, choices=Kind)
    key = models.CharField(max_length=96)
    position_id = models.CharField(max_length=64, blank=True)
    symbol = models.CharField(max_length=64, blank=True)
    instrument_id = models.CharField(max_length=64, blank=True)
    side = models.CharField(max_length=4, choices=choices(Side), blank=True)
    expected_units = UnitsField(default=0)
    actual_units = UnitsField(default=0)
    lot_units = UnitsField(default=1)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    resolution = models.CharField(max_length=16, choices=Resolution, blank=True)
    repair_cause = models.CharField(max_length=128, blank=True)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account_id", "kind", "key"],
                condition=Q(resolved_at=None),
                name="one_open_drift",
            )
        ]
        indexes = [
            models.Index(fields=["subscription_id", "-id"], name="drift_of_subscription"),
            models.Index(fields=["account_id", "-id"], name="drift_of_account"),
            models.Index(
                fields=["-resolved_at", "-id"],
                name="drift_by_resolution",
                condition=Q(resolved_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} on {self.account_id}: {self.expected_units} / {self.actual_units}"
