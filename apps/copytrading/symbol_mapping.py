"""How the symbols of a copy are mapped: by name, by pair, or not at all."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

from apps.copytrading.domain.pairs import HEADER, Listed, Names
from apps.copytrading.models import CopySubscription
from apps.copytrading.services.pairs import MOST_BYTES, names_of, stored_pairs

__all__ = ["MOST_BYTES", "MappedSymbol", "follower_symbols", "mapping_of", "sample_csv"]


@dataclass(frozen=True, slots=True)
class MappedSymbol:
    """How a symbol of the master's platform is copied.

    ``how`` is 'name', 'pair' or 'none'; ``follower_symbol`` is '' where it is not copied;
    ``by_name`` is what the same name gives; ``choices`` are the symbols that a pair may name,
    empty where any will do.
    """

    master_symbol: str
    how: str
    follower_symbol: str
    by_name: str
    choices: tuple[str, ...]
    paired: bool


def mapping_of(subscription: CopySubscription) -> list[MappedSymbol]:
    """Every symbol of the master's platform by name, and what it is copied to."""
    master, follower = names_of(subscription)
    stored = stored_pairs(subscription)
    return [
        _mapped(symbol, stored.get(symbol.name), follower)
        for _, symbol in sorted(master.by_name.items())
    ]


def follower_symbols(subscription: CopySubscription) -> list[str]:
    """Names of all symbols of the follower's platform."""
    return sorted(s.name for s in names_of(subscription)[1].by_name.values())


def sample_csv(subscription: CopySubscription) -> str:
    """Every symbol of the master's platform with its pair, or with the guess filled in."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(HEADER)
    for symbol in mapping_of(subscription):
        writer.writerow([symbol.master_symbol, symbol.follower_symbol])
    return file.getvalue()


def _mapped(symbol: Listed, pair: str | None, follower: Names) -> MappedSymbol:
    same = follower.same_as(symbol)
    by_name = follower.guess(symbol)
    taken = by_name if pair is None else pair
    return MappedSymbol(
        master_symbol=symbol.name,
        how="none" if not taken else "name" if pair is None else "pair",
        follower_symbol=taken,
        by_name=by_name,
        choices=tuple(sorted(s.name for s in same)) if by_name else (),
        paired=pair is not None,
    )
