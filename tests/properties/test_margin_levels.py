"""Levels of used margin: reached at a threshold, left only well below it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.copytrading.domain.margin import HYSTERESIS, MOST, MarginLevel, margin_level, used_percent

percents = st.decimals(0, 300, places=2)
levels = st.sampled_from(MarginLevel)
WARNING, CRITICAL = Decimal(50), Decimal(80)


def level(used: Decimal, before: MarginLevel) -> MarginLevel:
    return margin_level(used, before, warning=WARNING, critical=CRITICAL)


@given(percents, percents, levels)
def test_more_margin_is_never_a_lower_level(one: Decimal, other: Decimal, before: MarginLevel):
    low, high = sorted((one, other))
    assert level(low, before).rank <= level(high, before).rank


@given(percents, levels)
def test_a_level_stands_until_something_moves(used: Decimal, before: MarginLevel) -> None:
    reached = level(used, before)
    assert level(used, reached) is reached


@given(percents, st.decimals(0, 4, places=2))
def test_swinging_less_than_the_hysteresis_warns_once(used: Decimal, swing: Decimal) -> None:
    assert swing < HYSTERESIS
    reached = level(used, MarginLevel.NORMAL)
    crossings = 0
    for step in (-swing, swing, -swing, swing):
        now = level(max(Decimal(0), used + step), reached)
        crossings += now.rank > reached.rank
        reached = now
    assert crossings <= 1 + (used < WARNING <= used + swing and used + swing >= CRITICAL)


@pytest.mark.parametrize(
    ("margin", "equity", "percent"),
    [
        ("0", "0", "0"),
        ("50", "100", "50"),
        ("1", "0", MOST),
        ("1", "-5", MOST),
        ("9999", "1", MOST),
    ],
)
def test_margin_without_equity_is_beyond_measure(
    margin: str, equity: str, percent: Decimal | str
) -> None:
    assert used_percent(Decimal(margin), Decimal(equity)) == Decimal(percent)


def test_a_threshold_of_zero_is_switched_off() -> None:
    off = Decimal(0)
    assert margin_level(MOST, MarginLevel.CRITICAL, warning=off, critical=off) == "normal"
    assert margin_level(Decimal(90), MarginLevel.NORMAL, warning=WARNING, critical=off) == "warning"
