"""Celery tasks of copying: one task is one master, never one follower."""

from __future__ import annotations

from celery import shared_task

from apps.copytrading.services.foreign import masters_concerned
from apps.copytrading.services.work import look_after
from apps.copytrading.services.work import work as do_work


@shared_task(name="copy.work", ignore_result=True)
def work(master_account_id: int) -> None:
    """Settle and plan what waits for a master; harmless to repeat."""
    do_work(master_account_id)


@shared_task(name="copy.sweep", ignore_result=True)
def sweep() -> None:
    """Find copied positions that were closed by hand or by their stops; every few seconds."""
    for master_account_id in masters_concerned():
        look_after(master_account_id)
