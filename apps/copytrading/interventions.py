"""Staff intervene in copies of customers: what an action would do, in money, and doing it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import NamedTuple

from django.db import transaction

from apps.accounts.models import User
from apps.copytrading.errors import NotFound
from apps.copytrading.services import sql
from apps.copytrading.services.intervening import (
    WITHHELD,
    Action,
    change_status,
    close_what_is_held,
    held_by_master,
    require_staff,
)
from apps.copytrading.tasks import close_stopped

__all__ = [
    "MOST", "Action", "CurrencySum", "Done", "Held", "Intervention", "copies_among", "intervene",
    "preview",
]  # fmt: skip

#: Copies that are dealt with by one action.
MOST = 20_000
#: Masters whose copies are closed while somebody waits for it; more are closed by workers.
MASTERS_AT_ONCE = 20
#: Positions that a preview names, those with the largest loss.
POSITIONS_SHOWN = 10

_COPIES = """
    SELECT count(*), count(*) FILTER (WHERE s.archived_at IS NULL AND s.status = 'active'),
           count(*) FILTER (WHERE s.archived_at IS NULL AND s.status = 'paused'),
           count(DISTINCT f.account_id), count(DISTINCT s.master_id),
           min(a.login), min(m.strategy_name)
    FROM copytrading_copysubscription s
    JOIN copytrading_copymaster m ON m.id = s.master_id
    JOIN copytrading_copyfollower f ON f.id = s.follower_id
    JOIN platforms_tradingaccount a ON a.id = f.account_id
    WHERE s.id = ANY(%s)
"""
_OPEN = """
    FROM copytrading_tradelink l
    JOIN platforms_tradingaccount a ON a.id = l.account_id
    LEFT JOIN execution_position p ON p.account_id = l.account_id
         AND p.position_id = l.position_id AND p.closed_at IS NULL
    CROSS JOIN LATERAL (
        SELECT coalesce(p.open_result * least(1, l.held_units / nullif(p.units, 0)), 0)) r (result)
"""
_HELD = "l.subscription_id = ANY(%s) AND l.state = 'open' AND l.held_units > 0"
_SUMS = f"""
    SELECT a.currency, count(*), sum(r.result),
           coalesce(sum(r.result) FILTER (WHERE r.result > 0), 0),
           coalesce(sum(r.result) FILTER (WHERE r.result < 0), 0)
    {_OPEN} WHERE {_HELD} GROUP BY a.currency ORDER BY count(*) DESC, a.currency
"""
_POSITIONS = f"""
    SELECT a.login, m.strategy_name, l.symbol, l.side, l.held_units / coalesce(y.lot_units, 1),
           r.result, a.currency
    {_OPEN}
    JOIN copytrading_copysubscription s ON s.id = l.subscription_id
    JOIN copytrading_copymaster m ON m.id = s.master_id
    LEFT JOIN platforms_symbol y ON y.connection_id = a.connection_id
         AND y.instrument_id = l.instrument_id
    WHERE {_HELD} ORDER BY r.result, l.id LIMIT %s
"""
_RESTING = """
    SELECT count(*) FROM copytrading_pendinglink
    WHERE subscription_id = ANY(%s) AND closed_at IS NULL AND state IN ('placing', 'resting')
