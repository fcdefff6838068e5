"""What the product wrote down about a run: its own times, by event and by order.

Plain SQL on the tables of execution and copying: measuring must not load what is measured, and
reads nothing but what these tables promise to keep.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

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

_PROGRESS = """
    SELECT (SELECT count(*) FROM execution_accountevent WHERE account_id = %s),
           (SELECT count(*) FROM copytrading_outcome WHERE master_account_id = %s)
"""

_OUTCOMES = """
    SELECT code, count(*) FROM copytrading_outcome
    WHERE master_account_id = %s GROUP BY code ORDER BY code
"""


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


def progress(master_account_id: int) -> tuple[int, int]:
    """Events journaled and outcomes written so far."""
    events, outcomes = _rows(_PROGRESS, master_account_id, master_account_id)[0]
    return events, outcomes


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
