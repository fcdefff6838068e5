"""Celery tasks of accounts: none of them is about a single person."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from apps.accounts.history import forget_sign_ins


@shared_task(name="accounts.forget_sign_ins", ignore_result=True)
def forget_old_sign_ins() -> None:
    """Delete what stands in the sign-in history for longer than it is kept."""
    before = timezone.now() - timedelta(days=settings.KEEP_SIGN_INS_DAYS)
    while forget_sign_ins(before):
        pass
