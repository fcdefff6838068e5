"""What switching copy trading off would hold back: in numbers, before anybody does it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from apps.copytrading.kept import kept
from apps.copytrading.services import sql


@dataclass(frozen=True, slots=True)
class Live:
    """Running copies, positions and resting orders that they hold, by how many customers, and
    the open result of these positions by currency."""

    copies: int
    customers: int
    positions: int
    resting: int
    floating: tuple[tuple[str, Decimal], ...]

    def __bool__(self) -> bool:
        return bool(self.copies or self.positions or self.resting)


_COPIES = """
    SELECT count(*), count(DISTINCT a.owner_id)
    FROM copytrading_copysubscription s
    JOIN copytrading_copyfollower f ON f.id = s.follower_id
    JOIN platforms_tradingaccount a ON a.id = f.account_id
    WHERE s.archived_at IS NULL AND s.status = 'active'
"""
_HELD = """
    SELECT a.currency, count(*),
           coalesce(sum(p.open_result * least(1, l.held_units / nullif(p.units, 0))), 0)
    FROM copytrading_tradelink l
    JOIN platforms_tradingaccount a ON a.id = l.account_id
    LEFT JOIN execution_position p ON p.account_id = l.account_id
         AND p.position_id = l.position_id AND p.closed_at IS NULL
    WHERE l.state = 'open' AND l.held_units > 0
    GROUP BY a.currency ORDER BY a.currency
"""
_RESTING = "SELECT count(*) FROM copytrading_pendinglink WHERE closed_at IS NULL"


def live_copies() -> Live:
    """What runs now; three queries."""
    copies, customers = sql.rows(_COPIES)[0]
    held = sql.rows(_HELD)
    resting = sql.rows(_RESTING)[0][0]
    return Live(
        copies=copies,
        customers=customers,
        positions=sum(row[1] for row in held),
        resting=resting,
        floating=tuple((row[0], row[2]) for row in held),
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
    """Counts for the set-up checklist; one query."""
    row = sql.rows(
        "SELECT (SELECT count(*) FROM platforms_tradingaccount WHERE active), "
        "(SELECT count(*) FROM copytrading_copymaster "
        " WHERE status = 'active' AND archived_at IS NULL), "
        "(SELECT count(*) FROM copytrading_copysubscription "
        " WHERE status = 'active' AND archived_at IS NULL), "
        "EXISTS (SELECT 1 FROM copytrading_tradelink)"
    )[0]
    return FirstSteps(*row)
