"""What staff do with many copies at once: pausing, resuming, stopping, in few statements.

The status comes first, for all of them, so that nothing new is opened while the rest is done.
Positions are closed master by master, under the lock of each, as everywhere.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from functools import partial
from itertools import groupby
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.copytrading.errors import NotPermitted
from apps.copytrading.models import CopySubscription
from apps.copytrading.services import sql
from apps.copytrading.services.acting import audit_all, intervenes, label, publish_change
from apps.copytrading.services.closing import close_requested, want_closed
from apps.copytrading.services.gates import gate_relations, ungate_relations
from apps.copytrading.services.locks import wait_for_master
from apps.copytrading.services.planning import finish_interrupted
from apps.copytrading.services.versions import record_versions

Status = CopySubscription.Status
#: Copies whose status is changed in one transaction.
AT_ONCE = 500


class Action(enum.StrEnum):
    """What is done with copies."""

    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"


_TO = {
    Action.PAUSE: Status.PAUSED,
    Action.RESUME: Status.ACTIVE,
    Action.STOP: Status.DISABLED,
}
_FROM = {
    Action.PAUSE: (Status.ACTIVE,),
    Action.RESUME: (Status.PAUSED,),
    Action.STOP: (Status.ACTIVE, Status.PAUSED),
}

# Whose owners staff have taken the permission from; what belongs to nobody is not held back.
WITHHELD = """
    SELECT s.id FROM copytrading_copysubscription s
    JOIN copytrading_copyfollower f ON f.id = s.follower_id
    JOIN platforms_tradingaccount a ON a.id = f.account_id
    JOIN accounts_customer c ON c.user_id = a.owner_id
    WHERE s.id = ANY(%s) AND NOT c.may_copy
"""
# Something is held, ordered or resting, and not asked to be closed for this cause already.
_HOLDING = """
    SELECT m.account_id, s.id FROM copytrading_copysubscription s
    JOIN copytrading_copymaster m ON m.id = s.master_id
    WHERE s.id = ANY(%(ids)s) AND s.status = 'disabled' AND (
        EXISTS (SELECT 1 FROM copytrading_tradelink l
                WHERE l.subscription_id = s.id AND l.state = 'open'
                  AND NOT starts_with(l.close_cause, %(cause)s))
        OR EXISTS (SELECT 1 FROM copytrading_pendinglink p
                   WHERE p.subscription_id = s.id AND p.closed_at IS NULL
                     AND p.state IN ('placing', 'resting')))
    ORDER BY m.account_id, s.id
"""


class Changed(NamedTuple):
    """Copies that an action changed, and those held back since copying is not permitted."""

    changed: int
    withheld: int


def change_status(
    *,
    actor: User | None,
    action: Action,
    subscription_ids: Sequence[int],
    reason: str,
    close_positions: bool = False,
) -> Changed:
    """Pause, resume or stop these copies as :mod:`apps.copytrading.api` does one.

    Those that stand otherwise are passed over. With ``close_positions`` a stopped copy that still
    holds something has its line in the audit trail as well, for :func:`close_what_is_held`.
    NotPermitted for those who may not intervene, before anything is done.
    """
    require_staff(actor)
    changed = withheld = 0
    ids = sorted(set(subscription_ids))
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        done = _change(actor, action, some, reason, close_positions)
        changed, withheld = changed + done.changed, withheld + done.withheld
    return Changed(changed, withheld)


def require_staff(actor: User | None) -> None:
    """NotPermitted for anybody but staff who intervene, and the system."""
    if not intervenes(actor):
        raise NotPermitted("Only staff who may intervene can do this with copies of customers.")


@transaction.atomic
def _change(
    actor: User | None, action: Action, ids: Sequence[int], reason: str, close_positions: bool
) -> Changed:
    now, status = timezone.now(), _TO[action]
    locked = list(
        CopySubscription.objects.select_for_update(of=("self",))
        .filter(pk__in=ids, archived_at=None)
        .select_related("follower__account", "master__account")
        .order_by("pk")
    )
    fitting = [one for one in locked if one.status in _FROM[action]]
    withheld: set[int] = set()
    if action is Action.RESUME:
        withheld = {row[0] for row in sql.rows(WITHHELD, [[one.pk for one in fitting]])}
        fitting = [one for one in fitting if one.pk not in withheld]
    changing = [one.pk for one in fitting]
    CopySubscription.objects.filter(pk__in=changing).update(status=status, status_reason=reason)
    record_versions(changing, now)
    _gate(fitting, action, label(actor), reason)
    after = _after(status, close_positions)
    told = [(one, {"status": str(one.status)}, after) for one in fitting]
    if close_positions:
        stopped = [one for one in locked if one.status == status]
        holding = _holding([one.pk for one in stopped])
        values = {"status": str(status)}, after
        told += [(one, *values) for one in stopped if one.pk in holding]
    audit_all(actor, f"subscription.{action}", told, reason)
    for master_account_id in sorted({one.master.account_id for one in fitting}):
        publish_change(master_account_id)
    return Changed(len(fitting), len(withheld))


def _after(status: str, close_positions: bool) -> dict[str, object]:
    if status != Status.DISABLED:
        return {"status": status}
    return {"status": status, "close_positions": close_positions}


def _gate(copies: Sequence[CopySubscription], action: Action, actor: str, reason: str) -> None:
    now = timezone.now()
    if action is not Action.RESUME:
        gate_relations([one.relation for one in copies], actor=actor, reason=reason, now=now)
        return
    opening = [one.relation for one in copies if one.enabled and one.follower.enabled]
    ungate_relations(opening, actor=actor, now=now)


def held_by_master(subscription_ids: Sequence[int], cause: str = "-") -> dict[int, list[int]]:
    """Stopped copies among these that hold something, by the account of their master.

    Those whose closes were asked for with ``cause`` already are left out.
    """
    found = sql.rows(_HOLDING, {"ids": list(subscription_ids), "cause": cause})
    return {
        account_id: [pk for _, pk in group]
        for account_id, group in groupby(found, key=lambda row: row[0])
    }


def _holding(ids: Sequence[int]) -> set[int]:
    return {pk for group in held_by_master(ids).values() for pk in group}


def close_what_is_held(subscription_ids: Sequence[int], cause: str) -> int:
    """Close what these stopped copies hold, and cancel what rests; answers for how many.

    One transaction for each master. Repeating with the same cause asks for nothing twice.
    """
    held = held_by_master(subscription_ids, cause)
    for master_account_id, ids in held.items():
        _close(master_account_id, ids, cause)
    return sum(len(ids) for ids in held.values())


@transaction.atomic
def _close(master_account_id: int, ids: Sequence[int], cause: str) -> None:
    from apps.copytrading.receivers import wake  # it imports the tasks, which import this

    wait_for_master(master_account_id)  # before any row: its worker writes links
    finish_interrupted(master_account_id)
    want_closed(ids, cause, timezone.now())
    close_requested(master_account_id)
    transaction.on_commit(partial(wake, [master_account_id]), robust=True)
    publish_change(master_account_id)
