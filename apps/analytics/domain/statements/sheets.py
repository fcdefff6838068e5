"""CSV files as rows of named columns."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass

from apps.analytics.domain.statements.records import Reason, refuse
from apps.analytics.domain.statements.values import tidy

_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True, slots=True)
class Sheet:
    """Column names, and rows with the line on which each one begins."""

    line: int
    names: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]


def sheet(text: str) -> Sheet:
    """The rows of a CSV file with commas, semicolons or tabs; empty lines are left out.

    StatementError for a last line that does not end (the file may be cut off there), a quotation
    mark that is not closed, and a row with more or fewer cells than there are columns.
    """
    lines = text.count("\n") + 1
    if not text.endswith(("\n", "\r")):
        raise refuse(
            lines,
            Reason.CUT_OFF,
            "the last line does not end, so the file may be cut off; export it again, or add an "
            "empty line if it is whole",
        )
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
    found: list[tuple[int, tuple[str, ...]]] = []
    begin = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                found.append((begin, tuple(tidy(cell) for cell in cells)))
            begin = reader.line_num + 1
    except csv.Error as error:
        reason = Reason.CUT_OFF if "unexpected end" in str(error) else Reason.ROW
        raise refuse(begin, reason, f"the row cannot be read: {error}") from None
    if not found:
        raise refuse(0, Reason.EMPTY, "the file is empty")
    line, names = found[0]
    for at, row in found[1:]:
        if len(row) != len(names):
            message = f"{len(row)} cells stand here instead of {len(names)}"
            raise refuse(at, Reason.ROW, message)
    return Sheet(line, names, tuple(found[1:]))


def require(line: int, names: Sequence[str], needed: Sequence[str], help_text: str) -> None:
    """StatementError where a column is missing; foreign headings are told from forgotten ones."""
    missing = [name for name in needed if name not in names]
    if not missing:
        return
    if len(missing) == len(needed) or not "".join(names).isascii():
        raise refuse(line, Reason.LANGUAGE, f"the column names are not known; {help_text}")
    what = ", ".join(repr(name) for name in missing)
    raise refuse(line, Reason.MISSING_COLUMN, f"there is no column {what}; {help_text}")