"""


class CurrencySum(NamedTuple):
    """What open positions on accounts of one currency stand at, net of nothing that a close
    would cost: in all, and their gains and losses apart."""

    currency: str
    positions: int
    result: Decimal
    gains: Decimal
    losses: Decimal


class Held(NamedTuple):
    """An open position of a copy, with its share of the open result."""

    login: str
    strategy_name: str
    symbol: str
    side: str
    lots: Decimal
    result: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Intervention:
    """What an action would do with so many copies, as it is now.

    ``login`` and ``strategy_name`` are meant for one copy alone. ``changes`` are the copies whose
    status it changes, ``withheld`` those that it may not since their owners may not copy.
    """

    copies: int
    accounts: int
    masters: int
    login: str
    strategy_name: str
    changes: int
    withheld: int
    sums: tuple[CurrencySum, ...]
    positions: tuple[Held, ...]
    resting: int

    @property
    def open_positions(self) -> int:
        return sum(one.positions for one in self.sums)

    @property
    def unnamed(self) -> int:
        """Open positions beside those that are named."""
        return self.open_positions - len(self.positions)

    @property
    def possible(self) -> bool:
        return bool(self.changes or self.open_positions or self.resting)


class Done(NamedTuple):
    """What an action did. ``closing``: copies whose positions are being closed, of which workers
    do ``later`` some time after."""

    changed: int
    withheld: int
    closing: int
    later: int


def copies_among(ids: Sequence[int], master_id: int | None = None) -> list[int]:
    """Those of these ids that are copies, of one master where it is given."""
    found = sql.rows(
        "SELECT id FROM copytrading_copysubscription WHERE id = ANY(%s) "
        "AND coalesce(master_id = %s, true) ORDER BY id",
        [list(ids), master_id],
    )
    return [pk for (pk,) in found]


def preview(action: Action, subscription_ids: Sequence[int]) -> Intervention:
    """What an action would do with these copies; a constant number of queries. NotFound for
    none."""
    ids = list(subscription_ids)
    found = sql.rows(_COPIES, [ids])[0]
    copies, active, paused, accounts, masters, login, strategy = found
    if not copies:
        raise NotFound("There is no such copy.")
    withheld = 0
    if action is Action.RESUME:
        withheld = _withheld_paused(ids) if paused else 0
    changes = {
        Action.PAUSE: active,
        Action.RESUME: paused - withheld,
        Action.STOP: active + paused,
    }[action]
    stops = action is Action.STOP
    return Intervention(
        copies, accounts, masters, login, strategy, changes, withheld,
        tuple(CurrencySum(*row) for row in sql.rows(_SUMS, [ids])),
        tuple(Held(*row) for row in sql.rows(_POSITIONS, [ids, POSITIONS_SHOWN])) if stops else (),
        sql.rows(_RESTING, [ids])[0][0],
    )  # fmt: skip


def _withheld_paused(ids: Sequence[int]) -> int:
    statement = f"SELECT count(*) FROM ({WITHHELD} AND s.status = 'paused') withheld"
    return int(sql.rows(statement, [list(ids)])[0][0])


def intervene(
    *,
    actor: User | None,
    action: Action,
    subscription_ids: Sequence[int],
    reason: str,
    close_positions: bool = False,
) -> Done:
    """Pause, resume or stop copies, however many; each has its line in the audit trail.

    The status of all changes before this answers. With ``close_positions`` a stopped copy's
    positions are closed at market and its resting orders cancelled, at once for few masters, by
    workers for many; a stop that is asked for again closes what is left. NotPermitted for those
    who may not intervene.
    """
    require_staff(actor)
    closes = close_positions and action is Action.STOP
    changed, withheld = change_status(
        actor=actor, action=action, subscription_ids=subscription_ids, reason=reason,
        close_positions=closes,
    )  # fmt: skip
    if not closes:
        return Done(changed, withheld, 0, 0)
    # Each wish has orders of its own: what was refused before can be asked for again.
    cause = f"stop:staff:{uuid.uuid4().hex[:12]}"
    held = held_by_master(subscription_ids)
    masters = list(held.values())
    closing = sum(map(len, masters))
    now, later = masters[:MASTERS_AT_ONCE], masters[MASTERS_AT_ONCE:]
    close_what_is_held([pk for ids in now for pk in ids], cause)
    for start in range(0, len(later), MASTERS_AT_ONCE):
        ids = [pk for group in later[start : start + MASTERS_AT_ONCE] for pk in group]
        transaction.on_commit(partial(close_stopped.delay, ids, cause), robust=True)
    return Done(changed, withheld, closing, sum(map(len, later)))
