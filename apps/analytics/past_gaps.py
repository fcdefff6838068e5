"""Gaps of trades that were copied before the product kept any ledger: the demo's past.

No outcome tells of them and no rate of their time is kept, so both are given by whom the past
is known to. What was copied counts; a trade without a copy leaves no trace and makes no gap.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal

from apps.analytics.gap_facts import Converts, Facts, Place, load_facts
from apps.analytics.gap_trades import GapTrade, trades_of
from apps.analytics.gaps import store_ended

#: Places that are worked on at once.
_AT_ONCE = 2_000
#: Every close of the past followed its master.
_FOLLOWED = "event:"

Symbols = Mapping[tuple[int, str], tuple[str, str, Decimal]]


def take_up_past(
    copied: Mapping[Place, Converts],
    symbols: Symbols,
    *,
    now: datetime,
) -> int:
    """Write the gaps of copied trades that have ended, with the rates of when they did.

    ``symbols`` are name, quote currency and units of a lot by connection and instrument.
    Answers how many rows were written; in the caller's transaction.
    """
    places, written = list(copied), 0
    for start in range(0, len(places), _AT_ONCE):
        some = places[start : start + _AT_ONCE]
        facts = _facts(some, symbols)
        trades: list[GapTrade] = []
        for place in some:
            facts.rates = copied[place]
            trades += trades_of(facts, place)
        written += store_ended(trades, now)
    return written


def _facts(places: Collection[Place], symbols: Symbols) -> Facts:
    facts = load_facts(places)
    facts.symbols |= symbols
    for links in facts.links.values():
        for link in links:
            link.closes = [close._replace(cause=_FOLLOWED) for close in link.closes]
    return facts
