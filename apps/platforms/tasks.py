"""Periodic work of platforms."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from apps.platforms import granting


@shared_task(name="platforms.forget_grants", ignore_result=True)
def forget_grants(**kwargs: Any) -> None:
    """Erase tokens for which nobody chose accounts; beat runs it every ten minutes."""
    granting.forget_grants()
