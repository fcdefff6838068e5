"""Figures against empyrical-reloaded and quantstats, where those define them."""

from __future__ import annotations

import contextlib
import gzip
import warnings
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import empyrical
import numpy as np
import pandas as pd
import pytest
import quantstats.stats as quantstats
from currency_converter import CurrencyConverter, RateNotFoundError
from django.conf import settings

from apps.analytics.domain.curve import CurvePoint
from apps.analytics.domain.daily import DailySeries, figures_of, figures_of_many
from apps.analytics.domain.drawdowns import drawdown_curve
from apps.analytics.domain.flows import daily_series
from apps.analytics.domain.ratios import daily_rate
from apps.analytics.domain.standing import FloatArray
from apps.analytics.domain.table import FigureTable
from apps.analytics.domain.trade_figures import trade_figures
from apps.analytics.domain.trades import TradeRows, totals
from apps.analytics.domain.windows import monthly_returns, value_at_risk
from tests.support.oracles import DAYS, as_frame, families

RECORDED = Path(settings.BASE_DIR).parent / "shared" / "data"
NAMES = ("calm", "wild", "idle", "falling", "martingale", "jumps")
RISK_FREE = 0.035


@pytest.fixture(autouse=True)
def _quiet_libraries() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def assert_close(table: FigureTable, name: str, expected: object, sign: int = 1) -> None:
    """Where we have no value the library must have none either (NaN or infinite)."""
    theirs = sign * np.asarray(expected, dtype=np.float64)
    ours = table[name].values
    np.testing.assert_array_equal(np.isnan(ours), ~np.isfinite(theirs), err_msg=name)
    held = np.isfinite(theirs)
    np.testing.assert_allclose(ours[held], theirs[held], rtol=1e-8, atol=1e-11, err_msg=name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(4))
def test_empyrical_on_thousands_of_records(name: str, seed: int) -> None:
    grid = families(seed, 150)[name]
    frame = as_frame(grid)
    ours, with_rate = figures_of_many(grid), figures_of_many(grid, RISK_FREE)
    rate = daily_rate(RISK_FREE)

    assert_close(ours, "return_all", empyrical.cum_returns_final(frame))
    assert_close(ours, "return_30", empyrical.cum_returns_final(frame.iloc[-30:]))
    assert_close(ours, "annual_return", empyrical.annual_return(frame))
    assert_close(ours, "volatility", empyrical.annual_volatility(frame))
    assert_close(ours, "max_drawdown", empyrical.max_drawdown(frame), -1)
    assert_close(ours, "sharpe", empyrical.sharpe_ratio(frame))
    assert_close(with_rate, "sharpe", empyrical.sharpe_ratio(frame, risk_free=rate))
    assert_close(ours, "sortino", empyrical.sortino_ratio(frame))
    assert_close(with_rate, "sortino", empyrical.sortino_ratio(frame, required_return=rate))
    series = [frame[column] for column in frame]
    assert_close(ours, "var_95", [empyrical.value_at_risk(one) for one in series], -1)
    assert_close(ours, "calmar", [empyrical.calmar_ratio(one) for one in series])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(10, 12))
def test_quantstats_on_thousands_of_records(name: str, seed: int) -> None:
    grid = families(seed, 200)[name]
    frame = as_frame(grid)
    ours, with_rate = figures_of_many(grid), figures_of_many(grid, RISK_FREE)

    assert_close(ours, "return_all", quantstats.comp(frame))
    assert_close(ours, "annual_return", quantstats.cagr(frame))
    assert_close(ours, "volatility", quantstats.volatility(frame))
    assert_close(ours, "sharpe", quantstats.sharpe(frame))
    assert_close(with_rate, "sharpe", quantstats.sharpe(frame, rf=RISK_FREE))
    assert_close(ours, "sortino", quantstats.sortino(frame))
    assert_close(ours, "max_drawdown", quantstats.max_drawdown(frame), -1)


@pytest.mark.parametrize("name", NAMES)
def test_quantstats_on_single_records(name: str) -> None:
    grid = families(20, 25)[name]
    ours = figures_of_many(grid)
    series = [one for _, one in as_frame(grid).items()]
    assert_close(ours, "calmar", [quantstats.calmar(one) for one in series])
    assert_close(ours, "losing_days", [quantstats.consecutive_losses(one) for one in series])
    for row, one in zip(grid, series, strict=True):
        np.testing.assert_allclose(
            drawdown_curve(row), -quantstats.to_drawdown_series(one), atol=1e-12
        )
    assert_close(ours, "longest_drawdown_days", [longest_drawdown(one) for one in series])


def longest_drawdown(returns: pd.Series) -> int:
    """quantstats knows no fall that begins on the first day: a quiet day is put before it."""
    before = returns.index[0] - pd.Timedelta(days=1)
    whole = pd.concat([pd.Series([0.0], index=[before]), returns])
    return quantstats.drawdown_details(quantstats.to_drawdown_series(whole))["days"].max()


def test_quantstats_assumes_a_normal_distribution_for_value_at_risk() -> None:
    """Documented difference: on skewed returns the two answers are far apart."""
    skewed = families(20, 1)["martingale"][0]
    theirs = -quantstats.value_at_risk(as_frame(skewed[None])[0])
    assert abs(theirs - value_at_risk(skewed)) > 0.2 * theirs


