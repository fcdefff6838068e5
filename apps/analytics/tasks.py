"""Periodic work of analytics."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from django.utils import timezone

from apps.analytics import api


@shared_task(name="analytics.sample_equity", queue="analytics", ignore_result=True)
def sample_equity(**kwargs: Any) -> None:
    """Sample the equity of all accounts, find deposits and who uses most margin; beat runs it
    every minute."""
    now = timezone.now()
    api.sample_equity(now=now)
    api.find_deposits(now=now)
    api.keep_margin_use()


@shared_task(name="analytics.sample_deals", queue="analytics", ignore_result=True)
def sample_deals(**kwargs: Any) -> None:
    """Sample accounts that have just traded; beat runs it every few seconds."""
    api.sample_deals(now=timezone.now())


@shared_task(name="analytics.follow_copies", queue="analytics", ignore_result=True)
def follow_copies(**kwargs: Any) -> None:
    """Take up what copies have earned; beat runs it every minute."""
    api.follow_copies(now=timezone.now())


@shared_task(name="analytics.take_up_gaps", queue="analytics", ignore_result=True)
def take_up_gaps(**kwargs: Any) -> None:
    """Attribute the gaps of trades that have ended; beat runs it every half minute."""
    api.take_up_gaps(now=timezone.now())


@shared_task(name="analytics.roll_up", queue="analytics", ignore_result=True)
def roll_up(**kwargs: Any) -> None:
    """Bring hours, days and figures up to date; beat runs it every five minutes."""
    api.keep_up(now=timezone.now())


@shared_task(name="analytics.keep_trades", queue="analytics", ignore_result=True)
def keep_trades(**kwargs: Any) -> None:
    """Write closed trades, their sums and habits from new deals; beat runs it every 20 s."""
    now = timezone.now()
    api.keep_trades(now=now)
    api.keep_habits(now=now)


@shared_task(name="analytics.keep_summaries", queue="analytics", ignore_result=True)
def keep_summaries(**kwargs: Any) -> None:
    """Take up what masters traded and who follows them; beat runs it every minute."""
    api.keep_summaries(now=timezone.now())


@shared_task(name="analytics.gate_masters", queue="analytics", ignore_result=True)
def gate_masters(**kwargs: Any) -> None:
    """Keep masters beyond a rule from new followers; beat runs it every half minute."""
    api.gate_masters(now=timezone.now())


@shared_task(name="analytics.watch_masters", queue="analytics", ignore_result=True)
def watch_masters(**kwargs: Any) -> None:
    """Raise and clear alarms about masters; beat runs it every minute."""
    api.watch_masters(now=timezone.now())


@shared_task(name="analytics.keep_partitions", queue="analytics", ignore_result=True)
def keep_partitions(**kwargs: Any) -> None:
    """Make partitions ahead and drop old ones; beat runs it every hour."""
    api.keep_partitions(now=timezone.now())
