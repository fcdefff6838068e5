"""Making and changing masters, followers and subscriptions.

Every function takes the acting user (None: the system), checks that the user may do this,
writes the audit trail, and works in one transaction; orders and wake-ups leave after its
commit. Refusals are :class:`apps.copytrading.errors.CopyError` with a sentence for the user.
"""

from __future__ import annotations

import uuid
from functools import partial
from typing import Unpack

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from apps.accounts.models import User
from apps.copytrading.errors import MasterNotAvailable
from apps.copytrading.models import CopyFollower, CopyMaster, CopySubscription
from apps.copytrading.receivers import wake
from apps.copytrading.repairs import (
    NoRepair,
    RepairOrder,
    RepairPreview,
    accept_drift,
    preview_repair,
    repair,
)
from apps.copytrading.services import existing
from apps.copytrading.services.accounts import remove_account
from apps.copytrading.services.acting import (
    audit,
    audit_settings,
    intervenes,
    label,
    publish_change,
    require_allowed,
    require_owner,
)
from apps.copytrading.services.application_events import (
    APPLICATION_DECIDED,
    APPLICATION_RECEIVED,
)
from apps.copytrading.services.applications import (
    apply_for_public,
    decide_application,
    make_private,
    withdraw_application,
)
from apps.copytrading.services.by_hand import close_position, detach_position
from apps.copytrading.services.closing import close_requested, want_closed
from apps.copytrading.services.emergency import close_everything
from apps.copytrading.services.followers import (
    create_follower,
    delete_follower,
    update_follower,
)
from apps.copytrading.services.following import follow_with
from apps.copytrading.services.gates import gate_subscription
from apps.copytrading.services.locks import lock_graph, wait_for_master
from apps.copytrading.services.master_ending import deactivate_master
from apps.copytrading.services.master_gates import keep_gates, standing_gates
from apps.copytrading.services.masters import (
    create_master,
    delete_master,
    set_master_enabled,
    set_master_status,
)
from apps.copytrading.services.pairs import (
    set_symbol_pair,
    set_symbol_pairs,
    upload_symbol_pairs,
)
from apps.copytrading.services.planning import finish_interrupted
from apps.copytrading.services.profile_editing import (
    MasterProfile,
    remove_picture,
    set_picture,
    update_master,
)
from apps.copytrading.services.relations import (
    check_investment,
    check_master_count,
    check_relation,
    end_former_relation,
    locked_pair,
)
from apps.copytrading.services.settings import SubscriptionSettings, apply_settings, values_of
from apps.copytrading.services.versions import record_version
from apps.execution.models import AccountEvent
from apps.platforms.models import TradingAccount

__all__ = [
    "APPLICATION_DECIDED", "APPLICATION_RECEIVED", "MasterProfile", "NoRepair", "RepairOrder",
    "RepairPreview", "accept_drift", "apply_for_public", "close_everything", "close_position",
    "create_follower", "create_master", "deactivate_master", "decide_application",
    "delete_follower", "delete_master", "delete_subscription", "detach_position", "follow",
    "keep_gates", "make_private", "pause", "preview_repair", "remove_account", "remove_picture",
    "repair", "resume", "set_master_enabled", "set_master_status", "set_picture",
    "set_symbol_pair", "set_symbol_pairs", "standing_gates", "stop", "subscribe",
    "update_follower", "update_master", "update_subscription", "upload_symbol_pairs",
    "withdraw_application",
]  # fmt: skip

Status = CopySubscription.Status


def follow(
    *,
    actor: User,
    master: CopyMaster,
    account: TradingAccount,
    **settings: Unpack[SubscriptionSettings],
) -> CopySubscription:
    """What a customer does in portal and API: the account follows the master from now on.

    TermsNotAccepted until the account's owner has accepted risk disclosure and terms in the
    versions that hold; else as :func:`subscribe`, which asks for none.
    """
    return follow_with(
        subscribe, actor=actor, master=master, account=account, settings={**settings}
    )


@transaction.atomic
def subscribe(
    *,
    actor: User | None,
    master: CopyMaster,
    follower: CopyFollower,
    **settings: Unpack[SubscriptionSettings],
) -> CopySubscription:
    """Have a follower copy a master from the master's next event on.

    For the product's own use; what a customer asks for goes through :func:`follow`.
    InvalidSettings, LoopNotAllowed, AlreadyExists, MaxMastersReached, MasterNotAvailable,
    FollowerNotFound or FollowerModeNotAllowed say why not. A stopped copy between the two that
    is flat is archived.
    """
    require_owner(actor, follower.account.owner_id)
    require_allowed(follower.account.owner_id, "may_copy")
    lock_graph()
    master, follower = locked_pair(master, follower)
    check_relation(master, follower, follower.account.owner_id)
    former = end_former_relation(master, follower)
    check_master_count(follower)
    if former is not None:
        former.archived_at = timezone.now()
        former.save(update_fields=["archived_at"])
    newest = AccountEvent.objects.filter(account_id=master.account_id).aggregate(m=Max("id"))
    subscription = CopySubscription(
        master=master, follower=follower, started_after_event=newest["m"] or 0
    )
    apply_settings(subscription, settings)
    check_investment(master, follower, subscription.allocated_capital, follower.account.owner_id)
    subscription.save()
    record_version(subscription, timezone.now())
    if subscription.copy_existing_positions:
        existing.request(subscription)
    _gate(subscription, actor, "")
    audit(actor, "subscription.create", subscription, after=values_of(subscription))
    _tell(subscription)
    return subscription


