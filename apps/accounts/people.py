"""What staff do with people: permissions and locks of customers, roles and locks of staff.

Every function takes the acting user (None: the system), checks what that user may do, and leaves
its line in the audit trail, in one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict, Unpack

from django.apps import apps
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import F

from apps.accounts.api import record_audit
from apps.accounts.errors import NotPermitted, NotPossible
from apps.accounts.models import BotStrategy, Customer, User
from apps.accounts.roles import Permission, Role
from apps.accounts.selectors import may, roles_of
from apps.common.events import publish

#: Published after commit with ``user_id`` when a person was locked or unlocked.
LOCK_CHANGED = "accounts.lock_changed"


class CustomerPermissions(TypedDict):
    """What a customer may do; strategies by their code."""

    may_copy: bool
    may_be_master: bool
    may_run_bots: bool
    allowed_strategies: Sequence[str]


@transaction.atomic
def update_permissions(
    *,
    actor: User | None,
    customer: Customer,
    reason: str = "",
    **permissions: Unpack[CustomerPermissions],
) -> dict[str, object]:
    """Change what a customer may do; answers the permissions that changed, as they are now.

    What runs already is ended by the apps that run it. NotPermitted for a role that does not
    manage customers; ValueError for an unknown strategy.
    """
    _require(actor, Permission.MANAGE_CUSTOMERS, "Permissions of customers")
    locked = Customer.objects.select_for_update(of=("self",)).get(pk=customer.pk)
    wanted = {**permissions, "allowed_strategies": _strategies(permissions["allowed_strategies"])}
    before = {name: getattr(locked, name) for name in wanted}
    changed = {name: value for name, value in wanted.items() if before[name] != value}
    if not changed:
        return {}
    for name, value in changed.items():
        setattr(locked, name, value)
    locked.save(update_fields=sorted(changed))
    _audit(
        actor, "customer.permissions", locked.user, reason,
        before={name: before[name] for name in changed}, after=changed,
    )  # fmt: skip
    return changed


def _strategies(codes: Sequence[str]) -> list[str]:
    unknown = set(codes) - set(BotStrategy.values)
    if unknown:
        raise ValueError(f"There is no strategy {sorted(unknown)[0]!r}.")
    return [code for code in BotStrategy.values if code in set(codes)]


@transaction.atomic
def lock_user(*, actor: User | None, user: User, reason: str) -> bool:
    """Keep a person out: sessions end at once and signing in is refused. False: so already.

    What a customer runs goes on; staff pause or stop it where it is listed. NotPermitted for a
    role that may not, NotPossible for oneself and for the last owner.
    """
    _require_over(actor, user, "locking")
    locked = _locked(user)
    if not locked.is_active:
        return False
    if actor is not None and actor.pk == locked.pk:
        raise NotPossible("Somebody else has to lock your own sign-in.")
    _keep_an_owner(locked)
    locked.is_active = False
    locked.session_epoch += 1
    locked.save(update_fields=["is_active", "session_epoch"])
    _audit(
        actor, f"{_kind(locked)}.lock", locked, reason,
        before={"locked": False}, after={"locked": True},
    )  # fmt: skip
    publish(LOCK_CHANGED, user_id=locked.pk)
    return True


@transaction.atomic
def unlock_user(*, actor: User | None, user: User, reason: str) -> bool:
    """Let a person in again, with the password as it was. False: so already."""
    _require_over(actor, user, "unlocking")
    locked = _locked(user)
    if locked.is_active:
        return False
    locked.is_active = True
    locked.save(update_fields=["is_active"])
    _audit(
        actor, f"{_kind(locked)}.unlock", locked, reason,
        before={"locked": True}, after={"locked": False},
    )  # fmt: skip
    publish(LOCK_CHANGED, user_id=locked.pk)
    return True


def has_second_factor(user: User) -> bool:
    """Whether signing in asks this person for more than the password."""
    if not apps.is_installed("allauth.mfa"):
        return False
    return bool(_factors(user).exists())


@transaction.atomic
def reset_second_factor(*, actor: User | None, user: User, reason: str) -> int:
    """Remove a person's second factors and recovery codes; answers how many.

    Sessions end, so that the next sign-in sets a new one up. NotPossible where there is none.
    """
    _require_over(actor, user, "resetting the second factor")
    locked = _locked(user)
    kinds = list(_factors(locked).values_list("type", flat=True)) if has_second_factor(user) else []
    if not kinds:
        raise NotPossible(f"{locked.email} signs in without a second factor; nothing to reset.")
    _factors(locked).delete()
    User.objects.filter(pk=locked.pk).update(session_epoch=F("session_epoch") + 1)
    _audit(
        actor, f"{_kind(locked)}.reset_second_factor", locked, reason,
        before={"second_factor": ", ".join(sorted(kinds))}, after={"second_factor": "none"},
    )  # fmt: skip
    return len(kinds)


def _factors(user: User):  # type: ignore[no-untyped-def]  # allauth has no types
    return apps.get_model("mfa", "Authenticator").objects.filter(user=user)


@transaction.atomic
def change_role(*, actor: User | None, user: User, role: Role | str, reason: str) -> bool:
    """Give a member of staff another role, for the next request on. False: has it already.

    NotPossible for customers, for oneself and for the last owner.
    """
    _require(actor, Permission.MANAGE_STAFF, "Roles of staff")
    role, locked = Role(role), _locked(user)
    if not locked.is_staff:
        raise NotPossible(f"{locked.email} is a customer; staff have sign-ins of their own.")
    before = roles_of(User.objects.get(pk=locked.pk)) or frozenset(
        Role(name) for name in locked.groups.values_list("name", flat=True) if name in set(Role)
    )
    if before == {role}:
        return False
    if actor is not None and actor.pk == locked.pk:
        raise NotPossible("Another owner has to change your own role.")
    if role is not Role.OWNER:
        _keep_an_owner(locked)
    locked.is_superuser = role is Role.OWNER
    locked.save(update_fields=["is_superuser"])
    locked.groups.set([Group.objects.get(name=role)])
    _audit(
        actor, "staff.role", locked, reason,
        before={"role": ", ".join(sorted(before))}, after={"role": role},
    )  # fmt: skip
    return True


def _keep_an_owner(user: User) -> None:
    """NotPossible where nobody would be left who may manage staff."""
    if not user.is_superuser:
        return
    others = User.objects.filter(is_superuser=True, is_staff=True, is_active=True)
    if not others.exclude(pk=user.pk).exists():
        raise NotPossible("This is the last owner; make somebody else an owner first.")


def _kind(user: User) -> str:
    return "staff" if user.is_staff else "customer"


def _require_over(actor: User | None, user: User, what: str) -> None:
    needed = Permission.MANAGE_STAFF if user.is_staff else Permission.MANAGE_CUSTOMERS
    _require(actor, needed, f"{what[0].upper()}{what[1:]} of {_kind(user)}")


def _require(actor: User | None, permission: Permission, what: str) -> None:
    if actor is not None and not may(actor, permission):
        who = "owner" if permission is Permission.MANAGE_STAFF else "owner or admin"
        raise NotPermitted(f"{what} needs the role {who}.")


def _locked(user: User) -> User:
    return User.objects.select_for_update().get(pk=user.pk)


def _audit(
    actor: User | None,
    action: str,
    user: User,
    reason: str,
    *,
    before: dict[str, object],
    after: dict[str, object],
) -> None:
    record_audit(
        actor=actor,
        action=action,
        object_type="user",
        object_id=user.uuid,
        object_label=user.email,
        reason=reason,
        before=before,
        after=after,
    )
