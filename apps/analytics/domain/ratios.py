"""Annual figures and ratios from the moments of daily returns.

Every function works on numbers and on arrays of them alike, one entry a record, so that one
record, ten thousand records and a running accumulator share their formulas. Returns are
fractions of the money at work (0.01 is one percent). Where a denominator is nothing, the answer
is NaN; :mod:`apps.analytics.domain.measures` turns that into a reason.

Conventions: 252 trading days a year; deviations with n - 1 in the denominator.
"""

from __future__ import annotations

import numpy as np

from apps.analytics.domain.standing import TRADING_DAYS, FloatArray, IntArray

#: A deviation this small against the mean is rounding: all returns were the same.
_NO_SPREAD = 1e-9
_YEAR_ROOT = float(np.sqrt(TRADING_DAYS))
#: Annual volatility and drawdown at which the risk score reaches 10.
FULL_VOLATILITY = 0.60
FULL_DRAWDOWN = 0.50


def daily_rate(annual: float) -> float:
    """Risk-free rate of a day from that of a year: (1 + a)^(1/252) - 1. Fractions.

    Source: compounding; quantstats converts its ``rf`` the same way, empyrical takes the daily
    rate itself. ValueError for a rate of -100 % or less, or one that is not finite.
    """
    if not np.isfinite(annual) or annual <= -1:
        raise ValueError(f"the annual risk-free rate must be above -1 (-100 %), got {annual}")
    return float((1 + annual) ** (1 / TRADING_DAYS) - 1)


def annual_return(growth: FloatArray, count: IntArray) -> FloatArray:
    """Compound return a year: growth^(252 / n) - 1. Fraction.

    ``growth`` is what one unit of money became over ``count`` daily returns. NaN without any.
    Source: empyrical ``annual_return``, quantstats ``cagr`` (both: days counted ÷ 252).
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        yearly = growth ** (TRADING_DAYS / np.asarray(count, dtype=np.float64)) - 1
    return np.where(np.asarray(count) > 0, yearly, np.nan)


def volatility(deviation: FloatArray) -> FloatArray:
    """Annual volatility: deviation of daily returns × √252. Fraction a year.

    Source: empyrical ``annual_volatility``, quantstats ``volatility``.
    """
    return np.asarray(deviation * _YEAR_ROOT)


def sharpe(mean: FloatArray, deviation: FloatArray, free: float = 0.0) -> FloatArray:
    """Sharpe ratio: (mean - free) ÷ deviation × √252. A number; ``free`` is the daily rate.

    NaN where all returns were the same. Source: W. F. Sharpe, "The Sharpe Ratio" (1994),
    annualised as empyrical ``sharpe_ratio`` and quantstats ``sharpe`` do.
    """
    spread = deviation > _NO_SPREAD * np.abs(mean)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(spread, (mean - free) / deviation * _YEAR_ROOT, np.nan)


def sortino(mean: FloatArray, downside: FloatArray, free: float = 0.0) -> FloatArray:
    """Sortino ratio: (mean - free) ÷ downside deviation × √252. A number.

    The downside deviation is √(Σ min(r - free, 0)² ÷ n) over *all* n days. NaN where no day fell
    short. Source: F. A. Sortino and L. N. Price (1994), as empyrical ``sortino_ratio`` and
    quantstats ``sortino`` compute it.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(downside > 0, (mean - free) / downside * _YEAR_ROOT, np.nan)


def calmar(annual: FloatArray, drawdown: FloatArray) -> FloatArray:
    """Calmar ratio: annual return ÷ maximum drawdown, both over the whole record. A number.

    NaN where there never was a drawdown. Source: T. W. Young (1991), who took 36 months; the
    whole record as in empyrical ``calmar_ratio`` and quantstats ``calmar``.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(drawdown > 0, annual / drawdown, np.nan)


def risk_score(yearly_volatility: FloatArray, drawdown_365: FloatArray) -> FloatArray:
    """Risk score 1 (calm) to 10: ceil(10 × max(volatility ÷ 0.60, drawdown ÷ 0.50)), within 1..10.

    ``drawdown_365`` is the maximum drawdown of the last 365 days, a positive fraction.
    Source: this product's own definition. A billionth is taken off before rounding up, so that
    0.30 ÷ 0.60 is a 5 however a computer writes it.
    """
    load = np.maximum(yearly_volatility / FULL_VOLATILITY, drawdown_365 / FULL_DRAWDOWN)
    return np.clip(np.ceil(10 * load - 1e-9), 1, 10)
