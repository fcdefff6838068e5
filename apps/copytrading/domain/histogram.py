"""Quantiles of durations from counts: eight buckets for each doubling, so within five percent.

A histogram is a mapping of bucket to count, small however many durations it holds, and two of
them add up to the histogram of both. (Log-linear buckets as in HdrHistogram, without its linear
part.)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

Histogram = dict[int, int]

_SMALLEST_MS, _PER_DOUBLING = 0.25, 8
LAST = 180  # about half an hour; whatever took longer counts as that


def bucket_of(ms: float) -> int:
    """The bucket of a duration in milliseconds."""
    if ms <= _SMALLEST_MS:
        return 0
    return min(LAST, 1 + int(_PER_DOUBLING * math.log2(ms / _SMALLEST_MS)))


def middle_of(bucket: int) -> float:
    """The duration in milliseconds that stands for a bucket: its geometric middle."""
    if bucket <= 0:
        return _SMALLEST_MS
    return _SMALLEST_MS * float(2 ** ((bucket - 0.5) / _PER_DOUBLING))


def added(first: Mapping[int, int], second: Mapping[int, int]) -> Histogram:
    """The histogram of both."""
    total = dict(first)
    for bucket, count in second.items():
        total[bucket] = total.get(bucket, 0) + count
    return total


def counted(durations: Iterable[float]) -> Histogram:
    """The histogram of durations in milliseconds."""
    total: Histogram = {}
    for ms in durations:
        bucket = bucket_of(ms)
        total[bucket] = total.get(bucket, 0) + 1
    return total


def quantile(histogram: Mapping[int, int], q: float) -> float | None:
    """The duration in milliseconds below which the share ``q`` lies; None where there is none."""
    size = sum(histogram.values())
    if not size:
        return None
    wanted = min(size, int(q * size) + 1)
    reached = 0
    for bucket in sorted(histogram):
        reached += histogram[bucket]
        if reached >= wanted:
            return middle_of(bucket)
    return None
