"""Holding back opens that are already on their way, in the transaction that pauses them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from django.db import transaction

from apps.copytrading.models import CopyFollower, CopyMaster, CopySubscription
from apps.copytrading.services.orders import SOURCE
from apps.copytrading.services.pending_following import masters_with_gated_pendings
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
    gate_subscriptions([subscription], follower, actor=actor, reason=reason, now=now)


def gate_subscriptions(
    subscriptions: Sequence[CopySubscription],
    follower: CopyFollower,
    *,
    actor: str,
    reason: str,
    now: datetime,
) -> None:
    """The same for several subscriptions of one follower."""
    active = CopySubscription.Status.ACTIVE
    copying: list[str] = []
    held: list[str] = []
    for subscription in subscriptions:
        copies = subscription.status == active and subscription.enabled and follower.enabled
        (copying if copies else held).append(subscription.relation)
    _set(Gate.Scope.RELATION, copying, True, actor, reason, now)
    _set(Gate.Scope.RELATION, held, False, actor, reason, now)


def gate_relations(relations: Sequence[str], *, actor: str, reason: str, now: datetime) -> None:
    """Hold back the opens of these subscriptions, named by their relations."""
    _set(Gate.Scope.RELATION, relations, False, actor, reason, now)


def ungate_relations(relations: Sequence[str], *, actor: str, now: datetime) -> None:
    """Let these subscriptions open again."""
    _set(Gate.Scope.RELATION, relations, True, actor, "", now)


def gate_master(master: CopyMaster, *, actor: str, reason: str, now: datetime) -> None:
    """A master that is not active, or switched off by its owner, gates all its copies."""
    leads = master.status == CopyMaster.Status.ACTIVE and master.enabled
    _set(Gate.Scope.SOURCE, [f"{SOURCE}:{master.account_id}"], leads, actor, reason, now)


def _set(
    scope: Gate.Scope, keys: Sequence[str], is_open: bool, actor: str, reason: str, now: datetime
) -> None:
    if is_open:
        execution.clear_gates(scope=scope, keys=keys)
        return
    execution.set_gates(
        scope=scope, keys=keys, state=Gate.State.REDUCING, actor=actor, reason=reason, now=now
    )
    if masters := masters_with_gated_pendings():
        from apps.copytrading.receivers import wake  # it imports the tasks, which import this

        transaction.on_commit(partial(wake, masters), robust=True)
