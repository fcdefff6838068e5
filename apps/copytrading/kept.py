"""Counts over everything, kept for some seconds where there is very much of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.core.cache import cache

Found = TypeVar("Found")

#: Running copies from which on counts are kept: fewer are counted within milliseconds.
MANY = 10_000
#: Seconds for which they are kept.
KEPT_S = 15


def kept(name: str, count: Callable[[], Found], copies: Callable[[Found], int]) -> Found:
    """What ``count`` finds, or found some seconds ago; ``copies`` tells how many it looked at."""
    key = f"copytrading:{name}"
    found: Found | None = cache.get(key)
    if found is None:
        found = count()
        if copies(found) >= MANY:
            cache.set(key, found, KEPT_S)
    return found
