"""Who acts: what they may do, and the trail that it leaves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from apps.accounts.api import AuditSubject, record_audit, record_audits
from apps.accounts.models import User
from apps.accounts.roles import Permission
from apps.accounts.selectors import customer_may, may
from apps.common.events import publish
from apps.copytrading.errors import NotAllowedToCustomer, NotPermitted
from apps.copytrading.models import CopyFollower, CopyMaster, CopySubscription
from apps.copytrading.services.planning import CHANGED


def require_owner(actor: User | None, owner_id: int | None) -> None:
    """NotPermitted for anybody but the owner, staff who intervene, and the system."""
    if actor is None or actor.pk == owner_id or intervenes(actor):
        return
    raise NotPermitted("This account belongs to somebody else.")


def intervenes(actor: User | None) -> bool:
    """Whether this is the system or a member of staff who may act on what customers own."""
    return actor is None or may(actor, Permission.INTERVENE)


_WITHHELD = {
    "may_copy": "copying is not permitted; nothing new is copied to it",
    "may_be_master": "being a master is not permitted; it cannot be followed",
}


def require_allowed(owner_id: int | None, permission: str) -> None:
    """NotAllowedToCustomer where staff took ``may_copy`` or ``may_be_master`` from the owner.

    It holds whoever acts: what staff withhold is not gone round by their own hand.
    """
    if not customer_may(owner_id, permission):
        raise NotAllowedToCustomer(
            f"For the owner of this account {_WITHHELD[permission]}. Ask support to permit it."
        )


def label(actor: User | None) -> str:
    """The actor's name in gates and logs."""
    return actor.email if actor else "system"


def audit(
    actor: User | None,
    action: str,
    subject: CopyMaster | CopyFollower | CopySubscription,
    reason: str = "",
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    """Add a line to the audit trail; ``action`` begins with the kind of the subject."""
    record_audit(
        actor=actor,
        action=action,
        object_type=action.partition(".")[0],
        object_id=subject.uuid,
        object_label=_named(subject),
        reason=reason,
        before=before,
        after=after,
    )


def _named(subject: CopyMaster | CopyFollower | CopySubscription) -> str:
    """What people know the subject by; a copy by both its ends where they are at hand."""
    if isinstance(subject, CopySubscription):
        ends = CopySubscription.master, CopySubscription.follower
        if all(end.is_cached(subject) for end in ends):
            return f"{subject.master.strategy_name} on {subject.follower.account.login}"
    return str(subject)


def audit_all(
    actor: User | None,
    action: str,
    subjects: Iterable[tuple[CopySubscription, Mapping[str, object], Mapping[str, object]]],
    reason: str,
) -> None:
    """The same line for several copies, each with its values before and after."""
    record_audits(
        actor=actor,
        action=action,
        object_type=action.partition(".")[0],
        subjects=[
            AuditSubject(subject.uuid, _named(subject), before, after)
            for subject, before, after in subjects
        ],
        reason=reason,
    )


def audit_settings(
    actor: User | None,
    action: str,
    subject: CopyFollower | CopySubscription,
    before: Mapping[str, object],
    after: Mapping[str, object],
) -> bool:
    """Audit the settings that differ, old beside new; answers whether any did."""
    changed = {name: value for name, value in after.items() if before[name] != value}
    if changed:
        was = {name: before[name] for name in changed}
        audit(actor, action, subject, before=was, after=changed)
    return bool(changed)


def publish_change(master_account_id: int) -> None:
    """Live pages show the master's copies anew, after the commit."""
    publish(CHANGED, master_account_id=master_account_id, event_ids=[], subscriptions=0)
