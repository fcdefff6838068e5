"""What the fields of a copy show, and what they say to values that cannot be."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace

import pytest

from apps.portal.forms import CopySettingsForm

_NUMBERS = {
    "risk_multiplier": "1",
    "fixed_volume": "0",
    "allocated_capital": "0",
    "min_volume": "0",
    "max_volume": "0",
    "max_delay_s": "0",
}
_FILLED = {"volume_mode": "multiplier", "below_minimum": "skip", "base_equity": "", **_NUMBERS}


def test_numbers_that_stand_are_shown_without_needless_zeros() -> None:
    row = SimpleNamespace(**dict.fromkeys(CopySettingsForm.base_fields))
    row.risk_multiplier = Decimal("1.0000")
    row.allocated_capital = Decimal("0E-8")
    row.base_equity = Decimal("10000.00000000")
    row.max_volume = Decimal("0.2500")

    shown = CopySettingsForm.standing(row)

    assert shown["risk_multiplier"] == "1"
    assert shown["allocated_capital"] == "0"
    assert shown["base_equity"] == "10000"
    assert shown["max_volume"] == "0.25"


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("fixed_volume", "1e400", "Use fewer digits."),
        ("fixed_volume", "9999999999999", "Use fewer digits."),
        ("fixed_volume", "-1", "Use 0 or more."),
        ("fixed_volume", "abc", "Enter a number like 0.25."),
        ("max_delay_s", "1.5", "Enter whole seconds, like 10."),
        ("max_delay_s", "3601", "Use at most 3600 seconds."),
        ("below_minimum", "other", "Choose one of these."),
        ("volume_mode", "other", "Choose one of these."),
    ],
)
def test_a_value_that_cannot_be_is_answered_with_what_to_do(
    field: str, value: str, sentence: str
) -> None:
    form = CopySettingsForm({**_FILLED, field: value})

    assert form.errors == {field: [sentence]}
