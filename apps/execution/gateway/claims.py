"""The claim: the last gate before an order leaves, in one short transaction."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.common.database import texts_array
from apps.execution.gateway.db import Database, Row
from apps.execution.gateway.lease import Lease
from apps.execution.intents import Col, dump_rows, limits_relation
from apps.execution.standings import Standings, standings_of, statement_of
from apps.trading.orders import Leg

#: See the migration that makes the function. Rows: the gates that may hold one of the items, then
#: what was withdrawn, then 'claimed' or 'halted'; none at all when a part is not ours to claim.
_CLAIM = """
    SELECT scope, key, state, reason
    FROM execution_claim(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""

_GATES = """
    SELECT scope, key, state, reason FROM execution_gate
    WHERE scope IN ('global', 'source') OR (scope = 'platform' AND key = %s)
       OR (scope = 'connection' AND key = %s)
       OR (scope = 'account' AND key = ANY(%s)) OR (scope = 'relation' AND key = ANY(%s))
"""

_CONFIRMED = """
    SELECT client_order_id FROM execution_closeconfirmation WHERE client_order_id = ANY(%s)
"""

_SPLIT = """
    WITH cut AS (
        UPDATE execution_batch SET size = claimed, settled = (claimed = 0)
        WHERE id = %s AND claimed = %s RETURNING connection_id, leg, priority, created_at
    )
    INSERT INTO execution_batch
        (connection_id, leg, priority, size, items, claimed, settled, created_at)
    SELECT connection_id, leg, priority, part.size, part.items, 0, false, created_at
    FROM cut, unnest(%s::int[], %s::text[]) WITH ORDINALITY AS part (size, items, n)
    ORDER BY n RETURNING id
"""


@dataclass(slots=True, eq=False)
class Slice:
    """A batch, or what is left of it, that waits for sending."""

    batch_id: int
    leg: str
    priority: int
    rows: list[list[Any]]
    claimed: int
    committed_at: datetime
    held_until: float = 0.0
    urgency: tuple[int, int] = field(init=False)
    first: int = field(init=False)  # items before it were claimed when the slice was taken up

    def __post_init__(self) -> None:
        self.first = self.claimed
        self.urgency = (self.priority, self.batch_id)

    @property
    def left(self) -> int:
        return len(self.rows) - self.claimed


class Hold(enum.StrEnum):
    """Why a claimed item is not sent."""

    GATED = "GATED"
    KILL_SWITCH = "KILL_SWITCH"
    MARKET_CLOSED = "MARKET_CLOSED"
    SLIPPAGE = "SLIPPAGE"
    MIN_EQUITY = "MIN_EQUITY"
    MARGIN = "MARGIN"
    MAX_POSITIONS = "MAX_POSITIONS"
    LOSS_LIMIT = "LOSS_LIMIT"
    WITHDRAWN = "WITHDRAWN"
    TOO_LATE = "TOO_LATE"


@dataclass(frozen=True, slots=True)
class Part:
    """The items from ``start`` to ``stop`` of a slice."""

    slice: Slice
    start: int
    stop: int

    @property
    def rows(self) -> list[list[Any]]:
        return self.slice.rows[self.start : self.stop]


@dataclass(frozen=True, slots=True)
class Verdict:
    """``claimed`` parts may leave, but for ``held`` items (client order id to reason).

    ``standings`` are those of the relations whose opens among them have limits.
    """

    claimed: list[Part]
    held: dict[str, tuple[Hold, str]]
    standings: Standings = field(default_factory=dict)


class Gates:
    """The gates that a claim has read; answers for a row whether one holds it."""

    def __init__(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self._all = {(scope, key): (state, reason) for scope, key, state, reason in rows}
        self._wide = [place for place in self._all if place[0] in _WIDE]
        self._narrow = len(self._all) > len(self._wide)

    def __bool__(self) -> bool:
        return bool(self._all)

    def halting(self) -> list[str]:
        """Those that halt, each as 'scope:key'."""
        return [f"{s}:{key}" for (s, key), (state, _) in self._all.items() if state == "halted"]

    def holding(self, row: list[Any]) -> tuple[Hold, str] | None:
        """Why a gate holds the item, None when none does."""
        reducing_counts = row[Col.LEG] == Leg.OPEN
        places = list(self._wide)
        if self._narrow:
            source, wake = row[Col.SOURCE], row[Col.WAKE_KEY]
            places += (
                ("account", str(row[Col.ACCOUNT_ID])),
                ("source", source),
                ("source", f"{source}:{wake}"),
                ("relation", row[Col.RELATION]),
            )
        for place in places:
            state, reason = self._all.get(place, ("", ""))
            if state == "halted" or (state and reducing_counts):
                return _words(place, state, reason)
        return None


class Claims:
    """Claims for one connection under one lease."""

    def __init__(self, database: Database, lease: Lease, platform: str) -> None:
        self._database = database
        self._lease = lease
        self._platform = platform

    async def claim(self, parts: Sequence[Part]) -> Verdict | None:
        """Claim parts, all of one leg. None: one is not ours to claim; read it anew.

        Raises HaltedCloses, with nothing claimed, when closes or cancels among them are halted
        that no member of staff has confirmed.
        """
        rows = [row for part in parts for row in part.rows]
        asks = _asks_of_relations(rows)
        waits = parts[0].slice.leg in _WAIT_WHILE_HALTED
        looked_at: list[str] | None = [] if waits else None
        while True:
            values = [*self._values(parts), *self._keys(rows), looked_at]
            said, *standing = await self._database.run_all([(_CLAIM, values), *asks])
            if not said:
                return None
            (outcome, *_), *found = reversed(said)
            gone = {key for scope, key, *_ in found if scope == "withdrawn"}
            gates = Gates([row for row in found if row[0] != "withdrawn"])
            if outcome == "claimed":
                held = _held(rows, Gates(()) if waits else gates, gone)
                return Verdict(list(parts), held, _standings(standing))
            if halted := await self._halted([row for row in rows if row[0] not in gone], gates):
                raise HaltedCloses(halted)
            looked_at = gates.halting()

    async def halted(self, rows: list[list[Any]]) -> set[str]:
        """Which of these closes, claimed before, a halting gate holds now."""
        keys = [self._platform, str(self._lease.connection_id), *self._keys(rows)]
        return await self._halted(rows, Gates(await self._database.rows(_GATES, keys)))

    async def _halted(self, rows: list[list[Any]], gates: Gates) -> set[str]:
        """Which of these gates hold, other than those that staff have confirmed."""
        held = {row[0] for row in rows if gates.holding(row)} if gates else set()
        if held:
            confirmed = await self._database.rows(_CONFIRMED, [list(held)])
            held -= {row[0] for row in confirmed}
        return held

    async def split(self, slice: Slice, waiting: set[str]) -> list[Slice]:
        """Part closes that must wait from the others of their slice.

        Answers two slices in place of it, first the free one; none when all must wait, or
        when the batch has changed meanwhile.
        """
        rest = slice.rows[slice.claimed :]
        held = [row for row in rest if row[0] in waiting]
        free = [row for row in rest if row[0] not in waiting]
        if not free or not held:
            return []
        sizes, texts = [len(free), len(held)], [dump_rows(free), dump_rows(held)]
        found = await self._database.rows(_SPLIT, [slice.batch_id, slice.claimed, sizes, texts])
        return [
            Slice(batch_id, slice.leg, slice.priority, rows, 0, slice.committed_at)
            for (batch_id,), rows in zip(sorted(found), (free, held), strict=False)
        ]

    def _values(self, parts: Sequence[Part]) -> list[object]:
        lease = self._lease
        ids = [part.slice.batch_id for part in parts]
        made_at = [part.slice.committed_at for part in parts]
        starts, stops = [part.start for part in parts], [part.stop for part in parts]
        held_by = [lease.connection_id, lease.holder, lease.epoch]
        return [ids, made_at, starts, stops, *held_by, self._platform]

    def _keys(self, rows: list[list[Any]]) -> list[object]:
        accounts = {str(row[Col.ACCOUNT_ID]) for row in rows}
        relations = {row[Col.RELATION] for row in rows}
        return [texts_array(accounts), texts_array(relations)]


#: Opens and stop changes are given up; what takes a risk away is still wanted later.
_WAIT_WHILE_HALTED = frozenset({Leg.CLOSE.value, Leg.CANCEL.value})


class HaltedCloses(Exception):
    """Closes or cancels that a halting gate holds: they are not claimed, they wait."""

    def __init__(self, client_order_ids: set[str]) -> None:
        super().__init__(f"{len(client_order_ids)} closes or cancels are halted")
        self.client_order_ids = client_order_ids


def lateness(row: list[Any], moment: float) -> tuple[Hold, str] | None:
    """Why an item must not leave at ``moment`` (Unix seconds) any more, None while it may."""
    not_after = row[Col.NOT_AFTER]
    if not_after is None or not_after >= moment:
        return None
    late = moment - not_after
    return Hold.TOO_LATE, f"its time had passed {late:.1f} s before it could leave"


def _asks_of_relations(rows: list[list[Any]]) -> list[tuple[str, list[object]]]:
    """Statements that tell how relations stand whose opens have limits; none in most claims."""
    relations: dict[str, set[str]] = {}
    for row in rows:
        if limits_relation(row):
            relations.setdefault(row[Col.SOURCE], set()).add(row[Col.RELATION])
    return [
        (statement, [list(mine)])
        for source, mine in relations.items()
        if (statement := statement_of(source)) is not None
    ]


def _standings(answers: Sequence[Sequence[Row]]) -> Standings:
    found: Standings = {}
    for rows in answers:
        found |= standings_of(rows)
    return found


def _held(rows: list[list[Any]], gates: Gates, withdrawn: set[str]) -> dict[str, tuple[Hold, str]]:
    held: dict[str, tuple[Hold, str]] = {}
    for row in rows:
        if row[0] in withdrawn:
            held[row[0]] = (Hold.WITHDRAWN, "taken back before it was sent")
        elif gates and (reason := gates.holding(row)):
            held[row[0]] = reason
    return held


_WIDE = frozenset({"global", "platform", "connection"})
_KILL_SWITCHES = {
    "global": "everything",
    "platform": "the platform",
    "connection": "the connection",
    "account": "the account",
}


def _words(place: tuple[str, str], state: str, reason: str) -> tuple[Hold, str]:
    scope, key = place
    said = f": {reason}" if reason else ""
    if (what := _KILL_SWITCHES.get(scope)) is not None:
        return Hold.KILL_SWITCH, f"the kill switch on {what} is {state}{said}"[:300]
    return Hold.GATED, f"held back by the gate on {scope} {key}{said}"[:300]
