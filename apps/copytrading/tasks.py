"""Celery tasks of copying: one task is one master, never one follower."""

from __future__ import annotations

from celery import shared_task

from apps.copytrading.services.work import work as do_work


@shared_task(name="copy.work", ignore_result=True)
def work(master_account_id: int) -> None:
    """Settle and plan what waits for a master; harmless to repeat."""
    do_work(master_account_id)
