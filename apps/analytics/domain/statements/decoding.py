"""Bytes of a file into text, in whatever encoding a terminal has written it."""

from __future__ import annotations

import codecs
import re

from apps.analytics.domain.statements.records import Reason, refuse

#: Larger files are refused; a statement of fifty thousand trades has about 16 MB, in UTF-16 32 MB.
MAXIMUM_BYTES = 32 * 1024 * 1024

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_OTHER_FILES = (
    (b"PK\x03\x04", "an Excel workbook or an archive"),
    (b"%PDF", "a PDF"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
)
_DECLARED = re.compile(rb"charset=[\"']?([A-Za-z0-9_-]{3,20})")


def decode(data: bytes) -> str:
    """The text of a statement file.

    UTF-8 and UTF-16 with or without their mark, else the encoding that an HTML head declares,
    else Western European. StatementError for an empty or too large file, a file of another kind
    by its first bytes, or text that its own encoding does not allow.
    """
    if not data.strip():
        raise refuse(0, Reason.EMPTY, "the file is empty")
    if len(data) > MAXIMUM_BYTES:
        raise refuse(0, Reason.TOO_LARGE, "the file is larger than 32 MB; export a shorter period")
    for start, kind in _OTHER_FILES:
        if data.startswith(start):
            raise refuse(
                0, Reason.NOT_A_STATEMENT, f"the file is {kind}; save the report as HTML or CSV"
            )
    text = _decoded(data)
    if "\0" in text:
        raise refuse(0, Reason.ENCODING, "the file holds bytes that are no text; export it again")
    return text


def _decoded(data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strictly(data[len(mark) :], encoding)
    if (wide := _unmarked_utf16(data)) is not None:
        return _strictly(data, wide)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        declared = _DECLARED.search(data[:4096])
        name = declared[1].decode("ascii").lower() if declared else "cp1252"
        if name in ("utf-8", "utf8", "unicode", "utf-16"):
            raise _bad_text(data, error) from None
    try:
        return data.decode(name)
    except (LookupError, UnicodeDecodeError):
        return data.decode("latin-1")


def _unmarked_utf16(data: bytes) -> str | None:
    """UTF-16 shows itself by a zero in every other byte of Latin text."""
    start = data[:200]
    if len(start) < 4 or start.count(0) < len(start) // 3:
        return None
    return "utf-16-le" if start[1::2].count(0) > start[::2].count(0) else "utf-16-be"


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        if error.reason == "truncated data" or error.end >= len(data):
            lines = data[: error.start].decode(encoding, "replace").count("\n") + 1
            raise refuse(
                lines, Reason.CUT_OFF, "the file ends in the middle of a letter; export it again"
            ) from None
        raise _bad_text(data, error) from None


def _bad_text(data: bytes, error: UnicodeDecodeError) -> Exception:
    line = data[: error.start].count(b"\n") + 1
    if error.end >= len(data):
        return refuse(
            line, Reason.CUT_OFF, "the file ends in the middle of a letter; export it again"
        )
    return refuse(
        line,
        Reason.ENCODING,
        "the text is damaged, it is not in the encoding it says; export again",
    )
