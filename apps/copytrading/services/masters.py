"""Making, changing and deleting masters."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.copytrading.errors import AlreadyExists, InvalidSettings, NotPermitted
from apps.copytrading.models import CopyMaster, CopySubscription, PendingLink, TradeLink
from apps.copytrading.services.acting import (
    audit,
    intervenes,
    label,
    publish_change,
    require_allowed,
    require_owner,
)
from apps.copytrading.services.application_events import tell_decided, tell_received
from apps.copytrading.services.gates import gate_master
from apps.copytrading.services.locks import wait_for_master
from apps.copytrading.services.planning import finish_interrupted
from apps.copytrading.services.relations import check_new_profile
from apps.copytrading.services.versions import record_versions
from apps.execution import api as execution
from apps.platforms.models import TradingAccount

Status = CopyMaster.Status


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
    applies for is pending. An account whose master was deleted gets that one back, with new
    words. AlreadyExists where the account is a master.
    """
    require_owner(actor, account.owner_id)
    require_allowed(account.owner_id, "may_be_master")
    check_new_profile(account.active)
    check_words(strategy_name.strip(), visibility)
    former = CopyMaster.objects.select_for_update().filter(account=account).first()
    if former is not None and former.archived_at is None:
        raise AlreadyExists("This account already is a master.")
    applies = visibility == CopyMaster.Visibility.PUBLIC and not intervenes(actor)
    master = former or CopyMaster(account=account)
    master.strategy_name = strategy_name.strip()
    master.description, master.visibility = description, visibility
    master.status = Status.PENDING if applies else Status.ACTIVE
    master.status_reason, master.enabled, master.archived_at = "", True, None
    master.applied_at, master.decided_at = (timezone.now() if applies else None), None
    master.save()
    execution.set_journaled([account.pk], True)
    why = "not approved yet" if applies else ""
    gate_master(master, actor=label(actor), reason=why, now=timezone.now())
    audit(actor, "master.create", master, after={"status": master.status})
    if applies:
        tell_received(master)
    return master


@transaction.atomic
def set_master_status(
    *, actor: User | None, master: CopyMaster, status: CopyMaster.Status | str, reason: str = ""
) -> CopyMaster:
    """Pause, deactivate, approve, reject or activate a master, for all its copies at once.

    Staff may set every status; the owner may pause an active master and activate a paused one.
    """
    locked = _locked(master)
    own = (Status.ACTIVE, Status.PAUSED)
    if not intervenes(actor):
        require_owner(actor, locked.account.owner_id)
        if locked.status not in own or status not in own:
            raise NotPermitted("Only staff can do this with a master.")
    if locked.archived_at is not None:
        raise NotPermitted("This master was deleted; make the account a master anew.")
    if status == Status.ACTIVE:
        require_allowed(locked.account.owner_id, "may_be_master")
    before, locked.status, locked.status_reason = locked.status, Status(status), reason
    if before == Status.PENDING:
        locked.decided_at = timezone.now()
        tell_decided(locked)
    locked.save(update_fields=["status", "status_reason", "decided_at"])
    gate_master(locked, actor=label(actor), reason=reason, now=timezone.now())
    audit(
        actor, f"master.{locked.status}", locked, reason,
        before={"status": before}, after={"status": locked.status},
    )  # fmt: skip
    publish_change(locked.account_id)
    return locked


@transaction.atomic
def set_master_enabled(*, actor: User | None, master: CopyMaster, enabled: bool) -> CopyMaster:
    """Switch a master off or on, for its owner: off, every copy of it works like paused.

    Its status, of which staff decide, stays as it is. No change where it is so already.
    """
    locked = _locked(master)
    require_owner(actor, locked.account.owner_id)
    if locked.archived_at is not None:
        raise NotPermitted("This master was deleted; make the account a master anew.")
    if locked.enabled == enabled:
        return locked
    locked.enabled = enabled
    locked.save(update_fields=["enabled"])
    reason = "" if enabled else "switched off by its owner"
    gate_master(locked, actor=label(actor), reason=reason, now=timezone.now())
    audit(
        actor, "master.switch_on" if enabled else "master.switch_off", locked,
        before={"enabled": not enabled}, after={"enabled": enabled},
    )  # fmt: skip
    publish_change(locked.account_id)
    return locked


@transaction.atomic
def delete_master(*, actor: User | None, master: CopyMaster, reason: str = "") -> CopyMaster:
    """Archive a master: nobody follows it any more, and its copies end with what they hold.

    Every copy is stopped. What is linked still follows the master's closes until it is flat, so
    the account's events stay in the journal as long as a link is open. No change when it is
    archived already.
    """
    require_owner(actor, master.account.owner_id)
    # Before any row, and so that every order that was committed shows in a link.
    wait_for_master(master.account_id)
    finish_interrupted(master.account_id)
    locked = _locked(master)
    if locked.archived_at is not None:
        return locked
    before = locked.status
    locked.status, locked.status_reason = Status.INACTIVE, reason or "deleted"
    locked.archived_at = now = timezone.now()
    locked.save(update_fields=["status", "status_reason", "archived_at"])
    gate_master(locked, actor=label(actor), reason=locked.status_reason, now=now)
    copies = CopySubscription.objects.filter(master=locked, archived_at=None)
    running = list(
        copies.exclude(status=CopySubscription.Status.DISABLED).values_list("pk", flat=True)
    )
    stopped = CopySubscription.objects.filter(pk__in=running).update(
        status=CopySubscription.Status.DISABLED, status_reason="The master was deleted."
    )
    record_versions(running, now)
    if not _is_followed(locked.account_id):
        execution.set_journaled([locked.account_id], False)
    audit(
        actor, "master.delete", locked, reason,
        before={"status": before}, after={"stopped_copies": stopped},
    )  # fmt: skip
    publish_change(locked.account_id)
    return locked


def _is_followed(master_account_id: int) -> bool:
    """Whether anything is held or rests that its further events decide about."""
    links = TradeLink.objects.filter(master_account_id=master_account_id, state="open")
    orders = PendingLink.objects.filter(master_account_id=master_account_id, closed_at=None)
    return links.exists() or orders.exists()


def check_words(strategy_name: str, visibility: str) -> None:
    """InvalidSettings for a name that is none, or a visibility that is not known."""
    errors = {}
    longest = CopyMaster._meta.get_field("strategy_name").max_length
    if not strategy_name:
        errors["strategy_name"] = "Give the strategy a name."
    elif len(strategy_name) > (longest or 0):
        errors["strategy_name"] = f"Use at most {longest} characters."
    if visibility not in CopyMaster.Visibility.values:
        errors["visibility"] = "Choose one of public, private."
    if errors:
        raise InvalidSettings(errors)


def _locked(master: CopyMaster) -> CopyMaster:
    return (
        CopyMaster.objects.select_for_update(of=("self",))
        .select_related("account")
        .get(pk=master.pk)
    )
