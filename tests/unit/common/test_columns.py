"""Rows in columns: whatever goes in comes out, and what all share stands once."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from apps.common.columns import columns_of, dump_columns, load_rows

VALUES = st.one_of(st.text(), st.integers(-(2**53), 2**53), st.none())


@given(st.integers(1, 5).flatmap(lambda n: st.lists(st.tuples(*[VALUES] * n), min_size=1)))
def test_rows_come_back_as_they_were(rows: list[tuple[object, ...]]) -> None:
    assert load_rows(dump_columns(columns_of(rows), len(rows))) == [list(row) for row in rows]


def test_decimals_come_back_as_text() -> None:
    rows = [(1, Decimal("1.50")), (2, Decimal("1e-8"))]
    assert load_rows(dump_columns(columns_of(rows), 2)) == [[1, "1.50"], [2, "1E-8"]]


def test_what_all_rows_share_stands_once() -> None:
    rows = [(n, "the same in every row") for n in range(100)]
    assert dump_columns(columns_of(rows), 100).count("the same") == 1


def test_rows_are_lists_of_their_own() -> None:
    first, second = load_rows(dump_columns(columns_of([("a", 1), ("a", 2)]), 2))
    first[0] = "b"
    assert second == ["a", 2]
