"""Slices on their way through Redis arrive as they were committed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from apps.execution.gateway.bus import _slice
from apps.execution.intents import Intent, dump
from apps.trading.orders import Leg

ITEMS = dump([Intent("c1", 1, "p1", Leg.CLOSE, "copy")])
START, YEARS = datetime(2020, 1, 1, tzinfo=UTC), timedelta(days=80 * 365)
MOMENTS = st.timedeltas(timedelta(0), YEARS).map(lambda passed: START + passed)


@given(MOMENTS)
def test_the_moment_of_a_batch_is_kept_to_the_microsecond(moment: datetime) -> None:
    """A claim names the batch by it."""
    sent = {
        b"b": b"7",
        b"l": b"close",
        b"c": repr(moment.timestamp()).encode(),
        b"i": ITEMS.encode(),
    }

    slice = _slice(sent)

    assert slice.committed_at == moment
    assert (slice.batch_id, slice.leg, slice.left) == (7, "close", 1)
