"""Celery tasks of copying: one task is one master, never one follower."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from celery import shared_task
from celery.signals import worker_process_init
from django.utils import timezone

from apps.common import collector
from apps.copytrading.services.closing import masters_with_due_closes
from apps.copytrading.services.foreign import masters_concerned
from apps.copytrading.services.guards import enforce_guards
from apps.copytrading.services.intervening import close_what_is_held
from apps.copytrading.services.margin import watch_margin
from apps.copytrading.services.pending_following import masters_with_pendings_due
from apps.copytrading.services.reconcile import look_around, look_at
from apps.copytrading.services.repairing import repair_due
from apps.copytrading.services.rolling import roll_up as do_roll_up
from apps.copytrading.services.sealing import seal_all
from apps.copytrading.services.work import look_after
from apps.copytrading.services.work import work as do_work
from apps.execution.troubles import forget_settled


@worker_process_init.connect
def keep_startup_out_of_collections(**_: Any) -> None:
    """What was imported stays; garbage collections need not walk over it in a hot moment."""
    collector.calm()


@shared_task(
    name="copy.work",
    ignore_result=True,
    Request="apps.common.wakeup_request:WakeupRequest",
)
def work(master_account_id: int, awaited: Sequence[str] = ()) -> None:
    """Settle and plan what waits for a master; harmless to repeat.

    ``awaited``: keys of events that are just being journaled.
    """
    do_work(master_account_id, awaited)


@shared_task(name="copy.sweep", ignore_result=True)
def sweep() -> None:
    """Find copied positions that were closed by hand or by their stops; every few seconds."""
    for master_account_id in masters_concerned():
        look_after(master_account_id)


@shared_task(name="copy.reconcile", ignore_result=True)
def reconcile(account_ids: Sequence[int] = ()) -> None:
    """Compare accounts with what their copies should hold (none named: those in turn), repair.

    A look is bounded; what it leaves is seen in one of the next.
    """
    if account_ids:
        look_at(account_ids)
    else:
        look_around()
    for master_account_id in repair_due(timezone.now()):
        work.delay(master_account_id)


@shared_task(name="copy.guards", ignore_result=True)
def guards() -> None:
    """Enforce loss limits and minimum equities, warn of margin; send again what a pause put off.

    Copies of resting orders are cancelled where a gate holds opens back.
    """
    forget_settled()
    masters = set(enforce_guards(timezone.now())) | set(masters_with_due_closes())
    masters.update(masters_with_pendings_due())
    watch_margin(timezone.now())
    for master_account_id in sorted(masters):
        work.delay(master_account_id)


@shared_task(name="copy.close_stopped", ignore_result=True)
def close_stopped(subscription_ids: Sequence[int], cause: str) -> None:
    """Close what copies hold that staff have stopped together; harmless to repeat."""
    close_what_is_held(subscription_ids, cause)


@shared_task(name="copy.seal", ignore_result=True)
def seal() -> None:
    """Chain final outcomes; what does not fit into its time is left to the next run."""
    seal_all(seconds=2.0)


@shared_task(name="copy.roll_up", ignore_result=True)
def roll_up() -> None:
    """Roll up outcomes into the figures of execution quality; harmless to repeat."""
    do_roll_up()
