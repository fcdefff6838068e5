"""What a browser sends for a form that nobody has touched."""

from __future__ import annotations

from django import forms


def untouched(form: type[forms.Form], **changes: str | None) -> dict[str, str]:
    """The values of a form as it is first shown; None unchecks a box or leaves a field away."""
    shown: dict[str, str | None] = {name: _shown(field) for name, field in form.base_fields.items()}
    return {name: value for name, value in (shown | changes).items() if value is not None}


def _shown(field: forms.Field) -> str | None:
    if isinstance(field, forms.BooleanField):
        return "on" if field.initial else None
    return "" if field.initial is None else str(field.initial)
