"""How figures are written: thousands apart, a true minus, units at the edge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from django import template
from django.utils import timezone

register = template.Library()

UNKNOWN = "–"
_MINUS = "−"
_PLACES = {"JPY": 0, "HUF": 0, "KRW": 0, "BTC": 8, "ETH": 6}
_EVENTS = {
    "opened": "Opened",
    "increased": "Added",
    "reduced": "Partly closed",
    "closed": "Closed",
    "reversed": "Reversed",
    "protection": "Moved stops",
    "existing": "Took over",
    "placed": "Placed an order in",
    "amended": "Changed an order in",
    "cancelled": "Cancelled an order in",
    "expired": "Let expire an order in",
}
_TONES = {
    "good": {"active", "copied", "live", "open", "filled", "on"},
    "warn": {"paused", "partial", "skipped", "connecting", "syncing", "pending", "superseded"},
    "bad": {"rejected", "failed", "refused", "down", "lost", "unresolved"},
    "busy": {"in_flight", "sent", "unknown", "accepted", "waiting"},
}


@register.filter
def amount(value: Decimal | None, currency: str = "") -> str:
    """Money with the decimals of its currency: 1,234.50, −3.00; – when not known."""
    if value is None or value == "":
        return UNKNOWN
    places = decimals(currency)
    rounded = Decimal(value).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
    text = f"{abs(rounded):,.{places}f}"
    return f"{_MINUS}{text}" if rounded < 0 else text


def decimals(currency: str) -> int:
    """With how many decimals money of a currency is written."""
    return _PLACES.get(currency, 2)


@register.filter
def percent(value: Decimal | float | str | None, places: int = 2) -> str:
    """A fraction in percent: 0.0512 is 5.12 %, a loss has a true minus; – when not known."""
    if value is None or isinstance(value, str):
        return UNKNOWN
    number = f"{Decimal(str(abs(value))) * 100:,.{int(places)}f}"
    lost = value < 0 and any(digit in number for digit in "123456789")
    return f"{_MINUS if lost else ''}{number}\u00a0%"


@register.filter
def signed_percent(value: Decimal | float | str | None, places: int = 2) -> str:
    """Like :func:`percent`, with the sign shown for gains too."""
    text = percent(value, places)
    if value is None or isinstance(value, str) or value <= 0:
        return text
    return f"+{text}" if any(digit in text for digit in "123456789") else text


@register.filter
def points(value: float | None) -> str:
    """A difference of two percents, a fraction: +1.20 points, −0.35 points."""
    text = signed_percent(value)
    return text if text == UNKNOWN else text.replace("\u00a0%", "\u00a0points")


@register.filter
def percent_tone(value: float | None) -> str:
    """Class of a return's colour; the sign is in the text beside it."""
    text = signed_percent(value) if isinstance(value, float) else ""
    return {"+": "money-gain", _MINUS: "money-loss"}.get(text[:1], "")


@register.filter
def correlation(value: float) -> str:
    """From −1.00 to +1.00, the sign always shown."""
    text = f"{abs(value):.2f}"
    if text == "0.00":
        return text
    return f"{_MINUS if value < 0 else '+'}{text}"


@register.filter
def ratio(value: float) -> str:
    """A bare figure of two places: 1.10, −0.35."""
    return f"{value:.2f}".replace("-", _MINUS)


@register.filter
def signed_lots(value: Decimal) -> str:
    """Lots with their sign: bought is +, sold −."""
    return f"{'+' if value > 0 else ''}{lots(value)}"


@register.filter
def signed(value: Decimal | None, currency: str = "") -> str:
    """Like :func:`amount`, with the sign shown for gains too."""
    text = amount(value, currency)
    if value is None or value == "" or text.startswith(_MINUS):
        return text
    return f"+{text}" if any(digit in text for digit in "123456789") else text


