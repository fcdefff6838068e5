"""Figures of thousands of masters: from stored daily returns, one day more, and by libraries."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from statistics import median
from typing import Any

import numpy as np
from django.db import connection

from apps.analytics import figures
from apps.analytics.domain.standing import WINDOWS, FloatArray
from apps.analytics.selectors import stored_figures
from apps.benchmarks.rig import RigError
from apps.copytrading.models import CopyMaster
from apps.platforms.models import AccountGroup, Connection, TradingAccount

#: What is to be reached: at most so many seconds, or at least so many times faster.
TARGETS = {"full_s": 3.0, "daily_step_s": 0.5, "ratio_empyrical": 10.0, "ratio_quantstats": 300.0}
#: Packages by the module that they bring.
_LIBRARIES = {"empyrical": "empyrical-reloaded", "quantstats": "quantstats"}
_FIRST = date(2025, 1, 1)
#: Measured repetitions, each a day more, and records that each library computes.
_TIMES = 3
_SERIES = {"empyrical": 100, "quantstats": 30}

_DAY = """
INSERT INTO analytics_equityday (account_id, day, balance, equity, margin_used, lowest, highest,
    most_margin, deposits, flows, samples, last_at, daily_return, closed)
SELECT account_id, %s, 10000, 10000, 0, 10000, 10000, 0, 0, 0, 1440,
       %s::date + interval '23:59', nullif(value, 'NaN'), true
FROM unnest(%s::bigint[], %s::float8[]) returns (account_id, value)
WHERE value <> 'NaN'
"""

Say = Callable[[str], object]


def missing_libraries() -> list[str]:
    """Packages to compare with that are not installed."""
    return [package for module, package in _LIBRARIES.items() if find_spec(module) is None]


def judged(name: str, value: float) -> str:
    """A figure beside its target, in words."""
    target = TARGETS[name]
    at_most = name.endswith("_s")
    word = "reached" if (value <= target if at_most else value >= target) else "MISSED"
    unit, bound = ("s", "at most") if at_most else ("times faster", "at least")
    return f"{value:,.3g} {unit} of {bound} {target:g}: {word}"


def measure(masters: int, days: int, say: Say) -> dict[str, float]:
    """The four figures of the benchmark. RigError where the two ways of computing differ."""
    random = np.random.default_rng(20260301)
    accounts = _make_masters(masters)
    returns = _made_up(random, masters, days + _TIMES)
    say(f"storing {days:,} days of {masters:,} masters")
    for number in range(days + _TIMES):
        _store_day(accounts, _FIRST + timedelta(days=number), returns[:, number])
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE analytics_equityday")
    say("taking up all days but the last")
    last = _FIRST + timedelta(days=days - 1)
    figures.update_figures(last)
    say("computing all figures from storage")
    full_s = median(_timed(figures.figures_from_storage) for _ in range(_TIMES))
    say("taking up one day more")
    steps = [last + timedelta(days=n + 1) for n in range(_TIMES)]
    step_s = median(_timed(partial(figures.update_figures, day)) for day in steps)
    _compare()
    ours = full_s / masters
    found = {"full_s": round(full_s, 4), "daily_step_s": round(step_s, 4)}
    for module, by_library in (("empyrical", _by_empyrical), ("quantstats", _by_quantstats)):
        say(f"the same figures by {module}")
        count = min(_SERIES[module], masters)
        theirs = _per_series(by_library, import_module(f"{module}.stats"), returns[:count, :days])
        found[f"ratio_{module}"] = round(theirs / ours, 1)
    return found


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _make_masters(count: int) -> list[int]:
    group = AccountGroup.objects.create(name="bench", mode="demo", leverage=100, currency="USD")
    venue = Connection.objects.create(
        name="bench", platform="paper", server="bench", host="127.0.0.1", port=1
    )
    accounts = TradingAccount.objects.bulk_create(
        TradingAccount(
            connection=venue,
            group=group,
            platform="paper",
            server="bench",
            login=str(number),
            platform_account_id=str(number),
            currency="USD",
            leverage=100,
            margin_mode="hedging",
        )
        for number in range(count)
    )
    CopyMaster.objects.bulk_create(
        CopyMaster(account=account, strategy_name=account.login, status="active")
        for account in accounts
    )
    return [account.pk for account in accounts]


def _made_up(random: np.random.Generator, masters: int, days: int) -> FloatArray:
    """Daily returns of different characters; most masters do not trade at weekends."""
    scale = random.uniform(0.002, 0.03, (masters, 1))
    returns = random.standard_t(4, (masters, days)) * scale + random.normal(0, 0.001, (masters, 1))
    weekday = np.array([(_FIRST + timedelta(days=n)).weekday() < 5 for n in range(days)])
    always = random.random((masters, 1)) < 0.2
    return np.where(weekday | always, np.clip(returns, -0.9, 2.0), np.nan)


def _store_day(accounts: list[int], day: date, returns: FloatArray) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_DAY, [day, day, accounts, returns.tolist()])


def _compare() -> None:
    """What was kept up day by day is what all days together give."""
    accounts, table = figures.figures_from_storage()
    stored = stored_figures(accounts)
    for name in table:
        kept = [stored[account].figures[name] for account in accounts]
        values = np.array([np.nan if f.value is None else f.value for f in kept])
        if not np.allclose(values, table[name].values, rtol=1e-7, atol=1e-9, equal_nan=True):
            raise RigError(f"{name}: kept up day by day it differs from all days computed at once")


def _per_series(work: Callable[[Any, Any], None], library: Any, grid: FloatArray) -> float:
    """Seconds for the figures of one record, the mean over all of them."""
    pandas = import_module("pandas")
    index = pandas.date_range(_FIRST, periods=grid.shape[1], freq="D")
    series = [pandas.Series(row, index=index).dropna() for row in grid]
    with np.errstate(all="ignore"):
        work(library, series[0])  # what is loaded and compiled at the first use does not count
        start = time.perf_counter()
        for one in series:
            work(library, one)
    return (time.perf_counter() - start) / len(series)


def _windows(series: Any) -> list[Any]:
    last = series.index[-1]
    return [series[series.index > last - timedelta(days=days)] for days in WINDOWS]


def _by_empyrical(library: Any, series: Any) -> None:
    """The figures of ours that empyrical has."""
    for window in [*_windows(series), series]:
        library.cum_returns_final(window)
        library.max_drawdown(window)
    for figure in (
        *("annual_return", "annual_volatility", "sharpe_ratio", "sortino_ratio"),
        *("calmar_ratio", "value_at_risk"),
    ):
        getattr(library, figure)(series)


def _by_quantstats(library: Any, series: Any) -> None:
    """The figures of ours that quantstats has."""
    for window in [*_windows(series), series]:
        library.comp(window)
        library.max_drawdown(window)
    for figure in (
        *("cagr", "volatility", "sharpe", "sortino", "calmar", "value_at_risk"),
        *("win_rate", "consecutive_losses"),
    ):
        getattr(library, figure)(series)
    library.drawdown_details(library.to_drawdown_series(series))
