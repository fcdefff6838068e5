"""Figures of masters, kept up day by day, and computed from all stored days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
from django.conf import settings
from django.db import connection, transaction

from apps.analytics import book as books
from apps.analytics.book import Book
from apps.analytics.domain.accumulator import Accumulator
from apps.analytics.domain.daily import figures_of_many
from apps.analytics.domain.measures import DAILY_FIGURES
from apps.analytics.domain.running import Running
from apps.analytics.domain.standing import FloatArray, Standing
from apps.analytics.domain.table import FigureTable
from apps.analytics.models import FigureBook
from apps.common.database import raw_cursor
from apps.copytrading.selectors import accounts_of_masters

#: Day 0 of PostgreSQL's dates in binary.
_DAY_0 = date(2000, 1, 1)
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"

_COLUMNS = ("account_id", "day", *DAILY_FIGURES, "standings")
_NAMES = ", ".join(_COLUMNS)
_VALUES = ", ".join(f"nullif({name}, 'NaN')" for name in DAILY_FIGURES)
_COPY = f"COPY analytics_newfigures ({_NAMES}) FROM STDIN (FORMAT binary)"
_STORE = f"""
INSERT INTO analytics_accountfigures ({_NAMES})
SELECT account_id, day, {_VALUES}, standings FROM analytics_newfigures
ON CONFLICT (account_id) DO UPDATE SET ({_NAMES}) =
    ({", ".join(f"excluded.{name}" for name in _COLUMNS)})
"""


def update_figures(through: date) -> date | None:
    """Take up the closed days that are not in the figures yet, up to ``through``.

    The cost of a day does not grow with the history. Accounts that have become masters come in
    with their own history; everything is made anew where a day that was taken up has changed
    since. Answers the last day of the figures, None where no master has a day. Repeating changes
    nothing.
    """
    risk_free = float(settings.RISK_FREE_RATE)
    with transaction.atomic():
        row = books.locked()
        held = books.load(row)
        masters = accounts_of_masters()
        if held is None or held.risk_free != risk_free:
            grown = _made_anew(masters, through, risk_free)
        else:
            grown = _with_new_masters(held, masters, through)
            grown = _with_days(grown, through)
        last = grown.running.last_day
        if last is None and row.last_day is None and not row.stale:
            return None  # nothing was known, and nothing is
        if grown is not held:
            books.save(grown, held)
            if last is not None:
                _store(grown.accounts, last, grown.running.figures())
        return last


def figures_from_storage() -> tuple[tuple[int, ...], FigureTable]:
    """Accounts of masters and their figures, computed from all stored daily returns.

    What :func:`update_figures` keeps up without reading them: the two agree.
    """
    row = FigureBook.objects.first()
    if row is None or row.last_day is None:
        return (), figures_of_many(np.zeros((0, 0)))
    returns = books.grid(len(row.accounts), row.last_day)
    return tuple(row.accounts), figures_of_many(returns, row.risk_free)


def _with_days(book: Book, through: date) -> Book:
    """Days with returns one by one, and at last ``through``, on which the windows end."""
    last = book.running.last_day
    if last is not None and through <= last:
        return book
    days = _days_after(last, through) if last else _days_of(book.accounts, through)
    if not days and last is None:
        return book
    for day in dict.fromkeys([*days, through]):
        book = book.with_day(day)
        books.store_day(day, books.newest_returns(book))
    return book


def _made_anew(masters: Sequence[int], through: date, risk_free: float) -> Book:
    books.forget_days()
    return _with_days(Book.empty(masters, risk_free), through)


def _with_new_masters(book: Book, masters: Sequence[int], through: date) -> Book:
    """New masters at the end, with what their accounts earned before they became masters."""
    new = [account for account in masters if account not in book.place]
    first, last = book.first_day, book.running.last_day
    if not new or first is None or last is None:
        return book
    days = _days_of(new, last)
    if days and days[0] < first:
        return _made_anew([*book.accounts, *new], through, book.risk_free)
    added = Book(tuple(new), Running.empty(len(new), book.risk_free), first, book.risk_free)
    grown = book.running.with_records(len(new))
    for day in dict.fromkeys([first, *days, last]):  # both count their days from the same one
        added = added.with_day(day)
        returns = np.concatenate([_stored(day, len(book.accounts)), books.newest_returns(added)])
        books.store_day(day, returns)
    rows = grown.accumulator.matrix()
    rows[len(book.accounts) :] = added.running.accumulator.matrix()
    grown.recent[len(book.accounts) :] = added.running.recent
    running = Running(Accumulator.from_matrix(rows), grown.recent, last, grown.number, grown.free)
    return Book((*book.accounts, *new), running, first, book.risk_free)


def _stored(day: date, size: int) -> FloatArray:
    return books.grid(size, day, 1)[:, 0]


def _days_after(day: date, through: date) -> list[date]:
    """Days on which any account has a return, after ``day``."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT d::date FROM generate_series(%s::date + 1, %s::date, interval '1 day') d "
            "WHERE EXISTS (SELECT 1 FROM analytics_equityday e "
            "WHERE e.day = d::date AND e.daily_return IS NOT NULL) ORDER BY d",
            [day, through],
        )
        return [day for (day,) in cursor.fetchall()]


def _days_of(accounts: Sequence[int], through: date) -> list[date]:
    """Days on which any of these accounts has a return."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT day FROM analytics_equityday WHERE account_id = ANY(%s) "
            "AND day <= %s AND daily_return IS NOT NULL ORDER BY day",
            [list(accounts), through],
        )
        return [day for (day,) in cursor.fetchall()]


def _store(accounts: Sequence[int], day: date, table: FigureTable) -> None:
    """Write the figures of all accounts: to a table of the transaction's own, then over the old."""
    with raw_cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE analytics_newfigures (LIKE analytics_accountfigures) "
            "ON COMMIT DROP"
        )
        with cursor.copy(
            f"COPY analytics_newfigures ({_NAMES}) FROM STDIN (FORMAT binary)"
        ) as copy:
            copy.write(_binary(accounts, day, table))
        cursor.execute(_STORE)
        cursor.execute("DROP TABLE analytics_newfigures")


def _binary(accounts: Sequence[int], day: date, table: FigureTable) -> bytes:
    """Rows as PostgreSQL's binary COPY takes them; a figure that is none is NaN in them."""
    count = len(DAILY_FIGURES)
    layout = np.dtype(
        [
            ("fields", ">i2"),
            *(("account_size", ">i4"), ("account", ">i8"), ("day_size", ">i4"), ("day", ">i4")),
            ("figures", [("size", ">i4"), ("value", ">f8")], (count,)),
            *(("standings_size", ">i4"), ("standings", "i1", (count,))),
        ]
    )
    rows = np.zeros(len(accounts), dtype=layout)
    rows["fields"] = len(_COLUMNS)
    rows["account_size"], rows["account"] = 8, accounts
    rows["day_size"], rows["day"] = 4, (day - _DAY_0).days
    rows["figures"]["size"] = 8
    rows["standings_size"] = count
    for place, name in enumerate(DAILY_FIGURES):
        column = table[name]
        absent = column.standings != Standing.VALUE
        rows["figures"]["value"][:, place] = np.where(absent, np.nan, column.values)
        rows["standings"][:, place] = column.standings
    return _HEADER + rows.tobytes() + _TRAILER
