"""What can be asked of the list of followers, and what that means in SQL."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

PAGE_SIZE = 25


class Level(enum.StrEnum):
    """How far accounts must be leveraged for their equity."""

    AT_RISK = "risk"
    CRITICAL = "critical"
    WARNING = "warning"
    ALL = "all"


class State(enum.StrEnum):
    """How a copy stands. Stopped ones are listed as long as they hold something."""

    COPYING = "active"
    PAUSED = "paused"
    STOPPED = "stopped"


class Sort(enum.StrEnum):
    """What the list begins with; what has no such figure comes last, of equal ones the newer."""

    MARGIN = "margin"
    LEVERAGE = "leverage"
    NEWEST = "newest"
    RETURN = "return"
    ACCOUNT = "account"
    MASTER = "master"


#: Orders that are kept up, so that they can be had of very many as well.
KEPT = (Sort.MARGIN, Sort.LEVERAGE, Sort.NEWEST)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of the list; what is empty asks for nothing.

    ``text`` is the beginning of a login, or part of a name or address of a customer. ``master_id``
    leaves the followers of one master alone, ``master`` and ``customer`` name one by uuid.
    """

    level: Level = Level.ALL
    state: str = ""
    platform: str = ""
    master_id: int | None = None
    master: UUID | None = None
    customer: UUID | None = None
    text: str = ""
    sort: Sort = Sort.MARGIN
    page: int = 1
    size: int = PAGE_SIZE

    @property
    def of_somebody(self) -> bool:
        """Whether it is asked for customers or accounts, of which few fit."""
        return bool(self.customer or self.text.strip())

    @property
    def of_master(self) -> bool:
        return bool(self.master_id is not None or self.master)


_USED = (
    "CASE WHEN st.margin_used <= 0 THEN 0 WHEN st.equity <= 0 THEN 'Infinity'::float8 "
    "ELSE st.margin_used::float8 / st.equity::float8 END"
)
#: What each order goes by, and its direction.
_KEYS: Mapping[Sort, tuple[str, str]] = {
    Sort.MARGIN: (_USED, "DESC NULLS LAST"),
    Sort.LEVERAGE: (f"({_USED}) * a.leverage::float8", "DESC NULLS LAST"),
    Sort.NEWEST: ("s.id", "DESC"),
    Sort.RETURN: ("sf.growth", "ASC NULLS LAST"),
    Sort.ACCOUNT: ("a.login", "ASC"),
    Sort.MASTER: ("upper(m.strategy_name)", "ASC"),
}
#: The same where the order is the one of an index.
_KEPT_KEYS: Mapping[Sort, str] = {
    Sort.MARGIN: "mu.used",
    Sort.LEVERAGE: "mu.times",
    Sort.NEWEST: "s.id",
}
_HOLDS = (
    "EXISTS (SELECT 1 FROM copytrading_tradelink l WHERE l.subscription_id = s.id "
    "AND l.state = 'open' AND l.held_units > 0)"
)
# One that was deleted is stopped as well.
_STATES: Mapping[str, str] = {
    "": f"(s.status <> 'disabled' OR {_HOLDS})",
    State.COPYING: "s.status = 'active'",
    State.PAUSED: "s.status = 'paused'",
    State.STOPPED: f"s.status = 'disabled' AND {_HOLDS}",
}
_LEVELS: Mapping[Level, Sequence[str]] = {
    Level.AT_RISK: ("warning", "critical"),
    Level.CRITICAL: ("critical",),
    Level.WARNING: ("warning",),
}
BY_UUID = "(SELECT id FROM copytrading_copymaster WHERE uuid = %(master)s)"
_SOURCES = """
    copytrading_copysubscription s
    JOIN copytrading_copyfollower f ON f.id = s.follower_id
    LEFT JOIN copytrading_copymaster m ON m.id = s.master_id
    LEFT JOIN platforms_tradingaccount a ON a.id = f.account_id
    LEFT JOIN platforms_accountstate st ON st.account_id = f.account_id
    LEFT JOIN copytrading_marginalarm w ON w.account_id = f.account_id
    LEFT JOIN analytics_subscriptionfigures sf ON sf.subscription_id = s.id
"""
# Of some hundred accounts the state is looked up (OFFSET 0 keeps it so), where PostgreSQL would
# read those of all.
_SOURCES_OF_FEW = _SOURCES.replace(
    "LEFT JOIN platforms_accountstate st ON st.account_id = f.account_id",
    "LEFT JOIN LATERAL (SELECT * FROM platforms_accountstate one "
    "WHERE one.account_id = f.account_id OFFSET 0) st ON true",
)
# Of few tables: what may be of very many is found in them alone.
_KEPT_SOURCES = """
    copytrading_copysubscription s
    {accounts}
    LEFT JOIN copytrading_marginalarm w ON w.account_id = {of}.account_id
    LEFT JOIN platforms_tradingaccount a ON a.id = {of}.account_id
"""
_BY_MARGIN = _KEPT_SOURCES.format(
    accounts="JOIN analytics_marginuse mu ON mu.follower_id = s.follower_id", of="mu"
)
_BY_AGE = _KEPT_SOURCES.format(
    accounts="LEFT JOIN copytrading_copyfollower f ON f.id = s.follower_id", of="f"
)


