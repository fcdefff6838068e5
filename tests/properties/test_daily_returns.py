"""Time-weighted returns: what must not change them does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.analytics.domain.curve import CurvePoint
from apps.analytics.domain.daily import DailySeries
from apps.analytics.domain.flows import CashFlow, daily_series

START = datetime(2026, 3, 2, tzinfo=UTC)
minutes = st.integers(0, 10 * 1440)
histories = st.dictionaries(minutes, st.integers(1, 10**6), min_size=2, max_size=30)
flow_lists = st.lists(st.tuples(minutes, st.integers(-(10**5), 10**5)), max_size=8)


def curve(history: dict[int, int], scale: int = 1) -> list[CurvePoint]:
    return [
        CurvePoint(START + timedelta(minutes=m), Decimal(value) * scale, Decimal(0))
        for m, value in sorted(history.items())
    ]


def flows(given_flows: list[tuple[int, int]], scale: int = 1) -> list[CashFlow]:
    return [CashFlow(START + timedelta(minutes=m), Decimal(a) * scale) for m, a in given_flows]


def same(one: DailySeries, other: DailySeries) -> None:
    np.testing.assert_array_equal(one.days, other.days)
    np.testing.assert_allclose(one.returns, other.returns, rtol=1e-9, atol=1e-12)


@settings(deadline=None)
@given(histories, flow_lists, st.integers(2, 1000))
def test_the_size_of_the_money(
    history: dict[int, int], money: list[tuple[int, int]], by: int
) -> None:
    same(
        daily_series(curve(history), flows(money)),
        daily_series(curve(history, by), flows(money, by)),
    )


@settings(deadline=None)
@given(histories, flow_lists)
def test_the_order_of_what_is_given(history: dict[int, int], money: list[tuple[int, int]]) -> None:
    same(
        daily_series(curve(history), flows(money)),
        daily_series(curve(history)[::-1], flows(money)[::-1]),
    )


@settings(deadline=None)
@given(histories, flow_lists)
def test_a_deposit_in_two_parts(history: dict[int, int], money: list[tuple[int, int]]) -> None:
    halves = [(m, part) for m, a in money for part in (a // 2, a - a // 2)]
    same(
        daily_series(curve(history), flows(money)),
        daily_series(curve(history), flows(halves)),
    )


@settings(deadline=None)
@given(histories)
def test_samples_between_make_no_difference_without_flows(history: dict[int, int]) -> None:
    """A day's return needs its last sample only; the first one of all is the capital."""
    ends = {m // 1440: m for m in sorted(history)}
    kept = {m: history[m] for m in {min(history), *ends.values()}}
    same(daily_series(curve(history)), daily_series(curve(kept)))


@settings(deadline=None)
@given(histories, flow_lists)
def test_never_less_than_everything(history: dict[int, int], money: list[tuple[int, int]]) -> None:
    returns = daily_series(curve(history), flows(money)).returns
    assert (returns >= -1).all()


@settings(deadline=None)
@given(st.dictionaries(minutes, st.integers(-(10**6), 10**6), min_size=2, max_size=20))
def test_an_account_that_only_takes_in_and_out_earns_nothing(steps: dict[int, int]) -> None:
    """Every change of equity is a flow of the same moment: there is no return at all."""
    equity, history, money = 10**8, {}, []
    for moment, amount in sorted(steps.items()):
        equity += amount
        history[moment] = equity
        money.append((moment, amount))
    assert (daily_series(curve(history), flows(money)).returns == 0).all()
