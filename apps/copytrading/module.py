"""What runs now: in numbers, before anybody switches copy trading off or changes a master."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from apps.copytrading.kept import kept
from apps.copytrading.services import sql


class HeldSum(NamedTuple):
    """Open copied positions on accounts of one currency."""

    currency: str
    positions: int
    result: Decimal
    losses: Decimal


@dataclass(frozen=True, slots=True)
class Live:
    """Running copies, positions and resting orders that they hold, by how many customers.

    ``held`` is what is open by currency: how many positions, their open result in all, and the
    losses among it. What a close costs is not in it.
    """

    copies: int
    customers: int
    resting: int
    held: tuple[HeldSum, ...]

    @property
    def positions(self) -> int:
        return sum(one.positions for one in self.held)

    @property
    def floating(self) -> tuple[tuple[str, Decimal], ...]:
        """The open result by currency."""
        return tuple((one.currency, one.result) for one in self.held)

    def __bool__(self) -> bool:
        return bool(self.copies or self.positions or self.resting)


_COPIES = """
    SELECT count(*), count(DISTINCT a.owner_id)
    FROM copytrading_copysubscription s
    JOIN copytrading_copyfollower f ON f.id = s.follower_id
    JOIN platforms_tradingaccount a ON a.id = f.account_id
    WHERE s.archived_at IS NULL AND s.status = 'active' {which}
"""
_HELD = """
    SELECT a.currency, count(*),
           coalesce(sum(r.result), 0), coalesce(sum(r.result) FILTER (WHERE r.result < 0), 0)
    FROM copytrading_tradelink l
    JOIN platforms_tradingaccount a ON a.id = l.account_id
    LEFT JOIN execution_position p ON p.account_id = l.account_id
         AND p.position_id = l.position_id AND p.closed_at IS NULL
    CROSS JOIN LATERAL (
        SELECT p.open_result * least(1, l.held_units / nullif(p.units, 0))) r (result)
    WHERE l.state = 'open' AND l.held_units > 0 {which}
    GROUP BY a.currency ORDER BY a.currency
"""
_RESTING = "SELECT count(*) FROM copytrading_pendinglink WHERE closed_at IS NULL {which}"


def live_copies(*, master_account_id: int | None = None) -> Live:
    """What runs now, of all masters or of one; three queries."""
    scopes = {_COPIES: "", _HELD: "", _RESTING: ""}
    values: list[object] = []
    if master_account_id is not None:
        values = [master_account_id]
        own = "AND s.master_id = (SELECT id FROM copytrading_copymaster WHERE account_id = %s)"
        scopes = {
            _COPIES: own,
            _HELD: "AND l.master_account_id = %s",
            _RESTING: "AND master_account_id = %s",
        }
    copies, held, resting = (
        sql.rows(statement.format(which=which), values) for statement, which in scopes.items()
    )
    return Live(
        copies=copies[0][0],
        customers=copies[0][1],
        resting=resting[0][0],
        held=tuple(HeldSum(*row) for row in held),
    )


def live_copies_lately() -> Live:
    """The same to be read beside the switch; where there is very much, of some seconds ago."""
    return kept("live", live_copies, lambda found: found.copies)


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """How far a new installation is: active accounts, active masters, running copies, and
    whether a trade was copied."""

    accounts: int
    masters: int
    copies: int
    copied: bool


def first_steps() -> FirstSteps:
    """Counts for the set-up checklist; one query. Where there is very much, of some seconds ago."""
    return kept("first_steps", _first_steps, lambda found: found.copies)


def _first_steps() -> FirstSteps:
    row = sql.rows(
        "SELECT (SELECT count(*) FROM platforms_tradingaccount WHERE active), "
        "(SELECT count(*) FROM copytrading_copymaster "
        " WHERE status = 'active' AND archived_at IS NULL), "
        "(SELECT count(*) FROM copytrading_copysubscription "
        " WHERE status = 'active' AND archived_at IS NULL), "
        "EXISTS (SELECT 1 FROM copytrading_tradelink)"
    )[0]
    return FirstSteps(*row)
