"""What the fields of settings show, and what they say to values that cannot be."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace

import pytest

from apps.copytrading.models import CopyFollower, CopySubscription
from apps.copytrading.services.settings import FIELDS, FOLLOWER_FIELDS
from apps.copytrading.setting_words import choices
from apps.portal.copy_forms import CopySettingsForm, FollowerForm
from tests.support.forms import untouched

MONEY = "Use a number from 0 to 1,000,000,000,000 with at most 8 decimals."
LOTS = "Use a number from 0 to 1,000,000,000 with at most 4 decimals."
SECONDS = "Use a whole number from 0 to 3,600."


def test_the_forms_have_every_setting() -> None:
    # Switching one copy off is its own action: pausing.
    assert set(CopySettingsForm.base_fields) == FIELDS - {"enabled"}
    assert set(FollowerForm.base_fields) == FOLLOWER_FIELDS


def test_the_forms_begin_with_what_a_new_row_has() -> None:
    new = CopySubscription()
    shown = CopySettingsForm.standing(new)
    for name, field in CopySettingsForm.base_fields.items():
        initial = field.initial
        assert str(shown[name] or 0) == str(initial or 0), name
    follower = FollowerForm.standing(CopyFollower())
    for name, field in FollowerForm.base_fields.items():
        assert str(follower[name] or 0) == str(field.initial or 0), name


@pytest.mark.parametrize(
    ("row", "name"),
    [
        (CopySubscription, "volume_mode"),
        (CopySubscription, "below_minimum"),
        (CopySubscription, "copy_mode"),
        (CopySubscription, "symbols_mode"),
        (CopySubscription, "auto_repair"),
        (CopyFollower, "manual_trading_mode"),
    ],
)
def test_every_choice_of_the_engine_has_its_words(row: type, name: str) -> None:
    values = {value for value, _ in row._meta.get_field(name).choices}
    assert {value for value, _ in choices(name)} == values


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
        ("fixed_volume", "1e400", LOTS),
        ("fixed_volume", "9999999999999", LOTS),
        ("fixed_volume", "-1", LOTS),
        ("fixed_volume", "0.00001", LOTS),
        ("fixed_volume", "abc", "Enter a number like 0.25."),
        ("fixed_volume", "NaN", LOTS),
        ("fixed_volume", "Infinity", LOTS),
        ("fixed_volume", "", "Enter a number; 0 means that it is not set."),
        ("risk_multiplier", "1001", "Use a number from 0 to 1,000 with at most 4 decimals."),
        ("allocated_capital", "1e13", MONEY),
        ("max_slippage", "100.1", "Use a number from 0 to 100 with at most 4 decimals."),
        ("max_positions", "0.5", "Use a whole number from 0 to 10,000."),
        ("max_delay_s", "1.5", SECONDS),
        ("max_delay_s", "3601", SECONDS),
        ("symbols", "x" * 20_001, "Use fewer symbols."),
        ("below_minimum", "other", "Choose one of these."),
        ("volume_mode", "other", "Choose one of these."),
        ("auto_repair", "", "Choose one of these."),
    ],
)
def test_a_value_that_cannot_be_is_answered_with_what_to_do(
    field: str, value: str, sentence: str
) -> None:
    form = CopySettingsForm(untouched(CopySettingsForm, **{field: value}))

    assert form.errors == {field: [sentence]}


def test_what_is_folded_opens_where_something_is_set_or_wrong() -> None:
    fresh = CopySettingsForm()
    assert not (fresh.guards_touched() or fresh.symbols_touched() or fresh.limits_touched())
    standing = CopySettingsForm(initial=CopySettingsForm.standing(CopySubscription()))
    assert not (standing.guards_touched() or standing.symbols_touched())
    wrong = CopySettingsForm(untouched(CopySettingsForm, max_delay_s="x", symbols_mode="include"))
    assert wrong.guards_touched() and wrong.symbols_touched() and not wrong.repair_touched()
