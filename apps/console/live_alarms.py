"""What the console's live page of alarms shows, and what staff are advised to do."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import NamedTuple

from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.roles import Permission
from apps.accounts.selectors import may, product_config
from apps.analytics.domain.alarms import AlarmKind
from apps.analytics.selectors import AlarmRow, alarms, new_alarms
from apps.common.live_pages import STAFF_GROUP, LivePage, Params, Section, section
from apps.console.live import by_permissions

SHOWN = 100
KINDS = [(kind.value, kind.label) for kind in AlarmKind]
_PAGE = "console/alarms.html#"
_COUNT_AGE_S = 5.0

_ADVICE = {
    AlarmKind.DRAWDOWN: (
        "Pause the master, so that nothing new is copied while it falls; closes still follow. "
        "Ask its owner what happened before you activate it again."
    ),
    AlarmKind.SIZE_GROWTH: (
        "Look at its trades. If sizes go on growing, pause it before a streak of losses does "
        "the rest; closes still follow."
    ),
    AlarmKind.AVERAGING_DOWN: (
        "Pause the master, so that the next entries are not copied; what is held follows its "
        "closes. Look at the margin of its followers."
    ),
    AlarmKind.LEVERAGE: (
        "Look at the margin of its followers; pause the master if they come near their limits."
    ),
    AlarmKind.SILENCE: (
        "Look at its connection first, then ask its owner. Pause it if nobody is there to look "
        "after its positions."
    ),
}


class Step(NamedTuple):
    """Something to do about an alarm: where it leads; a dialog asks before it acts."""

    label: str
    address: str
    dialog: bool


def advice(alarm: AlarmRow, *, may_act: bool) -> tuple[str, list[Step]]:
    """What to do about an alarm, and links to do it."""
    steps = []
    if may_act and alarm.master_status == "active":
        pause = reverse("console:change_master", args=[alarm.master_uuid, "pause"])
        steps.append(Step("Pause the master", pause, True))
    if alarm.kind is AlarmKind.SILENCE:
        there = reverse("console:connection", args=[alarm.connection_uuid])
        steps.append(Step("Look at its connection", there, False))
    steps.append(Step("The master", reverse("console:master", args=[alarm.master_uuid]), False))
    return _ADVICE[alarm.kind], steps


def _allowed(user: User, params: Params) -> bool:
    return may(user, Permission.VIEW) and product_config().copy_trading_enabled


def shown(params: Params) -> list[AlarmRow]:
    """The alarms that the page's filters leave, one more than are shown."""
    below = params.get("below", "")
    return alarms(
        state=params.get("state", ""),
        kind=params.get("kind", ""),
        name=params.get("name", ""),
        below=int(below) if below.isdecimal() and len(below) < 19 else None,
        limit=SHOWN + 1,
    )


def _sections(user: User, params: Params) -> Iterable[Section]:
    yield section(
        "alarms",
        f"{_PAGE}alarm",
        shown(params)[:SHOWN],
        key=lambda row: row.id,
        empty=f"{_PAGE}none",
        may_act=may(user, Permission.INTERVENE),
    )


class _Count:
    value = 0
    read_at = 0.0


def open_count() -> int:
    """Alarms that nobody has acknowledged, read at most every five seconds in each process."""
    now = time.monotonic()
    if not _Count.read_at or now - _Count.read_at > _COUNT_AGE_S:
        _Count.value, _Count.read_at = new_alarms(), now
    return _Count.value


def forget_count() -> None:
    """Count anew at the next use; called after an acknowledgement in this process."""
    _Count.read_at = 0.0


ALARMS = LivePage(
    "alarms",
    _allowed,
    lambda user, params: (STAFF_GROUP,),
    _sections,
    refresh_s=5.0,
    audience=by_permissions,
)
