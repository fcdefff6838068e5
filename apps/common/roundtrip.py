"""Questions to PostgreSQL in one round trip, past the driver's cursors.

A cursor takes 0.3 ms of the processor for a question that PostgreSQL answers in 0.1, and sends
each of several by itself. Where an order or a page waits for the answer, that is too long: here
questions go through libpq's pipeline as the driver binds it, all of them in one packet, with
statements that are prepared once for a connection and values in the driver's forms.

The driver must prepare nothing itself on such a connection: with the first rollback it would have
PostgreSQL forget all that is prepared.
"""

from __future__ import annotations

import enum
import itertools
import re
import select
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import psycopg
from psycopg import errors, pq
from psycopg.adapt import PyFormat, Transformer

Link = psycopg.Connection[tuple[Any, ...]]
Rows = list[tuple[Any, ...]]
Values = Sequence[Any] | Mapping[str, Any]
_Kind = tuple[str, tuple[int, ...]]

#: Statements that a connection keeps prepared.
MOST_PREPARED = 200

_IDLE = pq.TransactionStatus.IDLE
_ANSWERS = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)
_VALUE = re.compile(r"%(?:(%)|(s)|\((\w+)\)s)")
_LOST = "the connection was lost while it was asked"

#: States of statements that are prepared for tables as they were, or not at all.
_NO_LONGER_FIT = ("0A000", "26000")


class _Command(enum.Enum):
    BEGIN = enum.auto()
    PREPARE = enum.auto()
    ASK = enum.auto()
    FORGET = enum.auto()


_numbers = itertools.count()
#: Per connection the names of statements that it has prepared, by text and types of values.
_prepared: WeakKeyDictionary[Link, OrderedDict[_Kind, bytes]] = WeakKeyDictionary()
#: Per connection what was asked and not yet taken.
_under_way: WeakKeyDictionary[Link, RoundTrip] = WeakKeyDictionary()


