"""Questions in one round trip: answered in order, one together, and safe when something breaks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.utils import DataError, IntegrityError, ProgrammingError

from apps.common import roundtrip
from apps.common.database import (
    Query,
    ask_together,
    asked_ahead,
    ids_array,
    prepared_rows,
    raw_cursor,
    texts_array,
)

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)
AWKWARD = ["", "plain", 'say "so"', "back\\slash", "{a,b}", "NULL", " ", "Žlutý"]


@pytest.fixture
def noted() -> Iterator[None]:
    execute("CREATE TABLE IF NOT EXISTS noted (n bigint)")
    yield
    execute("DROP TABLE noted")


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def query(statement: str, *values: Any) -> Query[list[tuple[Any, ...]]]:
    return Query(statement, values, list)


def count() -> int:
    return int(query("SELECT count(*) FROM noted").ask()[0][0])


def terminate() -> None:
    """Another session ends ours, as a restart of PostgreSQL does."""
    with raw_cursor() as cursor:
        pid = cursor.execute("SELECT pg_backend_pid()").fetchall()[0][0]
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    other.close()


def test_answers_are_of_their_types_and_in_order() -> None:
    values = (7, 2**40, "a %s b", Decimal("1.50"), NOON, None, [1, 2], True)
    asked = query("SELECT %s::int, %s::bigint, %s, %s, %s, %s::text, %s, %s, '100%%'", *values)
    nothing = query("SELECT 1 WHERE %s", False)
    for _ in range(3):
        assert ask_together(asked, nothing, asked) == [[(*values, "100%")], [], [(*values, "100%")]]


def test_values_of_another_type_are_another_statement() -> None:
    doubled = "SELECT %s + %s"
    assert query(doubled, 1, 2).ask() == [(3,)]
    assert query(doubled, 2**40, Decimal("0.5")).ask() == [(Decimal(2**40) + Decimal("0.5"),)]
    assert query(doubled, 1, 2).ask() == [(3,)]


def test_questions_are_one_together(noted: None) -> None:
    first = query("INSERT INTO noted VALUES (%s) RETURNING n", 1)
    with pytest.raises(DataError, match="division by zero"):
        ask_together(first, query("SELECT 1 / %s::int", 0), first)
    assert count() == 0
    assert ask_together(first, query("SELECT count(*) FROM noted")) == [[(1,)], [(1,)]]


def test_a_wrong_statement_is_said_each_time_and_breaks_nothing() -> None:
    for _ in range(2):
        with pytest.raises(ProgrammingError, match="nowhere"):
            ask_together(query("SELECT 1"), query("SELECT * FROM nowhere"))
        assert query("SELECT 2").ask() == [(2,)]


def test_a_transaction_begins_with_them(noted: None) -> None:
    with transaction.atomic():
        query("INSERT INTO noted VALUES (%s)", 1).ask()
        transaction.set_rollback(True)
    assert count() == 0


def test_a_plan_that_no_longer_fits_is_made_anew(noted: None) -> None:
    everything = query("SELECT * FROM noted")
    execute("INSERT INTO noted VALUES (1)")
    assert everything.ask() == [(1,)]
    execute("ALTER TABLE noted ADD COLUMN m int")
    with pytest.raises(DatabaseError):
        everything.ask()
    assert everything.ask() == [(1, None)]


def test_a_row_that_nobody_can_read_leaves_the_connection() -> None:
    endless = query("SELECT 'infinity'::timestamptz")
    with pytest.raises(DataError):
        endless.ask()
    assert query("SELECT 1").ask() == [(1,)]


def test_what_is_checked_at_the_commit_is_told_as_what_it_is(noted: None) -> None:
    execute("ALTER TABLE noted ADD UNIQUE (n) DEFERRABLE INITIALLY DEFERRED")
    twice = query("INSERT INTO noted VALUES (1), (1) RETURNING n")
    with pytest.raises(IntegrityError):
        ask_together(query("SELECT 1"), twice, begins=True)
    assert count() == 0


def test_failures_leave_nothing_prepared_behind() -> None:
    kept = query("SELECT count(*) FROM pg_prepared_statements")
    zero = query("SELECT 1 / %s::int", 0)
    before = kept.ask()[0][0]
    for _ in range(5):
        with pytest.raises(DataError):
            ask_together(query("SELECT 1"), zero, query("SELECT * FROM nowhere"))
    assert kept.ask()[0][0] <= before + 2


def test_a_statement_that_was_to_be_forgotten_and_was_not(monkeypatch: pytest.MonkeyPatch) -> None:
    one = query("SELECT 1")
    one.ask()
    monkeypatch.setattr(roundtrip, "MOST_PREPARED", 1)
    with pytest.raises(DataError):
        query("SELECT 1 / %s::int", 0).ask()
    assert one.ask() == [(1,)]
    assert query("SELECT 2").ask() == [(2,)]
    assert one.ask() == [(1,)]


def test_a_lost_connection_is_told_and_replaced() -> None:
    one = query("SELECT 1")
    terminate()
    with pytest.raises(OperationalError):
        one.ask()
    connection.close()
    assert one.ask() == [(1,)]
    terminate()
    assert ask_together(one, one, begins=True) == [[(1,)], [(1,)]]


def test_what_was_asked_ahead_is_there_after_the_block() -> None:
    with asked_ahead(query("SELECT 1"), query("SELECT %s", "x")) as ahead:
        pass
    assert ahead.answers() == [[(1,)], [("x",)]]


def test_a_block_may_ask_and_is_answered() -> None:
    with asked_ahead(query("SELECT 1")) as ahead:
        assert query("SELECT 2").ask() == [(2,)]
        execute("SELECT 3")
        with raw_cursor() as cursor:
            assert cursor.execute("SELECT 4").fetchall() == [(4,)]
    assert ahead.answers() == [[(1,)]]
    with asked_ahead(query("SELECT 5")) as ahead:
        execute("SELECT 6")
        assert query("SELECT 7").ask() == [(7,)]
    assert ahead.answers() == [[(5,)]]


def test_prepared_statements_outlive_a_rollback(noted: None) -> None:
    asked = query("SELECT count(*) FROM noted WHERE n = %s", 1)
    assert asked.ask() == [(0,)]
    with transaction.atomic():
        assert prepared_rows("INSERT INTO noted VALUES (%(n)s), (%(n)s) RETURNING n", {"n": 1}) == [
            (1,),
            (1,),
        ]
        assert asked.ask() == [(2,)]
        transaction.set_rollback(True)
    assert asked.ask() == [(0,)]


def test_a_connection_keeps_a_bounded_number_of_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roundtrip, "MOST_PREPARED", 3)
    for number in range(8):
        assert query(f"SELECT {number}").ask() == [(number,)]
    kept = "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'trip%%'"
    assert query(kept).ask()[0][0] <= 4
    assert query("SELECT 0").ask() == [(0,)]


def test_values_by_name_and_signs_of_percent() -> None:
    found = prepared_rows("SELECT %(b)s, %(a)s, %(b)s, '5%%'", {"a": "x", "b": "y"})
    assert found == [("y", "x", "y", "5%")]
    with pytest.raises(KeyError):
        prepared_rows("SELECT %(a)s", {"b": 1})


def test_the_driver_prepares_nothing_itself() -> None:
    query("SELECT 1").ask()
    for _ in range(10):
        execute("SELECT 2")
    own = "SELECT count(*) FROM pg_prepared_statements WHERE name NOT LIKE 'trip%%'"
    assert query(own).ask() == [(0,)]


def test_a_block_that_fails_leaves_no_answers_behind() -> None:
    with pytest.raises(RuntimeError), asked_ahead(query("SELECT pg_sleep(%s)", 0.1)):
        raise RuntimeError
    assert query("SELECT 3").ask() == [(3,)]


@pytest.mark.parametrize("texts", [[], ["plain", "words"], AWKWARD, ["a", "b\\"], ['"']])
def test_arrays_are_what_they_were_made_of(texts: list[str]) -> None:
    ids = [0, -5, 2**62][: len(texts)]
    asked = query("SELECT %s::text[], %s::bigint[]", texts_array(texts), ids_array(ids))
    assert asked.ask() == [(texts, ids)]
