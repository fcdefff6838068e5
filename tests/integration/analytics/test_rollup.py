"""From samples to hours, days and daily returns, in PostgreSQL."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from apps.analytics import api, partitions
from apps.analytics.models import EquityDay, EquityHour, EquitySample, FigureBook
from apps.analytics.rollup import closable_before
from tests.factories.equity import at_hour, booked, kept_up, master_account, sampled
from tests.factories.platforms import AccountFactory

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 3, 2)
TUESDAY, WEDNESDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)
SATURDAY = MONDAY + timedelta(days=5)


@pytest.fixture
def account() -> int:
    return int(AccountFactory().pk)


def returns(account_id: int) -> dict[date, float | None]:
    days = EquityDay.objects.filter(account_id=account_id, closed=True)
    return dict(days.values_list("day", "daily_return"))


def everything() -> list[object]:
    with connection.cursor() as cursor:
        rows: list[object] = []
        for table in (
            *("analytics_equitysample", "analytics_equityhour", "analytics_equityday"),
            *("analytics_returnday", "analytics_figurebook", "analytics_accountfigures"),
        ):
            cursor.execute(f"SELECT t::text, t.xmin::text FROM {table} t ORDER BY 1")
            rows += cursor.fetchall()
        return rows


def test_hours_and_days_hold_last_lowest_highest_and_what_came_in(account: int) -> None:
    sampled(
        account,
        {
            at_hour(MONDAY, 9, 58): 100,
            at_hour(MONDAY, 9, 59): 90,
            at_hour(MONDAY, 10): 120,
            at_hour(MONDAY, 10, 1): 110,
        },
        {at_hour(MONDAY, 10): 25},
    )
    api.roll_up(now=at_hour(MONDAY, 11))
    nine, ten = EquityHour.objects.filter(account_id=account).order_by("at")
    assert (nine.at, nine.last_at) == (at_hour(MONDAY, 9), at_hour(MONDAY, 9, 59))
    assert (nine.equity, nine.lowest, nine.highest, nine.samples) == (90, 90, 100, 2)
    assert (ten.equity, ten.deposits, ten.flows) == (110, 25, 1)
    day = EquityDay.objects.get(account_id=account)
    assert (day.day, day.equity, day.lowest, day.highest) == (MONDAY, 110, 90, 120)
    assert (day.deposits, day.flows, day.samples, day.closed) == (25, 1, 4, False)


def test_days_begin_and_end_at_midnight_utc(account: int) -> None:
    sampled(
        account,
        {
            at_hour(MONDAY, 12): 100,
            at_hour(MONDAY, 23, 59): 110,
            at_hour(TUESDAY, 0): 121,
            at_hour(TUESDAY, 12): 121,
        },
    )
    kept_up(at_hour(WEDNESDAY, 1))
    assert returns(account) == {
        MONDAY: pytest.approx(0.1),
        TUESDAY: pytest.approx(0.1),
    }


def test_a_day_is_closed_only_when_it_is_over_and_settled(account: int) -> None:
    sampled(account, {at_hour(MONDAY, 12): 100, at_hour(MONDAY, 13): 101})
    kept_up(at_hour(TUESDAY, 0, 14))
    assert returns(account) == {}
    kept_up(at_hour(TUESDAY, 0, 15))
    assert returns(account) == {MONDAY: pytest.approx(0.01)}
    assert closable_before(at_hour(TUESDAY, 0, 14)) == MONDAY


def test_deposits_and_withdrawals_are_found_and_taken_out(account: int) -> None:
    start = at_hour(MONDAY, 12)
    minute = timedelta(minutes=1)
    sampled(
        account,
        {
            start: 1000,
            start + minute: 1100,  # a trade won 100
            start + 2 * minute: 2100,  # 1,000 were deposited
            start + 3 * minute: 2310,  # a trade won 210
            start + 4 * minute: 310,  # 2,000 were withdrawn
        },
    )
    booked(account, start + minute / 2, 100, 1100)
    booked(account, start + 2.5 * minute, 210, 2310)
    assert api.find_deposits(now=start + 5 * minute) == 2
    assert api.find_deposits(now=start + 5 * minute) == 0
    found = EquitySample.objects.exclude(deposits=0).order_by("at")
    assert [(s.at, s.deposits) for s in found] == [
        (start + 2 * minute, 1000),
        (start + 4 * minute, -2000),
    ]
    kept_up(at_hour(TUESDAY, 1))
    assert returns(account) == {MONDAY: pytest.approx(1.1 * 1.1 - 1)}
    assert EquityDay.objects.get(account_id=account).deposits == -1000


def test_a_deal_that_is_stored_late_is_no_deposit_any_more(account: int) -> None:
    start = at_hour(MONDAY, 12)
    sampled(account, {start: 1000, start + timedelta(minutes=1): 1100})
    assert api.find_deposits(now=start + timedelta(minutes=1)) == 1
    booked(account, start + timedelta(seconds=30), 100, 1100)
    assert api.find_deposits(now=start + timedelta(minutes=2)) == 1
    assert not EquitySample.objects.exclude(deposits=0).exists()


def test_a_deposit_while_nothing_ran_is_found_at_the_first_sample_after_it(account: int) -> None:
    sampled(account, {at_hour(MONDAY, 12): 1000, at_hour(WEDNESDAY, 12): 1600})
    booked(account, at_hour(TUESDAY, 3), 100, 1100)
    api.find_deposits(now=at_hour(WEDNESDAY, 12))
    assert EquitySample.objects.get(at=at_hour(WEDNESDAY, 12)).deposits == 500
    kept_up(at_hour(WEDNESDAY, 12) + timedelta(days=1))
    assert returns(account) == {MONDAY: None, WEDNESDAY: pytest.approx(1600 / 1500 - 1)}


def test_a_day_without_samples_is_missing_and_the_next_holds_its_move(account: int) -> None:
    sampled(
        account,
        {
            at_hour(MONDAY, 1): 100,
            at_hour(MONDAY, 2): 100,
            at_hour(WEDNESDAY, 3): 95,
            at_hour(WEDNESDAY, 4): 90,
        },
    )
    for hour in (5, 6):
        api.roll_up(now=at_hour(WEDNESDAY, hour))
    booked(account, at_hour(TUESDAY, 3), -5, 95)
    booked(account, at_hour(WEDNESDAY, 3, 30), -5, 90)
    kept_up(at_hour(WEDNESDAY, 1) + timedelta(days=1))
    assert returns(account) == {MONDAY: 0.0, WEDNESDAY: pytest.approx(-0.1)}


def test_a_quiet_weekend_counts_only_where_the_account_traded(account: int) -> None:
    other = int(AccountFactory().pk)
    for key in (account, other):
        sampled(key, {at_hour(SATURDAY, 1): 100, at_hour(SATURDAY, 2): 100})
    booked(other, at_hour(SATURDAY, 1, 30), 0, 100)
    kept_up(at_hour(SATURDAY, 1) + timedelta(days=1))
    assert returns(account) == {SATURDAY: None}
    assert returns(other) == {SATURDAY: 0.0}


def test_samples_and_hours_go_over_the_end_of_a_month_into_the_next_partition(
    account: int,
) -> None:
    last, first = date(2026, 2, 28), date(2026, 3, 1)
    sampled(account, {at_hour(last, 23, 59): 100, at_hour(first, 0): 110})
    kept_up(at_hour(first, 1))
    with connection.cursor() as cursor:
        for table, month, at in (
            ("analytics_equitysample", "02", at_hour(last, 23, 59)),
            ("analytics_equitysample", "03", at_hour(first, 0)),
            ("analytics_equityhour", "02", at_hour(last, 23)),
            ("analytics_equityhour", "03", at_hour(first, 0)),
        ):
            cursor.execute(f"SELECT at FROM {table}_2026_{month}")
            assert cursor.fetchall() == [(at,)]
    kept_up(at_hour(MONDAY, 1))
    assert returns(account) == {last: None, first: pytest.approx(0.1)}


def test_partitions_are_made_ahead_and_once() -> None:
    now = datetime(2031, 11, 30, 23, 59, tzinfo=UTC)
    made, dropped = api.keep_partitions(now=now)
    assert made == sorted(
        f"{table}_{month}"
        for table in partitions.TABLES
        for month in ("2031_11", "2031_12", "2032_01")
    )
    assert dropped == []
    assert api.keep_partitions(now=now) == ([], [])


def test_old_samples_are_dropped_only_when_their_days_are_closed(
    account: int,
) -> None:
    old = date(2025, 11, 10)
    sampled(account, {at_hour(old, 1): 100, at_hour(old, 2): 110})
    now = at_hour(MONDAY, 1)
    assert api.keep_partitions(now=now)[1] == []  # not rolled up yet
    kept_up(now)
    _, dropped = api.keep_partitions(now=now)
    assert "analytics_equitysample_2025_11" in dropped
    assert "analytics_equityhour_2025_11" not in dropped
    assert not EquitySample.objects.exists()
    assert EquityHour.objects.count() == 2
    kept_up(now)
    assert returns(account) == {old: pytest.approx(0.1)}
    assert api.keep_partitions(now=now) == ([], [])


def test_every_step_done_twice_changes_nothing() -> None:
    account = master_account()
    start = at_hour(MONDAY, 23)
    sampled(account, {start + n * timedelta(minutes=7): 1000 + n * n for n in range(40)})
    for now in (at_hour(TUESDAY, 0, 5), at_hour(TUESDAY, 5), at_hour(WEDNESDAY, 5)):
        kept_up(now)
        before = everything()
        kept_up(now)
        assert everything() == before
    assert len(returns(account)) == 2


def test_a_sample_that_comes_late_changes_its_day_and_the_next_once() -> None:
    account = master_account()
    sampled(
        account,
        {at_hour(MONDAY, 1): 100, at_hour(MONDAY, 2): 100, at_hour(TUESDAY, 1): 121},
        {},
    )
    now = at_hour(WEDNESDAY, 1)
    api.keep_up(now=now)
    assert returns(account) == {MONDAY: 0.0, TUESDAY: pytest.approx(0.21)}
    sampled(account, {at_hour(MONDAY, 3): 110})
    for _ in range(2):
        api.roll_up(now=now, since=at_hour(MONDAY, 0))
        assert api.close_days(now=now) in (2, 0)
        assert returns(account) == {MONDAY: pytest.approx(0.1), TUESDAY: pytest.approx(0.1)}
        api.update_figures(TUESDAY)
        assert not FigureBook.objects.get().stale
    assert EquityDay.objects.get(day=MONDAY).samples == 3
    assert EquityDay.objects.get(day=MONDAY).equity == Decimal(110)


def test_nothing_sampled_nothing_made() -> None:
    kept_up(at_hour(MONDAY, 1))
    assert not EquityDay.objects.exists()
    assert api.close_days(now=at_hour(MONDAY, 1)) == 0
