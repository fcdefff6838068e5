"""What the product wrote down, read with plain SQL past all of its code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

_EVENTS = (
    "SELECT id, account_id, kind, dedupe_key, position_id FROM execution_accountevent ORDER BY id"
)
_OUTCOMES = """
    SELECT event_id, subscription_id, state, code, event_kind, position_key, client_order_id,
           units, filled_units, numbers::text, message
    FROM copytrading_outcome ORDER BY id
"""
_ORDERS = """
    SELECT client_order_id, platform_order_id, account_id, source, relation, cause, leg, units,
           filled_units, position_id, state, code, settled_at IS NOT NULL
    FROM execution_order ORDER BY id
"""
_LEFT = """
    SELECT (SELECT count(*) FROM execution_accountevent WHERE planned_at IS NULL),
           (SELECT count(*) FROM execution_batch WHERE NOT settled),
           (SELECT count(*) FROM execution_order WHERE settled_at IS NULL),
           (SELECT count(*) FROM copytrading_tradelink WHERE in_flight <> ''),
           (SELECT count(*) FROM copytrading_waitingevent),
           (SELECT count(*) FROM copytrading_tradelink
            WHERE state = 'open' AND held_units > 0 AND (close_cause <> '' OR target_units = 0)),
           (SELECT count(*) FROM copytrading_outcome)
"""
_JOURNALED = "SELECT account_id, dedupe_key FROM execution_accountevent WHERE kind = 'deal'"
_LIVE = """
    SELECT c.status = 'live' AND (SELECT count(*) FROM platforms_tradingaccount) = (
        SELECT count(*) FROM platforms_accountstate WHERE synced)
    FROM platforms_connectionstate c
"""

_KEPT = (
    "execution_accountevent",
    "execution_order",
    "execution_deal",
    "execution_position",
    "copytrading_outcome",
    "copytrading_tradelink",
    "copytrading_linkleg",
    "copytrading_waitingevent",
)


@dataclass(frozen=True, slots=True)
class Event:
    id: int
    account_id: int
    kind: str
    dedupe_key: str
    position_id: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """An outcome: what the product says became of one event for one subscription."""

    event_id: int
    subscription_id: int
    state: str
    code: str
    event_kind: str
    position_key: str
    client_order_id: str
    units: Decimal
    filled_units: Decimal
    numbers: Mapping[str, Any]
    message: str


@dataclass(frozen=True, slots=True)
class SentOrder:
    """An order as the product remembers it."""

    client_order_id: str
    platform_order_id: str
    account_id: int
    source: str
    relation: str
    cause: str
    leg: str
    units: Decimal
    filled_units: Decimal
    position_id: str
    state: str
    code: str
    settled: bool


@dataclass(frozen=True, slots=True)
class Unfinished:
    """How much the product still has to do, by its own word; ``outcomes`` grows while it works."""

    events: int
    batches: int
    orders: int
    in_flight: int
    waiting: int
    closes: int
    outcomes: int

    @property
    def total(self) -> int:
        left = (self.events, self.batches, self.orders, self.in_flight, self.waiting, self.closes)
        return sum(left)


class Records:
    """The product's database; a new connection for each look, since servers come and go."""

    def __init__(self, url: str) -> None:
        self._url = url

    def events(self) -> list[Event]:
        return [Event(*row) for row in self._rows(_EVENTS)]

    def verdicts(self) -> list[Verdict]:
        rows = self._rows(_OUTCOMES)
        parsed = [[*known, json.loads(numbers), message] for *known, numbers, message in rows]
        return [Verdict(*values) for values in parsed]

    def orders(self) -> list[SentOrder]:
        return [SentOrder(*row) for row in self._rows(_ORDERS)]

    def unfinished(self) -> Unfinished:
        return Unfinished(*self._rows(_LEFT)[0])

    def journaled(self) -> set[tuple[int, str]]:
        """Our account id and the venue's deal id of every journaled deal."""
        return {(account, key.removeprefix("deal:")) for account, key in self._rows(_JOURNALED)}

    def live(self) -> bool:
        """Whether the connection is live and every account has been read."""
        rows = self._rows(_LIVE)
        return bool(rows and rows[0][0])

    def dump(self, folder: Path) -> None:
        """Write down everything for whoever looks for a cause, a CSV file for each table."""
        folder.mkdir(exist_ok=True)
        with psycopg.connect(self._url, autocommit=True) as connection:
            for table in _KEPT:
                query = SQL("COPY {} TO STDOUT (FORMAT csv, HEADER)").format(Identifier(table))
                with connection.cursor() as cursor, cursor.copy(query) as rows:
                    (folder / f"{table}.csv").write_bytes(b"".join(rows))

    def _rows(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self._url, autocommit=True, connect_timeout=3) as connection:
            return connection.execute(statement).fetchall()
