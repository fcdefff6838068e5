"""Asking for orders: intentions are written out, stored in slices, and pushed to their gateway."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache, partial
from typing import Any, NamedTuple

from django.db import connection, transaction

from apps.common.database import NOT_YET_ON_DISK, Query
from apps.execution import streams
from apps.execution.fences import PASS, Fence
from apps.execution.intents import Intent, dump
from apps.trading.orders import Leg

#: The largest slice; what is claimed and sent in one go.
SLICE = 250

_COLUMNS = (
    "connection_id, leg, priority, size, items, created_at, source, wake_key, notes, pending, "
    "claimed, settled"
)
_VALUES = (
    "(%s::bigint, %s, %s::smallint, %s::int, %s, %s::timestamptz, %s, %s::bigint, %s, "
    "%s::bool, 0, false, {n})"
)
_INSERT = f"""
    INSERT INTO execution_batch ({_COLUMNS})
    SELECT {_COLUMNS} FROM (VALUES {{rows}}) AS v ({_COLUMNS}, n) ORDER BY n
    RETURNING id
"""
_INSERT_BEHIND = f"""
    WITH passed AS ({PASS})
    INSERT INTO execution_batch ({_COLUMNS})
    SELECT {_COLUMNS} FROM passed, (VALUES {{rows}}) AS v ({_COLUMNS}, n) ORDER BY n
    RETURNING id
"""

Notes = Callable[[Sequence[Intent]], str]


class Written(NamedTuple):
    """A slice as it is stored: intents of one leg on one connection as text."""

    connection_id: int
    leg: Leg
    client_order_ids: tuple[str, ...]
    items: str
    notes: str


class SubmittedBatch(NamedTuple):
    """A slice that was stored; it is sent once the caller's transaction has committed."""

    batch_id: int
    connection_id: int
    leg: Leg
    client_order_ids: tuple[str, ...]


def submit(
    intents: Sequence[Intent], *, connection_ids: Mapping[int, int], now: datetime
) -> list[SubmittedBatch]:
    """Commit intentions with the caller's transaction and send them after it.

    ``connection_ids`` gives the connection of each account id among the intents. The caller
    must see to it that a ``client_order_id`` is submitted once. One statement, no model
    instances: fit for a hot loop, also outside of a transaction, where it is one of its own.
    Raises KeyError for an account without a connection.
    """
    return submit_written(write_out(intents, connection_ids), now=now)


def write_out(
    intents: Sequence[Intent], connection_ids: Mapping[int, int], notes: Notes | None = None
) -> list[Written]:
    """What :func:`submit_written` stores of these intents; asks the database for nothing.

    ``notes`` makes the notes of a slice from its intents. Raises KeyError like :func:`submit`.
    """
    return [
        Written(
            connection_id,
            leg,
            tuple([intent.client_order_id for intent in chunk]),
            dump(chunk),
            notes(chunk) if notes else "",
        )
        for connection_id, leg, chunk in _slices(intents, connection_ids)
    ]


def submit_written(
    slices: Sequence[Written], *, now: datetime, fence: Fence | None = None
) -> list[SubmittedBatch]:
    """Like :func:`submit`, of what was written out.

    With a ``fence`` it is passed in the same statement: raises Overtaken, with nothing stored,
    when somebody else has passed it. Such batches keep their notes and are found by
    :func:`apps.execution.selectors.pending_batches` until :func:`take_over`. Outside of a
    transaction they do not wait for the disk: the claim that lets an order leave does, and
    what it took is on the disk no later. A crash before that loses batches of which nothing
    has left, and whose events are planned anew.
    """
    if not slices:
        return []
    key = (fence.source, fence.wake_key) if fence else ("", 0)
    values: list[Any] = [*fence.values] if fence else []
    for each in slices:
        size = len(each.client_order_ids)
        values += (each.connection_id, each.leg.value, each.leg.priority, size, each.items, now)
        values += (*key, each.notes, fence is not None)
    hurried = fence is not None and not connection.in_atomic_block
    statement = _statement(len(slices), fence is not None, hurried)
    ids = Query(statement, values, lambda rows: sorted(row[0] for row in rows)).ask()
    if fence:
        fence.passed(bool(ids))
    pushed = [
        (batch_id, each.connection_id, each.leg.value, now.timestamp(), each.items)
        for batch_id, each in zip(ids, slices, strict=True)
    ]
    transaction.on_commit(partial(streams.push, pushed), robust=True)
    return [
        SubmittedBatch(batch_id, each.connection_id, each.leg, each.client_order_ids)
        for batch_id, each in zip(ids, slices, strict=True)
    ]


@cache
def _statement(slices: int, fenced: bool, hurried: bool) -> str:
    rows = ", ".join(_VALUES.format(n=n) for n in range(slices))
    statement = (_INSERT_BEHIND if fenced else _INSERT).format(rows=rows)
    return f"{statement}, {NOT_YET_ON_DISK}" if hurried else statement


def take_over(batch_ids: Sequence[int]) -> None:
    """The source has stored what the notes of these batches say; they are needed no longer."""
    if batch_ids:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE execution_batch SET pending = false, notes = '' WHERE id = ANY(%s)",
                [list(batch_ids)],
            )


def _slices(
    intents: Sequence[Intent], connection_ids: Mapping[int, int]
) -> Iterable[tuple[int, Leg, Sequence[Intent]]]:
    groups: dict[tuple[int, Leg], list[Intent]] = defaultdict(list)
    for intent in intents:
        groups[connection_ids[intent.account_id], intent.leg].append(intent)
    for (connection_id, leg), group in sorted(groups.items(), key=lambda g: g[0][1].priority):
        for start in range(0, len(group), SLICE):
            yield connection_id, leg, group[start : start + SLICE]
