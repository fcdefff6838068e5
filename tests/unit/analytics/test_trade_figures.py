"""Figures of trades, their parts, exposure, and behaviour."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from apps.analytics.domain.behaviour import Habit, Verdict, findings
from apps.analytics.domain.breakdown import by_hour, by_side, by_symbol, by_weekday
from apps.analytics.domain.exposure import exposure_figures
from apps.analytics.domain.standing import Figure, Standing
from apps.analytics.domain.trade_figures import trade_figures_of
from apps.analytics.domain.trades import TradeRows, totals
from apps.trading.orders import Side
from tests.factories.trades import trade

NONE_YET = Figure(None, Standing.NO_DATA)
UNDEFINED = Figure(None, Standing.UNDEFINED)


def test_figures_of_a_few_trades() -> None:
    results = [100, -50, 0, -30, -20, 60]
    figures = trade_figures_of(
        [trade(r, opened=i, side=Side.SELL if i else Side.BUY) for i, r in enumerate(results)]
    )
    assert {name: figure.value for name, figure in figures.items()} == {
        "trades": 6,
        "win_rate": 0.4,
        "profit_factor": 1.6,
        "expectancy": 10,
        "average_win": 80,
        "average_loss": pytest.approx(-100 / 3),
        "holding_hours": 1,
        "losing_streak": 2,
        "long_share": pytest.approx(1 / 6),
    }


def test_the_order_of_closing_makes_the_streak() -> None:
    trades = [trade(-1, opened=0, hours=9), trade(5, opened=1, hours=1), trade(-1, opened=3)]
    assert trade_figures_of(trades)["losing_streak"].value == 2


def test_no_trade_one_trade_and_no_loss() -> None:
    assert set(trade_figures_of([]).values()) == {Figure(0.0), NONE_YET}
    one = trade_figures_of([trade(5)])
    assert one["profit_factor"] == one["average_loss"] == UNDEFINED
    assert one["win_rate"] == Figure(1.0) and one["losing_streak"] == Figure(0.0)
    flat = trade_figures_of([trade(0)])
    assert flat["win_rate"] == flat["profit_factor"] == UNDEFINED
    assert flat["expectancy"] == Figure(0.0)


def test_results_that_are_no_numbers_are_left_out() -> None:
    rows = TradeRows(
        np.array([0, 0, 0]),
        np.array([1.0, np.nan, np.inf]),
        np.array([1.0, 1.0, np.nan]),
        np.array([True, True, False]),
    )
    assert totals(rows, 1).trades.tolist() == [1]


def test_rows_out_of_order_are_refused() -> None:
    blank = np.zeros(2)
    for owners in ([1, 0], [0, 2]):
        with pytest.raises(ValueError, match="order of their owner"):
            totals(TradeRows(np.array(owners), blank, blank, blank > 0), 2)


def test_parts_add_up_and_stand_in_their_order() -> None:
    trades = [
        trade("10.01", opened=0, symbol="EURUSD"),
        trade("-99.99", opened=26, symbol="XAUUSD", side=Side.SELL, volume=3),
        trade("0.02", opened=2, symbol="EURUSD"),
        trade("0", opened=6 * 24, symbol="US500"),
    ]
    symbols = by_symbol(trades)
    assert list(symbols) == ["XAUUSD", "EURUSD", "US500"]
    assert symbols["EURUSD"].result == Decimal("10.03")
    assert symbols["EURUSD"].win_rate == 1 and symbols["US500"].win_rate is None
    assert by_side(trades)[Side.SELL].volume == 3
    assert [part.trades for part in by_weekday(trades)] == [2, 1, 0, 0, 0, 0, 1]
    assert {hour: part.trades for hour, part in enumerate(by_hour(trades)) if part.trades} == {
        8: 2,
        10: 2,
    }
    for parts in (symbols.values(), by_side(trades).values(), by_weekday(trades), by_hour(trades)):
        assert sum(part.result for part in parts) == Decimal("-89.96")


def test_both_sides_are_there_without_trades() -> None:
    assert [part.trades for part in by_side([]).values()] == [0, 0]


def test_exposure_and_margin_against_equity() -> None:
    owner = np.array([0, 0, 0, 0, 2, 2])
    equity = np.array([1000.0, 2000.0, 1000.0, np.nan, 0.0, -5.0])
    exposure = np.array([5000.0, 0.0, 20_000.0, 1.0, 1.0, 1.0])
    margin = np.array([50.0, 0.0, 200.0, 1.0, 1.0, 1.0])
    table = exposure_figures(owner, equity, exposure, margin, 3)

    first = {name: figure.value for name, figure in table.row(0).items()}
    assert first == {
        "time_in_market": pytest.approx(2 / 3),
        "average_exposure": pytest.approx(25 / 3),
        "peak_exposure": 20,
        "average_margin_use": pytest.approx(0.25 / 3),
        "peak_margin_use": pytest.approx(0.2),
    }
    assert set(table.row(1).values()) == set(table.row(2).values()) == {NONE_YET}


def test_an_owner_that_is_not_there_is_refused() -> None:
    one = np.ones(1)
    with pytest.raises(ValueError, match="numbered from 0 to 0"):
        exposure_figures(np.array([1]), one, one, one, 1)


def verdicts(trades: list) -> dict[Habit, Verdict]:
    return {finding.habit: finding.verdict for finding in findings(trades)}


def test_a_few_trades_show_no_habit() -> None:
    assert set(verdicts([trade(1, opened=i) for i in range(9)]).values()) == {
        Verdict.NOT_ENOUGH_TRADES
    }
    assert set(verdicts([]).values()) == {Verdict.NOT_ENOUGH_TRADES}


def test_a_ladder_is_averaging_down() -> None:
    quiet = [trade(1, opened=100 + 2 * i) for i in range(20)]
    ladder = [
        trade(1, opened=i, hours=10 - i, price=f"1.{10 - i:02d}", volume=2**i) for i in range(4)
    ]
    finding = findings(quiet + ladder)[0]
    assert finding.verdict is Verdict.FOUND
    assert finding.numbers == {"trades": 24, "added": 3, "depth": 4}
    assert finding.examples[0] == ladder[-1]
    assert "3 of 24 trades (12 %)" in finding.explanation

    rising = [trade(1, opened=i, hours=10 - i, price=f"1.{10 + i:02d}") for i in range(4)]
    assert verdicts(quiet + rising)[Habit.AVERAGING_DOWN] is Verdict.NOT_FOUND
    short = [
        trade(1, opened=i, hours=10 - i, price=f"1.{10 + i:02d}", side=Side.SELL) for i in range(4)
    ]
    assert verdicts(quiet + short)[Habit.AVERAGING_DOWN] is Verdict.FOUND
    apart = [trade(1, opened=i, hours=1, price=f"1.{10 - i:02d}") for i in range(4)]
    assert verdicts(quiet + apart)[Habit.AVERAGING_DOWN] is Verdict.NOT_FOUND


def cycles(after_loss: float, after_win: float) -> list:
    """Alternating losses and wins; the size is changed after each by a factor."""
    trades, volume = [], 1.0
    for i in range(40):
        result = -5 if i % 2 == 0 else 5
        trades.append(trade(result, opened=2 * i, volume=f"{volume:.4f}"))
        volume *= after_loss if result < 0 else after_win
    return trades


def test_doubling_after_losses_is_found_and_growing_with_the_account_is_not() -> None:
    doubled = findings(cycles(2, 0.5))[1]
    assert doubled.verdict is Verdict.FOUND
    assert doubled.numbers["after_losses"] == pytest.approx(2, rel=1e-3)
    assert doubled.numbers["after_wins"] == pytest.approx(0.5, rel=1e-3)
    assert len(doubled.examples) == 3
    assert verdicts(cycles(1, 1))[Habit.GROWING_AFTER_LOSSES] is Verdict.NOT_FOUND
    assert verdicts(cycles(1.2, 1.2))[Habit.GROWING_AFTER_LOSSES] is Verdict.NOT_FOUND


def test_holding_losers_is_a_matter_of_the_typical_time() -> None:
    def held(losers: float, winners: float) -> list:
        return [
            trade(1 if i % 2 else -1, opened=50 * i, hours=winners if i % 2 else losers)
            for i in range(24)
        ]

    found = findings(held(losers=30, winners=1.5))[2]
    assert found.verdict is Verdict.FOUND
    assert "held 30 hours, won ones 90 minutes" in found.explanation
    assert verdicts(held(5, 4))[Habit.HOLDING_LOSERS] is Verdict.NOT_FOUND
    assert verdicts(held(1, 30))[Habit.HOLDING_LOSERS] is Verdict.NOT_FOUND
