"""What the engine made of every master event: written in bulk, never deleted.

References are plain ids: the rows outlive what they speak of.
"""

from __future__ import annotations

from django.db import models

from apps.common.fields import JSONTextField, PriceField, UnitsField
from apps.copytrading.codes import CODE_CHOICES, STATE_CHOICES
from apps.copytrading.models.words import choices
from apps.trading.orders import Leg, Side

#: Rare states, which staff look for among very many rows.
TROUBLED = ["partial", "rejected", "failed"]


class Decision(models.Model):
    """That one order shall be sent for (master event, subscription, leg); never changed.

    ``numbers`` keeps what the volume was computed from. The order itself carries the same
    ``client_order_id``, derived from the three.
    """

    id = models.BigAutoField(primary_key=True)
    event_id = models.BigIntegerField()
    subscription_id = models.BigIntegerField()
    leg = models.CharField(max_length=8, choices=choices(Leg))
    master_account_id = models.BigIntegerField()
    account_id = models.BigIntegerField()
    position_key = models.CharField(max_length=64, help_text="master position, or symbol")
    client_order_id = models.CharField(max_length=50)
    batch_id = models.BigIntegerField()
    units = UnitsField()
    # JSON as text: written by the thousand in the hottest moment, read whole, never queried.
    numbers = models.TextField()
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
    side = models.CharField(max_length=4, choices=choices(Side), blank=True)
    units = UnitsField(default=0, help_text="ordered")
    filled_units = UnitsField(default=0)
    lot_units = UnitsField(default=1, help_text="units of one lot on the follower's platform")
    master_price = PriceField(null=True)
    fill_price = PriceField(null=True)
    slippage = PriceField(null=True, help_text="price, positive is worse for the follower")
    slippage_money = PriceField(null=True, help_text="account currency, positive is a cost")
    numbers = JSONTextField(default=dict)
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
            # Read and sealed in the order of events; the constraint serves all of them together.
            models.Index(fields=["subscription_id", "event_id"], name="outcome_of_copy"),
            models.Index(
                fields=["master_account_id", "event_id", "subscription_id"],
                name="outcome_of_events",
            ),
            models.Index(
                fields=["event_id", "subscription_id"],
                name="outcome_in_trouble",
                condition=models.Q(state__in=TROUBLED),
            ),
        ]

    def __str__(self) -> str:
        return f"event {self.event_id} for {self.subscription_id}: {self.code}"


class OutcomeSeal(models.Model):
    """An outcome's place in the hash chain of its subscription; never changed."""

    outcome_id = models.BigIntegerField(unique=True)
    subscription_id = models.BigIntegerField()
    number = models.BigIntegerField(help_text="1, 2, 3, … within the subscription")
    digest = models.CharField(max_length=64, help_text="SHA-256 over the one before and the row")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscription_id", "number"], name="seal_once")
        ]

    def __str__(self) -> str:
        return f"seal {self.number} of subscription {self.subscription_id}"


class LedgerHead(models.Model):
    """How many outcomes of a subscription are sealed, and the digest of the last one."""

    subscription_id = models.BigIntegerField(primary_key=True)
    count = models.BigIntegerField(default=0)
    last_event_id = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True)
    sealed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.count} sealed outcomes of subscription {self.subscription_id}"
