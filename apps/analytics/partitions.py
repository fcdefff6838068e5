"""Partitions by month of what grows with time: made ahead, and given up when they are old."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

from django.db import connection, transaction

#: Tables that are partitioned by their column ``at``.
TABLES = ("analytics_equitysample", "analytics_equityhour")
#: Months that are made ahead.
AHEAD = 2
#: One maker at a time: two would make the same partition.
_LOCK = 7_115_001

_CHILDREN = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = %s::regclass ORDER BY c.relname
"""


def month_of(at: datetime) -> date:
    """First day of the month (UTC) of a moment."""
    return at.astimezone(UTC).date().replace(day=1)


def month_after(month: date, months: int = 1) -> date:
    """First day of the month so many months later; earlier where negative."""
    number = month.year * 12 + month.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def name_of(table: str, month: date) -> str:
    return f"{table}_{month:%Y_%m}"


def ensure(since: datetime, until: datetime) -> list[str]:
    """Make the partitions of all months from ``since`` to ``until``; those that are there stay.

    Answers the names of those that were made.
    """
    wanted = [(t, m) for m in _months(month_of(since), month_of(until)) for t in TABLES]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n FROM unnest(%s::text[]) n WHERE to_regclass(n) IS NULL",
            [[name_of(*pair) for pair in wanted]],
        )
        missing = {name for (name,) in cursor.fetchall()}
        if not missing:
            return []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        for table, month in wanted:
            if name_of(table, month) in missing:
                cursor.execute(
                    f'CREATE TABLE IF NOT EXISTS "{name_of(table, month)}" '
                    f"PARTITION OF {table} FOR VALUES FROM (%s) TO (%s)",
                    [_start(month), _start(month_after(month))],
                )
    return sorted(missing)


def drop_before(table: str, month: date) -> list[str]:
    """Drop the partitions of months before ``month``; answers their names."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        cursor.execute(_CHILDREN, [table])
        limit = name_of(table, month)
        old = [name for (name,) in cursor.fetchall() if name < limit]
        for name in old:
            cursor.execute(f'DROP TABLE "{name}"')
    return old


def _months(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first = month_after(first)


def _start(month: date) -> datetime:
    return datetime(month.year, month.month, 1, tzinfo=UTC)
