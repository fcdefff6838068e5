"""The clock offset is found in spite of the way that messages take."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from apps.platforms.adapters.ctrader.clock import WINDOW_MS, ClockOffset


@given(
    offset=st.integers(-60_000, 60_000),
    delays=st.lists(st.integers(0, 500), min_size=1, max_size=50),
)
def test_the_fastest_message_tells_most(offset: int, delays: list[int]) -> None:
    clock = ClockOffset()
    now = 1_767_000_000_000
    for delay in delays:
        now += 100
        clock.observe(now + offset, now + delay)
    assert clock.value_ms == offset - min(delays)


def test_a_clock_that_was_set_right_is_believed_after_two_windows() -> None:
    clock = ClockOffset()
    now = 1_767_000_000_000
    clock.observe(now + 5_000, now)
    for step in range(1, 4):
        later = now + step * (WINDOW_MS + 1)
        clock.observe(later, later)
    assert clock.value_ms == 0


def test_nothing_seen_is_no_offset() -> None:
    assert ClockOffset().value_ms == 0
