"""The journal, the batches of committed intentions, and what platforms made of them.

Rows here are written by gateways and workers in bulk. References between hot tables are plain
ids without database foreign keys: they are written thousands at a time, and a journal outlives
what it speaks of.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.common.fields import PriceField, UnitsField
from apps.trading.deals import DealEffect
from apps.trading.orders import FINAL_STATES, Leg, OrderState, OrderType, Side


def _choices(enum: type) -> list[tuple[str, str]]:
    return [(m.value, m.value.replace("_", " ")) for m in enum]  # type: ignore[attr-defined]


class ConnectionLease(models.Model):
    """Which gateway may speak to a connection, on PostgreSQL's clock.

    ``epoch`` grows with every change of holder. Whatever a gateway commits for a connection
    carries the epoch and is refused when it is not the current one.
    """

    connection_id = models.BigIntegerField(primary_key=True)
    holder = models.CharField(max_length=64, blank=True)
    epoch = models.BigIntegerField(default=0)
    expires_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.connection_id}: {self.holder} #{self.epoch}"


class Gate(models.Model):
    """Something that holds orders back at the moment they are sent. No row: open.

    ``scope`` and ``key`` name what is gated: everything (key ''), a platform code, a
    connection id, an account id, a source (``copy``, or ``copy:5`` for what that source
    groups under wake key 5, a master account), or a relation (a subscription's or bot's key
    as its app defines it, e.g. ``sub:17``). Closes pass a reducing gate; a halted
    one holds them too.
    """

    class Scope(models.TextChoices):
        GLOBAL = "global", "Everything"
        PLATFORM = "platform", "Platform"
        CONNECTION = "connection", "Connection"
        ACCOUNT = "account", "Account"
        SOURCE = "source", "Source"
        RELATION = "relation", "Relation"

    class State(models.TextChoices):
        REDUCING = "reducing", "Reducing: no opens"
        HALTED = "halted", "Halted: nothing is sent"

    scope = models.CharField(max_length=16, choices=Scope)
    key = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=16, choices=State)
    actor = models.CharField(max_length=128)
    reason = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "key"], name="gate_once")]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}: {self.state}"


class CloseConfirmation(models.Model):
    """A close that staff let pass a halting gate; read when it is claimed."""

    client_order_id = models.CharField(max_length=50, primary_key=True)
    actor = models.CharField(max_length=254)
    reason = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.client_order_id}: {self.actor}"


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
    leg = models.CharField(max_length=8, choices=_choices(Leg))
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


class Fence(models.Model):
    """Numbers the transactions in which a source works on one of its wake keys.

    Whoever works reads ``value`` before anything else and moves it in each of its transactions,
    on condition that nobody has moved it since. So of two who work on the same at once, each
    believing to be alone, only one can commit.
    """

    id = models.BigAutoField(primary_key=True)
    source = models.CharField(max_length=16)
    wake_key = models.BigIntegerField()
    value = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "wake_key"], name="one_fence_for_a_key")
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.wake_key}: {self.value}"


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
    leg = models.CharField(max_length=8, choices=_choices(Leg))
    instrument_id = models.CharField(max_length=64, blank=True)
    side = models.CharField(max_length=4, choices=_choices(Side), blank=True)
    type = models.CharField(max_length=16, choices=_choices(OrderType), blank=True)
    units = UnitsField(default=0)
    filled_units = UnitsField(default=0)
    average_price = PriceField(null=True)
    position_id = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=16, choices=_choices(OrderState))
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


class Deal(models.Model):
    """A deal of any account of ours, ours or a stranger's; unique per account."""

    id = models.BigAutoField(primary_key=True)
    account_id = models.BigIntegerField()
    deal_id = models.CharField(max_length=64)
    platform_order_id = models.CharField(max_length=64)
    client_order_id = models.CharField(max_length=50, blank=True)
    position_id = models.CharField(max_length=64)
    instrument_id = models.CharField(max_length=64)
    side = models.CharField(max_length=4, choices=_choices(Side))
    effect = models.CharField(max_length=8, choices=_choices(DealEffect))
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
    side = models.CharField(max_length=4, choices=_choices(Side))
    units = UnitsField()
    price = PriceField()
    stop_loss = PriceField(null=True)
    take_profit = PriceField(null=True)
    tag = models.CharField(max_length=100, blank=True)
    margin = PriceField(default=0)
    open_result = PriceField(default=0, help_text="net, account currency, at the last quote")
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
    side = models.CharField(max_length=4, choices=_choices(Side))
    type = models.CharField(max_length=16, choices=_choices(OrderType))
    units = UnitsField()
    filled_units = UnitsField(default=0)
    state = models.CharField(max_length=16, choices=_choices(OrderState))
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


class GatewayProcess(models.Model):
    """A running gateway: who it is and which connections it holds."""

    name = models.CharField(max_length=64, primary_key=True)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    connections = ArrayField(models.BigIntegerField(), default=list)
    rss_mb = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return self.name
