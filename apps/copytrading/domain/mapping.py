"""Which symbol of a follower's platform is the master's."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple, Protocol, TypeVar


class Symbol(NamedTuple):
    """A symbol of a connection, volumes in units. ``folded`` is its name as reduced by
    :func:`apps.trading.symbols.fold` with the prefixes and suffixes of its connection."""

    instrument_id: str
    name: str
    folded: str
    base: str
    quote: str
    digits: int
    pip_digits: int
    lot_units: Decimal
    min_units: Decimal
    step_units: Decimal
    max_units: Decimal
    tradable: bool
    market_open: bool = True


class Named(Protocol):
    """What of a symbol decides whether it is the same as another."""

    @property
    def name(self) -> str: ...
    @property
    def folded(self) -> str: ...
    @property
    def tradable(self) -> bool: ...


AnyNamed = TypeVar("AnyNamed", bound=Named)


def match(name: str, folded: str, candidates: Iterable[AnyNamed]) -> AnyNamed | None:
    """The symbol with the same name, else the one whose folded name is the same.

    Of several with one folded name the shortest name wins, then the first by alphabet, so
    that the answer never depends on the order of ``candidates``.
    """
    tradable = [symbol for symbol in candidates if symbol.tradable]
    for symbol in tradable:
        if symbol.name == name:
            return symbol
    same = [symbol for symbol in tradable if symbol.folded == folded]
    return min(same, key=lambda symbol: (len(symbol.name), symbol.name), default=None)
