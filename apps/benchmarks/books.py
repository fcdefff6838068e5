"""What the product wrote down about a run: its own times, by event and by order.

Plain SQL on the tables of execution and copying: measuring must not load what is measured, and
reads nothing but what these tables promise to keep.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.db import connection

from apps.benchmarks.figures import SentOrder


@dataclass(frozen=True, slots=True)
class EventTimes:
    """One master event: when it was received, and when the last of its orders was sent, filled.

    ``orders`` of them were decided and ``filled`` filled.
    """

    event_id: int
    received_at: datetime
    last_sent_at: datetime | None
    last_filled_at: datetime | None
    orders: int
    filled: int
    planned_at: datetime | None
    first_claimed_at: datetime | None
    first_sent_at: datetime | None
    last_claimed_at: datetime | None

    def hops_ms(self) -> dict[str, float]:
        """Milliseconds from the receipt: planning begins, slices are claimed, orders sent."""
        return {
            "planning": _ms(self.received_at, self.planned_at),
            "first_claimed": _ms(self.received_at, self.first_claimed_at),
            "first_sent": _ms(self.received_at, self.first_sent_at),
            "last_claimed": _ms(self.received_at, self.last_claimed_at),
            "last_sent": self.sent_ms,
        }

    @property
    def sent_ms(self) -> float:
        return _ms(self.received_at, self.last_sent_at)

    @property
    def filled_ms(self) -> float:
        return _ms(self.received_at, self.last_filled_at)


_TIMES = """
    SELECT e.id, e.received_at, max(o.sent_at), max(o.final_at), count(*),
           count(*) FILTER (WHERE o.state = 'filled'),
           min(d.decided_at), min(b.claimed_at), min(o.sent_at), max(b.claimed_at)
    FROM execution_accountevent e
    JOIN copytrading_decision d ON d.event_id = e.id
    LEFT JOIN execution_order o ON o.client_order_id = d.client_order_id
    LEFT JOIN execution_batch b ON b.id = d.batch_id
    WHERE e.account_id = %s AND d.leg IN ('open', 'close')
    GROUP BY e.id ORDER BY e.id
"""

_ORDERS = """
    SELECT o.leg, o.committed_at, o.sent_at, e.received_at, o.state
    FROM execution_accountevent e
    JOIN copytrading_decision d ON d.event_id = e.id
    JOIN execution_order o ON o.client_order_id = d.client_order_id
    WHERE e.account_id = %s AND d.leg IN ('open', 'close')
"""

# Outcomes are counted by their events, whatever else is stored.
_PROGRESS = """
    WITH e AS (SELECT id FROM execution_accountevent WHERE account_id = %s ORDER BY id OFFSET %s)
    SELECT (SELECT count(*) FROM e),
           (SELECT count(*) FROM copytrading_outcome WHERE event_id IN (SELECT id FROM e))
"""

_OUTCOMES = """
    SELECT o.code, count(*) FROM execution_accountevent e
    JOIN copytrading_outcome o ON o.event_id = e.id
    WHERE e.account_id = %s GROUP BY o.code ORDER BY o.code
"""

_SPAN = """
    SELECT min(e.received_at), max(o.final_at) FROM execution_accountevent e
    JOIN copytrading_outcome o ON o.event_id = e.id
    WHERE e.id IN (SELECT id FROM execution_accountevent WHERE account_id = %s
                   ORDER BY id OFFSET %s LIMIT %s)
"""

# Outcomes of an earlier time, with what a real one carries; no event of the run has such an id.
_FILL = """
    INSERT INTO copytrading_outcome (event_id, subscription_id, master_account_id, account_id,
        link_id, position_key, event_kind, symbol, state, code, message, client_order_id, trace_id,
        side, units, filled_units, lot_units, master_price, fill_price, slippage, slippage_money,
        numbers, master_deal_at, received_at, planned_at, sent_at, accepted_at, filled_at, final_at)
    SELECT -1 - n / s.total, s.id, m.account_id, f.account_id, NULL, 'p' || n / s.total, 'opened',
        'EURUSD', 'copied', 'COPIED', '', 'c' || md5(n::text), left(md5(n::text), 16), 'buy',
        100000, 100000, 100000, 1.0921, 1.0922, 0.0001, 10, {numbers}, t.at, t.at, t.at, t.at, t.at,
        t.at, t.at
    FROM generate_series(0, %(count)s - 1) AS n
    JOIN (SELECT id, follower_id, master_id, row_number() OVER (ORDER BY id) - 1 AS place,
                 count(*) OVER () AS total FROM copytrading_copysubscription) s
        ON s.place = n %% s.total
    JOIN copytrading_copyfollower f ON f.id = s.follower_id
    JOIN copytrading_copymaster m ON m.id = s.master_id,
    LATERAL (SELECT timestamptz '2026-01-01' + n * interval '1 millisecond' AS at) t
"""
_NUMBERS = (
    """'{"kind": "opened", "mode": "equity_ratio", "ratio": "0.1", "raw_units": "100000", """
    """"equity": "1000000", "master_equity": "10000000", "step_units": "1000"}'"""
)


def event_times(master_account_id: int) -> list[EventTimes]:
    """Every event of the master that orders came of, oldest first."""
    return [EventTimes(*row) for row in _rows(_TIMES, master_account_id)]


def sent_orders(master_account_id: int, max_delay_s: float) -> list[SentOrder]:
    """Every order of the master's events; an open must be sent ``max_delay_s`` after receipt."""
    return [
        SentOrder(
            leg=leg,
            committed_at=committed.timestamp(),
            sent_at=None if sent is None else sent.timestamp(),
            not_after=received.timestamp() + max_delay_s if leg == "open" else None,
            state=state,
        )
        for leg, committed, sent, received, state in _rows(_ORDERS, master_account_id)
    ]


def progress(master_account_id: int, after: int = 0) -> tuple[int, int]:
    """Events journaled and outcomes written, not counting the first ``after`` events."""
    events, outcomes = _rows(_PROGRESS, master_account_id, after)[0]
    return events, outcomes


def seconds_of(master_account_id: int, after: int, events: int) -> float:
    """From the receipt of the first of some events to the last of their outcomes."""
    begin, end = _rows(_SPAN, master_account_id, after, events)[0]
    return float((end - begin).total_seconds())


def fill_outcomes(count: int) -> None:
    """Store that many outcomes of an earlier time for the subscriptions that exist."""
    with connection.cursor() as cursor:
        cursor.execute(_FILL.format(numbers=_NUMBERS), {"count": count})


def freshen_statistics() -> None:
    """What autovacuum does within minutes of so much being written."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def server_pids() -> dict[str, int]:
    """Process ids of PostgreSQL and Redis where both run on this machine as our servers."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        (folder,) = cursor.fetchone()
    found = {"postgres": int((Path(folder) / "postmaster.pid").read_text().splitlines()[0])}
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        found["redis"] = int(client.info("server")["process_id"])
    return found


def outcome_codes(master_account_id: int) -> dict[str, int]:
    """How often each reason code stands in the outcomes."""
    return dict(_rows(_OUTCOMES, master_account_id))


def _rows(statement: str, *values: int) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def _ms(start: datetime, end: datetime | None) -> float:
    if end is None:
        raise ValueError("an event has orders that were never sent or never filled")
    return (end - start).total_seconds() * 1000
