"""What is unusual about how masters trade, by hand and against slow counts of the same."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.analytics.domain.alarms import AlarmKind, holds
from apps.analytics.domain.master_money import fall_now, growth, loss, times_equity
from apps.analytics.domain.unusual import (
    fall_measure,
    margin_measure,
    silence_measure,
    sizes_after,
    worse_in_a_row,
    worst_before,
)

DAY = 86_400.0


def array(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def test_money_that_came_in_or_left_is_neither_gain_nor_loss() -> None:
    before, flows, now = array(100, 100, 100, 100), array(0, -50, 50, -100), array(90, 45, 150, 0)
    assert np.allclose(loss(before, flows, now)[:3], [0.1, 0.1, 0.0])
    assert math.isnan(growth(before, flows, now)[3])
    assert np.allclose(fall_now(array(0.2, np.nan, 0.1), array(0.8, 0.9, 1.5)), [0.36, 0.1, 0.0])


def test_leverage_without_equity_has_no_end() -> None:
    found = times_equity(array(50, 0, 10, 10), array(10, 0, 0, np.nan))
    assert found[0] == 5 and found[1] == 0 and math.isinf(found[2]) and math.isnan(found[3])


def test_the_deepest_drawdown_before_the_high_that_it_falls_from() -> None:
    history = [0.01] * 20 + [-0.10, 0.2]  # a tenth down, then a new high
    short = [np.nan] * 20 + [-0.10, 0.2]
    rows = np.array([[*history, -0.05, -0.2], [*short, -0.05, -0.2], [*history, 0.01, 0.01]])
    found = worst_before(rows)
    assert math.isclose(found[0], 0.10) and math.isnan(found[1]) and math.isclose(found[2], 0.10)
    measure = fall_measure(array(0.24, 0.24, 0.0), found)
    assert np.allclose(measure, [2.4, 0.0, 0.0])
    assert fall_measure(array(0.04), array(0.001))[0] < 1  # little is no news


@given(
    st.lists(
        st.tuples(
            st.integers(0, 1), st.integers(0, 40), st.integers(1, 30),
            st.integers(1, 5), st.integers(-3, 3),
        ),
        max_size=30,
    )
)  # fmt: skip
@settings(max_examples=80, deadline=None)
def test_sizes_are_compared_with_the_trade_that_was_closed_last(rows: list) -> None:
    symbol = np.array([row[0] for row in rows], dtype=np.int64)
    opened = np.array([row[1] for row in rows], dtype=np.int64)
    closed = opened + np.array([row[2] for row in rows], dtype=np.int64)
    volume, result = array(*(row[3] for row in rows)), array(*(row[4] for row in rows))
    sizes = sizes_after(2, symbol, symbol, opened, closed, volume, result)
    logs: dict[tuple[int, bool], list[float]] = {}
    for number in range(len(rows)):
        earlier = [
            i
            for i in range(len(rows))
            if symbol[i] == symbol[number] and closed[i] <= opened[number]
        ]
        before = int(sizes.before[number])
        assert (before >= 0) is bool(earlier)
        if earlier:
            assert closed[before] == max(closed[i] for i in earlier)
            if result[before]:
                ratio = math.log(volume[number] / volume[before])
                logs.setdefault((int(symbol[number]), bool(result[before] < 0)), []).append(ratio)
    for owner in (0, 1):
        for lost, found in ((True, sizes.lost[owner]), (False, sizes.won[owner])):
            ratios = logs.get((owner, lost), [])
            expected = math.exp(sum(ratios) / len(ratios)) if ratios else 1.0
            assert math.isclose(found, expected)
        assert sizes.cases[owner] == len(logs.get((owner, True), []))


def test_a_few_losses_say_nothing_and_wins_are_taken_out() -> None:
    def measure(losses: int, after_win: float) -> float:
        results = [-1.0, 1.0] * losses
        volume = [1.0]
        for result in results[:-1]:
            volume.append(volume[-1] * (2 if result < 0 else after_win))
        number = len(results)
        zero, at = np.zeros(number, dtype=np.int64), np.arange(number, dtype=np.int64) * 10
        sizes = sizes_after(1, zero, zero, at, at + 5, array(*volume), array(*results))
        return float(sizes.measure()[0])

    assert measure(4, 0.5) == 0
    assert math.isclose(measure(6, 0.5), 2)
    assert math.isclose(measure(6, 2), 1)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4)), max_size=25), st.booleans())
@settings(max_examples=80, deadline=None)
def test_entries_in_a_row_at_worse_prices(rows: list, bought: bool) -> None:
    rows = sorted(rows, key=lambda row: row[0])
    names = sorted({row[0] for row in rows})
    group = np.array([names.index(row[0]) for row in rows], dtype=np.int64)
    price = array(*(row[1] for row in rows))
    found = worse_in_a_row(group, price, np.full(len(rows), bought))
    assert len(found) == len(names)
    for number in range(len(names)):
        prices = [p if bought else -p for p, g in zip(price, group, strict=True) if g == number]
        longest = run = 1
        for before, after in pairwise(prices):
            run = run + 1 if after < before else 1
            longest = max(longest, run)
        assert found[number] == longest


def test_margin_is_compared_with_what_is_usual() -> None:
    days = np.full((4, 30), np.nan)
    days[0, :10] = days[1, :10] = 0.1
    days[2, :9] = 0.1  # too few days
    days[3, :10] = 0.01
    measure, usual = margin_measure(array(0.4, 0.1, 0.9, 0.09), days)
    assert np.allclose(measure, [4, 1, 0, 0])
    assert np.allclose(usual[:2], 0.1)


def test_silence_needs_a_habit_to_differ_from() -> None:
    silent = array(10 * DAY, 3 * DAY, 10 * DAY, 10 * DAY)
    span, trades = array(40 * DAY, 40 * DAY, 40 * DAY, 0), np.array([21, 41, 19, 30])
    found = silence_measure(silent, span, trades)
    assert found[0] == 5 and found[1] == 0 and found[2] == 0 and found[3] == 240


def test_an_alarm_holds_until_its_measure_has_eased() -> None:
    assert holds(2.0, 2.0, stands=False) and not holds(1.9, 2.0, stands=False)
    assert holds(1.9, 2.0, stands=True) and not holds(1.7, 2.0, stands=True)
    assert not holds(9.0, 0.0, stands=True)  # switched off
    assert all(kind.label and kind.meaning for kind in AlarmKind)
