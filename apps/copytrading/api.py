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

from apps.accounts.api import record_audit
from apps.accounts.models import User
from apps.accounts.roles import Permission
from apps.accounts.selectors import may
from apps.common.events import publish
from apps.copytrading.errors import AlreadyExists, InvalidSettings, MasterNotAvailable, NotPermitted
from apps.copytrading.models import CopyFollower, CopyMaster, CopySubscription, TradeLink
from apps.copytrading.receivers import wake
from apps.copytrading.services.closing import close_requested
from apps.copytrading.services.gates import gate_master, gate_subscription
from apps.copytrading.services.locks import lock_graph, wait_for_master
from apps.copytrading.services.planning import CHANGED
from apps.copytrading.services.relations import (
    check_new_profile,
    check_relation,
    end_former_relation,
)
from apps.copytrading.services.settings import SubscriptionSettings, apply_settings, values_of
from apps.execution import api as execution
from apps.execution.models import AccountEvent
from apps.platforms.models import TradingAccount

Status = CopySubscription.Status
MasterStatus = CopyMaster.Status


@transaction.atomic
def create_master(
    *,
    actor: User | None,
    account: TradingAccount,
    strategy_name: str,
    description: str = "",
    visibility: CopyMaster.Visibility | str = CopyMaster.Visibility.PRIVATE,
) -> CopyMaster:
    """Make an account a master and begin to keep its events in the journal.

    A private master, or one that staff create, is active at once; a public one that its owner
    applies for is pending. AlreadyExists where the account is a master.
    """
    _require_owner(actor, account.owner_id)
    check_new_profile(account.active)
    if not strategy_name.strip():
        raise InvalidSettings({"strategy_name": "Give the strategy a name."})
    if CopyMaster.objects.filter(account=account).exists():
        raise AlreadyExists("This account already is a master.")
    applies = visibility == CopyMaster.Visibility.PUBLIC and not _intervenes(actor)
    master = CopyMaster.objects.create(
        account=account,
        strategy_name=strategy_name.strip(),
        description=description,
        visibility=visibility,
        status=MasterStatus.PENDING if applies else MasterStatus.ACTIVE,
    )
    execution.set_journaled([account.pk], True)
    if applies:
        gate_master(master, actor=_label(actor), reason="not approved yet", now=timezone.now())
    _audit(actor, "master.create", master, after={"status": master.status})
    return master


@transaction.atomic
def create_follower(*, actor: User | None, account: TradingAccount) -> CopyFollower:
    """Let an account follow masters. AlreadyExists where it does."""
    _require_owner(actor, account.owner_id)
    check_new_profile(account.active)
    if CopyFollower.objects.filter(account=account).exists():
        raise AlreadyExists("This account already can follow masters.")
    follower = CopyFollower.objects.create(account=account)
    _audit(actor, "follower.create", follower)
    return follower


@transaction.atomic
def subscribe(
    *,
    actor: User | None,
    master: CopyMaster,
    follower: CopyFollower,
    **settings: Unpack[SubscriptionSettings],
) -> CopySubscription:
    """Have a follower copy a master from the master's next event on.

    InvalidSettings, LoopNotAllowed, AlreadyExists, MasterNotAvailable, FollowerNotFound or
    FollowerModeNotAllowed say why not. A stopped copy between the two that is flat is archived.
    """
    _require_owner(actor, follower.account.owner_id)
    lock_graph()
    check_relation(master, follower, follower.account.owner_id)
    former = end_former_relation(master, follower)
    if former is not None:
        former.archived_at = timezone.now()
        former.save(update_fields=["archived_at"])
    newest = AccountEvent.objects.filter(account_id=master.account_id).aggregate(m=Max("id"))
    subscription = CopySubscription(
        master=master, follower=follower, started_after_event=newest["m"] or 0
    )
    apply_settings(subscription, settings)
    subscription.save()
    _gate(subscription, actor, "")
    _audit(actor, "subscription.create", subscription, after=values_of(subscription))
    _tell(subscription)
    return subscription


