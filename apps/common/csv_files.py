"""Tables as files to save, streamed part by part so that any number of rows fits into memory."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterable, Iterable

from django.http import StreamingHttpResponse

#: A cell that begins so is taken for a formula by spreadsheets.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def as_file(parts: AsyncIterable[str], name: str) -> StreamingHttpResponse:
    """A response that a browser saves as ``name``.csv."""
    response = StreamingHttpResponse(parts, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    response.headers["Cache-Control"] = "no-store"
    return response


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def lines(rows: Iterable[tuple[str, ...]]) -> str:
    """Rows as text of a CSV file."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
