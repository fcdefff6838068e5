"""Symbol pairs of a copy: reading them from a file, and what is wrong with them.

The same name comes first: a pair chooses among the follower's symbols with the master's folded
name, fills in where there is none, or says that a symbol is not copied.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType
from typing import NamedTuple

from apps.copytrading.domain.limits import MOST_PAIRS
from apps.copytrading.domain.mapping import match

HEADER = ("master_symbol", "slave_symbol")
_DELIMITERS = "\t;,"
#: So many problems are told at once; lines after them are not looked at.
MOST_PROBLEMS = 50


class Listed(NamedTuple):
    """A symbol by its names; see :class:`apps.copytrading.domain.mapping.Symbol`."""

    name: str
    folded: str
    tradable: bool = True


class Line(NamedTuple):
    """A pair and where it stands; no follower's symbol is 'not copied'."""

    number: int
    master: str
    follower: str


class Problem(NamedTuple):
    """What is wrong with a line, as a sentence for its author."""

    line: int
    sentence: str


class Names:
    """The symbols of one platform, found by name in any case and by folded name."""

    def __init__(self, symbols: Iterable[Listed]) -> None:
        self.by_name: dict[str, Listed] = {}
        self._by_fold: dict[str, list[Listed]] = {}
        for symbol in symbols:
            self.by_name[symbol.name.upper()] = symbol
            self._by_fold.setdefault(symbol.folded, []).append(symbol)

    def same_as(self, other: Listed) -> list[Listed]:
        """Those that are the other's by name, tradable or not."""
        same = list(self._by_fold.get(other.folded, ()))
        exact = self.by_name.get(other.name.upper())
        if exact is not None and exact not in same:
            same.append(exact)
        return same

    def guess(self, other: Listed) -> str:
        """The name of the symbol that is taken for the other's by name; '' where none is."""
        found = match(other.name, other.folded, self.same_as(other))
        return found.name if found else ""

    def nearest(self, name: str) -> str:
        """The known name that looks most like this one; '' where none does."""
        near = get_close_matches(name.upper(), self.by_name, n=1, cutoff=0.6)
        return self.by_name[near[0]].name if near else ""


def read_lines(content: bytes) -> tuple[list[Line], list[Problem]]:
    """Pairs of a CSV file: comma, semicolon or tab, quoted or not, header and BOM optional."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        return [], [Problem(line, "This is not UTF-8 text; save the file as CSV in UTF-8.")]
    lines: list[Line] = []
    problems: list[Problem] = []
    try:
        for number, cells in _rows(text):
            found = _line(number, cells)
            if isinstance(found, Problem):
                problems.append(found)
            elif not (not lines and _is_header(found)):
                lines.append(found)
    except csv.Error:
        problems.append(Problem(len(lines) + 1, "This line cannot be read; is a quote missing?"))
    if len(lines) > MOST_PAIRS:
        problems.append(Problem(MOST_PAIRS + 1, f"Use at most {MOST_PAIRS:,} pairs."))
    return lines, problems


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = next((mark for mark in _DELIMITERS if mark in first), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    number = 1
    for cells in reader:
        trimmed = [cell.strip() for cell in cells]
        if any(trimmed):
            yield number, trimmed
        number = reader.line_num + 1


def _line(number: int, cells: Sequence[str]) -> Line | Problem:
    if len(cells) < len(HEADER):
        return Problem(number, "Two columns are needed: the master's symbol, then the follower's.")
    if any(cells[len(HEADER) :]):
        return Problem(number, "There are more than two columns; is a comma or quote too many?")
    if not cells[0]:
        return Problem(number, "The master's symbol is missing.")
    return Line(number, cells[0], cells[1])


def _is_header(line: Line) -> bool:
    return (line.master.lower(), line.follower.lower()) == HEADER


def check_lines(
    lines: Sequence[Line],
    master: Names,
    follower: Names,
    beside: Mapping[str, str] = MappingProxyType({}),
) -> tuple[dict[str, str], list[Problem]]:
    """Pairs by the master's symbol as the platforms write them, and what is wrong with them.

    ``beside`` are pairs that stand already and stay, unless a line names their symbol.
    """
    pairs: dict[str, str] = {}
    problems: list[Problem] = []
    places: dict[str, int] = {}
    for line in lines:
        if len(problems) >= MOST_PROBLEMS:
            problems.append(Problem(line.number, "Correct the lines above first."))
            return {}, problems
        known = master.by_name.get(line.master.upper())
        sentence = _wrong(line, known, master, follower)
        if known is not None and known.name in places:
            sentence = f"{known.name} stands on line {places[known.name]} already."
        if sentence:
            problems.append(Problem(line.number, sentence))
        elif known is not None:
            places[known.name] = line.number
            pairs[known.name] = (
                follower.by_name[line.follower.upper()].name if line.follower else ""
            )
    standing = {name: taken for name, taken in beside.items() if name not in pairs}
    problems += _taken_twice({**standing, **pairs}, places, master, follower)
    return pairs, sorted(problems)


def _wrong(line: Line, known: Listed | None, master: Names, follower: Names) -> str:
    if known is None:
        return _unknown(line.master, "master", master)
    if not line.follower:
        return ""
    chosen = follower.by_name.get(line.follower.upper())
    if chosen is None:
        return _unknown(line.follower, "follower", follower)
    by_name = follower.guess(known)
    if by_name and chosen not in follower.same_as(known):
        return (
            f"{known.name} exists on the follower's platform as {by_name}, and the same name comes "
            f"first. Leave the second column blank not to copy it; it cannot be {chosen.name}."
        )
    return ""


def _unknown(name: str, whose: str, names: Names) -> str:
    clean = "".join(c for c in name if c.isprintable())
    shown = f"{clean[:64]}…" if len(clean) > 64 else clean
    near = names.nearest(name[:64])
    guess = f"; did you mean {near}?" if near else "."
    return f"{shown} is not a symbol of the {whose}'s platform{guess}"


def _taken_twice(
    pairs: Mapping[str, str], places: Mapping[str, int], master: Names, follower: Names
) -> Iterator[Problem]:
    """Two of the master's symbols may share one of the follower's by name, never by pair."""
    takers: dict[str, str] = {}
    for name, taken in pairs.items():
        first = takers.setdefault(taken, name)
        if not taken or first == name or name not in places:
            continue
        both = [master.by_name.get(one.upper()) for one in (first, name)]
        if not all(s and taken in [t.name for t in follower.same_as(s)] for s in both):
            where = f" on line {places[first]}" if first in places else ""
            yield Problem(places[name], f"{taken} is the pair of {first}{where} already.")
