"""The arithmetic behind the figures: a benchmark that counts wrongly is worse than none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.benchmarks.figures import (
    SentOrder,
    check_books,
    most_within,
    paced_figures,
    quantiles,
    table,
    verdict,
)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200))
def test_quantiles_are_measured_values_in_order(values: list[float]) -> None:
    q = quantiles(values)
    assert {q.p50, q.p95, q.p99} <= set(values)
    assert q.p50 <= q.p95 <= q.p99 <= max(values)
    assert sum(v <= q.p50 for v in values) * 2 >= len(values)


def test_quantiles_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        quantiles([])


def test_known_quantiles() -> None:
    q = quantiles([float(n) for n in range(1, 101)])
    assert (q.p50, q.p95, q.p99) == (50.0, 95.0, 99.0)


def test_books_that_agree() -> None:
    check = check_books({1: ["a", "b"], 2: ["c", "d"]}, [1, 2], 2)
    assert (check.expected, check.found, check.lost, check.duplicates) == (4, 4, 0, 0)


def test_a_missing_order_is_lost() -> None:
    check = check_books({1: ["a"]}, [1, 2], 2)
    assert (check.lost, check.duplicates) == (3, 0)


def test_the_same_id_twice_is_a_duplicate_and_hides_no_loss() -> None:
    check = check_books({1: ["a", "a"]}, [1], 2)
    assert (check.lost, check.duplicates) == (1, 1)


def test_more_orders_than_events_are_duplicates() -> None:
    check = check_books({1: ["a", "b", "c"]}, [1], 2)
    assert (check.lost, check.duplicates) == (0, 1)


def test_most_within_a_second() -> None:
    assert most_within(1.0, [0.0, 0.5, 0.9, 1.0, 1.4]) == 4
    assert most_within(1.0, []) == 0


def test_closes_before_opens_and_nothing_late() -> None:
    orders = [SentOrder("open", 0.0, 0.1, 2.0, "filled")]
    orders += [SentOrder("close", 1.0, 1.1, None, "filled")]
    orders += [SentOrder("close", 1.0, 1.5, None, "filled")]
    orders += [SentOrder("open", 0.0, 1.6, 2.0, "filled")]
    orders += [SentOrder("open", 0.0, None, 2.0, "expired")]
    figures = paced_figures(orders)
    assert figures.opens_after_first_close_committed == 0
    assert figures.opened_late == 0
    assert (figures.opens_sent, figures.closes_sent, figures.opens_expired) == (2, 2, 1)


def test_an_open_between_closes_and_a_late_one_are_seen() -> None:
    orders = [
        SentOrder("close", 1.0, 1.1, None, "filled"),
        SentOrder("open", 0.0, 1.2, 1.15, "filled"),
        SentOrder("close", 1.0, 1.5, None, "filled"),
    ]
    figures = paced_figures(orders)
    assert figures.opens_after_first_close_committed == 1
    assert figures.opened_late == 1


RUN = {
    "followers": 100,
    "received_to_last_sent_ms": {"p50": 20.0, "p95": 30.0, "p99": 29.9},
    "received_to_last_filled_ms": {"p50": 40.0, "p95": 50.0, "p99": 60.0},
    "bare_wire_ms": 1.5,
    "naive_loop_ms": 60.0,
    "lost": 0,
    "duplicates": 0,
}


def test_the_verdict_names_figure_and_limit() -> None:
    assert verdict(RUN) == "p99 29.9 of at most 30 ms: reached"
    slow = {**RUN, "received_to_last_sent_ms": {"p50": 1, "p95": 81.0, "p99": 51.0}}
    assert "MISSED" in verdict(slow)
    assert verdict({**slow, "followers": 1000}).split("; ") == [
        "p50 1.0 of at most 60 ms: reached",
        "p95 81.0 of at most 80 ms: MISSED",
        "p99 51.0 of at most 120 ms: reached",
    ]
    assert verdict({**RUN, "followers": 7}) == ""


def test_the_table_is_aligned() -> None:
    lines = table([RUN, {**RUN, "followers": 1000}]).splitlines()
    assert len(lines) == 3 and len({len(line) for line in lines}) == 1
