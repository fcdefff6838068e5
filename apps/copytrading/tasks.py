"""Celery tasks of copying: one task is one master, never one follower."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.signals import worker_process_init

from apps.common import collector
from apps.copytrading.services.foreign import masters_concerned
from apps.copytrading.services.sealing import seal_all
from apps.copytrading.services.work import look_after
from apps.copytrading.services.work import work as do_work


@worker_process_init.connect
def keep_startup_out_of_collections(**_: Any) -> None:
    """What was imported stays; garbage collections need not walk over it in a hot moment."""
    collector.calm()


@shared_task(name="copy.work", ignore_result=True)
def work(master_account_id: int) -> None:
    """Settle and plan what waits for a master; harmless to repeat."""
    do_work(master_account_id)


@shared_task(name="copy.sweep", ignore_result=True)
def sweep() -> None:
    """Find copied positions that were closed by hand or by their stops; every few seconds."""
    for master_account_id in masters_concerned():
        look_after(master_account_id)


@shared_task(name="copy.seal", ignore_result=True)
def seal() -> None:
    """Chain final outcomes; what does not fit into its time is left to the next run."""
    seal_all(seconds=2.0)
