"""Closing everything that copies of a customer hold, at once."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from functools import partial
from itertools import groupby

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.copytrading.models import CopySubscription
from apps.copytrading.receivers import wake
from apps.copytrading.services.acting import audit, intervenes, label, publish_change, require_owner
from apps.copytrading.services.closing import close_requested, want_closed
from apps.copytrading.services.gates import gate_relations
from apps.copytrading.services.locks import wait_for_master
from apps.copytrading.services.planning import finish_interrupted
from apps.copytrading.services.versions import record_versions

Status = CopySubscription.Status
#: What the pages and the audit trail say of it.
REASON = "Everything was closed at once."


def close_everything(
    *, actor: User | None, subscription_ids: Iterable[int], reason: str = ""
) -> int:
    """Close all positions that these copies hold, cancel their resting orders, and pause them.

    Nothing new is opened until the customer resumes; a copy that was stopped stays so. One
    transaction for each master, so that a busy one keeps none of the others waiting. Answers how
    many copies were told. NotPermitted for strangers, before anything is done.
    """
    found = list(
        CopySubscription.objects.filter(pk__in=list(subscription_ids))
        .select_related("follower__account", "master")
        .order_by("master__account_id", "pk")
    )
    if not intervenes(actor):
        for subscription in found:
            require_owner(actor, subscription.follower.account.owner_id)
    for account_id, group in groupby(found, key=lambda s: s.master.account_id):
        _close(actor, account_id, [subscription.pk for subscription in group], reason)
    return len(found)


@transaction.atomic
def _close(actor: User | None, master_account_id: int, ids: list[int], reason: str) -> None:
    wait_for_master(master_account_id)  # before any row: its worker writes links
    finish_interrupted(master_account_id)
    now = timezone.now()
    locked = list(
        CopySubscription.objects.select_for_update(of=("self",))
        .filter(pk__in=ids)
        .select_related("follower__account", "master__account")
        .order_by("pk")
    )
    paused = [one for one in locked if one.status == Status.ACTIVE and one.archived_at is None]
    for subscription in paused:
        subscription.status, subscription.status_reason = Status.PAUSED, reason or REASON
    CopySubscription.objects.bulk_update(paused, ["status", "status_reason"])
    record_versions([one.pk for one in paused], now)
    gate_relations([one.relation for one in paused], actor=label(actor), reason=REASON, now=now)
    # Each wish has orders of its own: what was refused before can be asked for again.
    want_closed(ids, f"stop:all:{uuid.uuid4().hex[:12]}", now)
    for subscription in locked:
        audit(
            actor, "subscription.close_everything", subscription, reason,
            after={"status": subscription.status, "close_positions": True},
        )  # fmt: skip
    close_requested(master_account_id)
    transaction.on_commit(partial(wake, [master_account_id]), robust=True)
    publish_change(master_account_id)
