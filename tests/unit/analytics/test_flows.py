"""Daily returns from equity, with deposits and withdrawals taken out."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pytest

from apps.analytics.domain.curve import CurvePoint
from apps.analytics.domain.daily import DailySeries, figures_of
from apps.analytics.domain.flows import CashFlow, Flows, Samples, daily_series, day_returns

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def at(days: float, hours: float = 0) -> datetime:
    return MONDAY + timedelta(days=days, hours=hours)


def point(moment: datetime, equity: object) -> CurvePoint:
    return CurvePoint(moment, Decimal(str(equity)), Decimal(0))


def flow(moment: datetime, amount: object) -> CashFlow:
    return CashFlow(moment, Decimal(str(amount)))


def returns(series: DailySeries) -> dict[date, float]:
    days = [day.astype(object) for day in series.days]
    return dict(zip(days, [round(value, 12) for value in series.returns.tolist()], strict=True))


def test_a_day_is_the_change_since_the_last_sample_of_an_earlier_one() -> None:
    curve = [point(at(0, 9), 100), point(at(0, 23), 110), point(at(1, 12), 99), point(at(2), 99)]
    assert returns(daily_series(curve)) == {
        date(2026, 3, 2): 0.1,
        date(2026, 3, 3): -0.1,
        date(2026, 3, 4): 0.0,
    }


def test_a_deposit_is_no_profit_and_a_withdrawal_no_loss() -> None:
    curve = [point(at(0), 1000), point(at(1), 1000), point(at(1, 1), 6000), point(at(2), 6600)]
    curve += [point(at(2, 1), 600), point(at(3), 540)]
    money = [flow(at(1, 1), 5000), flow(at(2, 1), -6000)]
    assert returns(daily_series(curve, money)) == {
        date(2026, 3, 3): 0.0,
        date(2026, 3, 4): 0.1,
        date(2026, 3, 5): -0.1,
    }


def test_the_size_of_a_deposit_does_not_change_the_return() -> None:
    """Half lost before the deposit, a tenth gained after it: 0.5 × 1.1, however large it was."""
    for amount in (1, 500, 10**9):
        curve = [
            point(at(0), 1000),
            point(at(0, 5), 500),
            point(at(0, 6), 500 + amount),
            point(at(0, 20), Decimal(500 + amount) * Decimal("1.1")),
        ]
        (result,) = daily_series(curve, [flow(at(0, 6), amount)]).returns
        assert result == pytest.approx(-0.45, abs=1e-9)


def test_money_taken_out_with_the_day_s_profit_leaves_the_profit() -> None:
    curve = [point(at(0), 100), point(at(1), 0), point(at(2), 0)]
    assert returns(daily_series(curve, [flow(at(0, 20), -120)])) == {date(2026, 3, 3): 0.2}


def test_an_account_that_is_funded_again_goes_on_from_where_it_was() -> None:
    curve = [point(at(0), 100), point(at(1), 110), point(at(1, 1), 0), point(at(3), 50)]
    curve += [point(at(4), 55)]
    money = [flow(at(1, 1), -110), flow(at(2, 22), 50)]
    series = daily_series(curve, money)
    assert returns(series) == {
        date(2026, 3, 3): 0.1,
        date(2026, 3, 5): 0.0,
        date(2026, 3, 6): 0.1,
    }


def test_losing_more_than_everything_is_losing_everything() -> None:
    series = daily_series([point(at(0), 100), point(at(1), -40), point(at(2), -40)])
    assert returns(series) == {date(2026, 3, 3): -1.0}


def test_flows_before_the_first_sample_are_capital_and_after_the_last_wait() -> None:
    curve = [point(at(0), 100), point(at(1), 110)]
    money = [flow(at(-1), 100), flow(at(2), 1000)]
    assert returns(daily_series(curve, money)) == {date(2026, 3, 3): 0.1}


def test_quiet_weekends_do_not_count_and_quiet_weekdays_do() -> None:
    curve = [point(at(day), 100) for day in range(8)]
    assert list(returns(daily_series(curve))) == [date(2026, 3, day) for day in (3, 4, 5, 6, 9)]


def test_a_weekend_with_a_price_change_or_with_trading_counts() -> None:
    curve = [point(at(day), 100 if day < 6 else 101) for day in range(8)]
    assert date(2026, 3, 8) in returns(daily_series(curve))
    traded = daily_series(curve, active_days=[date(2026, 3, 7)])
    assert returns(traded)[date(2026, 3, 7)] == 0


def test_a_deposit_alone_does_not_make_a_weekend_count() -> None:
    curve = [point(at(day), "100.1" if day < 6 else "100.4") for day in range(8)]
    assert date(2026, 3, 8) not in returns(daily_series(curve, [flow(at(5, 3), "0.3")]))


def test_a_holiday_counts_only_where_something_moved() -> None:
    curve = [point(at(0), 100), point(at(1), 100), point(at(2), 101)]
    holidays = [date(2026, 3, 3), date(2026, 3, 4)]
    assert returns(daily_series(curve, closed_days=holidays)) == {date(2026, 3, 4): 0.01}


def test_a_day_without_samples_is_missing_and_the_next_one_holds_the_move() -> None:
    series = daily_series([point(at(0), 100), point(at(3), 120)])
    assert returns(series) == {date(2026, 3, 5): 0.2}


def test_what_is_not_finite_is_passed_over() -> None:
    curve = [point(at(0), 100), point(at(1), "NaN"), point(at(1, 5), 110), point(at(2), "Infinity")]
    assert returns(daily_series(curve, [flow(at(1), "NaN")])) == {date(2026, 3, 3): 0.1}


def test_nothing_and_one_point_have_no_returns() -> None:
    assert returns(daily_series([])) == {}
    assert returns(daily_series([point(at(0), 100)])) == {}
    assert {figure.value for figure in figures_of(daily_series([])).values()} == {0.0, None}


def test_a_day_ends_at_midnight_utc_wherever_the_account_is() -> None:
    zone = timezone(timedelta(hours=9))
    curve = [
        point(datetime(2026, 3, 3, 8, 59, tzinfo=zone), 100),
        point(datetime(2026, 3, 3, 9, 1, tzinfo=zone), 110),
    ]
    assert returns(daily_series(curve)) == {date(2026, 3, 3): 0.1}
    with pytest.raises(ValueError, match="time zone"):
        daily_series([point(datetime(2026, 3, 3), 1)])  # noqa: DTZ001


def test_a_day_that_ends_where_it_began_has_no_return_at_all() -> None:
    path = [100.01, 99.37, 101.77, 100.3, 97.1, 100.01]
    curve = [point(at(0), 100.01)] + [point(at(1, hour), path[hour]) for hour in range(6)]
    assert daily_series(curve).returns.tolist() == [0.0]


def test_many_accounts_at_once_are_each_as_alone() -> None:
    random = np.random.default_rng(8)
    curves, flows = [], []
    for _ in range(25):
        moments = np.unique(random.integers(0, 12 * 1440, random.integers(0, 60)))
        curves.append(
            [point(at(0) + timedelta(minutes=int(m)), random.integers(0, 500)) for m in moments]
        )
        flows.append(
            [
                flow(at(0) + timedelta(minutes=int(m)), random.integers(-100, 100))
                for m in random.integers(0, 12 * 1440, random.integers(0, 6))
            ]
        )
    epoch = datetime(1970, 1, 1, tzinfo=UTC)

    def column(rows: list[list[object]], pick: object) -> np.ndarray:
        return np.array([pick(item) for row in rows for item in row])

    def ms(item: CurvePoint | CashFlow) -> int:
        return (item.at - epoch) // timedelta(milliseconds=1)

    together = day_returns(
        Samples(
            np.repeat(np.arange(25), [len(c) for c in curves]),
            column(curves, ms),
            column(curves, lambda p: float(p.equity)),
        ),
        Flows(
            np.repeat(np.arange(25), [len(f) for f in flows]),
            column(flows, ms),
            column(flows, lambda f: float(f.amount)),
        ),
    )
    for owner in range(25):
        mine = together.owner == owner
        alone = daily_series(
            curves[owner],
            flows[owner],
            active_days=[day.astype(object) for day in together.day[mine].astype("datetime64[D]")],
        )
        growth = together.growth[mine]
        np.testing.assert_array_equal(growth[~np.isnan(growth)] - 1, alone.returns)


def test_without_flows_the_days_multiply_to_the_whole() -> None:
    random = np.random.default_rng(9)
    values = np.exp(np.cumsum(random.normal(0, 0.02, 4000))) * 1000
    curve = [point(at(0) + timedelta(minutes=37 * i), v) for i, v in enumerate(values)]
    series = daily_series(curve)
    whole = math.prod(1 + value for value in series.returns.tolist())
    assert whole == pytest.approx(values[-1] / values[0], rel=1e-12)
