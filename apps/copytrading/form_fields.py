"""Form fields of settings, alike wherever they are set."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.copytrading.domain.limits import BOUNDS, Bounds
from apps.copytrading.setting_words import LABELS, MEANINGS, choices

NOT_OFFERED = "Choose one of these."


class BoundedField(forms.DecimalField):
    """A number within the bounds of a setting; whatever is wrong is told in one sentence.

    ``unit`` is for templates that show several such fields alike.
    """

    def __init__(self, bounds: Bounds, **options: Any) -> None:
        self.bounds, self.unit = bounds, ""
        attrs = {"inputmode": "decimal", "step": "any", "min": bounds.low, "max": bounds.high}
        super().__init__(widget=forms.NumberInput(attrs=attrs), **options)

    def to_python(self, value: Any) -> Any:
        try:
            number = super().to_python(value)
        except ValidationError:
            raise ValidationError("Enter a number like 0.25.", "invalid") from None
        if number is not None and not self._holds(number):
            raise ValidationError(self.bounds.in_words, "bounds")
        return number

    def _holds(self, number: Decimal) -> bool:
        if not number.is_finite() or not self.bounds.holds(number):
            return False
        return number == round(number, self.bounds.places or 0)


def number(
    name: str, help_text: str = "", *, initial: int | None = 0, bounds: Bounds | None = None
) -> BoundedField:
    """The field of a setting that is a number; it may stay empty where it begins so."""
    return BoundedField(
        bounds or BOUNDS[name],
        label=LABELS[name],
        help_text=help_text or MEANINGS.get(name, ""),
        initial=initial,
        required=initial is not None,
        error_messages={"required": "Enter a number; 0 means that it is not set."},
    )


def choice(name: str, initial: str) -> forms.ChoiceField:
    """The field of a setting with a few values, all of which are shown."""
    return forms.ChoiceField(
        label=LABELS[name],
        choices=choices(name),
        initial=initial,
        widget=forms.RadioSelect,
        error_messages={"required": NOT_OFFERED, "invalid_choice": NOT_OFFERED},
    )


def switch(name: str, *, initial: bool = True) -> forms.BooleanField:
    """The field of a setting that is on or off."""
    return forms.BooleanField(
        label=LABELS[name], help_text=MEANINGS[name], required=False, initial=initial
    )
