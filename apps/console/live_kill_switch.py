"""What the page of the kill switches shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.roles import Permission
from apps.accounts.selectors import audit_trail, may
from apps.common.live_pages import STAFF_GROUP, LivePage, Params, Section, section
from apps.console.live import by_permissions, may_look
from apps.execution.kill_switch import (
    AUDITED_AS,
    KillScope,
    KillState,
    KillSwitch,
    kill_switches,
)
from apps.execution.waiting_closes import ClosesHold, WaitingClose, waiting_closes
from apps.platforms.registry import CATALOGUE
from apps.platforms.selectors import accounts_by_id, connections

#: Closes and changes that are shown; what is beyond is counted.
CLOSES_SHOWN, CHANGES_SHOWN = 300, 50
_PAGE = "console/kill_switch.html#"

#: What a state does, for the people who choose it.
EFFECTS = {
    KillState.ACTIVE: "Everything is sent as it comes.",
    KillState.REDUCING: "Nothing is opened or increased; closes and stop changes go through.",
    KillState.HALTED: (
        "Nothing is sent. Closes wait until somebody confirms them here, or the switch is moved "
        "back; until then positions stay open and what copies should hold differs from what is "
        "there."
    ),
}


@dataclass(frozen=True, slots=True)
class SwitchRow:
    """A switch as it stands; ``at`` is None for one that is active."""

    key: str
    name: str
    note: str
    state: KillState
    actor: str
    reason: str
    at: datetime | None
    address: str


@dataclass(frozen=True, slots=True)
class HeldFigures:
    """How many closes the switches hold, and since when the oldest waits."""

    held: int
    oldest: datetime | None
    hidden: int


def switch_rows() -> list[SwitchRow]:
    """Everything, each platform that is connected, and the accounts that are held; 3 queries."""
    switches = kill_switches()
    of = {(switch.scope, switch.key): switch for switch in switches}
    codes = sorted({connection.platform for connection in connections()} | _platforms(switches))
    held = [s for s in switches if s.scope is KillScope.ACCOUNT and s.key.isdigit()]
    accounts = accounts_by_id([int(switch.key) for switch in held])
    rows = [_row("Everything", "All platforms and accounts", of.get((KillScope.GLOBAL, "")))]
    for code in codes:
        entry = CATALOGUE.get(code)
        switch = of.get((KillScope.PLATFORM, code))
        address = reverse("console:kill_platform", args=[code])
        rows.append(_row(entry.name if entry else code, "Platform", switch, address))
    for switch in held:
        account = accounts.get(int(switch.key))
        if account is not None:
            address = reverse("console:kill_account", args=[account.uuid])
            note = f"Account on {account.server}"
            rows.append(_row(f"{account.login} {account.name}".strip(), note, switch, address))
    return rows


def _platforms(switches: Sequence[KillSwitch]) -> set[str]:
    return {switch.key for switch in switches if switch.scope is KillScope.PLATFORM}


def _row(name: str, note: str, switch: KillSwitch | None, address: str = "") -> SwitchRow:
    address = address or reverse("console:kill_everything")
    if switch is None:
        return SwitchRow(address, name, note, KillState.ACTIVE, "", "", None, address)
    return SwitchRow(
        address, name, note, switch.state, switch.actor, switch.reason, switch.at, address
    )


def held_figures(closes: Sequence[WaitingClose]) -> HeldFigures:
    """Figures of what waits, oldest first."""
    held = [close for close in closes if close.hold is ClosesHold.KILL_SWITCH]
    oldest = held[0].committed_at if held else None
    return HeldFigures(len(held), oldest, max(0, len(closes) - CLOSES_SHOWN))


def _sections(user: User, params: Params) -> Iterable[Section]:
    may_act = may(user, Permission.HALT)
    yield section(
        "switches", f"{_PAGE}switch", switch_rows(), key=lambda row: row.key, may_act=may_act
    )
    closes = waiting_closes(timezone.now())
    yield section(
        "held-figures", f"{_PAGE}figures", [held_figures(closes)], key=lambda _: "all", tag="div"
    )
    yield section(
        "held-closes",
        f"{_PAGE}close",
        closes[:CLOSES_SHOWN],
        key=lambda close: close.client_order_id,
        empty=f"{_PAGE}no_close",
        may_act=may_act,
    )
    yield section(
        "kill-trail",
        f"{_PAGE}change",
        audit_trail(object_type=AUDITED_AS, limit=CHANGES_SHOWN),
        key=lambda entry: f"{entry.at.timestamp()}-{entry.object_id}",
        empty=f"{_PAGE}no_change",
    )


def _staff(user: User, params: Params) -> Iterable[str]:
    return (STAFF_GROUP,)


KILL_SWITCH = LivePage("kill-switch", may_look, _staff, _sections, audience=by_permissions)
