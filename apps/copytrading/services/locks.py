"""One worker at a time for a master: a session advisory lock on the committing connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from apps.common.database import Query, ask_together
from apps.copytrading.services import sql

# First key of PostgreSQL's two-key advisory locks: what the second one names.
MASTER_LOCK, GRAPH_LOCK = 7401, 7402


_TRY = "SELECT pg_try_advisory_lock(%s::int, %s::int)"


@contextmanager
def master_lock(master_account_id: int) -> Iterator[bool]:
    """Try to take the lock of a master; says whether it was free."""
    with master_lock_asking(master_account_id) as (taken, _):
        yield taken


@contextmanager
def master_lock_asking(
    master_account_id: int, *queries: Query[Any]
) -> Iterator[tuple[bool, list[Any]]]:
    """Like :func:`master_lock`, with the answers to questions asked once it was taken.

    They come in the same round trip, and mean nothing where the lock was not free.
    """
    key = _key(master_account_id)
    lock = Query(_TRY, [MASTER_LOCK, key], lambda rows: bool(rows[0][0]))
    try:
        taken, *answers = ask_together(lock, *queries, begins=True)
    except Exception:
        connection.close()  # it may hold the lock, of which nobody knows
        raise
    try:
        yield taken, answers
    finally:
        if taken:
            sql.rows("SELECT pg_advisory_unlock(%s, %s)", [MASTER_LOCK, key])


def wait_for_master(master_account_id: int) -> None:
    """Hold the lock of a master until the running transaction ends, waiting for its worker.

    Whoever takes it must wake the master's work after the commit: a worker that found it
    taken has gone away.
    """
    sql.rows("SELECT pg_advisory_xact_lock(%s, %s)", [MASTER_LOCK, _key(master_account_id)])


def lock_graph() -> None:
    """Let one subscription at a time change who copies whom, until the transaction ends."""
    sql.rows("SELECT pg_advisory_xact_lock(%s, 0)", [GRAPH_LOCK])


def _key(master_account_id: int) -> int:
    return master_account_id % 2**31
