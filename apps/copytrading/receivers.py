"""What copying listens to: journaled events, final orders, and the module's switch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone

from apps.accounts.api import DEFAULTS_CHANGED, MODULE_SWITCHED, Module
from apps.common.events import listen
from apps.common.wakeups import Wake
from apps.copytrading.domain.drift import GRACE
from apps.copytrading.services.orders import SOURCE
from apps.copytrading.services.reconcile import ACCOUNTS_AT_ONCE
from apps.copytrading.services.standing import AT_SENDING
from apps.copytrading.services.versions import record_versions, running_ids
from apps.copytrading.tasks import guards, reconcile, work
from apps.execution import api as execution
from apps.execution import receivers, standings
from apps.execution.models import Gate


def connect() -> None:
    """Register with the apps below; called once when Django starts."""
    receivers.register(
        SOURCE, on_events=look_for, on_orders=settle, on_tick=look_at_guards, on_read=compare_soon
    )
    standings.register(SOURCE, AT_SENDING)
    listen(MODULE_SWITCHED, switch_gate)
    listen(DEFAULTS_CHANGED, keep_settings)


def wake(master_account_ids: Sequence[int]) -> None:
    """Have a worker look at these masters."""
    for account_id in master_account_ids:
        work.delay(account_id)


def look_for(awaited: Mapping[int, Sequence[str]]) -> list[Wake]:
    """A worker looks at these masters, some of whose events are only about to be there."""
    return [
        Wake(work, [account_id, list(keys)] if keys else [account_id])
        for account_id, keys in awaited.items()
    ]


def settle(master_account_ids: Sequence[int]) -> list[Wake]:
    """A worker takes note of what has become of orders for these masters."""
    return [Wake(work, [account_id]) for account_id in master_account_ids]


def look_at_guards() -> None:
    """Have a worker enforce guards; one that finds no time for it is followed by the next."""
    guards.apply_async(expires=2.0)


def compare_soon(account_ids: Sequence[int]) -> None:
    """Have accounts that were read whole compared with their copies, once they stand still."""
    for start in range(0, len(account_ids), ACCOUNTS_AT_ONCE):
        some = list(account_ids[start : start + ACCOUNTS_AT_ONCE])
        reconcile.apply_async(args=[some], countdown=GRACE.total_seconds() + 1)


def switch_gate(payload: Mapping[str, Any]) -> None:
    """Opens that wait to be sent are held back while copy trading is switched off."""
    if payload["module"] != Module.COPY_TRADING:
        return
    if payload["enabled"]:
        execution.clear_gate(scope=Gate.Scope.SOURCE, key=SOURCE)
        return
    execution.set_gate(
        scope=Gate.Scope.SOURCE,
        key=SOURCE,
        state=Gate.State.REDUCING,
        actor="system",
        reason="copy trading is switched off",
        now=timezone.now(),
    )


def keep_settings(_: Mapping[str, Any]) -> None:
    """What copies inherit has changed, so each of them has a new version of its settings."""
    record_versions(running_ids(), timezone.now())
