"""Form controls in our look, tied to their help and errors for screen readers."""

from __future__ import annotations

from django import template
from django.forms import BoundField, CheckboxInput, NumberInput, RadioSelect

register = template.Library()


@register.filter
def is_check(field: BoundField) -> bool:
    return isinstance(field.field.widget, CheckboxInput)


@register.filter
def styled(field: BoundField) -> BoundField:
    """The field with the classes of our controls and its error tied to it.

    Django ties the help text by itself as long as aria-describedby is not set.
    """
    widget = field.field.widget
    if not isinstance(widget, CheckboxInput | RadioSelect):
        figure = " input-figure" if isinstance(widget, NumberInput) else ""
        widget.attrs["class"] = f"input{figure}"
    widget.attrs.pop("placeholder", None)
    described = [f"{field.auto_id}_helptext"] if field.help_text else []
    if field.errors:
        described.append(f"{field.auto_id}_error")
    if described:
        widget.attrs["aria-describedby"] = " ".join(described)
    return field
