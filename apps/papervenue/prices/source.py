"""Price sources: something that, told how much time has passed, says what prices did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

Quote = tuple[int, int, int]
"""Symbol id, bid and ask; prices in 1/100000."""


class PriceSource(Protocol):
    @property
    def symbols(self) -> frozenset[int]:
        """Symbols that have prices here."""

    @property
    def position(self) -> float:
        """Seconds of price history played so far, for :meth:`seek` after a restart."""

    def seek(self, position: float) -> None:
        """Go on from a position."""

    def advance(self, seconds: float) -> list[Quote]:
        """Play so many seconds; the quotes that changed, in order. 0 gives the present ones."""


class Manual:
    """Prices that stand until somebody sets others."""

    def __init__(self, quotes: Mapping[int, tuple[int, int]] | None = None) -> None:
        self._quotes = dict(quotes or {})
        self._given = False
        self.position = 0.0

    @property
    def symbols(self) -> frozenset[int]:
        return frozenset(self._quotes)

    def seek(self, position: float) -> None:
        self.position = position

    def advance(self, seconds: float) -> list[Quote]:
        if seconds:
            return []
        return [(number, bid, ask) for number, (bid, ask) in self._quotes.items()]


class Combined:
    """Several sources; where two have a symbol, the first has it alone."""

    def __init__(self, sources: Iterable[PriceSource]) -> None:
        self._sources = list(sources)
        taken: set[int] = set()
        self._own: list[frozenset[int]] = []
        for source in self._sources:
            self._own.append(source.symbols - taken)
            taken |= source.symbols
        self.symbols = frozenset(taken)

    @property
    def position(self) -> float:
        return self._sources[0].position

    def seek(self, position: float) -> None:
        for source in self._sources:
            source.seek(position)

    def advance(self, seconds: float) -> list[Quote]:
        return [
            quote
            for source, own in zip(self._sources, self._own, strict=True)
            for quote in source.advance(seconds)
            if quote[0] in own
        ]
