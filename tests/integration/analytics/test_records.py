"""Curves, months and figures of any number of accounts, one query each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from apps.analytics import api, selectors
from apps.analytics.domain.measures import DAILY_FIGURES
from apps.analytics.domain.standing import Standing
from apps.analytics.figures import update_figures
from tests.factories.equity import at_hour, closed_days, master_account, sampled

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 3, 2)
Counted = Callable[[int], Any]


def test_equity_by_the_hour_with_deposits_marked(django_assert_num_queries: Counted) -> None:
    one, other = master_account(), master_account()
    sampled(
        one,
        {at_hour(MONDAY, 9): 100, at_hour(MONDAY, 9, 30): 150, at_hour(MONDAY, 10): 155},
        {at_hour(MONDAY, 9, 30): 50},
    )
    sampled(other, {at_hour(MONDAY, 9): 7})
    api.roll_up(now=at_hour(MONDAY, 11))
    with django_assert_num_queries(1):
        curves = selectors.equity_curve(
            [one, other], since=at_hour(MONDAY, 0), until=at_hour(MONDAY, 12)
        )
    assert [(p.at, p.equity, p.deposits) for p in curves[one]] == [
        (at_hour(MONDAY, 9, 30), 150, 50),
        (at_hour(MONDAY, 10), 155, 0),
    ]
    assert [p.equity for p in curves[other]] == [7]


def test_equity_by_the_day_over_longer_stretches(django_assert_num_queries: Counted) -> None:
    account = master_account()
    later = MONDAY + timedelta(days=40)
    sampled(account, {at_hour(MONDAY, 9): 100, at_hour(MONDAY, 10): 101, at_hour(later, 1): 102})
    api.roll_up(now=at_hour(later, 2))
    with django_assert_num_queries(1):
        curves = selectors.equity_curve(
            [account], since=at_hour(MONDAY, 12), until=at_hour(later, 2)
        )
    assert [p.equity for p in curves[account]] == [101, 102]


def test_drawdown_index_and_months(django_assert_num_queries: Counted) -> None:
    one, other = master_account(), master_account()
    closed_days(one, date(2026, 3, 30), [0.1, -0.5, None, 0.2])  # over the end of March
    closed_days(other, MONDAY, [0.01])
    until = date(2026, 5, 2)
    with django_assert_num_queries(1):
        curves = selectors.drawdown_curves([one, other], until=until)
    assert [p.day.day for p in curves[one]] == [30, 31, 2]
    assert [p.index for p in curves[one]] == pytest.approx([1.1, 0.55, 0.66])
    assert [p.drawdown for p in curves[one]] == pytest.approx([0, 0.5, 0.4])
    with django_assert_num_queries(1):
        months = selectors.monthly_returns([one, other], until=until)
    assert months[one] == {
        date(2026, 3, 1): pytest.approx(-0.45),
        date(2026, 4, 1): pytest.approx(0.2),
        date(2026, 5, 1): None,
    }
    assert months[other][date(2026, 3, 1)] == pytest.approx(0.01)


def test_figures_of_a_period_are_those_of_its_days(django_assert_num_queries: Counted) -> None:
    one, other = master_account(), master_account()
    closed_days(one, MONDAY, [-0.5] + [0.01, -0.002] * 15)
    closed_days(other, MONDAY, [0.1])
    until = MONDAY + timedelta(days=30)
    for days, count in ((7, 7), (30, 30), (90, 31), (365, 31), (None, 31)):
        with django_assert_num_queries(1):
            found = selectors.period_figures([one, other], until=until, days=days)
        assert list(found[one]) == list(DAILY_FIGURES)
        assert found[one]["days"].value == count
        fell = found[one]["max_drawdown"].value
        assert fell == pytest.approx(0.002 if count < 31 else 0.5)
        expected = Standing.NOT_ENOUGH_HISTORY if count < 20 else Standing.VALUE
        assert found[one]["sharpe"].standing is expected
    assert found[other]["return_all"].value == pytest.approx(0.1)


def test_stored_figures_of_many_masters_in_one_query(django_assert_num_queries: Counted) -> None:
    accounts = [master_account() for _ in range(3)]
    for account in accounts:
        closed_days(account, MONDAY, [0.01, -0.02])
    update_figures(MONDAY + timedelta(days=1))
    with django_assert_num_queries(1):
        found = selectors.stored_figures(accounts)
    assert set(found) == set(accounts)
    record = found[accounts[0]]
    assert record.day == MONDAY + timedelta(days=1)
    assert record.figures["return_7"].value == pytest.approx(1.01 * 0.98 - 1)
    assert record.figures["sharpe"].standing is Standing.NOT_ENOUGH_HISTORY
    assert record.figures["recovery_days"].standing is Standing.NOT_RECOVERED


def test_accounts_without_a_record_are_missing(django_assert_num_queries: Counted) -> None:
    with django_assert_num_queries(0):
        assert selectors.drawdown_curves([], until=MONDAY) == {}
        assert selectors.monthly_returns([], until=MONDAY) == {}
        assert selectors.period_figures([], until=MONDAY) == {}
        assert selectors.equity_curve([], since=at_hour(MONDAY, 0), until=at_hour(MONDAY, 1)) == {}
    assert selectors.period_figures([404], until=MONDAY, days=30) == {}
