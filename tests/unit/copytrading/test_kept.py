"""Counts over very many copies are kept for a while, all others are always as they are now."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache

from apps.copytrading import kept


@pytest.fixture(autouse=True)
def _empty() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.mark.parametrize(("copies", "asked"), [(kept.MANY - 1, [1, 2]), (kept.MANY, [1, 1])])
def test_only_large_counts_are_kept(copies: int, asked: list[int]) -> None:
    counted: list[int] = []

    def count() -> int:
        counted.append(copies)
        return len(counted)

    assert [kept.kept("test", count, lambda found: copies) for _ in range(2)] == asked
