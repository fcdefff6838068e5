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


def test_a_session_that_stood_for_a_while_is_made_anew_at_once() -> None:
    assert Timing().pause(0) == pytest.approx(0.2)
