"""Many rows that say much the same, as a short text: what all have in common stands once.

The text is JSON. It is several times shorter than a list of rows, and both making and reading
it cost in proportion to what differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

Columns = list[Sequence[Any]]


def columns_of(rows: Sequence[Sequence[Any]]) -> Columns:
    """Rows of one width as columns; one in which all are equal is cut to a single value."""
    count = len(rows)
    return [
        column if column.count(column[0]) != count else column[:1]
        for column in zip(*rows, strict=True)
    ]


def dump_columns(columns: Columns, count: int) -> str:
    """``count`` rows in columns as JSON text.

    A column has one value for all rows or as many values as there are rows. Values are what
    JSON knows, and Decimals, which become text.
    """
    return orjson.dumps({"rows": count, "columns": columns}, default=str).decode()


def load_rows(text: str | bytes) -> list[list[Any]]:
    """The rows whose columns :func:`dump_columns` wrote, as plain values of JSON."""
    found = orjson.loads(text)
    count, columns = found["rows"], found["columns"]
    shared = [column[0] if len(column) == 1 else None for column in columns]
    rows = [shared.copy() for _ in range(count)]
    for index, column in enumerate(columns):
        if len(column) > 1:
            for row, value in zip(rows, column, strict=True):
                row[index] = value
    return rows
