"""What is kept of the trades of masters' accounts: each closed trade, and sums over them.

Written from deals as they come, see :mod:`apps.analytics.trades`. Money is in the account's
currency. Instruments are named as the account's platform numbers them.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.common.fields import JSONTextField, PriceField, UnitsField
from apps.trading.orders import Side

_SIDES = [(side.value, side.value) for side in Side]


class TradeRecord(models.Model):
    """A closed trade: a position, or the part of one that one deal closed.

    ``id`` is that of the deal. ``result`` is profit, commission and swap (negative: paid).
    """

    id = models.BigIntegerField(primary_key=True)
    account_id = models.BigIntegerField()
    position_id = models.CharField(max_length=64)
    instrument_id = models.CharField(max_length=64)
    side = models.CharField(max_length=4, choices=_SIDES)
    units = UnitsField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField()
    open_price = PriceField()
    close_price = PriceField()
    profit = PriceField()
    commission = PriceField()
    swap = PriceField()
    result = PriceField()

    class Meta:
        indexes = [
            models.Index(fields=["account_id", "-closed_at", "-id"], name="trade_of_account"),
            models.Index(fields=["account_id", "position_id"], name="trade_of_position"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.instrument_id} {self.side} {self.result}"


class HeldPosition(models.Model):
    """What a position holds after its last deal, so that the next one closes the right trade.

    ``owed`` is the commission of its openings that no close has taken over yet. ``last_deal`` is
    the platform's id of the deal at ``last_at``.
    """

    pk = models.CompositePrimaryKey("account_id", "position_id")
    account_id = models.BigIntegerField()
    position_id = models.CharField(max_length=64)
    side = models.CharField(max_length=4, choices=_SIDES)
    units = UnitsField()
    price = PriceField()
    opened_at = models.DateTimeField()
    owed = PriceField()
    last_at = models.DateTimeField()
    last_deal = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.account_id} {self.position_id} {self.side} {self.units}"


class AccountTrades(models.Model):
    """Sums over all closed trades of an account, and the figures that follow from them.

    ``won`` and ``lost`` (negative) are money, ``held_ms`` the time from open to close of all
    trades together. ``leading`` and ``trailing`` are the runs of losses at the start and the end,
    ``streak`` the longest one. Figures are empty where there is nothing to divide by.
    """

    account_id = models.BigIntegerField(primary_key=True)
    trades = models.PositiveIntegerField(default=0)
    wins = models.PositiveIntegerField(default=0)
    losses = models.PositiveIntegerField(default=0)
    longs = models.PositiveIntegerField(default=0)
    won = PriceField(default=0)
    lost = PriceField(default=0)
    result = PriceField(default=0, help_text="net result of all closed trades")
    held_ms = models.BigIntegerField(default=0)
    leading = models.PositiveIntegerField(default=0)
    trailing = models.PositiveIntegerField(default=0)
    streak = models.PositiveIntegerField(default=0)
    first_at = models.DateTimeField(null=True, help_text="when the first trade was closed")
    last_at = models.DateTimeField(null=True, help_text="when the last trade was closed")
    win_rate = models.FloatField(null=True)
    profit_factor = models.FloatField(null=True)
    expectancy = models.FloatField(null=True)
    average_win = models.FloatField(null=True)
    average_loss = models.FloatField(null=True)
    holding_hours = models.FloatField(null=True)
    long_share = models.FloatField(null=True)

    class Meta:
        verbose_name = verbose_name_plural = "account trades"

    def __str__(self) -> str:
        return f"{self.account_id}: {self.trades} trades, {self.result}"


class TradePart(models.Model):
    """Sums over the trades of an account in one group: of a symbol, a side, a weekday, an hour.

    Weekdays count from 0 (Monday), hours from 0, both of the opening, in UTC.
    """

    class Kind(models.TextChoices):
        SYMBOL = "symbol", "Symbol"
        SIDE = "side", "Side"
        WEEKDAY = "weekday", "Weekday"
        HOUR = "hour", "Hour"

    pk = models.CompositePrimaryKey("account_id", "kind", "key")
    account_id = models.BigIntegerField()
    kind = models.CharField(max_length=8, choices=Kind)
    key = models.CharField(max_length=64)
    trades = models.PositiveIntegerField()
    wins = models.PositiveIntegerField()
    losses = models.PositiveIntegerField()
    result = PriceField()
    units = UnitsField()

    def __str__(self) -> str:
        return f"{self.account_id} {self.kind} {self.key}: {self.result}"


class AccountHabits(models.Model):
    """What the last trades of an account say of its habits, as findings in JSON.

    ``trades`` is how many the account had closed when they were looked at.
    """

    account_id = models.BigIntegerField(primary_key=True)
    trades = models.PositiveIntegerField()
    judged_at = models.DateTimeField()
    findings = JSONTextField(default=list)

    class Meta:
        verbose_name = verbose_name_plural = "account habits"

    def __str__(self) -> str:
        return f"{self.account_id} at {self.trades} trades"


class DealsSeen(models.Model):
    """Which deals are in the trades; one row.

    All up to ``floor``, and of later ones those in ``taken``: a deal may appear a little after
    one with a greater id. What was the newest at ``mark_at`` becomes the floor when it is old.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    floor = models.BigIntegerField()
    taken = ArrayField(models.BigIntegerField(), default=list)
    mark = models.BigIntegerField()
    mark_at = models.DateTimeField()

    class Meta:
        verbose_name = verbose_name_plural = "deals seen"

    def __str__(self) -> str:
        return f"deals up to {self.floor}"