@pytest.mark.parametrize("name", NAMES)
def test_trade_figures_are_those_of_quantstats_on_results(name: str) -> None:
    """quantstats has no trades: each result is handed to it as the return of a day."""
    grid = families(30, 60)[name]
    owners = np.repeat(np.arange(len(grid)), DAYS)
    blank = np.zeros(grid.size)
    rows = TradeRows(owners, grid.ravel(), blank, blank > 0)
    ours = trade_figures(totals(rows, len(grid)))
    series = [one for _, one in as_frame(grid).items()]

    for figure, function in {
        "win_rate": quantstats.win_rate,
        "profit_factor": quantstats.profit_factor,
        "average_win": quantstats.avg_win,
        "average_loss": quantstats.avg_loss,
        "losing_streak": quantstats.consecutive_losses,
    }.items():
        assert_close(ours, figure, [function(one) for one in series])
    assert_close(ours, "expectancy", [one.mean() for one in series])


@pytest.mark.parametrize("name", NAMES)
def test_months(name: str) -> None:
    grid = families(40, 10)[name]
    frame = as_frame(grid)
    months, ours = monthly_returns(grid, frame.index[-1].date())
    for row, (_, one) in zip(ours, frame.items(), strict=True):
        theirs = empyrical.aggregate_returns(one, "monthly")
        assert [(m.astype(object).year, m.astype(object).month) for m in months] == list(
            theirs.index
        )
        np.testing.assert_allclose(row, theirs.to_numpy(), rtol=1e-10, atol=1e-14)
        table = quantstats.monthly_returns(one)
        for month, value in zip(months.astype(object), row, strict=True):
            name_of_month = month.strftime("%b").upper()
            assert table.loc[str(month.year), name_of_month] == pytest.approx(value)


def test_days_that_do_not_count_are_as_if_they_were_not_there() -> None:
    random = np.random.default_rng(5)
    grid = random.normal(0, 0.01, (60, 200))
    grid[random.random(grid.shape) < 0.4] = np.nan
    ours = figures_of_many(grid)
    series = [pd.Series(row[~np.isnan(row)]) for row in grid]

    assert_close(ours, "sharpe", [empyrical.sharpe_ratio(one) for one in series])
    assert_close(ours, "sortino", [empyrical.sortino_ratio(one) for one in series])
    assert_close(ours, "calmar", [empyrical.calmar_ratio(one) for one in series])
    assert_close(ours, "var_95", [empyrical.value_at_risk(one) for one in series], -1)
    assert_close(ours, "annual_return", [empyrical.annual_return(one) for one in series])


def check_record(series: DailySeries) -> None:
    """All common figures of one record, the last 365 days where the figure looks no further."""
    ours = figures_of(series)
    theirs = pd.Series(series.returns, index=pd.DatetimeIndex(series.days))
    year = theirs[theirs.index > theirs.index[-1] - pd.Timedelta(days=365)]
    for name, expected in {
        "days": len(theirs),
        "return_all": empyrical.cum_returns_final(theirs),
        "return_365": empyrical.cum_returns_final(year),
        "annual_return": empyrical.annual_return(theirs),
        "volatility": quantstats.volatility(theirs),
        "sharpe": quantstats.sharpe(theirs),
        "sortino": empyrical.sortino_ratio(theirs),
        "calmar": empyrical.calmar_ratio(theirs),
        "max_drawdown": -empyrical.max_drawdown(theirs),
        "drawdown_365": -empyrical.max_drawdown(year),
        "var_95": -empyrical.value_at_risk(year),
    }.items():
        assert ours[name].value == pytest.approx(expected, rel=1e-8), name


def reference_curve(pair: str) -> list[CurvePoint]:
    converter, curve = CurrencyConverter(), []
    for number in range(20 * 365):
        day = date(2005, 1, 3) + timedelta(days=number)
        with contextlib.suppress(RateNotFoundError):
            value = Decimal(str(converter.convert(1_000, pair[:3], pair[3:], date=day)))
            at = datetime(day.year, day.month, day.day, 15, tzinfo=UTC)
            curve.append(CurvePoint(at, value, Decimal(0)))
    return curve


@pytest.mark.parametrize("pair", ["EURUSD", "GBPJPY", "AUDNZD", "EURCHF"])
def test_twenty_years_of_reference_rates(pair: str) -> None:
    """A thousand bought once and held, valued by the ECB's daily rates."""
    curve = reference_curve(pair)
    series = daily_series(curve)

    equity = [float(point.equity) for point in curve]
    assert len(series.returns) == len(curve) - 1 > 5_000
    np.testing.assert_allclose(series.returns, [b / a - 1 for a, b in pairwise(equity)], rtol=1e-9)
    check_record(series)


def bars(name: str, close: int) -> list[tuple[datetime, Decimal]]:
    with gzip.open(RECORDED / name, "rt") as lines:
        next(lines)
        cells = [line.rstrip().split(",") for line in lines]
    return [
        (datetime.fromisoformat(row[0]).replace(tzinfo=UTC), Decimal(row[close])) for row in cells
    ]


if RECORDED.exists():

    @pytest.mark.parametrize(
        ("name", "close", "units"),
        [("btcusd-perp-m1-2022-01.csv.gz", 4, 1), ("gbpusd-m1-2012-02.csv.gz", 4, 100_000)],
    )
    def test_recorded_prices(name: str, close: int, units: int) -> None:
        """A long position on recorded minutes; what the library makes of its daily closes."""
        recorded = bars(name, close)
        first = recorded[0][1]
        curve = [
            CurvePoint(at + timedelta(minutes=1), 60_000 + units * (price - first), Decimal(60_000))
            for at, price in recorded
        ]
        series = daily_series(curve)
        closes = pd.Series(
            [float(p.equity) for p in curve], index=pd.DatetimeIndex([p.at for p in curve])
        )
        daily = closes.resample("D").last().dropna()
        opening = float(curve[0].equity)
        expected: FloatArray = (daily / daily.shift(1).fillna(opening) - 1).to_numpy()

        assert len(series.returns) == len(daily) >= 20
        np.testing.assert_allclose(series.returns, expected, rtol=1e-9, atol=1e-15)
        check_record(series)