@register.filter
def tone(value: Decimal | None) -> str:
    """Class of a result's colour; the sign is in the text beside it."""
    text = signed(value)
    return {"+": "money-gain", _MINUS: "money-loss"}.get(text[:1], "")


@register.filter
def price(value: Decimal | None, digits: Any = None) -> str:
    """A price with the symbol's decimals, or with its own where they are not given."""
    if value is None or value == "":
        return UNKNOWN
    number = Decimal(value)
    if digits not in (None, ""):
        return f"{number:.{int(digits)}f}"
    return _at_least(number, 2)


@register.filter
def lots(value: Decimal | None) -> str:
    """Lots with two decimals, or as many as they need."""
    return UNKNOWN if value is None or value == "" else _at_least(Decimal(value), 2)


@register.filter
def plain(value: Decimal | None) -> str:
    """A number without needless zeros: 0.5, 2, 10,000."""
    return UNKNOWN if value is None or value == "" else _at_least(Decimal(value), 0)


def _at_least(number: Decimal, places: int) -> str:
    digits = -int(number.normalize().as_tuple().exponent)
    return f"{number:,.{max(places, digits)}f}".replace("-", _MINUS)


@register.filter
def basis_points(value: float) -> str:
    """Basis points with a true minus: 0.18, −0.01."""
    text = f"{abs(value):,.2f}"
    return f"{_MINUS}{text}" if value < 0 and text != "0.00" else text


@register.filter
def millis(duration: float | str | None) -> str:
    """A duration in milliseconds: 8.1 ms, 240 ms, 1.25 s."""
    if duration is None or duration == "":
        return UNKNOWN
    value = float(duration)
    size, sign = abs(value), _MINUS if value < 0 else ""
    if size < 10:
        return f"{sign}{size:.1f} ms"
    return f"{sign}{size:.0f} ms" if size < 1000 else f"{sign}{size / 1000:.2f} s"


@register.filter
def ago(value: datetime | None) -> str:
    """How long ago, in one unit; the browser keeps it current."""
    if value is None:
        return UNKNOWN
    seconds = max(0, int((timezone.now() - value).total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


@register.filter
def status_tone(value: str) -> str:
    """Tone of a badge for a status; plain where the status is neither good nor bad."""
    return next((tone for tone, values in _TONES.items() if value in values), "none")


@register.filter
def event_words(kind: str) -> str:
    """What a master did, in a word or two."""
    return _EVENTS.get(kind, kind.replace("_", " ").capitalize())


@register.filter
def at(mapping: Mapping[Any, Any], key: Any) -> Any:
    """An entry by its key, whatever that is; '' where there is none."""
    return mapping.get(key, "")


@register.filter
def lookup(mapping: Mapping[str, Any], key: Any) -> Any:
    return mapping.get(str(key), "")


@register.filter
def spark_path(values: Sequence[Decimal | float]) -> str:
    """The line of a sparkline in a box of 100 by 24."""
    heights = [float(value) for value in values]
    if len(heights) < 2:
        return ""
    low = min(heights)
    span = (max(heights) - low) or 1.0
    step = 100 / (len(heights) - 1)
    points = (f"{i * step:.1f},{22 - 20 * (h - low) / span:.1f}" for i, h in enumerate(heights))
    return "M" + "L".join(points)


@register.filter
def hop_bars(hops: Iterable[float | None], scale: Any = None) -> list[dict[str, str]]:
    """Lengths of consecutive hops as parts of ``scale`` milliseconds (their sum if not given)."""
    lengths = [max(0.0, hop or 0.0) for hop in hops]
    whole = float(scale or 0) or sum(lengths) or 1.0
    bars, x = [], 0.0
    for length in lengths:
        width = min(100 * length / whole, 100 - x)
        bars.append({"x": f"{x:.2f}", "width": f"{width:.2f}"})
        x += width
    return bars


@register.filter
def row_name(key: object, section: str = "outcomes") -> str:
    """The id of a row outside a live section."""
    return f"{section}-{key}"