@transaction.atomic
def update_subscription(
    *,
    actor: User | None,
    subscription: CopySubscription,
    **settings: Unpack[SubscriptionSettings],
) -> CopySubscription:
    """Change settings; they hold from the next event on, sizes of open links stay frozen.

    With ``copy_existing_positions``, each change also asks for what is not linked yet.
    """
    locked = _locked(subscription, actor)
    before = values_of(locked)
    apply_settings(locked, settings)
    locked.save(update_fields=sorted(settings))
    record_version(locked, timezone.now())
    if locked.copy_existing_positions and locked.status != Status.DISABLED:
        existing.request(locked)
    _gate(locked, actor, "switched off by its owner")
    audit_settings(actor, "subscription.update", locked, before, values_of(locked))
    _tell(locked)
    return locked


@transaction.atomic
def pause(
    *, actor: User | None, subscription: CopySubscription, reason: str = ""
) -> CopySubscription:
    """Open nothing new; closes and stop changes of what is held still follow."""
    return _set_status(actor, subscription, Status.PAUSED, reason, allowed=(Status.ACTIVE,))


@transaction.atomic
def resume(
    *, actor: User | None, subscription: CopySubscription, reason: str = ""
) -> CopySubscription:
    """Copy again from the next event on. A stopped copy is not resumed but made anew."""
    require_allowed(subscription.follower.account.owner_id, "may_copy")
    return _set_status(actor, subscription, Status.ACTIVE, reason, allowed=(Status.PAUSED,))


@transaction.atomic
def stop(
    *,
    actor: User | None,
    subscription: CopySubscription,
    close_positions: bool,
    reason: str = "",
) -> CopySubscription:
    """End a copy: close what it holds now, or keep it and follow the master's closes only."""
    if close_positions:  # before any row: the worker who holds this lock writes those rows
        wait_for_master(subscription.master.account_id)
        finish_interrupted(subscription.master.account_id)
    locked = _set_status(
        actor,
        subscription,
        Status.DISABLED,
        reason,
        allowed=(Status.ACTIVE, Status.PAUSED, Status.DISABLED),
        close_positions=close_positions,
    )
    if close_positions:
        # Each wish has orders of its own: what was refused before can be asked for again.
        _close_links(locked, f"stop:{locked.pk}:{uuid.uuid4().hex[:12]}")
    return locked


@transaction.atomic
def delete_subscription(
    *, actor: User | None, subscription: CopySubscription, reason: str = ""
) -> CopySubscription:
    """Archive a copy: it is stopped, and what it holds follows the master's closes until flat.

    It is shown as long as it holds something, and can be closed. No change when it is archived.
    """
    locked = _locked(subscription, actor)
    if locked.archived_at is not None:
        return locked
    before, locked.status = locked.status, Status.DISABLED
    locked.status_reason, locked.archived_at = reason or "deleted", timezone.now()
    locked.save(update_fields=["status", "status_reason", "archived_at"])
    record_version(locked, timezone.now())
    _gate(locked, actor, locked.status_reason)
    audit(actor, "subscription.delete", locked, reason, before={"status": before})
    _tell(locked)
    return locked


def _set_status(
    actor: User | None,
    subscription: CopySubscription,
    status: CopySubscription.Status,
    reason: str,
    *,
    allowed: tuple[CopySubscription.Status, ...],
    **details: bool,
) -> CopySubscription:
    locked = _locked(subscription, actor)
    before = locked.status
    if before not in (*allowed, status):
        raise MasterNotAvailable(
            "This copy was stopped. Follow the master again to copy new trades."
        )
    locked.status, locked.status_reason = status, reason
    locked.save(update_fields=["status", "status_reason"])
    record_version(locked, timezone.now())
    _gate(locked, actor, reason)
    audit(
        actor, f"subscription.{_VERBS[status]}", locked, reason,
        before={"status": before}, after={"status": status, **details},
    )  # fmt: skip
    _tell(locked)
    return locked


_VERBS = {Status.ACTIVE: "resume", Status.PAUSED: "pause", Status.DISABLED: "stop"}


def _close_links(subscription: CopySubscription, cause: str) -> None:
    master_account_id = subscription.master.account_id
    want_closed([subscription.pk], cause, timezone.now())
    close_requested(master_account_id)
    transaction.on_commit(partial(wake, [master_account_id]), robust=True)


def _locked(subscription: CopySubscription, actor: User | None) -> CopySubscription:
    locked = (
        CopySubscription.objects.select_for_update(of=("self",))
        .select_related("master__account", "follower__account")
        .get(pk=subscription.pk)
    )
    if not intervenes(actor):
        require_owner(actor, locked.follower.account.owner_id)
    return locked


def _gate(subscription: CopySubscription, actor: User | None, reason: str) -> None:
    gate_subscription(
        subscription,
        subscription.follower,
        actor=label(actor),
        reason=reason,
        now=timezone.now(),
    )


def _tell(subscription: CopySubscription) -> None:
    publish_change(subscription.master.account_id)
