"""Rows as COPY's text: column by column or value by value, the text is the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.common.copy_text import copy_text
from apps.trading.orders import Leg

_ZONES = st.sampled_from([UTC, ZoneInfo("UTC"), ZoneInfo("Asia/Tokyo"), timezone(timedelta(0, 5))])
_MOMENTS = st.datetimes(min_value=datetime(1970, 1, 1), timezones=_ZONES)  # noqa: DTZ001 - the zones come from the strategy
_DECIMALS = st.decimals(allow_nan=False, allow_infinity=False)
_VALUES = st.one_of(
    st.text(max_size=8),
    st.integers(-(2**62), 2**62),
    _DECIMALS,
    st.booleans(),
    st.none(),
    st.sampled_from(Leg),
    _MOMENTS,
)
_COLUMNS = st.one_of(
    st.lists(_VALUES, min_size=3, max_size=3),
    st.lists(st.text(alphabet="a\\\t\n\r", max_size=4), min_size=3, max_size=3),
    st.lists(_MOMENTS, min_size=3, max_size=3),
    st.lists(_DECIMALS, min_size=3, max_size=3),
    _VALUES.map(lambda value: [value] * 3),
)


@given(st.lists(_COLUMNS, min_size=1, max_size=5))
def test_rows_together_are_the_rows_one_by_one(columns: list[list[object]]) -> None:
    rows = list(zip(*columns, strict=True))
    assert copy_text(rows) == "".join(copy_text([row]) for row in rows)


def test_equal_numbers_keep_their_own_digits() -> None:
    rows = [(Decimal("1.0"), 1), (Decimal("1.00"), True)]
    assert copy_text(rows) == "1.0\t1\n1.00\tt\n"


def test_no_rows_are_no_text() -> None:
    assert copy_text([]) == ""


def test_rows_of_different_widths_are_refused() -> None:
    with pytest.raises(ValueError):
        copy_text([(1, 2), (1,)])


@pytest.mark.parametrize("rows", [[(1.5,)], [(1.5,), (2.5,)], [(1,), (2.5,)]])
def test_a_type_that_nobody_thought_of_is_refused(rows: list[tuple[object]]) -> None:
    with pytest.raises(TypeError, match="float"):
        copy_text(rows)
