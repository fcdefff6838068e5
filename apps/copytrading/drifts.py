"""Reading what differs between copies and accounts: prepared rows, two queries for any number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from apps.accounts.models import User
from apps.common.database import prepared_rows
from apps.copytrading.domain.drift import order_of
from apps.copytrading.models import Drift
from apps.copytrading.services import sql
from apps.copytrading.services.accepting import LET_BE, SHRINKING
from apps.copytrading.services.reconcile import repair_id

KIND_CHOICES = list(Drift.Kind.choices)

_MEANINGS = {
    Drift.Kind.MISSING: "The copy should hold this position, but it is gone.",
    Drift.Kind.ORPHAN: "One of our orders opened this position, but no copy holds it.",
    Drift.Kind.OVERSIZED: "The position is larger than its copies should hold.",
    Drift.Kind.UNDERSIZED: "The position is smaller than its copies should hold.",
    Drift.Kind.WRONG_SIDE: "The position stands on the other side than its copy should.",
    Drift.Kind.FOREIGN: "Opened by hand, on an account whose settings do not want that.",
    Drift.Kind.HELD_CLOSE: "A close was decided, but has not been sent yet.",
}
_RESTS = (
    "One of our orders rests on the platform although its copy has ended; it could still be filled."
)


@dataclass(frozen=True, slots=True)
class DriftRow:
    """A difference as pages show it; volumes in lots of the account's platform.

    ``repairing``: an order against it is under way. ``note`` says why the last one failed, or
    what holds a close back.
    """

    id: int
    kind: str
    account_uuid: UUID
    account_name: str
    account_login: str
    connection: str
    owner: str
    subscription_uuid: UUID | None
    strategy_name: str
    symbol: str
    side: str
    expected_lots: Decimal
    actual_lots: Decimal
    first_seen_at: datetime
    resolved_at: datetime | None
    resolution: str
    note: str
    key: str
    repairing: bool

    @property
    def rests(self) -> bool:
        """Whether it is about an order that rests, not about a position."""
        return bool(order_of(self.key))

    @property
    def kind_label(self) -> str:
        return str(Drift.Kind(self.kind).label)

    @property
    def meaning(self) -> str:
        """What this kind means, in one sentence."""
        return _RESTS if self.rests else _MEANINGS[Drift.Kind(self.kind)]

    @property
    def may_repair(self) -> bool:
        """Whether an order could be sent against it."""
        return self.resolved_at is None and not self.repairing and self.kind != "held_close"

    @property
    def may_accept(self) -> bool:
        """Whether it can be taken for the truth."""
        return self.may_repair and self.kind in (*SHRINKING, *LET_BE)

    @property
    def resolution_label(self) -> str:
        return str(Drift.Resolution(self.resolution).label) if self.resolution else ""


_ROWS = """
    SELECT d.id, d.kind, a.uuid, a.name, a.login, c.name, coalesce(u.email, ''), s.uuid,
           coalesce(m.strategy_name, ''), d.symbol, d.side, d.expected_units / d.lot_units,
           d.actual_units / d.lot_units, d.first_seen_at, d.resolved_at, d.resolution, d.note,
           d.key, d.repair_cause
    FROM copytrading_drift d
    JOIN platforms_tradingaccount a ON a.id = d.account_id
    JOIN platforms_connection c ON c.id = a.connection_id
    LEFT JOIN accounts_user u ON u.id = a.owner_id
    LEFT JOIN copytrading_copysubscription s ON s.id = d.subscription_id
    LEFT JOIN copytrading_copymaster m ON m.id = s.master_id
    WHERE d.resolved_at IS {null} {which}
    ORDER BY {order} LIMIT %s
"""


def drifts(
    *,
    user: User | None = None,
    subscription_id: int | None = None,
    account_id: int | None = None,
    ids: Sequence[int] | None = None,
    kind: str | None = None,
    login: str = "",
    resolved: bool = False,
    limit: int = 200,
) -> list[DriftRow]:
    """Open differences, oldest first, or resolved ones, the latest first; all that are given hold.

    ``login`` is the beginning of an account's login.
    """
    given = {
        "a.owner_id": user.pk if user is not None else None,
        "d.subscription_id": subscription_id,
        "d.account_id": account_id,
        "d.kind": kind or None,
    }
    values: list[Any] = [value for value in given.values() if value is not None]
    which = "".join(f" AND {column} = %s" for column, value in given.items() if value is not None)
    if ids is not None:
        which += " AND d.id = ANY(%s)"
        values.append(list(ids))
    if login:
        which += " AND starts_with(a.login, %s)"
        values.append(login)
    statement = _ROWS.format(
        null="NOT NULL" if resolved else "NULL",
        which=which,
        order="d.resolved_at DESC, d.id DESC" if resolved else "d.id",
    )
    found = prepared_rows(statement, [*values, limit])
    moving = set() if resolved else _under_way([row[-1] for row in found if row[-1]])
    return [DriftRow(*(*row[:-1], row[-1] in moving)) for row in found]


def _under_way(causes: list[str]) -> set[str]:
    if not causes:
        return set()
    by_id = {repair_id(cause): cause for cause in causes}
    ended = sql.rows(
        "SELECT client_order_id FROM execution_order "
        "WHERE client_order_id = ANY(%s) AND settled_at IS NOT NULL",
        [list(by_id)],
    )
    return set(causes) - {by_id[row[0]] for row in ended}


def open_counts() -> dict[str, int]:
    """Differences that stand, by kind; one query."""
    found = sql.rows(
        "SELECT kind, count(*) FROM copytrading_drift WHERE resolved_at IS NULL GROUP BY kind"
    )
    return {str(kind): int(count) for kind, count in found}
