"""Holding back opens that are already on their way, in the transaction that pauses them."""

from __future__ import annotations

from datetime import datetime

from apps.copytrading.models import CopyFollower, CopyMaster, CopySubscription
from apps.copytrading.services.orders import SOURCE
from apps.execution import api as execution
from apps.execution.models import Gate


def gate_subscription(
    subscription: CopySubscription,
    follower: CopyFollower,
    *,
    actor: str,
    reason: str,
    now: datetime,
) -> None:
    """A subscription that opens nothing has a reducing gate, one that copies has none."""
    copies = (
        subscription.status == CopySubscription.Status.ACTIVE
        and subscription.enabled
        and follower.enabled
    )
    _set(Gate.Scope.RELATION, subscription.relation, copies, actor, reason, now)


def gate_master(master: CopyMaster, *, actor: str, reason: str, now: datetime) -> None:
    """A master that is not active, or switched off by its owner, gates all its copies."""
    leads = master.status == CopyMaster.Status.ACTIVE and master.enabled
    _set(Gate.Scope.SOURCE, f"{SOURCE}:{master.account_id}", leads, actor, reason, now)


def _set(
    scope: Gate.Scope, key: str, is_open: bool, actor: str, reason: str, now: datetime
) -> None:
    if is_open:
        execution.clear_gate(scope=scope, key=key)
    else:
        execution.set_gate(
            scope=scope, key=key, state=Gate.State.REDUCING, actor=actor, reason=reason, now=now
        )
