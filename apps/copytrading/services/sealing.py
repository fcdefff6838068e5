"""Sealing final outcomes into a hash chain for each subscription, in the order of events.

Nothing may come to lie before what is sealed. So a subscription is sealed up to the first event
of which something is still to come: one that its master's planning has not ended, one that
waits, or one whose order is under way.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
import structlog
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from apps.copytrading.domain.sealing import SEALED_COLUMNS, digest
from apps.copytrading.services import sql

log = structlog.get_logger(__name__)

#: Subscriptions sealed in one transaction, and outcomes of each of them.
COPIES_AT_ONCE = 100
OUTCOMES_AT_ONCE = 50

#: What is read of an outcome ``o`` for its digest.
ROW = ", ".join("o.numbers::text" if name == "numbers" else f"o.{name}" for name in SEALED_COLUMNS)
_NUMBERS = SEALED_COLUMNS.index("numbers")

_CANDIDATES = """
    SELECT s.id FROM copytrading_copysubscription s
    LEFT JOIN copytrading_ledgerhead h ON h.subscription_id = s.id
    WHERE EXISTS (
        SELECT 1 FROM copytrading_outcome o
        WHERE o.subscription_id = s.id AND o.event_id > coalesce(h.last_event_id, 0))
    ORDER BY h.sealed_at NULLS FIRST, s.id
"""

_HEADS = """
    INSERT INTO copytrading_ledgerhead (subscription_id, count, last_event_id, digest, sealed_at)
    SELECT id, 0, 0, '', %s FROM unnest(%s::bigint[]) AS s (id) ON CONFLICT DO NOTHING
"""

# Another sweep may be at some of them; those are its own.
_LOCKED = """
    SELECT subscription_id, count, last_event_id, digest FROM copytrading_ledgerhead
    WHERE subscription_id = ANY(%s) FOR UPDATE SKIP LOCKED
"""

# One statement, one view of the database: what holds a subscription back and what is final.
_FINAL = f"""
    WITH mine AS (
        SELECT s.id, m.account_id, h.last_event_id
        FROM unnest(%(ids)s::bigint[], %(last)s::bigint[]) AS h (id, last_event_id)
        JOIN copytrading_copysubscription s ON s.id = h.id
        JOIN copytrading_copymaster m ON m.id = s.master_id),
    unplanned AS (
        SELECT a.account_id, min(e.id) AS event_id
        FROM (SELECT DISTINCT account_id FROM mine) a
        JOIN execution_accountevent e ON e.account_id = a.account_id AND e.planned_at IS NULL
        GROUP BY a.account_id),
    in_flight AS (
        SELECT subscription_id, in_flight AS order_id FROM copytrading_tradelink
        WHERE in_flight <> '' AND subscription_id = ANY(%(ids)s)
        UNION ALL
        SELECT subscription_id, in_flight FROM copytrading_pendinglink
        WHERE in_flight <> '' AND closed_at IS NULL AND subscription_id = ANY(%(ids)s)
        UNION ALL
        SELECT subscription_id, client_order_id FROM copytrading_pendinglink
        WHERE state = 'placing' AND closed_at IS NULL AND subscription_id = ANY(%(ids)s)),
    open_ended AS (
        SELECT subscription_id, min(event_id) AS event_id FROM (
            SELECT subscription_id, event_id FROM copytrading_waitingevent
            WHERE subscription_id = ANY(%(ids)s)
            UNION ALL
            SELECT f.subscription_id, d.event_id FROM in_flight f
            JOIN copytrading_decision d ON d.client_order_id = f.order_id
            WHERE NOT EXISTS (
                SELECT 1 FROM copytrading_outcome x
                WHERE x.event_id = d.event_id AND x.subscription_id = d.subscription_id)
        ) held GROUP BY subscription_id)
    SELECT {ROW} FROM mine
    LEFT JOIN unplanned u ON u.account_id = mine.account_id
    LEFT JOIN open_ended w ON w.subscription_id = mine.id
    CROSS JOIN LATERAL (
        SELECT * FROM copytrading_outcome x
        WHERE x.subscription_id = mine.id AND x.event_id > mine.last_event_id
          AND x.event_id < least(u.event_id, w.event_id, 9223372036854775807)
        ORDER BY x.event_id LIMIT %(limit)s) o
    ORDER BY o.subscription_id, o.event_id
