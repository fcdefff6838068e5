"""Damaged statement files: either refused with a reason or, where nothing is lost, read whole."""

from __future__ import annotations

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.analytics.domain.statements.read import read_statement
from apps.analytics.domain.statements.records import Statement, StatementError
from apps.analytics.domain.statements.values import decimal_mark, number
from tests.support.statements import ALL, SAMPLES

FILES = {name: (SAMPLES / name).read_bytes() for name in ALL}
WHOLE = {name: read_statement(data) for name, data in FILES.items()}
#: Where an HTML report is over, and nothing can be lost any more.
OVER = {
    name: data.index("</html>".encode("utf-16-le" if data.startswith(b"\xff\xfe") else "utf-8"))
    for name, data in FILES.items()
    if not name.endswith(".csv")
}
names = st.sampled_from(ALL)


def read(data: bytes) -> Statement | None:
    """The statement, or None where the file is refused with at least one reason."""
    try:
        return read_statement(data)
    except StatementError as error:
        problems = error.problems
    assert problems
    assert all(problem.message and problem.line >= 0 for problem in problems)
    return None


def check_cut(name: str, place: int) -> None:
    data = FILES[name][:place]
    statement = read(data)
    if name in OVER:
        assert (statement is None) or (place > OVER[name] and statement == WHOLE[name])
    elif statement is not None:
        assert data.endswith(b"\n"), "a line that may be cut off was read"
        whole = WHOLE[name]
        assert statement.trades == whole.trades[: len(statement.trades)]
        assert statement.operations == whole.operations[: len(statement.operations)]
        rows = len([line for line in data.splitlines() if line]) - 1
        told = [op for op in statement.operations if not op.inferred]
        assert len(statement.trades) + len(told) == rows


@settings(max_examples=400, deadline=None)
@given(names, st.floats(0, 1))
def test_cut_off_anywhere(name: str, share: float) -> None:
    check_cut(name, int(share * (len(FILES[name]) - 1)))


@pytest.mark.parametrize("name", ALL)
def test_cut_off_at_each_of_the_last_bytes(name: str) -> None:
    for place in range(len(FILES[name]) - 90, len(FILES[name])):
        check_cut(name, place)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes(data: bytes) -> None:
    assert read(data) is None


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("<>/ta\"'=&;-!tdr h1.,:\n\x00é"), max_size=200))
def test_any_markup(text: str) -> None:
    assert read(f"<html>{text}".encode()) is None


@settings(max_examples=300, deadline=None)
@given(names, st.floats(0, 1), st.binary(min_size=0, max_size=6), st.integers(0, 6))
def test_bytes_that_were_changed(name: str, share: float, new: bytes, drop: int) -> None:
    data = FILES[name]
    place = int(share * (len(data) - 1))
    statement = read(data[:place] + new + data[place + drop :])
    if statement is not None:
        assert all(isinstance(trade.result, Decimal) for trade in statement.trades)
        assert all(trade.closed_at >= trade.opened_at for trade in statement.trades)


@settings(max_examples=150, deadline=None)
@given(names, st.floats(0, 1), st.floats(0, 1))
def test_a_part_that_is_missing_from_the_middle(name: str, one: float, other: float) -> None:
    data = FILES[name]
    begin, end = sorted(int(share * len(data)) for share in (one, other))
    read(data[:begin] + data[end:])


amounts = st.decimals(-(10**9), 10**9, places=2)


@settings(deadline=None)
@given(amounts, st.sampled_from(["", " ", ",", "\u00a0", "'"]))
def test_numbers_are_what_was_written(amount: Decimal, by: str) -> None:
    text = f"{amount:,.2f}"
    assert number(text.replace(",", by)) == amount
    swapped = text.translate(str.maketrans(",.", ".,"))
    assert number(swapped, ",") == amount
    assert decimal_mark([swapped]) == "," and decimal_mark([text]) == "."


@settings(deadline=None)
@given(st.text("0123456789.,' -+$€\u2212x", max_size=9))
def test_what_is_taken_for_a_number_is_one(text: str) -> None:
    with contextlib.suppress(ValueError):
        value = number(text)
        digits = [letter for letter in text if letter.isdigit() or letter == "."]
        assert value.is_finite() and abs(value) == Decimal("".join(digits))


@pytest.mark.parametrize(
    "text", ["", "1,23", "1.2.3", "1 23", "NaN", "1e5", "١٢", "1,2345.0", "--1", "1" * 19]
)
def test_unclear_numbers_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        number(text)
