"""Platforms and symbols that lists of masters can be filtered by."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.db import connection

_OFFERS = """
SELECT ARRAY(SELECT DISTINCT platform FROM analytics_mastersummary ORDER BY 1),
       ARRAY(SELECT symbol FROM analytics_mastersummary, unnest(symbols) symbol
             GROUP BY symbol ORDER BY count(*) DESC, symbol LIMIT 200)
"""
_OFFERS_AGE_S = 60.0


@dataclass(frozen=True, slots=True)
class Offers:
    """Platforms of masters, and the symbols that they trade, those of most masters first."""

    platforms: tuple[str, ...]
    symbols: tuple[str, ...]


class _OffersCache:
    value: Offers | None = None
    read_at = 0.0


def offers() -> Offers:
    """What there is to filter by, read at most once a minute in each process."""
    now = time.monotonic()
    if _OffersCache.value is None or now - _OffersCache.read_at > _OFFERS_AGE_S:
        with connection.cursor() as cursor:
            cursor.execute(_OFFERS)
            platforms, symbols = cursor.fetchone()
        _OffersCache.value = Offers(tuple(platforms), tuple(symbols))
        _OffersCache.read_at = now
    return _OffersCache.value


def forget_offers() -> None:
    """Read it anew at the next use."""
    _OffersCache.value = None
