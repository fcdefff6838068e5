"""The request limits: never more than the rate in any second, queries after orders."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from apps.platforms.limits import WINDOW_S, Limits, TokenBucket


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@given(
    rate=st.integers(1, 60),
    steps=st.lists(st.tuples(st.floats(0, 0.6), st.integers(1, 80)), min_size=1, max_size=60),
)
def test_no_window_of_a_second_holds_more_than_the_rate(
    rate: int, steps: list[tuple[float, int]]
) -> None:
    clock = Clock()
    bucket = TokenBucket(rate, clock)
    sent: list[float] = []
    for pause, wanted in steps:
        clock.now += pause
        sent += [clock.now] * bucket.take(wanted)
    for index, start in enumerate(sent):
        assert sum(1 for at in sent[index:] if at - start < 1.0) <= rate


@given(
    rate=st.integers(1, 60),
    steps=st.lists(
        st.tuples(st.floats(0, 0.6), st.integers(1, 80), st.integers(0, 3), st.floats(0, 2)),
        min_size=1,
        max_size=40,
    ),
)
def test_a_commit_that_takes_long_does_not_crowd_the_next_second(
    rate: int, steps: list[tuple[float, int, int, float]]
) -> None:
    """Orders leave some time after their tokens were taken, queries at once in between."""
    clock = Clock()
    limits = Limits(TokenBucket(rate, clock), TokenBucket(0, clock))
    sent: list[float] = []
    for pause, wanted, queries, stall in steps:
        clock.now += pause
        orders = limits.take_orders(wanted)
        clock.now += stall / 2
        sent += [clock.now] * limits.requests.take(queries)
        clock.now += stall / 2
        limits.orders_leave()
        sent += [clock.now] * orders
    for index, start in enumerate(sent):
        assert sum(1 for at in sent[index:] if at - start < 1.0) <= rate


def test_the_whole_rate_is_there_again_after_the_window() -> None:
    clock = Clock()
    bucket = TokenBucket(50, clock)
    assert bucket.take(80) == 50
    assert bucket.take(1) == 0
    assert abs(bucket.wait_s() - WINDOW_S) < 1e-9
    clock.now += bucket.wait_s()
    assert bucket.take(80) == 50


def test_wait_is_for_as_many_as_asked() -> None:
    clock = Clock()
    bucket = TokenBucket(10, clock)
    bucket.take(6)
    clock.now += 0.5
    bucket.take(4)
    first, all_of_them = bucket.wait_s(6), bucket.wait_s(7)
    assert abs(first - (WINDOW_S - 0.5)) < 1e-9
    assert abs(all_of_them - WINDOW_S) < 1e-9


def test_drained_bucket_gives_nothing_until_the_pause_is_over() -> None:
    clock = Clock()
    bucket = TokenBucket(10, clock)
    bucket.drain(2.0)
    assert bucket.take(1) == 0
    assert bucket.wait_s() == 2.0
    clock.now += 2.0
    assert bucket.take(20) == 10


def test_rate_zero_is_unlimited() -> None:
    bucket = TokenBucket(0)
    assert bucket.take(100_000) == 100_000
    assert bucket.wait_s(5) == 0.0
    assert bucket.available() == float("inf")


async def test_queries_leave_the_reserve_to_orders() -> None:
    limits = Limits.per_second(10, 0)
    queries = [asyncio.create_task(limits.query()) for _ in range(12)]
    await asyncio.sleep(0.05)
    assert sum(q.done() for q in queries) == 8
    assert limits.take_orders(5) == 2
    for query in queries:
        query.cancel()


async def test_history_queries_take_turns_at_their_own_rate() -> None:
    limits = Limits.per_second(0, 2)
    loop = asyncio.get_running_loop()
    done: list[float] = []

    async def ask() -> None:
        await limits.query(history=True)
        done.append(loop.time())

    await asyncio.gather(*(ask() for _ in range(3)))
    assert done == sorted(done)
    assert all(later >= earlier for earlier, later in pairwise(done))
    assert done[2] - done[0] > 0.9


@given(
    rate=st.integers(1, 30),
    steps=st.lists(
        st.tuples(st.floats(0, 0.6), st.integers(1, 40), st.integers(0, 40), st.booleans()),
        min_size=1,
        max_size=40,
    ),
)
def test_what_is_given_back_is_there_for_others_and_nothing_more(
    rate: int, steps: list[tuple[float, int, int, bool]]
) -> None:
    """Some orders are held back after their tokens were taken, with a query in between."""
    clock = Clock()
    bucket = TokenBucket(rate, clock)
    limits = Limits(bucket, TokenBucket(0, clock))
    sent: list[float] = []
    for pause, wanted, held, queried in steps:
        clock.now += pause
        free = bucket.available()
        taken = limits.take_orders(wanted)
        assert taken == min(wanted, free)
        query = bucket.take(1) if queried else 0
        leaving = max(0, taken - held)
        if leaving:
            limits.orders_leave()
        limits.orders_stay(taken - leaving)
        sent += [clock.now] * (leaving + query)
        assert bucket.available() == free - leaving - query
    for index, start in enumerate(sent):
        assert sum(1 for at in sent[index:] if at - start < 1.0) <= rate


def test_giving_back_where_nothing_is_limited_changes_nothing() -> None:
    limits = Limits.per_second(0, 0)
    limits.orders_stay(limits.take_orders(10))
    assert limits.take_orders(7) == 7
