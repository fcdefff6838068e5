"""Lists of masters: for staff, for who may follow them, and for their owners."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from apps.accounts.models import User
from apps.common.database import prepared_rows
from apps.common.kept_queries import KeptQuery
from apps.copytrading.errors import MasterNotFound
from apps.copytrading.models import CopyMaster
from apps.copytrading.rows import MasterRow
from apps.copytrading.services import sql

_MASTERS = """
    SELECT m.id, m.uuid, m.strategy_name, m.description, m.status, m.status_reason, m.enabled,
           m.visibility, m.account_id, a.uuid, a.login, a.currency, g.mode, a.connection_id,
           a.owner_id, st.equity,
           (SELECT count(*) FROM copytrading_copysubscription s
            WHERE s.master_id = m.id AND s.archived_at IS NULL AND s.status <> 'disabled'),
           (SELECT count(*) FROM copytrading_tradelink l
            WHERE l.master_account_id = m.account_id AND l.state = 'open' AND l.held_units > 0),
           m.created_at, m.min_investment, m.max_followers, m.allowed_follower_modes
    FROM copytrading_copymaster m
    JOIN platforms_tradingaccount a ON a.id = m.account_id
    JOIN platforms_accountgroup g ON g.id = a.group_id
    LEFT JOIN platforms_accountstate st ON st.account_id = a.id
    WHERE m.archived_at IS NULL {which}
    ORDER BY m.strategy_name, m.id
"""


def _literally(text: str) -> str:
    """Text for LIKE, in which nothing stands for anything else."""
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")


def master_row(master_id: int) -> MasterRow:
    """One master as lists show it; MasterNotFound."""
    found = prepared_rows(_MASTERS.format(which="AND m.id = %s"), [master_id])
    if not found:
        raise MasterNotFound("There is no such master.")
    return MasterRow(*found[0])


def master_with_owner(uuid: UUID) -> CopyMaster:
    """A master with its account, that account's group and owner; MasterNotFound."""
    found = _WITH_OWNER(uuid)
    if not found:
        raise MasterNotFound("There is no such master.")
    return found[0]


_WITH_OWNER = KeptQuery(
    lambda: CopyMaster.objects.select_related("account__group", "account__owner"),
    "copytrading_copymaster.uuid = %s AND copytrading_copymaster.archived_at IS NULL",
)


class MasterChoice(NamedTuple):
    """A master to choose from a list."""

    account_id: int
    uuid: UUID
    label: str


#: A list of masters to choose from holds those of so many latest events, and so many at most.
_LATEST_EVENTS, _CHOICES = 2_000, 200
_TO_CHOOSE = """
    SELECT m.account_id, m.uuid, m.strategy_name FROM copytrading_copymaster m
    WHERE m.archived_at IS NULL AND (m.uuid = %(chosen)s OR m.id = ANY(ARRAY(
        SELECT id FROM copytrading_copymaster WHERE archived_at IS NULL ORDER BY id LIMIT %(few)s))
        OR m.account_id = ANY(ARRAY(
            SELECT account_id FROM (
                SELECT account_id, max(id) AS newest FROM (
                    SELECT account_id, id FROM execution_accountevent ORDER BY id DESC
                    LIMIT %(events)s) latest
                GROUP BY account_id) active
            ORDER BY newest DESC LIMIT %(most)s)))
    ORDER BY m.strategy_name, m.id
"""


def masters_to_choose(chosen: str = "") -> list[MasterChoice]:
    """Masters that traded lately, the first ones, and the ``chosen`` one by its uuid."""
    values = {
        "chosen": _uuid(chosen),
        "few": _CHOICES // 2,
        "events": _LATEST_EVENTS,
        "most": _CHOICES // 2,
    }
    return [MasterChoice(*row) for row in prepared_rows(_TO_CHOOSE, values)]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


_FOLLOWABLE = (
    "AND m.status IN ('active', 'paused') AND (m.visibility = 'public' OR a.owner_id = %s)"
)


def masters_for(user: User) -> list[MasterRow]:
    """Masters that a customer may follow: public active or paused ones, and the customer's own."""
    return [MasterRow(*row) for row in prepared_rows(_MASTERS.format(which=_FOLLOWABLE), [user.pk])]


def master_for(user: User, uuid: UUID) -> MasterRow | None:
    """A master that a customer may follow; None for any other, also for one that there is not."""
    which = f"{_FOLLOWABLE} AND m.uuid = %s"
    found = prepared_rows(_MASTERS.format(which=which), [user.pk, uuid])
    return MasterRow(*found[0]) if found else None


def search_masters(user: User, words: str, limit: int = 20) -> list[MasterRow]:
    """Masters that a customer may follow and whose name has these words in it, by name."""
    like = f"%{_literally(words.strip())}%"
    statement = _MASTERS.format(which=f"{_FOLLOWABLE} AND m.strategy_name ILIKE %s") + " LIMIT %s"
    return [MasterRow(*row) for row in sql.rows(statement, [user.pk, like, limit])]


def masters_of(user: User) -> list[MasterRow]:
    """A customer's own masters, whatever their status."""
    found = prepared_rows(_MASTERS.format(which="AND a.owner_id = %s"), [user.pk])
    return [MasterRow(*row) for row in found]


def accounts_of_masters(*, archived: bool = False) -> list[int]:
    """Accounts of all masters, whatever their status, in the order in which they became masters.

    With ``archived`` also of those that were deleted.
    """
    found = CopyMaster.objects.order_by("id")
    if not archived:
        found = found.filter(archived_at=None)
    return list(found.values_list("account_id", flat=True))


_OWNS = """
    SELECT EXISTS (
        SELECT FROM copytrading_copymaster m JOIN platforms_tradingaccount a ON a.id = m.account_id
        WHERE a.owner_id = %s AND m.archived_at IS NULL)
"""


def owns_master(user: User) -> bool:
    """Whether any account of a customer is a master."""
    return bool(prepared_rows(_OWNS, [user.pk])[0][0])
