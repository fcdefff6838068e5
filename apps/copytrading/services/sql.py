"""Bulk writing: one statement for many rows, rows as JSON or by COPY."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from django.db import connection

from apps.common.copy_text import copy_text
from apps.common.database import raw_cursor
from apps.common.roundtrip import Values

__all__ = ["as_json", "binary_rows", "copy_in", "execute", "plain", "raw_cursor", "rows"]


def rows(statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def execute(statement: str, values: Sequence[Any] = ()) -> int:
    """Run a statement; answers how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def as_json(records: Iterable[Mapping[str, Any]]) -> str:
    """Records for ``json_to_recordset``: Decimals exact, times as ISO text."""
    return orjson.dumps(list(records), default=plain).decode()


def plain(value: object) -> str:
    """A Decimal or time as JSON text."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} does not belong into a stored record")


def copy_in(statement: str, records: Iterable[Sequence[object]]) -> None:
    """COPY records into a table, in the running transaction.

    The text is made here, at a fraction of what the driver takes for it.
    """
    text = copy_text(records)
    if text:
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(text)


def binary_rows(statement: str, values: Values = ()) -> list[tuple[Any, ...]]:
    """All rows of a query that answers many; values travel in binary.

    It is planned for its values each time: how many those are decides which plan is good.
    """
    with raw_cursor() as cursor:
        return cursor.execute(statement, values).fetchall()
