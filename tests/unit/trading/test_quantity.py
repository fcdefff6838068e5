from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.trading.quantity import ceil_to_step, floor_to_step, round_price

D = Decimal
values = st.decimals(min_value=0, max_value=10**9, places=6)
steps = st.sampled_from([D("0.01"), D("0.001"), D(1), D(1000), D("0.25")])


@given(values, steps)
def test_floor_is_the_largest_multiple_not_above(value: Decimal, step: Decimal) -> None:
    floored = floor_to_step(value, step)
    assert floored <= value < floored + step
    assert floored % step == 0


@given(values, steps)
def test_ceil_is_the_smallest_multiple_not_below(value: Decimal, step: Decimal) -> None:
    ceiled = ceil_to_step(value, step)
    assert ceiled - step < value <= ceiled
    assert ceiled % step == 0


def test_a_step_must_be_positive() -> None:
    with pytest.raises(ValueError, match="positive"):
        floor_to_step(D(1), D(0))


def test_floats_are_refused() -> None:
    with pytest.raises(TypeError, match="never float"):
        floor_to_step(0.3, D("0.1"))  # type: ignore[arg-type]


def test_price_is_put_on_the_grid() -> None:
    assert round_price(D("1.234565"), 5) == D("1.23456")
