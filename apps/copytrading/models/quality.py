"""How well copies were executed, rolled up so that no page scans outcomes."""

from __future__ import annotations

from django.db import models


class ExecutionFigures(models.Model):
    """Outcomes of one span of time on one platform in one symbol.

    ``hops`` holds a histogram (see :mod:`apps.copytrading.domain.histogram`) for each hop since
    receipt, ``states`` counts outcomes, ``cost`` sums slippage in money by account currency
    (positive: lost), ``slippage_bps`` sums it in basis points of the master's price.
    """

    class Span(models.TextChoices):
        HOUR = "hour", "Hour"
        DAY = "day", "Day"

    span = models.CharField(max_length=4, choices=Span)
    at = models.DateTimeField(help_text="begin of the hour, or of the UTC day")
    platform = models.CharField(max_length=32)
    symbol = models.CharField(max_length=64)
    outcomes = models.PositiveIntegerField(default=0)
    states = models.JSONField(default=dict)
    hops = models.JSONField(default=dict)
    slipped = models.PositiveIntegerField(default=0, help_text="outcomes with a known slippage")
    worse = models.PositiveIntegerField(default=0, help_text="of these, worse than the master")
    slippage_bps = models.FloatField(default=0.0)
    cost = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = "execution figures"
        constraints = [
            models.UniqueConstraint(
                fields=["span", "at", "platform", "symbol"], name="execution_figures_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.span} {self.at:%Y-%m-%d %H:%M} {self.platform} {self.symbol}"


class WorstOutcome(models.Model):
    """One of the slowest, or of those with the most slippage, of a UTC day."""

    class Kind(models.TextChoices):
        LATENCY = "latency", "Slowest"
        SLIPPAGE = "slippage", "Most slippage"

    day = models.DateField()
    kind = models.CharField(max_length=8, choices=Kind)
    platform = models.CharField(max_length=32)
    value = models.FloatField(help_text="milliseconds to the fill; basis points of the price")
    outcome_id = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "outcome_id"], name="worst_outcome_once")
        ]
        indexes = [models.Index(fields=["kind", "day", "-value"], name="worst_of_days")]

    def __str__(self) -> str:
        return f"{self.kind} {self.value:g} of outcome {self.outcome_id}"


class ExecutionRollup(models.Model):
    """One row: how far outcomes are rolled up.

    Ids are given before they are committed, so what was the highest a minute ago is rolled up
    now: whatever lay below it has been committed meanwhile. ``totals`` counts by state for good.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    done_to = models.BigIntegerField(default=0)
    seen_to = models.BigIntegerField(default=0)
    seen_at = models.DateTimeField(null=True)
    totals = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"outcomes rolled up to {self.done_to}"