class RoundTrip:
    """Questions that are on their way: statements with their values (``%s`` or ``%(name)s``).

    They are answered in order; what the first sees or does the others see, too. Outside of a
    transaction they are one together. Before anything but another of these is asked on the
    connection they must be finished. Raises psycopg's errors, also of values that are missing.
    """

    def __init__(
        self,
        link: Link,
        asked: Sequence[tuple[str, Values]],
        format: pq.Format = pq.Format.BINARY,
    ) -> None:
        finish(link)
        self._link, self._pgconn, self._format = link, link.pgconn, format
        self._commands: list[tuple[_Command, _Kind, bytes]] = []
        self._known = _prepared.setdefault(link, OrderedDict())
        self._found: list[Any] = []
        self._failed: psycopg.Error | None = None
        self._transformer = Transformer(link)
        ready = [self._dumped(statement, values) for statement, values in asked]
        try:
            self._pgconn.enter_pipeline_mode()
            if not link.autocommit and self._pgconn.transaction_status == _IDLE:
                self._run(_Command.BEGIN, b"BEGIN")  # as the driver does with a first statement
            for command in ready:
                self._send(*command)
            self._forget_some()
            self._pgconn.pipeline_sync()
            while self._pgconn.flush():
                self._wait(select.POLLIN | select.POLLOUT)
                self._pgconn.consume_input()
        except BaseException:
            link.close()
            raise
        _under_way[link] = self

    def rows(self) -> list[Rows]:
        """The rows that answer each question."""
        self.finish()
        if self._failed is not None:
            raise self._failed
        return [self._loaded(result) for result in self._found]

    def finish(self) -> None:
        """Take the answers; they are kept for :meth:`rows`."""
        if _under_way.get(self._link) is not self:
            return
        del _under_way[self._link]
        try:
            self._take()
        except BaseException:
            self._link.close()  # nobody knows what is still to come
            raise

    def _dumped(self, statement: str, values: Values) -> tuple[Any, ...]:
        text, names = _numbered(statement)
        if isinstance(values, Mapping):
            values = [values[name] for name in names]
        dumped = self._transformer.dump_sequence(values, [PyFormat.AUTO] * len(values))
        types, formats = self._transformer.types or (), self._transformer.formats
        return (statement, tuple(types)), text, dumped, formats

    def _send(self, kind: _Kind, text: bytes, dumped: Any, formats: Any) -> None:
        name = self._known.get(kind)
        if name is None:
            name = self._known[kind] = b"trip_%d" % next(_numbers)
            self._pgconn.send_prepare(name, text, kind[1])
            self._commands.append((_Command.PREPARE, kind, name))
        else:
            self._known.move_to_end(kind)
        self._pgconn.send_query_prepared(name, dumped, formats, self._format)
        self._commands.append((_Command.ASK, kind, name))

    def _forget_some(self) -> None:
        """Of too many statements those that were asked longest ago."""
        while len(self._known) > MOST_PREPARED:
            kind, name = self._known.popitem(last=False)
            self._run(_Command.FORGET, b"DEALLOCATE " + name, kind, name)

    def _run(
        self, command: _Command, text: bytes, kind: _Kind = ("", ()), name: bytes = b""
    ) -> None:
        self._pgconn.send_query_params(text, None)
        self._commands.append((command, kind, name))

    def _take(self) -> None:
        for command, kind, name in self._commands:
            result = self._result()
            if result.status not in _ANSWERS:
                self._undone(command, kind, name, self._fail(result))
            elif command is _Command.ASK:
                self._found.append(result)
        self._end()
        self._pgconn.exit_pipeline_mode()

    def _end(self) -> None:
        """Until PostgreSQL is done with all of it; what is checked at a commit may fail it."""
        for _ in range(3):
            end = self._next()
            if end is not None and end.status == pq.ExecStatus.PIPELINE_SYNC:
                return
            if end is not None:
                self._fail(end)
        raise self._failed or psycopg.OperationalError(_LOST)

    def _fail(self, result: Any) -> str:
        """Keep the first failure, which the others follow from; the state of this one."""
        state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
        if self._failed is None:
            encoding = self._link.info.encoding
            if state:
                self._failed = errors.error_from_result(result, encoding)
            else:
                self._failed = psycopg.OperationalError(result.get_error_message(encoding))
        return state

    def _undone(self, command: _Command, kind: _Kind, name: bytes, state: str) -> None:
        """Keep in mind what is prepared and what is not."""
        if command is _Command.FORGET:
            self._known[kind] = name
            self._known.move_to_end(kind, last=False)
        elif command is _Command.PREPARE or state in _NO_LONGER_FIT:
            self._known.pop(kind, None)

    def _loaded(self, result: Any) -> Rows:
        self._transformer.set_pgresult(result, format=self._format)
        return self._transformer.load_rows(0, result.ntuples, tuple)

    def _result(self) -> Any:
        """The one result of the next command."""
        result = self._next()
        if result is None or self._next() is not None:
            raise self._failed or psycopg.OperationalError(_LOST)
        return result

    def _next(self) -> Any:
        while self._pgconn.is_busy():
            self._wait(select.POLLIN)
            self._pgconn.consume_input()
        return self._pgconn.get_result()

    def _wait(self, events: int) -> None:
        poll = select.poll()
        poll.register(self._pgconn.socket, events)
        poll.poll()


def finish(link: Link) -> None:
    """Take the answers to what is under way on a connection, before anything else is asked."""
    if (trip := _under_way.get(link)) is not None:
        trip.finish()


class _Numbered(NamedTuple):
    text: bytes
    names: tuple[str, ...]


@cache
def _numbered(statement: str) -> _Numbered:
    """A statement with PostgreSQL's numbers for values, and their names in order."""
    names: dict[str, int] = {}
    count = itertools.count(1)

    def numbered(found: re.Match[str]) -> str:
        percent, plain, name = found.groups()
        if percent:
            return "%"
        number = next(count) if plain else names.setdefault(name, len(names) + 1)
        return f"${number}"

    return _Numbered(_VALUE.sub(numbered, statement).encode(), tuple(names))
