"""Reading alarms about masters. One query each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from apps.analytics.alarm_models import MasterAlarm
from apps.analytics.domain.alarms import AlarmKind
from apps.common.database import prepared_rows

_ALARMS = """
SELECT w.uuid, w.master_id, m.uuid, m.strategy_name, m.status, a.login, a.currency, c.uuid,
       w.kind, w.text, w.raised_at, w.seen_at, w.acknowledged_at, u.email, w.note, w.cleared_at,
       w.cleared_why, {evidence}, w.id
FROM analytics_masteralarm w
JOIN copytrading_copymaster m ON m.id = w.master_id
JOIN platforms_tradingaccount a ON a.id = w.account_id
JOIN platforms_connection c ON c.id = a.connection_id
LEFT JOIN accounts_user u ON u.id = w.acknowledged_by_id
WHERE {which} ORDER BY w.raised_at DESC, w.id DESC LIMIT %(limit)s
"""
#: What the list can be narrowed to, in words.
STATES = {
    "": "Open",
    "new": "Not acknowledged",
    "acknowledged": "Acknowledged",
    "cleared": "Cleared",
}
_STATES = {
    "": "w.cleared_at IS NULL",
    "new": "w.cleared_at IS NULL AND w.acknowledged_at IS NULL",
    "acknowledged": "w.cleared_at IS NULL AND w.acknowledged_at IS NOT NULL",
    "cleared": "w.cleared_at IS NOT NULL",
}


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """An alarm with its master; ``evidence`` is read for a single one only."""

    uuid: UUID
    master_id: int
    master_uuid: UUID
    strategy_name: str
    master_status: str
    login: str
    currency: str
    connection_uuid: UUID
    kind: AlarmKind
    text: str
    raised_at: datetime
    seen_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    note: str
    cleared_at: datetime | None
    cleared_why: str
    evidence: Mapping[str, Any] = field(default_factory=dict, repr=False)
    id: int = 0

    @property
    def label(self) -> str:
        return self.kind.label

    @property
    def is_open(self) -> bool:
        return self.cleared_at is None

    @property
    def is_new(self) -> bool:
        """Whether it holds and nobody has acknowledged it."""
        return self.is_open and self.acknowledged_at is None


def open_alarms_of(masters: Collection[int]) -> dict[int, list[AlarmRow]]:
    """Alarms that hold now, by master (ids), newest first; one query, none for no masters."""
    found: dict[int, list[AlarmRow]] = defaultdict(list)
    if not masters:
        return {}
    which = "w.cleared_at IS NULL AND w.master_id = ANY(%(masters)s)"
    for row in _rows(which, {"masters": list(masters)}, limit=len(AlarmKind) * len(masters)):
        found[row.master_id].append(row)
    return dict(found)


def alarms(
    *,
    state: str = "",
    kind: str = "",
    name: str = "",
    below: int | None = None,
    limit: int = 100,
) -> list[AlarmRow]:
    """Alarms, newest first, by state (see STATES), kind, and name or login of the master.

    ``below`` is the id of the last one of the page before.
    """
    which, values = [_STATES.get(state, _STATES[""])], dict[str, Any]()
    if kind:
        which.append("w.kind = %(kind)s")
        values["kind"] = kind
    if name:
        which.append("(m.strategy_name ILIKE %(name)s OR a.login = %(login)s)")
        escaped = name.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
        values |= {"name": f"%{escaped}%", "login": name}
    if below is not None:
        which.append(
            "(w.raised_at, w.id) < (SELECT raised_at, id FROM analytics_masteralarm "
            "WHERE id = %(below)s)"
        )
        values["below"] = below
    return _rows(" AND ".join(which), values, limit=limit)


def alarms_chosen(uuids: Collection[UUID]) -> list[AlarmRow]:
    """Alarms by their uuids, newest first."""
    return _rows("w.uuid = ANY(%(uuids)s)", {"uuids": list(uuids)}, limit=len(uuids))


def alarm_by_uuid(uuid: UUID) -> AlarmRow | None:
    """One alarm with its evidence; None where there is none."""
    found = _rows("w.uuid = %(uuid)s", {"uuid": uuid}, limit=1, evidence=True)
    return found[0] if found else None


def alarm_history(master_id: int, *, limit: int = 20) -> list[AlarmRow]:
    """Alarms about a master, open ones among them, newest first."""
    return _rows("w.master_id = %(master)s", {"master": master_id}, limit=limit)


def new_alarms() -> int:
    """How many alarms hold that nobody has acknowledged."""
    return MasterAlarm.objects.filter(cleared_at=None, acknowledged_at=None).count()


def _rows(
    which: str, values: Mapping[str, Any], *, limit: int, evidence: bool = False
) -> list[AlarmRow]:
    statement = _ALARMS.format(which=which, evidence="w.evidence" if evidence else "'{}'")
    return [_row(row) for row in prepared_rows(statement, {**values, "limit": limit})]


def _row(values: tuple[Any, ...]) -> AlarmRow:
    *plain, found, pk = values
    plain[8] = AlarmKind(plain[8])
    return AlarmRow(*[*plain, orjson.loads(found), pk])
