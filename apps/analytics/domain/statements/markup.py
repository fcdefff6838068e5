"""Rows of the tables of an HTML file, merged cells laid out, each with its line."""

from __future__ import annotations

from dataclasses import dataclass, field

from apps.analytics.domain.statements.records import Reason, refuse
from apps.analytics.domain.statements.scanning import Token, tokens
from apps.analytics.domain.statements.values import tidy

#: A cell that claims to span more columns or rows than any report has is damage.
_WIDEST = 200


@dataclass(frozen=True, slots=True)
class Row:
    """A table row: the text of each column; a cell over several columns stands in the first.

    ``line`` is where the row begins, ``cells`` the texts of its cells without regard to spans.
    """

    line: int
    columns: tuple[str, ...]
    cells: tuple[str, ...]

    @property
    def title(self) -> str:
        """The text of a row that has only one, such as a section's heading; else ''."""
        texts = [text for text in self.cells if text]
        return texts[0] if len(texts) == 1 else ""


@dataclass(slots=True)
class _Cell:
    span: int
    down: int
    hidden: bool
    text: list[str] = field(default_factory=list)


def table_rows(text: str) -> list[Row]:
    """All table rows of a file, in order; hidden cells are left out.

    StatementError where the file ends before ``</html>``, or a cell's span cannot be.
    """
    builder = _Builder(text)
    for token in tokens(text):
        builder.take(token)
    if not builder.ended:
        lines = text.count("\n") + 1
        raise refuse(lines, Reason.CUT_OFF, "the file ends before its report does; save it again")
    return builder.rows


class _Builder:
    """Cells are closed by the next one, rows by the next row, as browsers do."""

    def __init__(self, text: str) -> None:
        self.rows: list[Row] = []
        self.ended = False
        self._text = text
        self._cells: list[_Cell] | None = None
        self._cell: _Cell | None = None
        self._seen, self._line = 0, 1  # how far lines are counted, and the line there
        self._row_line = 0
        self._below: dict[int, tuple[int, str]] = {}  # column: rows that are left, text

    def take(self, token: Token) -> None:
        name = token.name
        if name == "":
            if self._cell is not None:
                self._cell.text.append(token.text)
        elif name in ("td", "th"):
            self._begin_cell(token)
        elif name in ("/td", "/th"):
            self._cell = None
        elif name in ("tr", "/tr", "table", "/table", "/html"):
            self._end_row()
            if name == "tr":
                self._cells, self._row_line = [], self._line_at(token.at)
            elif name == "table":
                self._below = {}
            self.ended |= name == "/html"

    def _line_at(self, place: int) -> int:
        self._line += self._text.count("\n", self._seen, place)
        self._seen = place
        return self._line

    def _begin_cell(self, token: Token) -> None:
        if self._cells is None:
            self._cells, self._row_line = [], self._line_at(token.at)
        if not token.attributes:
            self._cell = _Cell(1, 1, False)
            self._cells.append(self._cell)
            return
        attributes = dict(token.attributes)
        style = attributes.get("style", "").replace(" ", "").lower()
        hidden = "hidden" in attributes.get("class", "").split() or "display:none" in style
        down = self._span(attributes, "rowspan")
        self._cell = _Cell(self._span(attributes, "colspan"), down, hidden)
        self._cells.append(self._cell)

    def _span(self, attributes: dict[str, str], name: str) -> int:
        given = attributes.get(name, "1").strip()
        if not (given.isascii() and given.isdigit() and 1 <= int(given[:9]) <= _WIDEST):
            message = f"a cell has {name} {given[:20]!r}; save the report again"
            raise refuse(self._row_line, Reason.ROW, message)
        return int(given)

    def _end_row(self) -> None:
        cells, self._cells, self._cell = self._cells, None, None
        if cells is None:
            return
        columns: list[str] = []
        texts = []
        for cell in (cell for cell in cells if not cell.hidden):
            self._carry(columns)
            text = tidy("".join(cell.text))
            texts.append(text)
            if cell.down > 1:
                for place in range(cell.span):
                    self._below[len(columns) + place] = (cell.down, "" if place else text)
            columns += [text] + [""] * (cell.span - 1)
        self._carry(columns)
        self._below = {c: (left - 1, text) for c, (left, text) in self._below.items() if left > 1}
        self.rows.append(Row(self._row_line, tuple(columns), tuple(texts)))

    def _carry(self, columns: list[str]) -> None:
        """Columns that a cell of a row above reaches down into."""
        while len(columns) in self._below:
            columns.append(self._below[len(columns)][1])
