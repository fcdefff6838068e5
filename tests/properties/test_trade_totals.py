"""Totals of trades: adding day to day, and many owners at once, give what one pass gives."""

from __future__ import annotations

from itertools import groupby

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.analytics.domain.trade_figures import trade_figures
from apps.analytics.domain.trades import Totals, TradeRows, totals

results = st.lists(st.sampled_from([-3.0, -1.0, 0.0, 2.0, 5.0]), max_size=25)
books = st.lists(results, min_size=1, max_size=6)


def rows(book: list[list[float]]) -> TradeRows:
    flat = np.array([value for record in book for value in record], dtype=np.float64)
    return TradeRows(
        np.repeat(np.arange(len(book)), [len(record) for record in book]),
        flat,
        np.abs(flat) * 3_600_000,
        flat > 1,
    )


def same(one: Totals, other: Totals) -> None:
    for name, mine, theirs in zip(Totals._fields, one, other, strict=True):
        np.testing.assert_allclose(mine, theirs, err_msg=name)


def longest(record: list[float]) -> int:
    runs = [len(list(run)) for lost, run in groupby(record, lambda value: value < 0) if lost]
    return max(runs, default=0)


@settings(deadline=None)
@given(books)
def test_every_owner_is_as_alone(book: list[list[float]]) -> None:
    together = totals(rows(book), len(book))
    for place, record in enumerate(book):
        same(Totals(*(part[[place]] for part in together)), totals(rows([record]), 1))
    assert together.streak.tolist() == [longest(record) for record in book]
    assert together.won.tolist() == [sum(v for v in record if v > 0) for record in book]


@settings(deadline=None)
@given(st.lists(books.filter(lambda book: len(book) >= 3).map(lambda b: b[:3]), max_size=6))
def test_days_add_up_to_the_whole(days: list[list[list[float]]]) -> None:
    running = totals(rows([[], [], []]), 3)
    for day in days:
        running = running.plus(totals(rows(day), 3))
    whole = totals(rows([[v for day in days for v in day[owner]] for owner in range(3)]), 3)

    same(running, whole)
    for name in trade_figures(whole):
        np.testing.assert_allclose(
            trade_figures(running)[name].values, trade_figures(whole)[name].values
        )
