"""How a rehearsal's figures are shown."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

from django import forms, template

register = template.Library()

_MINUS = "−"
_UNKNOWN = "–"


@register.filter
def share(value: Decimal | None) -> str:
    """A share as percent, rounded down: not quite all is never shown as 100 %."""
    if value is None:
        return _UNKNOWN
    percent = (value * 100).quantize(Decimal("0.1"), rounding=ROUND_DOWN)
    return f"{percent:.0f} %" if percent == percent.to_integral_value() else f"{percent} %"


@register.filter
def bar(value: Decimal | None) -> str:
    """A share as the length of a bar of 100."""
    return f"{min(max(value or Decimal(0), Decimal(0)), Decimal(1)) * 100:.2f}"


@register.filter
def level(value: Decimal | None) -> str:
    """A margin level in whole percent, rounded down; what is enormous says nothing more."""
    if value is None:
        return _UNKNOWN
    if value >= 100_000:
        return "over 100,000 %"
    return f"{int(value):,} %".replace("-", _MINUS)


@register.filter
def plain_percent(value: Decimal) -> str:
    """A small percentage with as many decimals as it needs, four at most: 0.005 %."""
    text = f"{value:.4f}".rstrip("0").rstrip(".")
    return f"{text} %"


@register.filter
def anchor(form: forms.Form, name: str) -> str:
    """The id of the control that sets ``name``; of several choices the first."""
    if name not in form.fields:
        return "main"
    field = form[name]
    radios = isinstance(field.field.widget, forms.RadioSelect)
    return f"{field.auto_id}_0" if radios else str(field.auto_id)
