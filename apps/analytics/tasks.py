"""Periodic work of analytics."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from django.utils import timezone

from apps.analytics import api


@shared_task(name="analytics.sample_equity", queue="analytics", ignore_result=True)
def sample_equity(**kwargs: Any) -> None:
    """Sample the equity of all accounts; beat runs it every minute."""
    api.sample_equity(now=timezone.now())
