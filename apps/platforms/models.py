"""Connections to platforms, trading accounts, their state, symbols and quotes."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from apps.common.fields import EncryptedJSONField, PriceField, UnitsField


class AccountGroup(models.Model):
    """Gives its accounts the mode, the leverage and the currency."""

    class Mode(models.TextChoices):
        REAL = "real", "Real"
        DEMO = "demo", "Demo"

    name = models.CharField(max_length=64, unique=True)
    mode = models.CharField(max_length=8, choices=Mode)
    leverage = models.DecimalField(max_digits=8, decimal_places=2)
    currency = models.CharField(max_length=8)

    def __str__(self) -> str:
        return self.name


class Connection(models.Model):
    """Credentials and endpoint of a platform server, shared by accounts.

    ``owner`` is the customer who gave access to accounts of their own, empty for a connection of
    the house. Connections with the same ``access_grant`` share one pair of tokens: whoever renews
    it stores it for all of them.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="connections",
    )
    access_grant = models.UUIDField(null=True, blank=True, editable=False, db_index=True)
    name = models.CharField(max_length=64, unique=True)
    platform = models.CharField(max_length=32, help_text="code in the registry of platforms")
    server = models.CharField(max_length=64, help_text="name of the platform's server")
    host = models.CharField(max_length=255)
    port = models.PositiveIntegerField()
    tls = models.BooleanField(default=True)
    credentials = EncryptedJSONField(default=dict)
    symbol_prefixes = models.CharField(max_length=255, blank=True)
    symbol_suffixes = models.CharField(max_length=255, blank=True)
    requests_per_second = models.PositiveIntegerField(default=50, help_text="0: unlimited")
    history_per_second = models.PositiveIntegerField(default=5, help_text="0: unlimited")
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class ConnectionState(models.Model):
    """What the gateway last knew of a connection; the gateway is its only writer.

    ``live_at`` is the moment at which all account states of the connection were known to be
    current; it moves about once a second while the session stands.
    """

    class Status(models.TextChoices):
        DOWN = "down", "Down"
        CONNECTING = "connecting", "Connecting"
        SYNCING = "syncing", "Reading accounts"
        LIVE = "live", "Live"
        REFUSED = "refused", "Sign-in refused"

    connection = models.OneToOneField(
        Connection, on_delete=models.CASCADE, primary_key=True, related_name="state"
    )
    status = models.CharField(max_length=16, choices=Status, default=Status.DOWN)
    status_at = models.DateTimeField(null=True)
    live_at = models.DateTimeField(null=True)
    last_event_at = models.DateTimeField(null=True)
    reconnects = models.PositiveIntegerField(default=0)
    clock_offset_ms = models.IntegerField(default=0)
    error_code = models.CharField(max_length=64, blank=True)
    error = models.CharField(max_length=500, blank=True)
    gateway = models.CharField(max_length=64, blank=True)
    busiest_second = models.PositiveIntegerField(
        default=0, db_default=0, help_text="most requests within a second of the last minute"
    )

    def __str__(self) -> str:
        return f"{self.connection_id}: {self.status}"


class TradingAccount(models.Model):
    """A normal trading account. (platform, server, login) is its identity everywhere.

    One that was removed keeps its row, with ``archived_at``, since outcomes refer to it.
    """

    class MarginMode(models.TextChoices):
        HEDGING = "hedging", "Hedging"
        NETTING = "netting", "Netting"
        SPOT = "spot", "Spot"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="accounts"
    )
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="accounts")
    group = models.ForeignKey(AccountGroup, on_delete=models.PROTECT, related_name="accounts")
    platform = models.CharField(max_length=32)
    server = models.CharField(max_length=64)
    login = models.CharField(max_length=32)
    platform_account_id = models.CharField(max_length=64)
    name = models.CharField(max_length=64, blank=True)
    currency = models.CharField(max_length=8)
    leverage = models.DecimalField(max_digits=8, decimal_places=2)
    margin_mode = models.CharField(max_length=8, choices=MarginMode)
    journaled = models.BooleanField(
        default=False, help_text="events of this account are kept in the journal for copying"
    )
    active = models.BooleanField(default=True)
    opened_by_owner = models.BooleanField(
        default=False, help_text="a paper account that its owner opened"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["platform", "server", "login"], name="account_identity"
            ),
            models.UniqueConstraint(
                fields=["connection", "platform_account_id"], name="account_on_connection"
            ),
        ]
        indexes = [
            # How many each connection has is shown, anew every second.
            models.Index(
                fields=["connection"], name="account_active", condition=models.Q(active=True)
            )
        ]

    def __str__(self) -> str:
        return f"{self.login} ({self.server})"


class PendingGrant(models.Model):
    """Access that a customer has just given, until the accounts are chosen; kept for an hour.

    ``accounts`` are those that the tokens open, as :class:`apps.platforms.found.FoundAccount`.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="pending_grants"
    )
    platform = models.CharField(max_length=32)
    credentials = EncryptedJSONField(default=dict)
    accounts = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return f"access to {len(self.accounts)} accounts on {self.platform}"


class AccountState(models.Model):
    """Money of an account, in its currency, derived by the gateway from positions and quotes.

    ``as_of`` is when a value last changed; its age is judged by the later of this and the
    connection's ``live_at`` while ``synced``.
    """

    account = models.OneToOneField(
        TradingAccount, on_delete=models.CASCADE, primary_key=True, related_name="state"
    )
    balance = PriceField()
    equity = PriceField()
    margin_used = PriceField(default=0)
    open_result = PriceField(default=0)
    open_positions = models.PositiveIntegerField(default=0)
    synced = models.BooleanField(default=False)
    as_of = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.account_id}: equity {self.equity}"


class Symbol(models.Model):
    """An instrument of a connection; ``folded`` is its name reduced for matching."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="symbols")
    instrument_id = models.CharField(max_length=64)
    name = models.CharField(max_length=64)
    folded = models.CharField(max_length=64)
    description = models.CharField(max_length=128, blank=True)
    base = models.CharField(max_length=16)
    quote = models.CharField(max_length=16)
    digits = models.PositiveSmallIntegerField()
    pip_digits = models.SmallIntegerField()
    lot_units = UnitsField()
    min_units = UnitsField()
    step_units = UnitsField()
    max_units = UnitsField()
    tradable = models.BooleanField(default=True)
    schedule = models.JSONField(
        default=dict, blank=True, help_text="trading hours and holidays; empty: always open"
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "instrument_id"], name="symbol_on_connection"
            )
        ]
        indexes = [models.Index(fields=["connection", "folded"], name="symbol_folded")]

    def __str__(self) -> str:
        return self.name


class Quote(models.Model):
    """Latest price of a symbol, written by the gateway about once a second."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, db_constraint=False)
    instrument_id = models.CharField(max_length=64)
    bid = PriceField()
    ask = PriceField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "instrument_id"], name="quote_on_connection"
            )
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.bid}/{self.ask}"


__all__ = [
    "AccountGroup",
    "AccountState",
    "Connection",
    "ConnectionState",
    "PendingGrant",
    "Quote",
    "Symbol",
    "TradingAccount",
]
