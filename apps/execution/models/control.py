"""Who may send, and what holds orders back."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


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


class GatewayProcess(models.Model):
    """A running gateway: who it is and which connections it holds."""

    name = models.CharField(max_length=64, primary_key=True)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    connections = ArrayField(models.BigIntegerField(), default=list)
    rss_mb = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "gateway processes"

    def __str__(self) -> str:
        return self.name
