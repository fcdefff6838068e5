"""Kill switches: everything, one platform or one account active, reducing or halted.

A switch is a :class:`apps.execution.models.Gate` of a wide scope; no row is active. Reducing
holds opens back; halted holds closes too, until staff confirm them one by one or the switch is
moved back.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts.api import record_audit
from apps.accounts.errors import NotPermitted
from apps.accounts.models import User
from apps.accounts.roles import Permission
from apps.accounts.selectors import may
from apps.common.events import publish
from apps.execution.models import CloseConfirmation, Gate
from apps.execution.waiting_closes import ClosesHold, waiting_closes
from apps.platforms.models import TradingAccount
from apps.platforms.registry import CATALOGUE

#: Published after commit with ``scope``, ``key`` and ``state``; '' each when closes were confirmed.
KILL_SWITCH_CHANGED = "execution.kill_switch"

#: What its entries in the audit trail are kept under.
AUDITED_AS = "kill_switch"

_KNOWN_AGE_S = 1.0


class KillState(StrEnum):
    """What may be sent."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


class KillScope(StrEnum):
    """What a switch holds: everything (key ''), a platform (its code), an account (its id)."""

    GLOBAL = "global"
    PLATFORM = "platform"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class KillSwitch:
    """A switch that is not active: who moved it, why and when."""

    scope: KillScope
    key: str
    state: KillState
    actor: str
    reason: str
    at: datetime


@transaction.atomic
def set_kill_switch(
    *,
    actor: User | None,
    scope: KillScope | str,
    key: str = "",
    state: KillState | str,
    reason: str,
) -> bool:
    """Move a switch; answers whether it stood otherwise before. Audited and published.

    Takes effect for what is claimed after the commit. ``actor`` None is the system.
    NotPermitted for a role that may not halt; ValueError with a sentence for an unknown scope,
    key or state and for a missing reason.
    """
    _require(actor)
    scope, state, reason = KillScope(scope), KillState(state), _said(reason)
    label = _label(scope, key)
    gate = Gate.objects.select_for_update().filter(scope=scope.value, key=key).first()
    before = gate.state if gate else KillState.ACTIVE.value
    if before == state:
        return False
    now = timezone.now()
    if state is KillState.ACTIVE:
        Gate.objects.filter(scope=scope.value, key=key).delete()
    else:
        Gate.objects.update_or_create(
            scope=scope.value,
            key=key,
            defaults={"state": state.value, "actor": _name(actor), "reason": reason, "at": now},
        )
    record_audit(
        actor=actor,
        action=f"kill_switch.{state}",
        object_type=AUDITED_AS,
        object_id=f"{scope}:{key}",
        object_label=label,
        reason=reason,
        before={"state": before},
        after={"state": state.value},
    )
    publish(KILL_SWITCH_CHANGED, scope=scope.value, key=key, state=state.value)
    forget_kill_switches()
    transaction.on_commit(forget_kill_switches)
    return True


@transaction.atomic
def confirm_held_closes(
    *, actor: User | None, client_order_ids: Collection[str], reason: str
) -> list[str]:
    """Let closes pass the kill switch that holds them; answers those that it held.

    They leave within about a second. NotPermitted and ValueError as in
    :func:`set_kill_switch`.
    """
    _require(actor)
    reason, now, wanted = _said(reason), timezone.now(), set(client_order_ids)
    held = [
        close
        for close in waiting_closes(now)
        if close.client_order_id in wanted
        and close.hold is ClosesHold.KILL_SWITCH
        and not close.confirmed
    ]
    if not held:
        return []
    CloseConfirmation.objects.bulk_create(
        (CloseConfirmation(c.client_order_id, _name(actor), reason, now) for c in held),
        ignore_conflicts=True,
    )
    confirmed = [close.client_order_id for close in held]
    record_audit(
        actor=actor,
        action="kill_switch.confirm_closes",
        object_type=AUDITED_AS,
        object_id="closes",
        object_label=f"{len(held)} held close{'' if len(held) == 1 else 's'}",
        reason=reason,
        after={"orders": [f"{c.login} {c.symbol} {c.client_order_id}" for c in held[:200]]},
    )
    publish(KILL_SWITCH_CHANGED, scope="", key="", state="")
    return confirmed


def kill_switches() -> list[KillSwitch]:
    """Switches that are not active: everything first, then platforms, then accounts."""
    found = Gate.objects.filter(scope__in=list(KillScope)).order_by("key")
    switches = [
        KillSwitch(KillScope(g.scope), g.key, KillState(g.state), g.actor, g.reason, g.at)
        for g in found
    ]
    order = list(KillScope)
    return sorted(switches, key=lambda switch: order.index(switch.scope))


class _Known:
    value: list[KillSwitch] | None = None
    read_at = 0.0


def known_kill_switches() -> list[KillSwitch]:
    """The same for what every page says, read at most once a second in each process."""
    now = time.monotonic()
    if _Known.value is None or now - _Known.read_at > _KNOWN_AGE_S:
        _Known.value, _Known.read_at = kill_switches(), now
    return _Known.value


def forget_kill_switches() -> None:
    """Read them anew at the next use; called after a change in this process."""
    _Known.value = None


def switches_over(account_ids: Sequence[int]) -> list[KillSwitch]:
    """Those of :func:`kill_switches` that hold any of these accounts, the widest first."""
    if not account_ids:
        return []
    switches = kill_switches()
    if not switches:
        return []
    platforms = set(
        TradingAccount.objects.filter(pk__in=account_ids).values_list("platform", flat=True)
    )
    keys = {
        KillScope.GLOBAL: {""},
        KillScope.PLATFORM: platforms,
        KillScope.ACCOUNT: {str(pk) for pk in account_ids},
    }
    return [switch for switch in switches if switch.key in keys[switch.scope]]


def _require(actor: User | None) -> None:
    if actor is not None and not may(actor, Permission.HALT):
        raise NotPermitted("Kill switches need the role risk, admin or owner.")


def _said(reason: str) -> str:
    if not reason.strip():
        raise ValueError("Say why; the reason is kept in the audit trail.")
    return reason.strip()[:500]


def _name(actor: User | None) -> str:
    return actor.email[:128] if actor else "system"


def _label(scope: KillScope, key: str) -> str:
    """What a switch holds, in words; ValueError where there is no such thing."""
    if scope is KillScope.GLOBAL:
        if key:
            raise ValueError("The kill switch on everything has no key.")
        return "Everything"
    if scope is KillScope.PLATFORM:
        if key not in CATALOGUE:
            raise ValueError(f"There is no platform {key!r}.")
        return CATALOGUE[key].name
    account: Any = key.isascii() and key.isdigit() and len(key) < 19
    account = account and TradingAccount.objects.filter(pk=int(key)).first()
    if not account:
        raise ValueError("There is no such account.")
    return f"Account {account}"
