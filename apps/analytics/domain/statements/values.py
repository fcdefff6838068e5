"""Numbers and moments as platforms write them, told strictly: what is unclear is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

_SPACES = re.compile(r"[\s\u00a0\u2007\u2009\u202f]+")
_NUMBER = re.compile(
    r"[+-]?(?:[0-9]{1,3}(?:(?P<by>[ ,'])[0-9]{3}(?:(?P=by)[0-9]{3})*)?|[0-9]+)(?:\.[0-9]+)?"
)
_CURRENCY = re.compile(r"^([+-]?) ?[$€£¥] ?|(?<=[0-9]) ?[$€£¥]$")
_SWAPPED = str.maketrans(",.", ".,")
_LONGEST = 40
#: More would be rounded in sums; no platform books them.
_DIGITS = 18

_CLOCK = (
    r"(?:[ T](?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:\.(?P<part>[0-9]{1,6}))?)?)?"
)
#: Patterns of time that name the year first cannot be misread.
_YEAR_FIRST = re.compile(
    r"(?P<year>[0-9]{4})[.\-/](?P<month>[0-9]{2})[.\-/](?P<day>[0-9]{2})"
    + _CLOCK
    + r" ?(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_DAY_FIRST = re.compile(
    r"(?P<day>[0-9]{2})[./\-](?P<month>[0-9]{2})[./\-](?P<year>[0-9]{4})" + _CLOCK + r"(?P<zone>)"
)
_CLEARLY_POINT = re.compile(r"[0-9]\.(?:[0-9]{1,2}|[0-9]{4,})$|,[0-9]{3}\.[0-9]+$")
_CLEARLY_COMMA = re.compile(r"[0-9],(?:[0-9]{1,2}|[0-9]{4,})$|\.[0-9]{3},[0-9]+$")


def tidy(text: str) -> str:
    """Text with every run of white space, of whatever kind, as one blank; none at its ends."""
    return _SPACES.sub(" ", text).strip()


def number(text: str, decimal: str = ".") -> Decimal:
    """A number such as ``1 234.56``, ``-1,234.5`` or ``$10``; with ``decimal=","`` ``1.234,56``.

    Groups of three may be set apart by blanks, apostrophes or the other mark, by one of them
    throughout. ValueError for anything else.
    """
    plain = tidy(text).replace("\u2212", "-").replace("- ", "-", 1)
    plain = _CURRENCY.sub(r"\1", plain, count=1)
    if decimal == ",":
        plain = plain.translate(_SWAPPED)
    if len(plain) > _LONGEST or not _NUMBER.fullmatch(plain):
        raise ValueError(f"{_shown(text)} is not a number")
    value = Decimal(re.sub(r"[ ,']", "", plain))
    if len(value.as_tuple().digits) > _DIGITS:
        raise ValueError(f"{_shown(text)} is not a number of at most {_DIGITS} digits")
    return value


def decimal_mark(cells: Iterable[str]) -> str:
    """Whether the numbers of a file have a decimal point or a comma; a point where none tells.

    ValueError where some have one and some the other.
    """
    point = comma = ""
    for cell in cells:
        plain = tidy(cell)
        if len(plain) > _LONGEST or not re.fullmatch(r"[-+0-9., '$€£¥\u2212]+", plain):
            continue
        if _CLEARLY_POINT.search(plain):
            point = plain
        elif _CLEARLY_COMMA.search(plain):
            comma = plain
        if point and comma:
            raise ValueError(f"{point} has a decimal point and {comma} a decimal comma")
    return "," if comma else "."


def moment(text: str, offset: timedelta, *, day_first: bool = False) -> datetime:
    """A date and time in UTC; ``offset`` is the clock of the file ahead of UTC.

    The year stands first (``2024.01.31 10:30:00``, ISO 8601 with or without its own offset), or,
    with ``day_first``, the day (``31/01/2024 10:30:00.123``). ValueError for anything else.
    """
    plain = tidy(text)
    match = _YEAR_FIRST.fullmatch(plain)
    if match is None and day_first:
        match = _DAY_FIRST.fullmatch(plain)
    if match is None:
        raise ValueError(f"{_shown(text)} is not a date and time such as 2024.01.31 10:30:00")
    parts = [int(match[name] or 0) for name in ("year", "month", "day", "hour", "minute", "second")]
    micro = int((match["part"] or "").ljust(6, "0"))
    try:
        local = datetime(*parts[:6], micro, tzinfo=UTC)  # type: ignore[misc, arg-type]
        moved = local - (_own_offset(match["zone"]) if match["zone"] else offset)
    except (ValueError, OverflowError):
        raise ValueError(f"{_shown(text)} is no date of the calendar") from None
    if not 1980 <= moved.year <= 2200:
        raise ValueError(f"{_shown(text)} is not in a year that can be")
    return moved


def has_moment(text: str) -> bool:
    """Whether a cell holds a date with a time, in a form that platforms write."""
    return bool(re.search(r"[0-9]{2,4}[./-][0-9]{2}[./-][0-9]{2,4} [0-9]{1,2}:[0-9]{2}", text))


def _own_offset(zone: str) -> timedelta:
    if zone == "Z":
        return timedelta(0)
    digits = zone[1:].replace(":", "")
    ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -ahead if zone[0] == "-" else ahead


def _shown(text: str) -> str:
    plain = tidy(text)
    return repr(plain if len(plain) <= _LONGEST else plain[:_LONGEST] + "…")
