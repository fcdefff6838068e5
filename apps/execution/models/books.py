"""Deals, positions and resting orders of accounts, as the platforms tell them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.common.fields import PriceField, UnitsField
from apps.execution.models.words import choices
from apps.trading.deals import DealEffect
from apps.trading.orders import OrderState, OrderType, Side


class Deal(models.Model):
    """A deal of any account of ours, ours or a stranger's; unique per account."""

    id = models.BigAutoField(primary_key=True)
    account_id = models.BigIntegerField()
    deal_id = models.CharField(max_length=64)
    platform_order_id = models.CharField(max_length=64)
    client_order_id = models.CharField(max_length=50, blank=True)
    position_id = models.CharField(max_length=64)
    instrument_id = models.CharField(max_length=64)
    side = models.CharField(max_length=4, choices=choices(Side))
    effect = models.CharField(max_length=8, choices=choices(DealEffect))
    units = UnitsField()
    price = PriceField()
    commission = PriceField(default=0)
    swap = PriceField(default=0)
    profit = PriceField(default=0)
    balance = PriceField(null=True)
    executed_at = models.DateTimeField()
    received_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account_id", "deal_id"], name="deal_once")]
        indexes = [
            models.Index(fields=["account_id", "executed_at"], name="deal_of_account"),
            models.Index(fields=["account_id", "position_id"], name="deal_of_position"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.deal_id}"


class Position(models.Model):
    """A position of an account as last seen; closed ones keep their row with ``closed_at``."""

    id = models.BigAutoField(primary_key=True)
    account_id = models.BigIntegerField()
    position_id = models.CharField(max_length=64)
    instrument_id = models.CharField(max_length=64)
    side = models.CharField(max_length=4, choices=choices(Side))
    units = UnitsField()
    price = PriceField()
    stop_loss = PriceField(null=True)
    take_profit = PriceField(null=True)
    tag = models.CharField(max_length=100, blank=True)
    margin = PriceField(default=0)
    open_result = PriceField(
        default=0, help_text="without commission, account currency, at the last quote"
    )
    changes = models.PositiveIntegerField(default=0, help_text="numbers changes without a deal")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account_id", "position_id"], name="position_once")
        ]
        indexes = [
            models.Index(fields=["account_id"], name="position_open", condition=Q(closed_at=None))
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.position_id} {self.side} {self.units}"


class RestingOrder(models.Model):
    """A pending order of a watched account as last seen; ended ones keep their row.

    ``changes`` numbers what was journaled of it. ``state`` FILLED is seen only here: the
    journal tells fills as deals.
    """

    id = models.BigAutoField(primary_key=True)
    account_id = models.BigIntegerField()
    platform_order_id = models.CharField(max_length=64)
    client_order_id = models.CharField(max_length=50, blank=True)
    instrument_id = models.CharField(max_length=64)
    side = models.CharField(max_length=4, choices=choices(Side))
    type = models.CharField(max_length=16, choices=choices(OrderType))
    units = UnitsField()
    filled_units = UnitsField(default=0)
    state = models.CharField(max_length=16, choices=choices(OrderState))
    price = PriceField(null=True)
    stop_price = PriceField(null=True)
    stop_loss = PriceField(null=True)
    take_profit = PriceField(null=True)
    expires_at = models.DateTimeField(null=True)
    changes = models.PositiveIntegerField(default=0)
    ended_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account_id", "platform_order_id"], name="resting_order_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["account_id"], name="resting_order_open", condition=Q(ended_at=None)
            )
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.platform_order_id} {self.side} {self.units}"


class StrayOrder(models.Model):
    """An order that rests on a platform under an id of ours although ours has ended.

    One that was taken for not delivered may appear after all. ``shown_at`` is when the platform
    showed it last; a row goes when it does so no more.
    """

    id = models.BigAutoField(primary_key=True)
    account_id = models.BigIntegerField()
    platform_order_id = models.CharField(max_length=64)
    client_order_id = models.CharField(max_length=50)
    instrument_id = models.CharField(max_length=64)
    side = models.CharField(max_length=4, choices=choices(Side))
    units = UnitsField()
    shown_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account_id", "platform_order_id"], name="stray_order_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.platform_order_id}: {self.client_order_id}"