"""

_SEALS = "COPY copytrading_outcomeseal (outcome_id, subscription_id, number, digest) FROM STDIN"

_MOVE_HEADS = """
    UPDATE copytrading_ledgerhead h
    SET count = x.length, last_event_id = x.last_event_id, digest = x.digest, sealed_at = %s
    FROM json_to_recordset(%s) AS x (
        subscription_id bigint, length bigint, last_event_id bigint, digest text)
    WHERE h.subscription_id = x.subscription_id
"""


class Head(NamedTuple):
    """The end of a chain: how many outcomes it has, the last one's event and digest."""

    subscription_id: int
    length: int
    last_event_id: int
    digest: str


def seal_all(*, seconds: float) -> int:
    """Seal what is final, for about so long; answers how many outcomes were sealed.

    Two sweeps at once do no harm: each takes the chains that the other has not locked. The
    chains that were left alone for longest come first.
    """
    until, sealed = time.monotonic() + seconds, 0
    waiting = [row[0] for row in sql.rows(_CANDIDATES)]
    while waiting and time.monotonic() < until:
        some, waiting = waiting[:COPIES_AT_ONCE], waiting[COPIES_AT_ONCE:]
        count, unfinished = _seal_apart(some)
        sealed += count
        waiting.extend(unfinished)
    return sealed


def _seal_apart(subscription_ids: Sequence[int]) -> tuple[int, list[int]]:
    """Seal together; where a chain was tampered with, the others without it."""
    try:
        return seal(subscription_ids, timezone.now())
    except IntegrityError:
        if len(subscription_ids) == 1:
            log.error("ledger.cannot_seal", subscription_id=subscription_ids[0])
            return 0, []
    sealed, unfinished = 0, list[int]()
    for pk in subscription_ids:
        count, more = _seal_apart([pk])
        sealed += count
        unfinished.extend(more)
    return sealed, unfinished


def seal(subscription_ids: Sequence[int], now: datetime) -> tuple[int, list[int]]:
    """Seal final outcomes of these subscriptions, a bounded number of each, in one transaction.

    Answers how many outcomes were sealed, and the subscriptions that may have more of them.
    """
    with transaction.atomic():
        sql.execute(_HEADS, [now, list(subscription_ids)])
        locked = sql.rows(_LOCKED, [list(subscription_ids)])
        heads = {head.subscription_id: head for head in map(Head._make, locked)}
        values = {
            "ids": list(heads),
            "last": [head.last_event_id for head in heads.values()],
            "limit": OUTCOMES_AT_ONCE,
        }
        moved, seals = _chain(heads, sql.rows(_FINAL, values) if heads else ())
        if seals:
            with connection.wrap_database_errors:
                sql.copy_in(_SEALS, seals)
            sql.execute(_MOVE_HEADS, [now, sql.as_json(head._asdict() for head in moved)])
    gained = {
        head.subscription_id: head.length - heads[head.subscription_id].length for head in moved
    }
    return len(seals), [pk for pk, count in gained.items() if count >= OUTCOMES_AT_ONCE]


def sealed_values(row: Sequence[Any]) -> list[Any]:
    """The columns of an outcome as a seal covers them; ``numbers`` come as JSON text."""
    values = list(row)
    values[_NUMBERS] = orjson.loads(values[_NUMBERS])
    return values


def _chain(
    heads: dict[int, Head], rows: Iterable[tuple[Any, ...]]
) -> tuple[list[Head], list[tuple[int, int, int, str]]]:
    """The heads after these rows, and a seal for each of them."""
    moved: dict[int, Head] = {}
    seals = []
    for row in rows:
        outcome_id, event_id, subscription_id = row[:3]
        head = moved.get(subscription_id) or heads[subscription_id]
        mark = digest(head.digest, sealed_values(row))
        head = Head(subscription_id, head.length + 1, event_id, mark)
        moved[subscription_id] = head
        seals.append((outcome_id, subscription_id, head.length, mark))
    return list(moved.values()), seals
