"""How the engine is, for those who run it: leases, and what is not done yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from apps.trading.orders import FINAL_STATES


@dataclass(frozen=True, slots=True)
class LeaseRow:
    """Which gateway may speak to a connection; ``left_s`` is negative when it has run out."""

    connection_id: int
    connection: str
    platform: str
    enabled: bool
    holder: str
    epoch: int
    left_s: float | None
    status: str
    reconnects: int

    @property
    def held(self) -> bool:
        return bool(self.holder) and self.left_s is not None and self.left_s > 0


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits, and since when the oldest of it: events without a plan, batches that are not
    sent whole, orders without an end (resting ones are not among them)."""

    events: int
    events_since: datetime | None
    batches: int
    batches_since: datetime | None
    orders: int
    orders_since: datetime | None


_LEASES = """
    SELECT c.id, c.name, c.platform, c.enabled, coalesce(l.holder, ''), coalesce(l.epoch, 0),
           extract(epoch FROM l.expires_at - clock_timestamp())::float8,
           coalesce(s.status, 'down'), coalesce(s.reconnects, 0)
    FROM platforms_connection c
    LEFT JOIN execution_connectionlease l ON l.connection_id = c.id
    LEFT JOIN platforms_connectionstate s ON s.connection_id = c.id
    ORDER BY c.name
"""

# Each is answered from an index that holds nothing else.
_BACKLOG = """
    SELECT e.n, e.since, b.n, b.since, o.n, o.since FROM
    (SELECT count(*) AS n, min(received_at) AS since FROM execution_accountevent
     WHERE planned_at IS NULL) e,
    (SELECT count(*) AS n, min(created_at) AS since FROM execution_batch
     WHERE NOT settled AND claimed < size) b,
    (SELECT count(*) AS n, min(committed_at) AS since FROM execution_order
     WHERE NOT state = ANY(%s) AND rested_at IS NULL) o
"""


def leases() -> list[LeaseRow]:
    """All connections with their leases, on PostgreSQL's clock; one query."""
    with connection.cursor() as cursor:
        cursor.execute(_LEASES)
        return [LeaseRow(*row) for row in cursor.fetchall()]


def backlog() -> Backlog:
    """What is not done yet; one query."""
    with connection.cursor() as cursor:
        cursor.execute(_BACKLOG, [[state.value for state in FINAL_STATES]])
        return Backlog(*cursor.fetchone())
