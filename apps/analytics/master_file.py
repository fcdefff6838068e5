"""The list of masters as a file: what stands in one, read by the thousand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from apps.analytics.domain.alarms import AlarmKind
from apps.analytics.list_query import Wanted
from apps.analytics.listing import GATE, read_page

_MASTER = (
    f"m.account_id, m.strategy_name, a.login, a.platform, g.mode, m.visibility, m.status, "
    f"m.status_reason, {GATE}, ARRAY(SELECT w.kind FROM analytics_masteralarm w "
    "WHERE w.master_id = m.id AND w.cleared_at IS NULL ORDER BY w.raised_at DESC, w.id DESC), "
    "a.currency, m.uuid"
)
_SUMS = (
    "coalesce(s.followers, 0), coalesce(s.following, 0), coalesce(t.result, 0), "
    "coalesce(t.trades, 0), t.win_rate, s.since"
)


class FileRow(NamedTuple):
    """A master in a file, as :class:`apps.analytics.listing.MasterEntry` has it; its figures are
    those over the period that was asked for."""

    name: str
    login: str
    platform: str
    mode: str
    visibility: str
    status: str
    status_reason: str
    gate: str
    alarms: list[str]
    currency: str
    uuid: UUID
    followers: int
    following: Decimal
    result: Decimal
    trades: int
    win_rate: float | None
    since: date | None
    returned: float | None
    drawdown: float | None
    risk: float | None
    sharpe: float | None

    @property
    def alarm_labels(self) -> list[str]:
        """What the alarms that hold are about, the newest first."""
        return [AlarmKind(kind).label for kind in self.alarms]


def masters_in_file(wanted: Wanted, *, today: date) -> tuple[list[FileRow], int]:
    """A part of the file, and how many parts there are; one query."""
    period = wanted.period
    figures = (period.return_figure, period.drawdown_figure, "risk_score", "sharpe")
    sums = f"{_SUMS}, {', '.join(f'f.{name}' for name in figures)}"
    rows = read_page(wanted, ["TRUE"], {}, today, (_MASTER, sums))
    total = rows[0][0] if rows else 0
    return [FileRow(*row[3:]) for row in rows], -(-total // wanted.size)
