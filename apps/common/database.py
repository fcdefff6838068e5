"""Reading and writing by the thousand on Django's connection, without its detour over text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Generic, TypeVar

import psycopg
from django.db import OperationalError, connection

from apps.common.roundtrip import RoundTrip, Rows, Values, finish

#: A value for a statement to answer with: its transaction, if it is one by itself, ends without
#: waiting for the disk.
NOT_YET_ON_DISK = "set_config('synchronous_commit', 'off', true)"


@contextmanager
def raw_cursor() -> Iterator[psycopg.Cursor[tuple[Any, ...]]]:
    """A psycopg cursor on Django's connection, inside its transaction; values in binary.

    Django's own sends values inside the statement and reads text; for a thousand rows of
    numbers that is the slower way. Errors are those of django.db.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors:
        finish(connection.connection)
        with psycopg.Cursor(connection.connection) as cursor:
            cursor.format = psycopg.pq.Format.BINARY
            yield cursor


def ids_array(values: Iterable[int]) -> str:
    """Whole numbers as PostgreSQL's text of an array; the driver takes ten times as long."""
    return "{" + ",".join(map(str, values)) + "}"


def texts_array(values: Iterable[str]) -> str:
    """Texts as PostgreSQL's text of an array, like :func:`ids_array`."""
    values = list(values)
    if not values:
        return "{}"
    joined = '","'.join(values)
    if "\\" in joined or joined.count('"') != 2 * (len(values) - 1):
        joined = '","'.join(v.replace("\\", r"\\").replace('"', r"\"") for v in values)
    return '{"' + joined + '"}'


def prepared_rows(statement: str, values: Values = ()) -> Rows:
    """All rows of a query that is planned once for a connection, not for its values.

    For pages: where several tables are joined, to plan takes longer than to find one row by its
    key. It is told to whoever counts the queries of Django's connection.
    """
    begun = perf_counter()
    connection.close_if_health_check_failed()  # once for each request, as Django's cursors do
    connection.ensure_connection()
    with connection.wrap_database_errors:
        asked = RoundTrip(connection.connection, [(statement, values)], psycopg.pq.Format.TEXT)
        found = asked.rows()[0]
    if connection.queries_logged:
        took = f"{perf_counter() - begun:.3f}"
        connection.queries_log.append({"sql": statement, "time": took})
    return found


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Query(Generic[T]):
    """A question to the database, and what is made of the rows that answer it.

    It is planned once for a connection, not for its values: for what is found by index whatever
    they are.
    """

    statement: str
    values: Values
    made_of: Callable[[Rows], T]

    def ask(self) -> T:
        """The answer, in a round trip of its own."""
        return self.made_of(_answers([self])[0])


def ask_together(*queries: Query[Any], begins: bool = False) -> list[Any]:
    """The answers to several questions, in order, for the price of one round trip.

    They are asked one after the other: what the first sees the others see, too. Nothing is held
    yet by who ``begins`` with them: where the connection turns out to be broken, they are asked
    once more on a new one, unless a transaction is under way. Anybody else may hold a lock that
    has ended with the connection, and must end as well.
    """
    try:
        found = _answers(queries)
    except OperationalError:
        if connection.in_atomic_block or not begins:
            raise
        connection.close()
        found = _answers(queries)
    return [query.made_of(rows) for query, rows in zip(queries, found, strict=True)]


class Ahead:
    """Answers to questions that were asked ahead; see :func:`asked_ahead`."""

    def __init__(self, queries: Sequence[Query[Any]]) -> None:
        self._queries = queries
        self._found: list[Rows] = []

    def take(self, found: list[Rows]) -> None:
        """The rows of each are there."""
        self._found = found

    def answers(self) -> list[Any]:
        """What is made of them, in order."""
        return [query.made_of(rows) for query, rows in zip(self._queries, self._found, strict=True)]


@contextmanager
def asked_ahead(*queries: Query[Any]) -> Iterator[Ahead]:
    """Ask questions and let PostgreSQL work on them while the block does something else.

    What the block itself asks waits for their answers. It must neither write nor begin a
    transaction: until its end all is one with the questions. The answers are there after it.
    """
    ahead = Ahead(queries)
    connection.ensure_connection()
    with connection.wrap_database_errors:
        trip = _trip(queries)

        def after_them(execute: Callable[..., Any], *what: Any) -> Any:
            with connection.wrap_database_errors:
                finish(connection.connection)
            return execute(*what)

        try:
            with connection.execute_wrapper(after_them):
                yield ahead
        finally:
            trip.finish()  # wanted or not: they must not stay
        ahead.take(trip.rows())


def _answers(queries: Sequence[Query[Any]]) -> list[Rows]:
    connection.ensure_connection()
    with connection.wrap_database_errors:
        return _trip(queries).rows()


def _trip(queries: Sequence[Query[Any]]) -> RoundTrip:
    return RoundTrip(connection.connection, [(query.statement, query.values) for query in queries])
