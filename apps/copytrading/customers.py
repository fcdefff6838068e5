"""Customers as staff list them: with what they hold and run; two queries a page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from apps.copytrading.services import sql


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """A customer: how many trading accounts, running copies and masters, and what is held back."""

    id: int
    uuid: UUID
    email: str
    name: str
    locked: bool
    may_copy: bool
    may_be_master: bool
    may_run_bots: bool
    accounts: int
    copies: int
    masters: int
    last_login: datetime | None
    created_at: datetime

    @property
    def restricted(self) -> bool:
        """Whether any permission was taken away."""
        return not (self.may_copy and self.may_be_master and self.may_run_bots)


#: What the list can be narrowed to.
STATES = {
    "": "Everybody",
    "locked": "Locked",
    "restricted": "Restricted",
    "copying": "With running copies",
    "master": "With a master",
}

_RUNNING = """
    FROM copytrading_copysubscription s
    JOIN copytrading_copyfollower f ON f.id = s.follower_id
    JOIN platforms_tradingaccount a ON a.id = f.account_id
    WHERE a.owner_id = u.id AND s.archived_at IS NULL AND s.status = 'active'
"""
_LEADING = """
    FROM copytrading_copymaster m JOIN platforms_tradingaccount a ON a.id = m.account_id
    WHERE a.owner_id = u.id AND m.archived_at IS NULL
"""
_STATES = {
    "locked": "NOT u.is_active",
    "restricted": "NOT (c.may_copy AND c.may_be_master AND c.may_run_bots)",
    "copying": f"EXISTS (SELECT 1 {_RUNNING})",
    "master": f"EXISTS (SELECT 1 {_LEADING})",
}
_FOUND = """
    (u.email ILIKE %(text)s OR c.name ILIKE %(text)s OR EXISTS (
        SELECT 1 FROM platforms_tradingaccount a
        WHERE a.owner_id = u.id AND a.login LIKE %(login)s))
"""


def customers(
    *, text: str = "", state: str = "", before: int | None = None, limit: int = 50
) -> list[CustomerRow]:
    """Customers whose address, name or login matches, the newest first; ``before`` is an id."""
    which = ["TRUE"]
    values: dict[str, Any] = {"limit": limit}
    if text:
        escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        values |= {"text": f"%{escaped}%", "login": f"{escaped}%"}
        which.append(_FOUND)
    if state in _STATES:
        which.append(_STATES[state])
    if before is not None:
        which.append("c.id < %(before)s")
        values["before"] = before
    found = sql.rows(
        f"""
        SELECT c.id, u.uuid, u.email, c.name, NOT u.is_active, c.may_copy, c.may_be_master,
               c.may_run_bots,
               (SELECT count(*) FROM platforms_tradingaccount a
                WHERE a.owner_id = u.id AND a.active),
               (SELECT count(*) {_RUNNING}), (SELECT count(*) {_LEADING}),
               u.last_login, c.created_at
        FROM accounts_customer c JOIN accounts_user u ON u.id = c.user_id
        WHERE {" AND ".join(which)} ORDER BY c.id DESC LIMIT %(limit)s
        """,
        values,
    )
    return [CustomerRow(*row) for row in found]
