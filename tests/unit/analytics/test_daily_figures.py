"""Figures of daily returns where there is little, nothing or something odd to compute on."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from apps.analytics.domain.daily import DailySeries, figures_of, figures_of_many, grid
from apps.analytics.domain.drawdowns import drawdown_curve, index_of, maximum_drawdown
from apps.analytics.domain.measures import DAILY_FIGURES
from apps.analytics.domain.ratios import daily_rate, risk_score
from apps.analytics.domain.standing import Figure, Standing
from apps.analytics.domain.windows import monthly_returns, total_return, value_at_risk

NO_DATA = Figure(None, Standing.NO_DATA)
TOO_SHORT = Figure(None, Standing.NOT_ENOUGH_HISTORY)
UNDEFINED = Figure(None, Standing.UNDEFINED)
RATIOS = ("annual_return", "volatility", "sharpe", "sortino", "calmar", "var_95", "risk_score")


def figures(*returns: float) -> dict[str, Figure]:
    return figures_of_many([list(returns)]).row(0)


def mixed(days: int) -> list[float]:
    return [0.02 if day % 3 else -0.03 for day in range(days)]


@pytest.mark.parametrize("returns", [[], [float("nan")] * 30, [float("inf"), float("-inf")]])
def test_nothing_is_no_data(returns: list[float]) -> None:
    known = figures(*returns)
    assert tuple(known) == DAILY_FIGURES
    assert known.pop("days") == Figure(0.0)
    assert set(known.values()) == {NO_DATA}


def test_no_records_at_all() -> None:
    table = figures_of_many(np.zeros((0, 30)))
    assert len(table) == 0 and tuple(table) == DAILY_FIGURES


def test_one_day() -> None:
    known = figures(-0.1)
    assert known["return_all"].value == known["return_7"].value == pytest.approx(-0.1)
    assert known["max_drawdown"].value == pytest.approx(0.1)
    assert known["recovery_days"] == Figure(None, Standing.NOT_RECOVERED)
    assert known["losing_days"] == known["longest_drawdown_days"] == Figure(1.0)
    assert {known[name] for name in RATIOS} == {TOO_SHORT}


def test_ratios_begin_with_the_twentieth_daily_return() -> None:
    before, then = figures(*mixed(19)), figures(*mixed(20))
    assert {before[name] for name in RATIOS} == {TOO_SHORT}
    assert all(then[name].standing is Standing.VALUE for name in RATIOS)
    gaps = figures(*mixed(19), *[float("nan")] * 300)
    assert {gaps[name] for name in RATIOS} == {TOO_SHORT}
    assert str(before["sharpe"]) == "Not enough history (fewer than 20 daily returns)"


def test_value_at_risk_needs_twenty_returns_within_a_year() -> None:
    old = figures(*mixed(40), *[float("nan")] * 350, 0.01)
    assert old["var_95"] == TOO_SHORT
    assert old["sharpe"].standing is Standing.VALUE


@pytest.mark.parametrize("value", [0.0, 0.01, 0.1 + 0.2 - 0.3 + 0.001])
def test_returns_that_are_all_the_same_have_no_ratio(value: float) -> None:
    known = figures(*[value] * 60)
    assert known["sharpe"] == known["sortino"] == known["calmar"] == UNDEFINED
    assert known["volatility"].value == pytest.approx(0, abs=1e-12)
    assert known["risk_score"] == Figure(1.0)
    assert known["max_drawdown"] == known["recovery_days"] == Figure(0.0)


def test_losing_everything_is_the_end_of_the_curve() -> None:
    known = figures(*mixed(30), -1.4, 0.5, *mixed(30))
    assert known["return_all"] == known["annual_return"] == Figure(-1.0)
    assert known["max_drawdown"] == known["current_drawdown"] == Figure(1.0)
    assert known["recovery_days"].standing is Standing.NOT_RECOVERED
    assert known["risk_score"] == Figure(10.0)
    assert known["calmar"] == Figure(-1.0)


def test_absurd_returns_do_not_break_the_table() -> None:
    with np.errstate(all="raise"):
        table = figures_of_many([[1e300] * 40, mixed(40)])
    assert table["return_all"].standings[0] == Standing.UNDEFINED
    assert table.row(1) == pytest.approx(figures(*mixed(40)))


def test_recovery_counts_calendar_days_from_the_low_to_the_old_high() -> None:
    gap = float("nan")
    known = figures(0.5, -0.2, gap, gap, -0.1, 0.3, 0.2, -0.01, -0.01)
    assert known["max_drawdown"].value == pytest.approx(0.28)
    assert known["recovery_days"] == Figure(2.0)
    assert known["longest_drawdown_days"] == Figure(5.0)
    assert known["current_drawdown"].value == pytest.approx(1 - 0.99**2)


def test_back_at_exactly_the_old_high_is_recovered() -> None:
    known = figures(-0.1, 1 / 0.9 - 1, 0.0)
    assert known["recovery_days"] == Figure(1.0) and known["longest_drawdown_days"] == Figure(1.0)
    assert known["current_drawdown"].value == pytest.approx(0, abs=1e-12)


def test_windows_end_on_the_day_asked_for() -> None:
    days = np.arange("2026-01-01", "2026-02-10", dtype="datetime64[D]")
    series = DailySeries(days, np.full(len(days), 0.01))
    late = figures_of(series, date(2026, 2, 12))
    assert late["return_7"].value == pytest.approx(1.01**4 - 1)
    assert late["return_365"].value == late["return_all"].value == pytest.approx(1.01**40 - 1)
    early = figures_of(series, date(2026, 1, 10))
    assert early["days"] == Figure(10.0)
    idle = figures_of(series, date(2026, 3, 30))
    assert idle["return_7"] == Figure(0.0)


def test_a_grid_lines_records_up_by_day() -> None:
    days = np.array(["2026-01-01", "2026-01-03"], dtype="datetime64[D]")
    empty = DailySeries(days[:0], np.zeros(0))
    rows = grid([DailySeries(days, np.array([0.1, 0.2])), empty], date(2026, 1, 4))
    np.testing.assert_array_equal(rows, [[0.1, np.nan, 0.2, np.nan], [np.nan] * 4])
    assert grid([empty], date(2026, 1, 4)).shape == (1, 0)
    cut = grid([DailySeries(days, np.array([0.1, 0.2]))], date(2026, 1, 2), width=3)
    np.testing.assert_array_equal(cut, [[np.nan, 0.1, np.nan]])


def test_what_makes_no_sense_is_refused() -> None:
    days = np.array(["2026-01-02", "2026-01-01"], dtype="datetime64[D]")
    with pytest.raises(ValueError, match="in order"):
        DailySeries(days, np.zeros(2))
    with pytest.raises(ValueError, match="one return for each day"):
        DailySeries(days, np.zeros(3))
    with pytest.raises(ValueError, match="records and days"):
        figures_of_many([0.1, 0.2])
    for rate in (-1.0, float("nan")):
        with pytest.raises(ValueError, match="risk-free rate"):
            daily_rate(rate)
    with pytest.raises(ValueError, match="either a value or the reason"):
        Figure(1.0, Standing.NO_DATA)


@pytest.mark.parametrize(
    ("volatility", "drawdown", "score"),
    [(0, 0, 1), (0.06, 0.01, 1), (0.0601, 0, 2), (0.3, 0.1, 5), (0.1, 0.3, 6), (0.1, 0.9, 10)],
)
def test_risk_score(volatility: float, drawdown: float, score: int) -> None:
    assert risk_score(np.array(volatility), np.array(drawdown)) == score


def test_one_record_needs_no_second_dimension() -> None:
    record = [0.1, -0.5, float("nan"), 0.2]
    np.testing.assert_allclose(index_of(record), [1.1, 0.55, 0.55, 0.66])
    np.testing.assert_allclose(drawdown_curve(record), [0, 0.5, 0.5, 0.4])
    assert maximum_drawdown(record) == pytest.approx(0.5)
    assert total_return(record) == pytest.approx(-0.34)
    assert value_at_risk(record) == pytest.approx(0.44)
    assert np.isnan(value_at_risk([])) and total_return([]) == 0 == maximum_drawdown([])


def test_months_without_days_are_empty_and_quiet_ones_zero() -> None:
    record = np.full(70, np.nan)
    record[[0, 1]] = 0.1
    record[69] = 0.0
    months, returns = monthly_returns(record, date(2026, 3, 11))
    assert [str(month) for month in months] == ["2026-01", "2026-02", "2026-03"]
    np.testing.assert_allclose(returns, [0.21, np.nan, 0.0], atol=1e-12)
    assert monthly_returns([], date(2026, 3, 11))[1].shape == (0,)


def test_thousands_of_records_are_each_as_alone() -> None:
    random = np.random.default_rng(2)
    rows = random.normal(0, 0.02, (700, 90))
    rows[random.random(rows.shape) < 0.3] = np.nan
    table = figures_of_many(rows, 0.02)
    for place in range(0, 700, 37):
        alone = figures_of_many(rows[[place]], 0.02).row(0)
        for name, figure in table.row(place).items():
            assert figure.standing is alone[name].standing
            if figure.value is not None:
                assert figure.value == pytest.approx(alone[name].value, rel=1e-12)
