"""Trading hours: open now, and when next."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.trading.schedule import ALWAYS, DAY_S, WEEK_S, Holiday, Schedule, make_schedule

HOUR = 3600
# Sunday 22:00 to Friday 21:00, as currencies are traded.
FOREX = make_schedule([(22 * HOUR, 5 * DAY_S + 21 * HOUR)], [])


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """March 2026: the 1st is a Sunday."""
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        (at(1, 21, 59), False),
        (at(1, 22), True),
        (at(4, 12), True),
        (at(6, 20, 59), True),
        (at(6, 21), False),
        (at(7, 12), False),
    ],
)
def test_hours_are_half_open(moment: datetime, is_open: bool) -> None:
    assert FOREX.is_open(moment) is is_open
    assert FOREX.next_open(moment) == (moment if is_open else FOREX.next_open(moment))


def test_after_the_week_the_next_one_opens() -> None:
    assert FOREX.next_open(at(6, 21)) == at(8, 22)
    assert FOREX.next_open(at(1, 0)) == at(1, 22)


def test_a_day_may_have_a_break() -> None:
    schedule = make_schedule([(DAY_S, DAY_S + 11 * HOUR), (DAY_S + 13 * HOUR, 2 * DAY_S)], [])
    assert schedule.next_open(at(2, 12)) == at(2, 13)
    assert schedule.next_open(at(3, 0)) == at(9, 0)


def test_a_holiday_closes_what_would_be_open() -> None:
    half = Holiday(date(2026, 3, 4), 12 * HOUR, DAY_S)
    schedule = make_schedule(list(FOREX.hours), [half, Holiday(date(2026, 3, 5))])
    assert schedule.is_open(at(4, 11, 59))
    assert schedule.next_open(at(4, 12)) == at(6, 0)
    assert schedule.is_open(at(11, 12))


def test_a_recurring_holiday_comes_again_every_year() -> None:
    schedule = make_schedule([], [Holiday(date(2020, 3, 4), recurring=True)])
    assert not schedule.is_open(at(4, 0))
    assert schedule.next_open(at(4, 5)) == at(5, 0)
    assert not make_schedule([], [Holiday(date(2020, 3, 4))]).holidays[0].recurring
    assert make_schedule([], [Holiday(date(2020, 3, 4))]).is_open(at(4, 0))


def test_summer_time_moves_the_hours_with_the_zone() -> None:
    new_york = make_schedule([(17 * HOUR, 5 * DAY_S + 17 * HOUR)], [], "America/New_York")
    assert new_york.next_open(at(7, 12)) == at(8, 21)  # summer time begins that night
    assert new_york.next_open(at(1, 0)) == at(1, 22)


def test_a_symbol_that_never_opens_says_so() -> None:
    whole_year = [Holiday(date(2024, 1, 1) + timedelta(days=n), recurring=True) for n in range(366)]
    assert make_schedule([], whole_year).next_open(at(1, 0)) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"hours": [[5, 5]]},
        {"hours": [[0, WEEK_S + 1]]},
        {"hours": [[1]]},
        {"hours": [7]},
        {"zone": "Atlantis"},
        {"zone": "../etc"},
        {"holidays": [{"start": 0}]},
        {"holidays": [{"date": "2026-02-30"}]},
        {"holidays": [{"date": "2026-02-03", "start": 9, "end": 9}]},
        {"holidays": ["2026-02-03"]},
    ],
)
def test_hours_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Schedule.from_json(wrong)


def test_the_whole_week_is_always() -> None:
    assert make_schedule([(0, DAY_S), (DAY_S, WEEK_S)], []) == ALWAYS
    assert ALWAYS.as_json() == {}
    assert Schedule.from_json({}) == ALWAYS
    assert ALWAYS.next_open(at(1, 0)) == at(1, 0)


_intervals = st.lists(
    st.tuples(st.integers(0, WEEK_S - 1), st.integers(1, WEEK_S)).map(
        lambda p: (min(p[0], p[1] - 1), max(p[0] + 1, p[1]))
    ),
    max_size=6,
)
_days = st.dates(date(2025, 12, 20), date(2026, 3, 20))
_holidays = st.lists(
    st.builds(Holiday, _days, st.integers(0, HOUR), st.integers(2 * HOUR, DAY_S), st.booleans()),
    max_size=4,
)


@given(_intervals, _holidays, st.integers(0, 60 * DAY_S), st.sampled_from(["UTC", "Asia/Tokyo"]))
def test_it_is_closed_until_it_opens(
    hours: list[tuple[int, int]], holidays: list[Holiday], offset: int, zone: str
) -> None:
    schedule = make_schedule(hours, holidays, zone)
    assert Schedule.from_json(schedule.as_json()) == schedule
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=offset)
    opens = schedule.next_open(moment)
    assert opens is not None and opens >= moment
    assert schedule.is_open(opens)
    assert schedule.is_open(moment) is (opens == moment)
    if opens > moment:
        assert not schedule.is_open(opens - timedelta(seconds=1))
        assert not schedule.is_open(moment + (opens - moment) / 2)
