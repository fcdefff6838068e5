"""Writing figures."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from django.conf import settings
from django.db.models import Min

from apps.analytics import partitions
from apps.analytics.alarms import ALARMS_RAISED, acknowledge_alarms, watch_masters
from apps.analytics.copies import follow_copies
from apps.analytics.figures import update_figures
from apps.analytics.gaps import take_up_gaps
from apps.analytics.gating import gate_masters
from apps.analytics.habits import keep_habits
from apps.analytics.importing import (
    ImportRefused,
    confirm_import,
    discard_draft,
    remove_import,
    upload_statement,
)
from apps.analytics.margin_use import keep_margin_use
from apps.analytics.models import EquityDay, RollUp
from apps.analytics.past_gaps import take_up_past
from apps.analytics.qualifying import NotQualified, apply_as_master
from apps.analytics.rollup import closable_before, close_days, roll_up
from apps.analytics.sampling import find_deposits, sample_deals, sample_equity
from apps.analytics.summaries import keep_summaries
from apps.analytics.trades import keep_trades

__all__ = [
    "ALARMS_RAISED",
    "ImportRefused",
    "NotQualified",
    "acknowledge_alarms",
    "apply_as_master",
    "close_days",
    "confirm_import",
    "discard_draft",
    "find_deposits",
    "follow_copies",
    "gate_masters",
    "keep_habits",
    "keep_margin_use",
    "keep_partitions",
    "keep_summaries",
    "keep_trades",
    "keep_up",
    "remove_import",
    "roll_up",
    "sample_deals",
    "sample_equity",
    "take_up_gaps",
    "take_up_past",
    "update_figures",
    "upload_statement",
    "watch_masters",
]


def keep_up(*, now: datetime) -> None:
    """Roll up samples, close the days that are over, and take them into the figures.

    Each step finds by itself what is left to do; repeating changes nothing.
    """
    roll_up(now=now)
    close_days(now=now)
    update_figures(closable_before(now) - timedelta(days=1))


def keep_partitions(*, now: datetime) -> tuple[list[str], list[str]]:
    """Make the partitions of the months ahead and drop those that are too old.

    Samples are dropped only when they are rolled up and the days that they make are closed.
    Answers the names of the partitions made and dropped; repeating makes and drops none.
    """
    month = partitions.month_of(now)
    ahead = partitions.month_after(month, partitions.AHEAD)
    made = partitions.ensure(now, datetime.combine(ahead, time.min, UTC))
    settled = _settled()
    if settled is None:
        return made, []
    dropped: list[str] = []
    keep = (settings.KEEP_SAMPLES_MONTHS, settings.KEEP_HOURS_MONTHS)
    for table, months in zip(partitions.TABLES, keep, strict=True):
        oldest = min(partitions.month_after(month, -months), settled.replace(day=1))
        dropped += partitions.drop_before(table, oldest)
    return made, dropped


def _settled() -> date | None:
    """The first day that is not rolled up and closed."""
    rolled_to = RollUp.objects.values_list("rolled_to", flat=True).first()
    if rolled_to is None:
        return None
    open_day = EquityDay.objects.filter(closed=False).aggregate(day=Min("day"))["day"]
    return min(closable_before(rolled_to), open_day or date.max)
