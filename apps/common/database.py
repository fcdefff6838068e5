"""Reading and writing by the thousand on Django's connection, without its detour over text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection


@contextmanager
def raw_cursor() -> Iterator[psycopg.Cursor[tuple[Any, ...]]]:
    """A psycopg cursor on Django's connection, inside its transaction; values in binary.

    Django's own sends values inside the statement and reads text; for a thousand rows of
    numbers that is the slower way. Errors are those of django.db. Statements that are run with
    ``prepare=True`` are planned once for a connection.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.format = psycopg.pq.Format.BINARY
        yield cursor
