"""Months, figures and breakdowns of a master as they are written."""

from __future__ import annotations

from datetime import date
from decimal import Decimal as D

import pytest

from apps.analytics.domain.breakdown import Part
from apps.analytics.domain.catalogue import CATALOGUE
from apps.analytics.domain.standing import Figure, Standing
from apps.analytics.master_tables import HABITS, breakdowns, headline, shown, years
from apps.analytics.selectors import Breakdown
from apps.trading.orders import Side


def test_years_stand_newest_first_and_compound_their_months() -> None:
    found = years({date(2025, 12, 1): 0.1, date(2026, 1, 1): -0.5, date(2026, 3, 1): 0.2})
    assert [year.year for year in found] == [2026, 2025]
    assert [month.value for month in found[0].months[:4]] == [-0.5, None, 0.2, None]
    assert found[0].total.value == pytest.approx(0.5 * 1.2 - 1)
    assert years({date(2026, 1, 1): None})[0].total.value is None


@pytest.mark.parametrize(
    ("value", "wash"),
    [
        (None, ""),
        (0.00001, ""),
        (0.01, "wash-gain-1"),
        (0.02, "wash-gain-2"),
        (-0.07, "wash-loss-3"),
        (-0.4, "wash-loss-4"),
    ],
)
def test_the_wash_of_a_month_goes_by_sign_and_size(value: float | None, wash: str) -> None:
    assert years({date(2026, 1, 1): value})[0].months[0].wash == wash


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("win_rate", 0.612, "61.20\u00a0%"),
        ("expectancy", -3.5, "−3.50 USD"),
        ("holding_hours", 0.5, "30 min"),
        ("holding_hours", 12.34, "12.3 h"),
        ("holding_hours", 96.0, "4.0 days"),
        ("recovery_days", 1.0, "1 day"),
        ("trades", 12345.0, "12,345"),
        ("risk_score", 3.0, "3 of 10"),
        ("sharpe", 1.234, "1.23"),
    ],
)
def test_figures_are_written_with_their_unit(name: str, value: float, text: str) -> None:
    assert shown(CATALOGUE[name], Figure(value), "USD").text == text


def test_a_missing_figure_says_why() -> None:
    figure = shown(CATALOGUE["sharpe"], Figure(None, Standing.NOT_ENOUGH_HISTORY), "USD")
    assert (figure.text, figure.known) == (Standing.NOT_ENOUGH_HISTORY.label, False)
    assert {one.text for one in headline({}, "USD")} == {"No data yet"}


def test_bars_reach_from_the_middle_and_small_symbols_are_added_up() -> None:
    symbols = {f"S{n}": Part(1, 1, 0, D(100 - n)) for n in range(11)} | {
        "LOSS": Part(2, 0, 2, D(-3))
    }
    empty = [Part()] * 23
    by_symbol, by_side, by_weekday, by_hour = breakdowns(
        Breakdown(
            symbols, {Side.BUY: Part(1, 1, 0, D(10)), Side.SELL: Part(1, 0, 1, D(-5))},
            [Part()] * 6 + [Part(1, 1, 0, D(1))], [*empty, Part(4, 0, 4, D(-8))],
        )
    )  # fmt: skip
    assert (by_symbol.rows[0].start, by_symbol.rows[0].width) == (50, 50)
    assert (by_symbol.rows[-1].label, by_symbol.rows[-1].part.result) == ("2 others", D(87))
    assert [(row.label, row.start, row.width) for row in by_side.rows] == [
        ("Long", 50, 50), ("Short", 25, 25),
    ]  # fmt: skip
    assert [row.label for row in by_weekday.rows] == ["Sunday"]
    assert [row.label for row in by_hour.rows] == ["23:00–00:00"]


def test_every_habit_is_described() -> None:
    assert all(definition.explanation for definition in HABITS.values())
