"""How long an adapter waits for a platform that is away."""

from __future__ import annotations

from itertools import accumulate

import pytest

from apps.platforms.adapters.ctrader.timing import Timing


def test_a_pause_is_at_most_four_tenths_of_the_outage_and_of_a_moment() -> None:
    timing = Timing()
    pauses = [timing.pause(failures) for failures in range(40)]
    outages = [0.0, *accumulate(pauses)]
    assert pauses[0] == timing.first_pause
    assert pauses == sorted(pauses)
    assert pauses[-1] == timing.longest_pause
    for pause, outage in zip(pauses, outages, strict=False):
        assert pause <= 0.4 * outage + timing.first_pause + 1e-9


def test_outages_in_short_order_do_not_add_up_to_one_long_pause() -> None:
    """A session that stands for as long as the last pause would be starts afresh."""
    timing, failures, longest = Timing(), 0, 0.0
    for stood in [4.0] * 12:
        for _ in range(5):  # attempts that fail in each outage
            longest = max(longest, timing.pause(failures))
            failures += 1
        if stood > timing.settled_after(failures):
            failures = 0
    assert longest == timing.pause(4)
    assert timing.settled_after(40) == timing.settled


def test_a_session_that_stood_for_a_while_is_made_anew_at_once() -> None:
    assert Timing().pause(0) == pytest.approx(0.2)