@transaction.atomic
def update_subscription(
    *,
    actor: User | None,
    subscription: CopySubscription,
    **settings: Unpack[SubscriptionSettings],
) -> CopySubscription:
    """Change settings; they hold from the next event on, sizes of open links stay frozen."""
    locked = _locked(subscription, actor)
    before = values_of(locked)
    apply_settings(locked, settings)
    locked.save(update_fields=sorted(settings))
    _gate(locked, actor, "switched off by its owner")
    changed = {name: value for name, value in values_of(locked).items() if before[name] != value}
    if changed:
        was = {name: before[name] for name in changed}
        _audit(actor, "subscription.update", locked, before=was, after=changed)
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
def set_master_status(
    *, actor: User | None, master: CopyMaster, status: CopyMaster.Status | str, reason: str = ""
) -> CopyMaster:
    """Pause, deactivate, approve, reject or activate a master, for all its copies at once.

    Staff may set every status; the owner may pause an active master and activate a paused one.
    """
    locked = CopyMaster.objects.select_for_update(of=("self",)).get(pk=master.pk)
    own = (MasterStatus.ACTIVE, MasterStatus.PAUSED)
    if not _intervenes(actor):
        _require_owner(actor, locked.account.owner_id)
        if locked.status not in own or status not in own:
            raise NotPermitted("Only staff can do this with a master.")
    before, locked.status, locked.status_reason = locked.status, MasterStatus(status), reason
    locked.save(update_fields=["status", "status_reason"])
    gate_master(locked, actor=_label(actor), reason=reason, now=timezone.now())
    _audit(
        actor, f"master.{locked.status}", locked, reason,
        before={"status": before}, after={"status": locked.status},
    )  # fmt: skip
    _publish(locked.account_id)
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
    _gate(locked, actor, reason)
    _audit(
        actor, f"subscription.{_VERBS[status]}", locked, reason,
        before={"status": before}, after={"status": status, **details},
    )  # fmt: skip
    _tell(locked)
    return locked


_VERBS = {Status.ACTIVE: "resume", Status.PAUSED: "pause", Status.DISABLED: "stop"}


def _close_links(subscription: CopySubscription, cause: str) -> None:
    master_account_id = subscription.master.account_id
    links = TradeLink.objects.filter(subscription_id=subscription.pk, state="open")
    now = timezone.now()
    links.filter(held_units=0, in_flight="").update(
        state="closed", target_units=0, closed_at=now, close_cause=""
    )
    links.update(close_cause=cause)
    close_requested(master_account_id)
    transaction.on_commit(partial(wake, [master_account_id]), robust=True)


def _locked(subscription: CopySubscription, actor: User | None) -> CopySubscription:
    locked = (
        CopySubscription.objects.select_for_update(of=("self",))
        .select_related("master", "follower__account")
        .get(pk=subscription.pk)
    )
    if not _intervenes(actor):
        _require_owner(actor, locked.follower.account.owner_id)
    return locked


def _require_owner(actor: User | None, owner_id: int | None) -> None:
    if actor is None or actor.pk == owner_id or _intervenes(actor):
        return
    raise NotPermitted("This account belongs to somebody else.")


def _intervenes(actor: User | None) -> bool:
    return actor is None or may(actor, Permission.INTERVENE)


def _label(actor: User | None) -> str:
    return actor.email if actor else "system"


def _gate(subscription: CopySubscription, actor: User | None, reason: str) -> None:
    gate_subscription(
        subscription,
        subscription.follower,
        actor=_label(actor),
        reason=reason,
        now=timezone.now(),
    )


def _audit(
    actor: User | None,
    action: str,
    subject: CopyMaster | CopyFollower | CopySubscription,
    reason: str = "",
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    record_audit(
        actor=actor,
        action=action,
        object_type=action.partition(".")[0],
        object_id=subject.uuid,
        object_label=str(subject),
        reason=reason,
        before=before,
        after=after,
    )


def _tell(subscription: CopySubscription) -> None:
    _publish(subscription.master.account_id)


def _publish(master_account_id: int) -> None:
    publish(CHANGED, master_account_id=master_account_id, event_ids=[], subscriptions=0)
