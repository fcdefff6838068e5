"""Recorded prices of one symbol, played again from the start when they end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from apps.papervenue.engine.specs import SymbolSpec
from apps.papervenue.prices.formats import Tick, read_ticks
from apps.papervenue.prices.source import Quote

LONGEST_GAP_MS = 3_600_000
"""A longer silence, such as a weekend, is played as ``ROUND_GAP_MS``."""

ROUND_GAP_MS = 1_000
"""Between the last tick and the first of the next round."""


class Replay:
    """Plays a file at the pace of its timestamps."""

    def __init__(self, path: Path, spec: SymbolSpec) -> None:
        self._path = path
        self._spec = spec
        self.symbols = frozenset({spec.symbol_id})
        self._start()

    @property
    def position(self) -> float:
        """Seconds since the start of the file, in the present round."""
        return self._played / 1000

    def seek(self, position: float) -> None:
        """From the start of the file; a position beyond its end is taken round."""
        self._start()
        self.advance(position)

    def advance(self, seconds: float) -> list[Quote]:
        if not seconds:
            return [self._now]
        self._played += seconds * 1000
        quotes: list[Quote] = []
        while self._next_at <= self._played:
            self._step()
            quotes.append(self._now)
        return quotes

    def _start(self) -> None:
        self._ticks: Iterator[Tick] = read_ticks(self._path, self._spec)
        self._last_ms, *prices = next(self._ticks)
        self._now = self._next = self._quote(*prices)
        self._played = self._next_at = 0.0
        self._fetch()

    def _step(self) -> None:
        """Make the next tick the present one and fetch the one after it."""
        self._now = self._next
        self._fetch()

    def _fetch(self) -> None:
        """Read the next tick and when it is due; at the end of the file begin anew."""
        tick = next(self._ticks, None)
        if tick is None:
            self._ticks = read_ticks(self._path, self._spec)
            self._played -= self._next_at
            self._next_at = 0.0
            tick = next(self._ticks)
            self._last_ms = tick[0] - ROUND_GAP_MS
        at_ms, bid, ask = tick
        gap = at_ms - self._last_ms
        self._next_at += ROUND_GAP_MS if gap > LONGEST_GAP_MS else max(0, gap)
        self._last_ms = at_ms
        self._next = self._quote(bid, ask)

    def _quote(self, bid: int, ask: int) -> Quote:
        step = self._spec.price_step
        low = round(bid / step) * step
        return self._spec.symbol_id, low, max(low, round(ask / step) * step)


def spec_for(path: Path, symbol: str, specs: Iterable[SymbolSpec]) -> SymbolSpec:
    """The symbol of a file: as told, or found in its name. ValueError asks for it."""
    wanted = symbol.upper().replace("/", "")
    name = path.name.upper().replace("_", "").replace("-", "")
    known = list(specs)
    for spec in known:
        if spec.name == wanted or (not wanted and spec.name in name):
            return spec
    raise ValueError(
        f"which symbol is {path.name}? name one with --symbol: "
        f"{', '.join(spec.name for spec in known)}"
    )
