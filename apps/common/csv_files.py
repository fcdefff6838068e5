"""Tables as files to save, streamed part by part so that any number of rows fits into memory."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterable, Iterable, Iterator

from django.http import StreamingHttpResponse

#: A cell that begins so is taken for a formula by spreadsheets.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


#: Rows of the first parts and of all others: a file begins at once, and goes on with little ado.
FIRST_PART, PART = 250, 1_000


def sizes_of_parts() -> Iterator[int]:
    """How many rows the parts of a file have, one after the other; the first four make a whole
    one."""
    for _ in range(PART // FIRST_PART):
        yield FIRST_PART
    while True:
        yield PART


def as_file(parts: AsyncIterable[str], name: str) -> StreamingHttpResponse:
    """A response that a browser saves as ``name``.csv.

    It is sent as it is: compressed, its first parts would wait for hundreds of thousands of
    characters more, and a file of a million rows would take minutes of the server's time.
    """
    response = StreamingHttpResponse(parts, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Encoding"] = "identity"
    return response


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def lines(rows: Iterable[tuple[str, ...]]) -> str:
    """Rows as text of a CSV file."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
