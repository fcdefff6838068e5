"""Rows as the text that PostgreSQL's COPY reads.

Made column by column: what all rows have in common is written once, and a column of one type is
converted in one go, at a fraction of what value by value takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import repeat
from operator import is_
from types import NoneType
from typing import Any
from zoneinfo import ZoneInfo

import orjson


def copy_text(rows: Iterable[Sequence[object]]) -> str:
    """Rows of one width as text, each with an end of line; empty without rows.

    Text, whole numbers, Decimals, truth values, moments and None are known; TypeError for
    anything else, which would be stored as it happens to look.
    """
    columns = list(zip(*rows, strict=True))
    if not columns:
        return ""
    return "\n".join(map("\t".join, zip(*map(_texts, columns), strict=True))) + "\n"


def _texts(column: Sequence[Any]) -> Iterable[str]:
    first = column[0]
    if all(map(is_, column, repeat(first))):
        return repeat(_text(first), len(column))
    kinds = set(map(type, column))
    if len(kinds) == 1:
        return _OF_ONE_TYPE.get(kinds.pop(), _one_by_one)(column)
    return _one_by_one(column)


def _one_by_one(column: Sequence[Any]) -> Iterable[str]:
    return map(_text, column)


def _text(value: Any) -> str:
    return _TEXTS.get(type(value), _other)(value)


def _strings(column: Sequence[str]) -> Iterable[str]:
    return map(_escaped, column) if _is_special("".join(column)) else column


def _moments(column: Sequence[datetime]) -> Iterable[str]:
    # The JSON writer takes a fourth of isoformat's time; it leaves out seconds of an offset.
    if not {moment.tzinfo for moment in column} <= _WITHOUT_OFFSET:
        return map(datetime.isoformat, column)
    return orjson.dumps(column).decode()[2:-2].split('","')


def _is_special(text: str) -> bool:
    return "\\" in text or "\n" in text or "\t" in text or "\r" in text


def _escaped(value: Any) -> str:
    text: str = value
    return text.translate(_ESCAPES) if _is_special(text) else text


def _other(value: Any) -> str:
    """Members of text enumerations."""
    if isinstance(value, str):
        return _escaped(str(value))
    raise TypeError(f"{type(value).__name__} does not belong into a stored record")


_WITHOUT_OFFSET = {UTC, ZoneInfo("UTC")}
_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"})
_TEXTS: Mapping[type, Callable[[Any], str]] = {
    str: _escaped,
    int: str,
    Decimal: str,
    bool: lambda value: "t" if value else "f",
    NoneType: lambda _: "\\N",
    datetime: datetime.isoformat,
}
_OF_ONE_TYPE: Mapping[type, Callable[[Sequence[Any]], Iterable[str]]] = {
    str: _strings,
    int: lambda column: map(str, column),
    Decimal: lambda column: map(str, column),
    datetime: _moments,
}
