"""The components that stand in every row of a table, written without a template.

A page of fifty rows has hundreds of them. Rendered from a template each costs some fifth of a
millisecond of the server's time, mostly for a context of its own; written here, a tenth of that.
They are used like all others (``<c-ui.money …>``), see ``templatetags/components.py``.

Each function takes the component's attributes, as far as they are given, and what stands inside;
attributes that it does not know belong on the element. Whatever is not safe already is escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from apps.common.markup import escaped
from apps.common.templatetags import figures

Given = Mapping[str, Any]
Write = Callable[[Given, str], str]
_NOTHING = '<span class="muted">–</span>'
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SIDES = {"buy": ("M5 1.5 9 8H1z", "Buy"), "sell": ("M5 8.5 1 2h8z", "Sell")}


def money(given: Given, slot: str) -> str:
    """``value`` in its ``currency``; ``sign`` for gains and losses; ``bare``, without the unit."""
    value: Decimal | None = given.get("value")
    currency = given.get("currency") or ""
    if given.get("sign"):
        tone, text = f" {figures.tone(value)}", figures.signed(value, currency)
    else:
        tone, text = "", figures.amount(value, currency)
    named = currency and not given.get("bare") and value is not None
    unit = f' <span class="unit">{escaped(currency)}</span>' if named else ""
    return f'<span class="money{tone}">{text}{unit}</span>'


def volume(given: Given, slot: str) -> str:
    """``value`` in lots; ``bare``, without the unit."""
    value: Decimal | None = given.get("value")
    unit = "" if given.get("bare") or value is None else ' <span class="unit">lots</span>'
    return f'<span class="volume">{figures.lots(value)}{unit}</span>'


def price(given: Given, slot: str) -> str:
    """``value`` with the symbol's ``digits``."""
    return f'<span class="price">{figures.price(given.get("value"), given.get("digits"))}</span>'


def status(given: Given, slot: str) -> str:
    """``label`` in the tone of the status ``value``."""
    tone = figures.status_tone(given.get("value", ""))
    return f'<span class="badge badge-{tone}">{escaped(given.get("label", ""))}</span>'


def side(given: Given, slot: str) -> str:
    """Buy or sell, in words and with an arrow."""
    value = given.get("value") or ""
    arrow, word = _SIDES.get(value, ("", ""))
    drawing = f'<path d="{arrow}" fill="currentColor" />'
    shown = f'<svg class="side-arrow" viewBox="0 0 10 10" aria-hidden="true">{drawing}</svg>{word}'
    return f'<span class="side side-{escaped(value)}">{shown if word else ""}</span>'


def time(given: Given, slot: str) -> str:
    """The clock of a moment; its day with ``date``, how long ago it was with ``ago``."""
    value: datetime | None = given.get("value")
    if not value:
        return _NOTHING
    at = timezone.localtime(value) if timezone.is_aware(value) else value
    day, clock = f"{at.day} {MONTHS[at.month - 1]}", f"{at:%H:%M:%S}"
    if given.get("ago"):
        shown, kept = figures.ago(value), " data-ago"
    else:
        shown, kept = (f"{day}, {clock[:5]}" if given.get("date") else clock), ""
    title = f"{day} {at.year}, {clock} UTC"
    return f'<time datetime="{at.isoformat()}" title="{title}"{kept}>{shown}</time>'


def badge(given: Given, slot: str) -> str:
    """A word in a ``tone``; ``plain``, without the dot."""
    tone = f" badge-{escaped(given['tone'])}" if given.get("tone") else ""
    plain = " badge-plain" if given.get("plain") else ""
    rest = others(given, "tone", "plain")
    return f'<span class="badge{tone}{plain}"{rest}>{slot}</span>'


def button(given: Given, slot: str) -> str:
    """A button, or with ``href`` a link that looks like one."""
    kind = f" button-{escaped(given['kind'])}" if given.get("kind") else ""
    small = " button-small" if given.get("small") else ""
    rest = others(given, "href", "kind", "small")
    if given.get("href"):
        href = escaped(given["href"])
        return f'<a class="button{kind}{small}" href="{href}"{rest}>{slot}</a>'
    return f'<button class="button{kind}{small}"{rest}>{slot}</button>'


def others(given: Given, *known: str) -> str:
    """All attributes but those that are known, as they stand in a tag.

    What a template wrote into an attribute is safe already; a value itself is escaped here.
    """
    return "".join(
        f" {name}" if value is True else f" {name}={_quoted(escaped(value))}"
        for name, value in given.items()
        if name not in known
    )


def _quoted(text: str) -> str:
    """Between the quotes that it does not have itself, as JSON in a template has."""
    return "'" + text.replace("'", "&#x27;") + "'" if '"' in text else f'"{text}"'


#: By the name in a template.
WRITTEN: Mapping[str, Write] = {
    "ui.money": money,
    "ui.volume": volume,
    "ui.price": price,
    "ui.status": status,
    "ui.side": side,
    "ui.time": time,
    "ui.badge": badge,
    "ui.button": button,
}
