"""The journal of watched accounts, the batches of committed intentions, and our orders."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.common.fields import PriceField, UnitsField
from apps.execution.models.words import choices
from apps.trading.orders import FINAL_STATES, Leg, OrderState, OrderType, Side


class AccountEvent(models.Model):
    """Journal of what happened on watched accounts, in the order of its ids per account.

    ``payload`` holds the event in plain values (see :mod:`apps.execution.journal`).
    ``dedupe_key`` makes redelivery harmless: a deal's id, or a number given by the
    leaseholder to a change found by comparison. ``planned_at`` is set when every consumer
    has stored its decisions.
    """

    class Kind(models.TextChoices):
        DEAL = "deal", "Deal"
        PROTECTION = "protection", "Stop loss or take profit"
        ORDER = "order", "Pending order"
        POSITION = "position", "Position that was there before"

    id = models.BigAutoField(primary_key=True)
    account_id = models.BigIntegerField()
    connection_id = models.BigIntegerField()
    kind = models.CharField(max_length=16, choices=Kind)
    dedupe_key = models.CharField(max_length=96)
    position_id = models.CharField(max_length=64, blank=True)
    payload = models.JSONField()
    trace_id = models.CharField(max_length=32)
    ts_event = models.DateTimeField()
    received_at = models.DateTimeField()
    planned_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account_id", "dedupe_key"], name="event_once")
        ]
        indexes = [
            models.Index(
                fields=["account_id", "id"],
                name="event_unplanned",
                condition=Q(planned_at=None),
            )
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.kind} {self.dedupe_key}"


class Batch(models.Model):
    """A slice of intentions for one connection and one leg, committed before it is sent.

    ``items`` is the ordered list of intentions (see :class:`apps.execution.intents.Intent`)
    as JSON; the same bytes travel in the gateway's stream. The first ``claimed`` of them have
    been claimed for sending; a gateway moves that number by one conditional UPDATE. Items
    are never changed. ``settled`` ends the batch when each item has a final order row.

    ``notes`` is what the ``source`` that submitted the batch needs to go on from it after a
    crash, in a form of its own; it is there while ``pending``, until the source has taken it
    over. ``wake_key`` is what the source groups its work by, as in :class:`Order`.
    """

    id = models.BigAutoField(primary_key=True)
    connection_id = models.BigIntegerField()
    leg = models.CharField(max_length=8, choices=choices(Leg))
    priority = models.PositiveSmallIntegerField()
    size = models.PositiveIntegerField()
    items = models.TextField()
    claimed = models.PositiveIntegerField(default=0)
    claim_epoch = models.BigIntegerField(null=True)
    claimed_at = models.DateTimeField(null=True)
    settled = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    source = models.CharField(max_length=16, blank=True, default="", db_default="")
    wake_key = models.BigIntegerField(default=0, db_default=0)
    notes = models.TextField(blank=True, default="", db_default="")
    pending = models.BooleanField(default=False, db_default=False)

    class Meta:
        verbose_name_plural = "batches"
        indexes = [
            models.Index(
                fields=["connection_id", "priority", "id"],
                name="batch_unsettled",
                condition=Q(settled=False),
            ),
            models.Index(
                fields=["source", "wake_key"], name="batch_pending", condition=Q(pending=True)
            ),
        ]

    def __str__(self) -> str:
        return f"batch {self.id} ({self.leg}, {self.claimed}/{self.size})"


class Withdrawal(models.Model):
    """An intention taken back before its batch was claimed that far; it is not sent."""

    client_order_id = models.CharField(max_length=50, primary_key=True)
    batch_id = models.BigIntegerField(db_index=True)
    reason = models.CharField(max_length=64)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.client_order_id}: {self.reason}"


class Order(models.Model):
    """An order of ours from the moment it was claimed; one row per ``client_order_id``.

    ``source`` names the app that wanted it (``copy``, ``bot``, ``manual``, ``guard``),
    ``relation`` its relation as in :class:`Gate`, ``wake_key`` what the source groups its
    work by (the master account's id for copies), ``cause`` why (an event's id, a person).
    ``settled_at`` is set by the source when it has taken note of the final state.

    An open of a pending type rests from ``rested_at`` on, perhaps for days; ``units`` follow
    its amendments. ``rest_settled_at`` is set by the source when it has taken note of that,
    and emptied when a part is filled.
    """

    id = models.BigAutoField(primary_key=True)
    client_order_id = models.CharField(max_length=50)
    platform_order_id = models.CharField(max_length=64, blank=True)
    account_id = models.BigIntegerField()
    connection_id = models.BigIntegerField()
    batch_id = models.BigIntegerField(null=True)
    ordinal = models.PositiveIntegerField(default=0)
    source = models.CharField(max_length=16)
    relation = models.CharField(max_length=64, blank=True)
    wake_key = models.BigIntegerField(default=0)
    cause = models.CharField(max_length=128, blank=True)
    trace_id = models.CharField(max_length=32, blank=True)
    leg = models.CharField(max_length=8, choices=choices(Leg))
    instrument_id = models.CharField(max_length=64, blank=True)
    side = models.CharField(max_length=4, choices=choices(Side), blank=True)
    type = models.CharField(max_length=16, choices=choices(OrderType), blank=True)
    units = UnitsField(default=0)
    filled_units = UnitsField(default=0)
    average_price = PriceField(null=True)
    position_id = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=16, choices=choices(OrderState))
    code = models.CharField(max_length=64, blank=True)
    message = models.CharField(max_length=300, blank=True)
    committed_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    final_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    rested_at = models.DateTimeField(null=True)
    rest_settled_at = models.DateTimeField(null=True)

    class Meta:
        # Written by the thousand, three times in a life: each index here costs a copied trade.
        constraints = [models.UniqueConstraint(fields=["client_order_id"], name="order_once")]
        indexes = [
            models.Index(fields=["account_id", "-id"], name="order_of_account"),
            models.Index(
                fields=["source", "wake_key"],
                name="order_unsettled",
                condition=Q(settled_at=None),
            ),
            models.Index(
                fields=["connection_id"],
                name="order_unfinished",
                condition=~Q(state__in=sorted(FINAL_STATES)),
            ),
            models.Index(
                fields=["source", "wake_key"],
                name="order_rested",
                condition=Q(rested_at__isnull=False, rest_settled_at=None, final_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.client_order_id} {self.state}"
