"""What the console's live page about differences shows."""

from __future__ import annotations

from collections.abc import Iterable

from apps.accounts.models import User
from apps.accounts.roles import Permission
from apps.accounts.selectors import may
from apps.common.live_pages import STAFF_GROUP, LivePage, Params, Section, section
from apps.console.live import by_permissions, may_look
from apps.copytrading.drifts import KIND_CHOICES, DriftRow, drifts

SHOWN, RESOLVED_SHOWN = 200, 20
_DRIFT = "console/drift.html#"


def open_drifts(params: Params) -> list[DriftRow]:
    """The differences that the page's filters leave."""
    kind = params.get("kind", "")
    known = kind if kind in dict(KIND_CHOICES) else None
    return drifts(kind=known, login=params.get("login", "")[:64], limit=SHOWN)


def _sections(user: User, params: Params) -> Iterable[Section]:
    yield section(
        "drift",
        f"{_DRIFT}drift",
        open_drifts(params),
        key=lambda row: row.id,
        empty=f"{_DRIFT}none",
        may_act=may(user, Permission.INTERVENE),
    )
    yield section(
        "drift-resolved",
        f"{_DRIFT}resolved",
        drifts(resolved=True, limit=RESOLVED_SHOWN),
        key=lambda row: row.id,
        empty=f"{_DRIFT}none_resolved",
    )


DRIFT = LivePage(
    "drift", may_look, lambda user, params: (STAFF_GROUP,), _sections, audience=by_permissions
)
