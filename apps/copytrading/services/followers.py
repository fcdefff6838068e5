"""Making, changing and deleting followers."""

from __future__ import annotations

from typing import Unpack

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.copytrading.errors import AlreadyExists, FollowerNotFound
from apps.copytrading.models import CopyFollower, CopySubscription
from apps.copytrading.services.acting import (
    audit,
    audit_settings,
    label,
    publish_change,
    require_owner,
)
from apps.copytrading.services.gates import gate_subscriptions
from apps.copytrading.services.relations import check_new_profile
from apps.copytrading.services.settings import (
    FollowerSettings,
    apply_follower_settings,
    follower_values_of,
)
from apps.copytrading.services.versions import record_versions
from apps.platforms.models import TradingAccount

Status = CopySubscription.Status


@transaction.atomic
def create_follower(*, actor: User | None, account: TradingAccount) -> CopyFollower:
    """Let an account follow masters. AlreadyExists where it does.

    An account whose follower was deleted gets that one back, with its settings.
    """
    require_owner(actor, account.owner_id)
    check_new_profile(account.active)
    former = CopyFollower.objects.select_for_update().filter(account=account).first()
    if former is not None and former.archived_at is None:
        raise AlreadyExists("This account already can follow masters.")
    follower = former or CopyFollower(account=account)
    follower.archived_at = None
    follower.save()
    audit(actor, "follower.create", follower)
    return follower


@transaction.atomic
def update_follower(
    *, actor: User | None, follower: CopyFollower, **settings: Unpack[FollowerSettings]
) -> CopyFollower:
    """Change what holds for all copies of an account, from the next event on.

    Switched off, every copy of the account works like paused. A lower maximum of masters ends
    no copy that runs. InvalidSettings names every field that is wrong.
    """
    locked = _locked(follower, actor)
    if locked.archived_at is not None:
        raise FollowerNotFound("This account does not follow masters any more.")
    before = follower_values_of(locked)
    apply_follower_settings(locked, settings)
    locked.save(update_fields=sorted(settings))
    copies = _running(locked)
    record_versions([copy.pk for copy in copies], timezone.now())
    gate_subscriptions(
        copies,
        locked,
        actor=label(actor),
        reason="switched off by its owner",
        now=timezone.now(),
    )
    audit_settings(actor, "follower.update", locked, before, follower_values_of(locked))
    _tell(copies)
    return locked


@transaction.atomic
def delete_follower(
    *, actor: User | None, follower: CopyFollower, reason: str = ""
) -> CopyFollower:
    """Archive a follower: its copies are stopped and end with the closes of their masters.

    What is linked can still be closed. No change when it is archived already.
    """
    locked = _locked(follower, actor)
    if locked.archived_at is not None:
        return locked
    now = timezone.now()
    copies = _running(locked)
    ids = [copy.pk for copy in copies]
    CopySubscription.objects.filter(pk__in=ids).update(
        status=Status.DISABLED, status_reason=reason or "The account follows nobody any more."
    )
    record_versions(ids, now)
    for copy in copies:
        copy.status = Status.DISABLED
    gate_subscriptions(copies, locked, actor=label(actor), reason=reason or "deleted", now=now)
    locked.archived_at = now
    locked.save(update_fields=["archived_at"])
    audit(actor, "follower.delete", locked, reason, after={"stopped_copies": len(ids)})
    _tell(copies)
    return locked


def _locked(follower: CopyFollower, actor: User | None) -> CopyFollower:
    locked = (
        CopyFollower.objects.select_for_update(of=("self",))
        .select_related("account")
        .get(pk=follower.pk)
    )
    require_owner(actor, locked.account.owner_id)
    return locked


def _running(follower: CopyFollower) -> list[CopySubscription]:
    return list(
        CopySubscription.objects.select_for_update(of=("self",))
        .select_related("master")
        .filter(follower=follower, archived_at=None)
        .exclude(status=Status.DISABLED)
        .order_by("id")
    )


def _tell(copies: list[CopySubscription]) -> None:
    for master_account_id in sorted({copy.master.account_id for copy in copies}):
        publish_change(master_account_id)