def selection(wanted: Wanted, accounts: Sequence[int] | None) -> tuple[str, dict[str, Any]]:
    """All copies that fit as a statement of ``id`` and ``key``, unsorted, and its values.

    ``accounts`` are those that fit the text that is searched for. A table that nothing is asked
    of is not read.
    """
    which, values = _conditions(wanted, accounts)
    sources = _SOURCES if accounts is None else _SOURCES_OF_FEW
    return f"SELECT s.id, {_KEYS[wanted.sort][0]} AS key FROM {sources} WHERE {which}", values


def kept_selection(wanted: Wanted, limit: int) -> tuple[str, dict[str, Any]]:
    """The first ``limit`` copies that fit in an order that an index holds."""
    which, values = _conditions(wanted, None)
    key = _KEPT_KEYS[wanted.sort]
    sources = _BY_AGE if wanted.sort is Sort.NEWEST else _BY_MARGIN
    statement = (
        f"SELECT s.id, {key} AS key FROM {sources} WHERE {which} "
        f"ORDER BY {key} DESC, s.id DESC LIMIT %(most)s"
    )
    return statement, values | {"most": limit}


def direction(sort: Sort) -> str:
    """In which direction the key of an order goes."""
    return _KEYS[sort][1]


def _conditions(wanted: Wanted, accounts: Sequence[int] | None) -> tuple[str, dict[str, Any]]:
    tests = {
        "w.level = ANY(%(levels)s)": ("levels", list(_LEVELS.get(wanted.level, ())) or None),
        "a.platform = %(platform)s": ("platform", wanted.platform or None),
        "s.master_id = %(master_id)s": ("master_id", wanted.master_id),
        f"s.master_id = {BY_UUID}": ("master", wanted.master),
        "a.owner_id = (SELECT id FROM accounts_user WHERE uuid = %(customer)s)": (
            "customer",
            wanted.customer,
        ),
        "f.account_id = ANY(%(accounts)s)": (
            "accounts",
            None if accounts is None else list(accounts),
        ),
    }
    asked = {test: pair for test, pair in tests.items() if pair[1] is not None}
    return " AND ".join([_STATES[wanted.state], *asked]), dict(asked.values())


#: Accounts that fit a text; of one that fits more, the others are left out.
ACCOUNTS_NAMED = """
(SELECT id FROM platforms_tradingaccount WHERE login LIKE %(begins)s LIMIT %(most)s)
UNION
(SELECT a.id FROM accounts_user u
 LEFT JOIN accounts_customer c ON c.user_id = u.id
 JOIN platforms_tradingaccount a ON a.owner_id = u.id
 WHERE u.email ILIKE %(within)s OR c.name ILIKE %(within)s LIMIT %(most)s)
"""


def naming(text: str, most: int) -> dict[str, Any]:
    """Values of :data:`ACCOUNTS_NAMED`; nothing in the text stands for anything else."""
    for special in ("\\", "%", "_"):
        text = text.replace(special, f"\\{special}")
    return {"begins": f"{text}%", "within": f"%{text}%", "most": most}
