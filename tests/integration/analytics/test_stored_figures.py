"""Figures kept up in storage equal those computed from all stored days."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.analytics import api, selectors, tasks
from apps.analytics.domain.daily import figures_of_many
from apps.analytics.figures import figures_from_storage, update_figures
from apps.analytics.models import (
    AccountFigures,
    EquityDay,
    EquityHour,
    EquitySample,
    FigureBook,
    ReturnDay,
)
from apps.copytrading.models import CopyMaster
from tests.factories.equity import at_hour, closed_days, master_account, sampled
from tests.factories.platforms import AccountFactory

pytestmark = pytest.mark.django_db
FIRST = date(2025, 1, 20)

one_return = st.one_of(st.none(), st.sampled_from([0.0, 0.01, -0.01]), st.floats(-0.3, 0.3))
histories = st.lists(one_return, max_size=30)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def assert_kept_up_is_computed() -> None:
    """What is stored for every master equals the computation from all stored days."""
    accounts, table = figures_from_storage()
    stored = selectors.stored_figures(accounts)
    assert set(stored) == set(accounts)
    for row, account in enumerate(accounts):
        figures = stored[account].figures
        for name, figure in table.row(row).items():
            assert figures[name].standing == figure.standing, (name, account)
            if figure.value is not None:
                assert figures[name].value == pytest.approx(figure.value, rel=1e-7, abs=1e-10), name


def assert_computed_from_the_days_themselves(last: date) -> None:
    """Nothing was lost on the way from the accounts' days to the days of all masters."""
    accounts, table = figures_from_storage()
    first = EquityDay.objects.order_by("day").first()
    assert first is not None
    returns = np.full((len(accounts), (last - first.day).days + 1), np.nan)
    for row in EquityDay.objects.exclude(daily_return=None).filter(account_id__in=accounts):
        returns[accounts.index(row.account_id), (row.day - first.day).days] = row.daily_return
    expected = figures_of_many(returns)
    for name in expected:
        np.testing.assert_array_equal(table[name].standings, expected[name].standings, name)
        np.testing.assert_allclose(table[name].values, expected[name].values, rtol=1e-9)


def clear() -> None:
    for model in (AccountFigures, EquityDay, FigureBook, ReturnDay, CopyMaster):
        model.objects.all().delete()


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    records=st.lists(st.tuples(histories, st.integers(0, 25)), min_size=1, max_size=4),
    stops=st.sets(st.integers(0, 60), max_size=5),
    later=histories,
)
def test_incremental_is_full(
    records: list[tuple[list[float | None], int]], stops: set[int], later: list[float | None]
) -> None:
    clear()
    for returns, start in records:
        closed_days(master_account(), day(start), returns)
    applicant = int(AccountFactory().pk)
    closed_days(applicant, day(10), later)
    last = None
    for number, stop in enumerate(sorted({*stops, 70})):
        if number == 1:  # an account with a history of its own becomes a master
            CopyMaster.objects.create(account_id=applicant, strategy_name="late")
        last = update_figures(day(stop))
        assert_kept_up_is_computed()
    if last is not None:
        assert last == day(70)
        assert_computed_from_the_days_themselves(last)


def test_years_day_by_day_and_in_one_go_are_the_same() -> None:
    random = np.random.default_rng(5)
    masters = [master_account() for _ in range(3)]
    for account in masters:
        returns = random.normal(0.0005, 0.01, 430)
        closed_days(account, FIRST, [None if random.random() < 0.3 else float(r) for r in returns])
    for number in (0, 1, 2, 199, 200, 365, 366, *range(400, 430)):
        update_figures(day(number))
    assert_kept_up_is_computed()
    assert_computed_from_the_days_themselves(day(429))
    one = selectors.stored_figures(masters)
    FigureBook.objects.update(stale=True)
    update_figures(day(429))
    again = selectors.stored_figures(masters)
    for account in masters:
        for name, figure in one[account].figures.items():
            assert again[account].figures[name].value == pytest.approx(figure.value, rel=1e-9)


def test_a_new_master_whose_history_begins_before_all_others() -> None:
    closed_days(master_account(), day(30), [0.01] * 30)
    update_figures(day(59))
    closed_days(master_account(), day(0), [0.02, -0.01] * 30)
    update_figures(day(59))
    assert FigureBook.objects.get().first_day == day(0)
    assert_kept_up_is_computed()
    assert_computed_from_the_days_themselves(day(59))


def test_a_day_changed_after_it_was_taken_up_makes_the_figures_anew() -> None:
    account = master_account()
    start = day(0)  # a Monday
    sampled(account, {at_hour(start, 1): 100, at_hour(start, 2): 110})
    api.keep_up(now=at_hour(day(1), 1))
    sampled(account, {at_hour(start, 3): 120})
    api.roll_up(now=at_hour(day(1), 1), since=at_hour(start, 0))
    api.keep_up(now=at_hour(day(1), 1))
    figure = selectors.stored_figures([account])[account].figures["return_all"]
    assert figure.value == pytest.approx(0.2)
    assert_kept_up_is_computed()


def test_another_risk_free_rate_makes_the_figures_anew(settings: Any) -> None:
    account = master_account()
    closed_days(account, FIRST, [0.01, -0.005] * 20)
    update_figures(day(39))
    before = selectors.stored_figures([account])[account].figures
    settings.RISK_FREE_RATE = 0.05
    update_figures(day(39))
    after = selectors.stored_figures([account])[account].figures
    assert after["sharpe"].value != before["sharpe"].value
    assert after["return_all"] == before["return_all"]
    assert_kept_up_is_computed()


def test_the_cost_of_a_day_does_not_grow_with_the_history() -> None:
    account = master_account()
    closed_days(account, FIRST, [0.001] * 800)
    counts, sizes = [], []
    for number in (20, 21, 798, 799):
        update_figures(day(number - 1))
        with CaptureQueriesContext(connection) as captured:
            update_figures(day(number))
        counts.append(len(captured))
        sizes.append(len(FigureBook.objects.get().accumulator))
    assert len(set(counts[::2])) == len(set(counts[1::2])) == 1
    assert len(set(sizes)) == 1


def test_without_masters_and_without_days_there_are_no_figures() -> None:
    assert update_figures(FIRST) is None
    account = master_account()
    assert update_figures(FIRST) is None
    assert selectors.stored_figures([account]) == {}
    closed_days(int(AccountFactory().pk), FIRST, [0.1])
    assert update_figures(FIRST) is None
    assert figures_from_storage()[0] == ()


def test_the_tasks_run_twice_change_nothing() -> None:
    account = master_account()
    closed_days(account, FIRST, [0.01] * 3)
    for task in (tasks.sample_equity, tasks.roll_up, tasks.keep_partitions):
        task()
        before = [
            list(model.objects.order_by("pk").values())
            for model in (EquitySample, EquityHour, EquityDay, ReturnDay, AccountFigures)
        ]
        task()
        assert before == [
            list(model.objects.order_by("pk").values())
            for model in (EquitySample, EquityHour, EquityDay, ReturnDay, AccountFigures)
        ]
    assert selectors.stored_figures([account])[account].figures["days"].value == 3
