"""Longest runs, for rows of days and for trades of many owners in one array."""

from __future__ import annotations

import numpy as np

from apps.analytics.domain.standing import BoolArray, IntArray


def longest_of_rows(hit: BoolArray, counted: BoolArray) -> IntArray:
    """Longest run of hits along the last axis; entries that do not count are passed over."""
    run = np.cumsum(hit, axis=-1)
    broken = np.maximum.accumulate(np.where(counted & ~hit, run, 0), axis=-1)
    return np.asarray(np.max(run - broken, axis=-1, initial=0))


def longest_of_owners(hit: BoolArray, starts: IntArray, owners: int) -> IntArray:
    """Longest run of hits of each owner, whose entries begin at ``starts`` (owners + 1 long)."""
    longest = np.zeros(owners, dtype=np.int64)
    if hit.size == 0:
        return longest
    run = np.cumsum(hit)
    floor = np.where(hit, 0, run)
    filled = np.flatnonzero(np.diff(starts))
    first = starts[filled]
    floor[first] = run[first] - hit[first]
    longest[filled] = np.maximum.reduceat(run - np.maximum.accumulate(floor), first)
    return longest
