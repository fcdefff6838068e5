"""Applying to be a public master, and deciding about it."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.roles import Permission
from apps.accounts.selectors import may
from apps.copytrading.errors import InvalidSettings, NotPermitted
from apps.copytrading.models import CopyMaster
from apps.copytrading.services.acting import (
    audit,
    label,
    publish_change,
    require_allowed,
    require_owner,
)
from apps.copytrading.services.application_events import tell_decided, tell_received
from apps.copytrading.services.gates import gate_master

Status, Visibility = CopyMaster.Status, CopyMaster.Visibility


@transaction.atomic
def apply_for_public(*, actor: User, master: CopyMaster) -> CopyMaster:
    """Ask staff to make a master public, after a rejection too; it is pending until they decide.

    Nothing new is copied from it meanwhile. No change where it waits already.
    """
    locked = locked_master(master)
    require_owner(actor, locked.account.owner_id)
    require_allowed(locked.account.owner_id, "may_be_master")
    if locked.status == Status.PENDING:
        return locked
    if locked.visibility == Visibility.PUBLIC and locked.status != Status.REJECTED:
        raise NotPermitted("This master is public already.")
    if locked.status == Status.INACTIVE:
        raise NotPermitted("Our staff deactivated this master; ask them before you apply again.")
    before = {"status": locked.status, "visibility": locked.visibility}
    locked.status, locked.visibility = Status.PENDING, Visibility.PUBLIC
    locked.status_reason, locked.applied_at, locked.decided_at = "", timezone.now(), None
    _save(locked)
    _tell(locked, actor, "not approved yet")
    audit(actor, "master.apply", locked, before=before, after={"status": locked.status})
    tell_received(locked)
    return locked


@transaction.atomic
def withdraw_application(*, actor: User, master: CopyMaster) -> CopyMaster:
    """Take an application back: the master is its owner's alone, and active."""
    locked = locked_master(master)
    require_owner(actor, locked.account.owner_id)
    require_allowed(locked.account.owner_id, "may_be_master")
    if locked.status not in (Status.PENDING, Status.REJECTED):
        raise NotPermitted("There is no application to withdraw; it was decided already.")
    before = locked.status
    locked.status, locked.visibility = Status.ACTIVE, Visibility.PRIVATE
    locked.status_reason, locked.applied_at = "", None
    _save(locked)
    _tell(locked, actor, "")
    audit(
        actor, "master.withdraw", locked,
        before={"status": before}, after={"status": locked.status},
    )  # fmt: skip
    return locked


@transaction.atomic
def make_private(*, actor: User, master: CopyMaster) -> CopyMaster:
    """Show a public master to its owner alone. Copies of others go on; nobody new finds it."""
    locked = locked_master(master)
    require_owner(actor, locked.account.owner_id)
    if locked.visibility == Visibility.PRIVATE:
        return locked
    if locked.status not in (Status.ACTIVE, Status.PAUSED):
        raise NotPermitted("Only a master that was approved can be made private.")
    locked.visibility = Visibility.PRIVATE
    _save(locked)
    audit(
        actor, "master.make_private", locked,
        before={"visibility": Visibility.PUBLIC}, after={"visibility": Visibility.PRIVATE},
    )  # fmt: skip
    publish_change(locked.account_id)
    return locked


@transaction.atomic
def decide_application(
    *, actor: User, master: CopyMaster, approve: bool, reason: str
) -> CopyMaster:
    """Approve or reject an application; the applicant is told the reason.

    NotPermitted for an actor whose roles do not decide, or where it was decided or withdrawn
    meanwhile; InvalidSettings without a reason.
    """
    if not may(actor, Permission.DECIDE_APPLICATIONS):
        raise NotPermitted("Deciding applications needs the role risk, admin or owner.")
    if not reason.strip():
        raise InvalidSettings({"reason": "Say why; the applicant reads it."})
    locked = locked_master(master)
    if locked.status != Status.PENDING:
        raise NotPermitted("This application was decided or withdrawn meanwhile.")
    if locked.account.owner_id == actor.pk:
        raise NotPermitted("Somebody else has to decide about your own application.")
    if approve:
        require_allowed(locked.account.owner_id, "may_be_master")
    locked.status = Status.ACTIVE if approve else Status.REJECTED
    locked.status_reason, locked.decided_at = reason.strip()[:500], timezone.now()
    _save(locked)
    _tell(locked, actor, locked.status_reason)
    audit(
        actor, f"master.{'approve' if approve else 'reject'}", locked, locked.status_reason,
        before={"status": Status.PENDING}, after={"status": locked.status},
    )  # fmt: skip
    tell_decided(locked)
    return locked


def locked_master(master: CopyMaster) -> CopyMaster:
    """A master as it stands now, held until the transaction ends; NotPermitted when deleted."""
    locked = (
        CopyMaster.objects.select_for_update(of=("self",))
        .select_related("account")
        .get(pk=master.pk)
    )
    if locked.archived_at is not None:
        raise NotPermitted("This master was deleted; make the account a master anew.")
    return locked


def _save(master: CopyMaster) -> None:
    master.save(update_fields=["status", "visibility", "status_reason", "applied_at", "decided_at"])


def _tell(master: CopyMaster, actor: User, reason: str) -> None:
    gate_master(master, actor=label(actor), reason=reason, now=timezone.now())
    publish_change(master.account_id)
