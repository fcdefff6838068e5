"""Formats of recorded prices, told apart by their first line.

Ticks of HistData, MetaTrader 5 and Dukascopy; bars of FXCM (bid and ask), exchanges,
MetaTrader 4 and 5 and Dukascopy; plain or gzipped. A bar becomes four ticks: its open, then
low and high in the order in which a bar of its direction is more likely to have run, then its
close.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import chain
from pathlib import Path
from typing import TextIO

from apps.papervenue.engine.specs import PRICE_DIGITS, SymbolSpec

Tick = tuple[int, int, int]
"""Milliseconds since 1970, bid and ask in 1/100000."""

Row = Sequence[str]
_HISTDATA_ZONE = dt.timezone(dt.timedelta(hours=-5))  # New York without daylight saving


class UnknownFormat(ValueError):
    """A file is in no format that is known here, or a line does not fit its format."""


@dataclass(frozen=True, slots=True)
class Bar:
    """Open, high, low, close; ``ask`` as well where the source has it, else a spread."""

    at_ms: int
    bid: tuple[int, int, int, int]
    ask: tuple[int, int, int, int]

    def ticks(self, length_ms: int) -> Iterator[Tick]:
        rising = self.bid[3] >= self.bid[0]
        order = (0, 2, 1, 3) if rising else (0, 1, 2, 3)
        for number, index in enumerate(order):
            bid, ask = self.bid[index], self.ask[index]
            # lows and highs of the two sides need not be of the same moment
            yield self.at_ms + number * length_ms // 4, bid, max(bid, ask)


def read_ticks(path: Path, spec: SymbolSpec) -> Iterator[Tick]:
    """Ticks of a file in its order. UnknownFormat names the line that does not fit."""
    with _open(path) as file:
        number = 0
        try:
            for tick in _ticks(file, spec):
                number += 1
                yield tick
        except (InvalidOperation, IndexError, ValueError) as error:
            if isinstance(error, UnknownFormat):
                raise
            raise UnknownFormat(f"{path.name}: after {number:,} prices: {error}") from error
        if not number:
            raise UnknownFormat(f"{path.name} holds no prices")


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _ticks(file: TextIO, spec: SymbolSpec) -> Iterator[Tick]:
    first = file.readline()
    head = first.strip().lower()
    rows = csv.reader(file, delimiter="\t" if "\t" in first else ",")
    names = [name.strip() for name in head.replace("\t", ",").split(",")]
    if head.startswith("<date>"):
        yield from _metatrader_5(rows, names, spec)
    elif names[0] == "timestamp" and "bid_open" in names:
        yield from _bars(rows, lambda row: _two_sided(row))
    elif names[0] == "timestamp" and names[1:5] == ["open", "high", "low", "close"]:
        yield from _bars(rows, lambda row: _one_sided(_iso(row[0]), row[1:5], spec))
    elif "time" in names[0] and names[1:3] == ["ask", "bid"]:
        yield from ((_dukascopy(row[0]), _price(row[2]), _price(row[1])) for row in rows if row)
    elif "time" in names[0] and names[1:5] == ["open", "high", "low", "close"]:
        yield from _bars(rows, lambda row: _one_sided(_dukascopy(row[0]), row[1:5], spec))
    else:
        first_row = next(csv.reader([first]))
        yield from _headless(chain([first_row], rows), first_row, spec)


def _headless(rows: Iterator[Row], first: Row, spec: SymbolSpec) -> Iterator[Tick]:
    if len(first) >= 3 and len(first[0]) == 18 and first[0][8] == " ":
        yield from ((_histdata(row[0]), _price(row[1]), _price(row[2])) for row in rows if row)
    elif len(first) >= 6 and first[0].count(".") == 2 and ":" in first[1]:
        yield from _bars(rows, lambda row: _one_sided(_metatrader(*row[:2]), row[2:6], spec))
    else:
        raise UnknownFormat(
            f"the first line {','.join(first)!r} is of no known format: HistData ticks, "
            "bid and ask bars, OHLCV bars, MetaTrader or Dukascopy exports"
        )


def _bars(rows: Iterator[Row], parse: Callable[[Row], Bar]) -> Iterator[Tick]:
    """Bars as ticks; the length of a bar is the distance of the first two."""
    bars = (parse(row) for row in rows if row)
    first, second = next(bars, None), next(bars, None)
    if first is None:
        return
    length = 60_000 if second is None else max(4, second.at_ms - first.at_ms)
    for bar in chain([first], [] if second is None else [second], bars):
        yield from bar.ticks(length)


def _metatrader_5(rows: Iterator[Row], names: list[str], spec: SymbolSpec) -> Iterator[Tick]:
    column = {name.strip("<>"): number for number, name in enumerate(names)}
    if "open" in column:
        start, spread = column["open"], column.get("spread")

        def bar(row: Row) -> Bar:
            points = int(row[spread]) if spread is not None and row[spread] else 0
            return _one_sided(_metatrader(row[0], row[1]), row[start : start + 4], spec, points)

        yield from _bars(rows, bar)
        return
    bid = ask = 0
    for row in rows:  # a side that did not change is left empty
        bid = _price(row[column["bid"]]) if row[column["bid"]] else bid
        ask = _price(row[column["ask"]]) if row[column["ask"]] else ask
        if bid and ask:
            yield _metatrader(row[0], row[1]), bid, ask


def _two_sided(row: Row) -> Bar:
    bid_open, bid_high, bid_low, bid_close = map(_price, row[1:5])
    ask_open, ask_high, ask_low, ask_close = map(_price, row[5:9])
    return Bar(
        _iso(row[0]),
        (bid_open, bid_high, bid_low, bid_close),
        (ask_open, ask_high, ask_low, ask_close),
    )


def _one_sided(at_ms: int, prices: Row, spec: SymbolSpec, points: int = 0) -> Bar:
    """A bar without ask: MetaTrader's is of bids; the spread is its own or the symbol's."""
    first, high, low, last = map(_price, prices)
    spread = points * spec.price_step or spec.spread
    return Bar(
        at_ms,
        (first, high, low, last),
        (first + spread, high + spread, low + spread, last + spread),
    )


def _price(text: str) -> int:
    return round(Decimal(text.strip()).scaleb(PRICE_DIGITS))


def _iso(text: str) -> int:
    moment = dt.datetime.fromisoformat(text)
    return _ms(moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC))


def _histdata(text: str) -> int:
    moment = dt.datetime.strptime(text[:15], "%Y%m%d %H%M%S").replace(tzinfo=_HISTDATA_ZONE)
    return _ms(moment) + int(text[15:18])


def _metatrader(day: str, time: str) -> int:
    """Server time, whose zone the export does not tell; taken for UTC."""
    return _iso(f"{day.replace('.', '-')}T{time}")


def _dukascopy(text: str) -> int:
    day, _, time = text.strip().partition(" ")
    parts = day.split(".")
    if len(parts[0]) != 4:
        parts.reverse()
    return _iso(f"{'-'.join(parts)}T{time.split(' ')[0]}")


def _ms(moment: dt.datetime) -> int:
    return round(moment.timestamp() * 1000)
