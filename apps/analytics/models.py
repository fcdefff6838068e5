"""What is kept of accounts over time: equity by the minute, hour and day, and their figures.

Samples and hours are partitions by month, see :mod:`apps.analytics.partitions`; days and figures
are kept for good. Days are UTC days.
"""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from apps.analytics import alarm_models as alarm_models  # Django finds its models here
from apps.analytics import gap_models as gap_models  # Django finds its models here
from apps.analytics import margin_models as margin_models  # Django finds its models here
from apps.analytics import summary_models as summary_models  # Django finds its models here
from apps.analytics import trade_models as trade_models  # Django finds its models here
from apps.common.fields import PriceField


class EquitySample(models.Model):
    """Money of one account at one full minute or right after a deal, in its currency.

    ``known_at`` is when the account's state last changed, empty where that is not known.
    ``deposits`` is what came in (positive) or left (negative) since the account's sample before.
    """

    pk = models.CompositePrimaryKey("account_id", "at")
    account_id = models.BigIntegerField()
    at = models.DateTimeField()
    known_at = models.DateTimeField(null=True)
    balance = PriceField()
    equity = PriceField()
    margin_used = PriceField()
    deposits = PriceField(default=0, db_default=0)

    class Meta:
        indexes = [BrinIndex(fields=["at"], name="equity_sample_at", pages_per_range=32)]

    def __str__(self) -> str:
        return f"{self.account_id} {self.at:%Y-%m-%d %H:%M} {self.equity}"


class EquityStretch(models.Model):
    """Samples of a stretch of time in one row, in account currency.

    ``balance``, ``equity`` and ``margin_used`` are those of its last sample, at ``last_at``;
    ``flows`` is the number of samples with deposits or withdrawals, whose sum is ``deposits``.
    """

    account_id = models.BigIntegerField()
    balance = PriceField()
    equity = PriceField()
    margin_used = PriceField()
    lowest = PriceField(help_text="lowest equity")
    highest = PriceField(help_text="highest equity")
    most_margin = PriceField(help_text="highest used margin")
    deposits = PriceField()
    flows = models.PositiveIntegerField()
    samples = models.PositiveIntegerField()
    last_at = models.DateTimeField()

    class Meta:
        abstract = True


class EquityHour(EquityStretch):
    """One hour of an account; ``at`` is its beginning."""

    pk = models.CompositePrimaryKey("account_id", "at")
    at = models.DateTimeField()

    class Meta:
        indexes = [BrinIndex(fields=["at"], name="equity_hour_at", pages_per_range=32)]

    def __str__(self) -> str:
        return f"{self.account_id} {self.at:%Y-%m-%d %H}h {self.equity}"


class EquityDay(EquityStretch):
    """One UTC day of an account and its return, deposits and withdrawals taken out.

    ``daily_return`` is a fraction, empty while the day is not ``closed`` and where the day does
    not count. A closed day is computed; what changes it opens it again. An ``imported`` day is of
    a track record that was brought along, its money that of another account.
    """

    pk = models.CompositePrimaryKey("account_id", "day")
    day = models.DateField()
    daily_return = models.FloatField(null=True)
    closed = models.BooleanField(default=False)
    imported = models.BooleanField(default=False, db_default=False)

    class Meta:
        indexes = [
            models.Index(fields=["day"], name="equity_day"),
            models.Index(fields=["day"], name="equity_day_open", condition=Q(closed=False)),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.day} {self.equity}"


class RollUp(models.Model):
    """How far samples are rolled up, outcomes taken up into gaps, deals sampled; one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    rolled_to = models.DateTimeField(null=True)
    gaps_to = models.BigIntegerField(default=0, help_text="id of the newest outcome taken up")
    deals_to = models.BigIntegerField(
        default=0, help_text="id of the newest deal whose account need not be sampled any more"
    )

    def __str__(self) -> str:
        return f"rolled up to {self.rolled_to}"


class ReturnDay(models.Model):
    """Daily returns of all masters of one day, side by side: a copy for arithmetic.

    Float64, little-endian, in the order of ``FigureBook.accounts`` (which only grows); NaN where
    the day does not count, and none for those that were added later.
    """

    day = models.DateField(primary_key=True)
    returns = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.day}: {len(self.returns) // 8}"


class FigureBook(models.Model):
    """What is remembered of the masters' records, so that a new day costs the same; one row.

    ``accumulator`` is the matrix of :class:`apps.analytics.domain.accumulator.Accumulator` with a
    row for each of ``accounts``, its days counted from ``first_day``. ``stale``: a day that it
    holds has changed since; it is then made anew.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    accounts = ArrayField(models.BigIntegerField(), default=list)
    accumulator = models.BinaryField(default=bytes)
    first_day = models.DateField(null=True)
    last_day = models.DateField(null=True)
    risk_free = models.FloatField(default=0.0, help_text="rate of a year, as a fraction")
    stale = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{len(self.accounts)} masters to {self.last_day}"


