"""Quantiles from histograms stay within five percent of those of the durations themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.copytrading.domain.histogram import LAST, added, bucket_of, counted, middle_of, quantile

durations = st.lists(st.floats(0.3, 1_000_000), min_size=1, max_size=200)


@given(durations, st.sampled_from([0.5, 0.95, 0.99]))
def test_quantiles_are_close(values: list[float], q: float) -> None:
    exact = sorted(values)[min(len(values) - 1, int(q * len(values)))]
    found = quantile(counted(values), q)
    assert found is not None
    assert found == pytest.approx(exact, rel=0.05)


@given(durations, durations)
def test_two_add_up_to_the_histogram_of_both(first: list[float], second: list[float]) -> None:
    assert added(counted(first), counted(second)) == counted([*first, *second])


def test_ends() -> None:
    assert quantile({}, 0.5) is None
    assert bucket_of(0.0) == bucket_of(0.25) == 0
    assert bucket_of(1e12) == LAST
    assert middle_of(0) == 0.25
