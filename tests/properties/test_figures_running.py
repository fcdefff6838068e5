"""Figures kept up day by day equal those computed from all days at once."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from apps.analytics.domain.accumulator import Accumulator
from apps.analytics.domain.daily import figures_of_many
from apps.analytics.domain.running import Running
from apps.analytics.domain.standing import FloatArray
from apps.analytics.domain.table import FigureTable
from apps.analytics.domain.windows import monthly_returns

FIRST = date(2024, 1, 20)
RATES = (0.0, 0.03)

day_returns = st.one_of(
    st.sampled_from([0.0, float("nan"), float("inf"), -1.0, -1.5, 0.01, -0.01]),
    st.floats(-0.2, 0.2),
)
grids = st.tuples(st.integers(1, 4), st.integers(1, 60)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=day_returns)
)


def added(grid: FloatArray, risk_free: float = 0.0) -> Running:
    running = Running.empty(len(grid), risk_free)
    for number, returns in enumerate(grid.T):
        running = running.with_day(FIRST + timedelta(days=number), returns)
    return running


def assert_same(one: FigureTable, other: FigureTable) -> None:
    assert list(one) == list(other)
    for name in one:
        np.testing.assert_array_equal(one[name].standings, other[name].standings, name)
        np.testing.assert_allclose(
            one[name].values, other[name].values, rtol=1e-7, atol=1e-10, err_msg=name
        )


@settings(max_examples=150, deadline=None)
@given(grids, st.sampled_from(RATES))
def test_any_days(grid: FloatArray, risk_free: float) -> None:
    assert_same(added(grid, risk_free).figures(), figures_of_many(grid, risk_free))


@pytest.mark.parametrize("seed", range(6))
def test_years_of_days(seed: int) -> None:
    random = np.random.default_rng(seed)
    grid = random.normal(0.0004, 0.012, (20, 830))
    grid[random.random(grid.shape) < 0.3] = np.nan
    grid[:5, : random.integers(1, 600)] = np.nan  # records that begin later

    running = added(grid)

    assert_same(running.figures(), figures_of_many(grid))
    _, months = monthly_returns(grid, FIRST + timedelta(days=829))
    np.testing.assert_allclose(running.month_return(), months[:, -1], rtol=1e-12)


@settings(max_examples=60, deadline=None)
@given(grids, st.data())
def test_a_day_that_is_left_out_is_a_day_without_returns(
    grid: FloatArray, data: st.DataObject
) -> None:
    left_out = data.draw(st.sets(st.integers(1, max(grid.shape[1] - 1, 1))))
    grid[:, [day for day in left_out if day < grid.shape[1]]] = np.nan
    running = Running.empty(len(grid))
    for number, returns in enumerate(grid.T):
        if number not in left_out or number == grid.shape[1] - 1:
            running = running.with_day(FIRST + timedelta(days=number), returns)

    assert_same(running.figures(), figures_of_many(grid))


def test_a_gap_longer_than_the_window_forgets_the_window() -> None:
    grid = np.full((1, 900), np.nan)
    grid[0, :30] = np.linspace(-0.02, 0.03, 30)
    grid[0, 899] = 0.01
    running = added(grid[:, :30]).with_day(FIRST + timedelta(days=899), grid[:, 899])

    assert_same(running.figures(), figures_of_many(grid))


def test_a_new_record_beside_old_ones_begins_with_nothing() -> None:
    grid = np.random.default_rng(3).normal(0, 0.01, (3, 90))
    grid[2, :40] = np.nan
    running = added(grid[:2, :40]).with_records(1)
    for number in range(40, 90):
        running = running.with_day(FIRST + timedelta(days=number), grid[:, number])

    assert_same(running.figures(), figures_of_many(grid))


def test_the_accumulator_survives_being_stored() -> None:
    known = added(np.random.default_rng(4).normal(0, 0.01, (3, 50))).accumulator
    again = Accumulator.from_matrix(known.matrix())

    np.testing.assert_array_equal(again.matrix(), known.matrix())
    assert again.high_day.dtype == np.int64
    with pytest.raises(ValueError, match="17 numbers"):
        Accumulator.from_matrix(np.zeros((2, 3)))


def test_days_come_in_order_and_with_one_return_each() -> None:
    running = Running.empty(2).with_day(FIRST, [0.01, 0.02])
    with pytest.raises(ValueError, match="is not after"):
        running.with_day(FIRST, [0.01, 0.02])
    with pytest.raises(ValueError, match="one for each"):
        running.with_day(FIRST + timedelta(days=1), [0.01])
