"""The book of the masters' daily returns: what is stored so that a new day costs the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import psycopg
from django.db import connection

from apps.analytics.domain.accumulator import Accumulator
from apps.analytics.domain.ratios import daily_rate
from apps.analytics.domain.running import Running
from apps.analytics.domain.standing import LOOK_BACK, FloatArray
from apps.analytics.models import FigureBook
from apps.common.database import raw_cursor

_FLOAT = np.dtype("<f8")

_STORE_DAY = """
INSERT INTO analytics_returnday (day, returns) VALUES (%s, %s)
ON CONFLICT (day) DO UPDATE SET returns = excluded.returns
"""
_RETURNS = """
SELECT account_id, daily_return FROM analytics_equityday
WHERE day = %s AND daily_return IS NOT NULL
"""
_READ = "SELECT accounts, accumulator FROM analytics_figurebook WHERE id = 1"
_SAVE = """
UPDATE analytics_figurebook SET accumulator = %s, first_day = %s, last_day = %s,
    risk_free = %s, stale = false
WHERE id = 1
"""
_SAVE_ACCOUNTS = "UPDATE analytics_figurebook SET accounts = %s WHERE id = 1"


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """The records of ``accounts`` up to a day; row n of ``running`` is account n."""

    accounts: tuple[int, ...]
    running: Running
    first_day: date | None
    risk_free: float
    place: dict[int, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "place", {a: n for n, a in enumerate(self.accounts)})

    @classmethod
    def empty(cls, accounts: Sequence[int], risk_free: float) -> Book:
        running = Running.empty(len(accounts), risk_free)
        return cls(tuple(accounts), running, None, risk_free)

    def with_day(self, day: date) -> Book:
        """The book with one more day, whose returns are read from the days of the accounts."""
        running = self.running.with_day(day, self.returns_of(day))
        return Book(self.accounts, running, self.first_day or day, self.risk_free)

    def returns_of(self, day: date) -> FloatArray:
        """Stored returns of a day, one for each account; NaN where there is none."""
        returns = np.full(len(self.accounts), np.nan)
        with raw_cursor() as cursor:
            rows = cursor.execute(_RETURNS, [day]).fetchall()
        held = [(self.place[account], value) for account, value in rows if account in self.place]
        if held:
            places, values = zip(*held, strict=True)
            returns[list(places)] = values
        return returns


def locked() -> FigureBook:
    """Where the stored book stands, locked until the transaction ends; made where there is none."""
    rows = FigureBook.objects.select_for_update().defer("accounts", "accumulator")
    return rows.get_or_create(id=1)[0]


def load(row: FigureBook) -> Book | None:
    """The book as it is stored; None where it is empty or stale.

    Its size, and that of what is read, does not depend on the length of the history.
    """
    if row.stale or row.last_day is None or row.first_day is None:
        return None
    with raw_cursor() as cursor:
        accounts, accumulator = cursor.execute(_READ).fetchall()[0]
    size = len(accounts)
    numbers = np.frombuffer(accumulator, dtype=_FLOAT).reshape(size, -1)
    number = (row.last_day - row.first_day).days
    days = _days(row.last_day - timedelta(days=LOOK_BACK - 1), row.last_day)
    # As Running has them: the day with the number n in column n mod 365.
    places = [(day - row.first_day).days % LOOK_BACK for day, _ in days]
    recent = _side_by_side(days, places, size, LOOK_BACK)
    running = Running(
        Accumulator.from_matrix(numbers), recent, row.last_day, number, daily_rate(row.risk_free)
    )
    return Book(tuple(accounts), running, row.first_day, row.risk_free)


def save(book: Book, before: Book | None = None) -> None:
    """Store the book, which was ``before``; its days are stored by :func:`store_day`."""
    numbers = psycopg.Binary(book.running.accumulator.matrix().astype(_FLOAT).tobytes())
    values = [numbers, book.first_day, book.running.last_day, book.risk_free]
    with raw_cursor() as cursor:
        cursor.execute(_SAVE, values)
        if before is None or before.accounts != book.accounts:
            cursor.execute(_SAVE_ACCOUNTS, [list(book.accounts)])


def store_day(day: date, returns: FloatArray) -> None:
    """Store the returns of one day, one for each account of the book, in its order."""
    with raw_cursor() as cursor:
        cursor.execute(_STORE_DAY, [day, psycopg.Binary(returns.astype(_FLOAT).tobytes())])


def newest_returns(book: Book) -> FloatArray:
    """Returns of the book's last day."""
    return book.running.recent[:, book.running.number % LOOK_BACK]


def grid(size: int, last_day: date, width: int | None = None) -> FloatArray:
    """Stored returns of the ``width`` days up to ``last_day``, or of all days: accounts × days.

    The last column is ``last_day``; NaN where an account has no return.
    """
    days = _days(date.min if width is None else last_day - timedelta(days=width - 1), last_day)
    if width is None:
        width = (last_day - days[0][0]).days + 1 if days else 0
    places = [width - 1 - (last_day - day).days for day, _ in days]
    return _side_by_side(days, places, size, width)


def _days(since: date, until: date) -> list[tuple[date, bytes]]:
    with raw_cursor() as cursor:
        return cursor.execute(
            "SELECT day, returns FROM analytics_returnday WHERE day BETWEEN %s AND %s ORDER BY day",
            [since, until],
        ).fetchall()


def _side_by_side(
    days: Sequence[tuple[date, bytes]], places: Sequence[int], size: int, width: int
) -> FloatArray:
    columns = np.full((width, size), np.nan)
    for (_, stored), place in zip(days, places, strict=True):
        returns = np.frombuffer(stored, dtype=_FLOAT)
        columns[place, : len(returns)] = returns
    return np.ascontiguousarray(columns.T)


def forget_days() -> None:
    """Remove the stored days, before they are made anew."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM analytics_returnday")