class AccountFigures(models.Model):
    """Figures of a master's account at the end of ``day``; empty where there is no figure.

    ``standings`` has a byte for each of ``DAILY_FIGURES``, in their order: why it is empty.
    """

    account_id = models.BigIntegerField(primary_key=True)
    day = models.DateField()
    days = models.FloatField(null=True)
    return_7 = models.FloatField(null=True)
    return_30 = models.FloatField(null=True)
    return_90 = models.FloatField(null=True)
    return_365 = models.FloatField(null=True)
    return_all = models.FloatField(null=True)
    annual_return = models.FloatField(null=True)
    volatility = models.FloatField(null=True)
    sharpe = models.FloatField(null=True)
    sortino = models.FloatField(null=True)
    calmar = models.FloatField(null=True)
    var_95 = models.FloatField(null=True)
    drawdown_7 = models.FloatField(null=True)
    drawdown_30 = models.FloatField(null=True)
    drawdown_90 = models.FloatField(null=True)
    drawdown_365 = models.FloatField(null=True)
    max_drawdown = models.FloatField(null=True)
    current_drawdown = models.FloatField(null=True)
    recovery_days = models.FloatField(null=True)
    longest_drawdown_days = models.FloatField(null=True)
    positive_days = models.FloatField(null=True)
    losing_days = models.FloatField(null=True)
    risk_score = models.FloatField(null=True)
    standings = models.BinaryField()

    class Meta:
        verbose_name = verbose_name_plural = "account figures"

    def __str__(self) -> str:
        return f"{self.account_id} {self.day}"


class SubscriptionFigures(models.Model):
    """What a copy made of the money that it had at work, kept up from look to look.

    ``realised``, ``floating`` and ``capital`` are those of the last look, in account currency;
    ``released`` is what positions were worth that left the copy open (see
    :mod:`apps.analytics.copies`). ``growth`` is 1 + its return since the start. ``links`` are the
    trade links that held something. ``counts``: it has copied something, and not from a master
    of its own owner.
    """

    subscription_id = models.BigIntegerField(primary_key=True)
    master_id = models.BigIntegerField()
    account_id = models.BigIntegerField()
    started_at = models.DateTimeField()
    master_before = models.FloatField(
        default=1.0, help_text="1 + the master's return of the first day before the copy began"
    )
    realised = PriceField()
    floating = PriceField()
    released = PriceField(default=0)
    capital = PriceField(help_text="money that copying had to work with")
    growth = models.FloatField()
    links = ArrayField(models.BigIntegerField(), default=list)
    counts = models.BooleanField()
    looked_at = models.DateTimeField()

    class Meta:
        verbose_name = verbose_name_plural = "subscription figures"
        indexes = [
            models.Index(
                fields=["master_id"], name="figures_of_followers", condition=Q(counts=True)
            )
        ]

    def __str__(self) -> str:
        return f"subscription {self.subscription_id}: {self.growth:.4f}"


class SubscriptionDay(models.Model):
    """One UTC day of a copy on which its result changed; a day without a row changed nothing.

    ``result`` is that since the start, at the day's last look, in account currency; ``growth``
    1 + the return of the day; ``capital`` the money that copying had to work with.
    """

    pk = models.CompositePrimaryKey("subscription_id", "day")
    subscription_id = models.BigIntegerField()
    day = models.DateField()
    result = PriceField()
    floating = PriceField(help_text="the part of it that is open")
    capital = PriceField()
    growth = models.FloatField()

    def __str__(self) -> str:
        return f"{self.subscription_id} {self.day} {self.result}"


class ImportedRecord(models.Model):
    """A track record that was brought along for an account; a draft until it is confirmed.

    ``days`` are the days of its balance: date, balance, deposits (both text) and return (a
    fraction, None where the day does not count). ``digest`` is of the file, which is not kept.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    account_id = models.BigIntegerField()
    format = models.CharField(max_length=16)
    file_name = models.CharField(max_length=128)
    digest = models.CharField(max_length=64)
    source_account = models.CharField(max_length=64, blank=True)
    currency = models.CharField(max_length=8, blank=True)
    utc_offset_minutes = models.IntegerField(default=0)
    trades = models.PositiveIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    result = PriceField()
    deposits = PriceField()
    first_day = models.DateField()
    last_day = models.DateField()
    days = models.JSONField(default=list)
    uploaded_by = models.BigIntegerField(null=True)
    uploaded_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account_id"], condition=Q(confirmed_at=None), name="one_draft"
            ),
            models.UniqueConstraint(
                fields=["account_id"],
                condition=Q(confirmed_at__isnull=False),
                name="one_imported_record",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file_name}: {self.trades} trades"


class ImportedTrade(models.Model):
    """A closed trade of an imported record, in the currency of the record; volume as it says."""

    record = models.ForeignKey(ImportedRecord, on_delete=models.CASCADE, related_name="rows")
    symbol = models.CharField(max_length=64)
    side = models.CharField(max_length=4)
    volume = PriceField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField()
    open_price = PriceField()
    close_price = PriceField()
    profit = PriceField()
    commission = PriceField(default=0)
    swap = PriceField(default=0)

    class Meta:
        indexes = [models.Index(fields=["record", "-closed_at"], name="imported_trade_time")]

    def __str__(self) -> str:
        return f"{self.symbol} {self.side} {self.volume}"

    @property
    def result(self) -> Decimal:
        """What the trade changed the balance by."""
        return Decimal(self.profit + self.commission + self.swap)
