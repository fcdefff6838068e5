"""Forms of the console."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from apps.accounts.api import ProductDefaults, default_field
from apps.copytrading.domain.limits import PRODUCT_BOUNDS, Bounds
from apps.copytrading.form_fields import BoundedField, number


class ReasonForm(forms.Form):
    """Why a member of staff intervenes; kept in the audit trail."""

    reason = forms.CharField(
        label="Reason",
        max_length=500,
        help_text="Kept in the audit trail beside your name.",
        error_messages={"required": "Say why; the reason is kept in the audit trail."},
    )


class ModuleForm(ReasonForm):
    """Switch a module on or off."""

    enabled = forms.TypedChoiceField(
        choices=[("1", "on"), ("0", "off")],
        coerce=lambda value: value == "1",
        widget=forms.HiddenInput,
    )


class KillSwitchForm(ReasonForm):
    """Move a kill switch."""

    state = forms.ChoiceField(
        label="What may be sent",
        choices=[("active", "Active"), ("reducing", "Reducing"), ("halted", "Halted")],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose a state."},
    )


def _default(name: str, unit: str) -> BoundedField:
    field = number(name, initial=0, bounds=PRODUCT_BOUNDS[name])
    field.unit = unit
    if PRODUCT_BOUNDS[name].low == 0:
        field.help_text = f"{field.help_text} 0: no limit."
    return field


#: Units of defaults; what is not here has its unit in its help.
_UNITS = {
    "max_delay_s": "seconds",
    "stale_account_s": "seconds",
    "max_slippage": "%",
    "min_margin_level": "%",
    "max_positions": "positions",
    "min_equity": "in each account's currency",
    "loss_limit": "in each account's currency",
    "max_master_count": "masters",
    "margin_warning": "% of equity",
    "margin_critical": "% of equity",
    "gate_daily_loss": "%",
    "gate_drawdown": "%",
    "gate_leverage": "times equity",
    "alarm_drawdown": "times the deepest before",
    "alarm_size_growth": "times the size before",
    "alarm_averaging_down": "entries",
    "alarm_leverage": "times the usual",
    "alarm_silence": "times the usual pause",
}
#: Headings of the page by how the names of fields begin; what fits none is about copying.
_GROUPS = (
    ("Warnings", "When an account counts as overleveraged", ("margin_",)),
    ("Gates of masters", "Beyond these a master takes no new followers", ("gate_",)),
    ("Alarms about masters", "When risk staff are told of how a master trades", ("alarm_",)),
)
_COPYING = ("Copying", "An account or a copy may be stricter, never looser")


RULE_LABELS = {
    "master_min_age_days": "Age of the account",
    "master_min_trades": "Closed trades",
    "master_min_equity": "Equity",
    "master_max_drawdown": "Largest drawdown",
    "master_rules_bind": "Rules must be met",
    "max_paper_accounts": "Paper accounts",
}


def _rule(name: str, unit: str, bounds: Bounds, help_text: str) -> BoundedField:
    field = BoundedField(
        bounds,
        label=RULE_LABELS[name],
        help_text=help_text,
        initial=0,
        error_messages={"required": "Enter a number; 0 means that it is not set."},
    )
    field.unit = unit
    return field


class RulesForm(ReasonForm):
    """Who may become a master, and how many paper accounts a customer may open."""

    master_min_age_days = _rule(
        "master_min_age_days", "days", Bounds(0, 3650, None),
        "How long the account must be known, imported history among it. 0: no rule.",
    )  # fmt: skip
    master_min_trades = _rule(
        "master_min_trades", "trades", Bounds(0, 10_000, None),
        "How many it must have closed, imported ones among them. 0: no rule.",
    )  # fmt: skip
    master_min_equity = _rule(
        "master_min_equity", "in its currency", Bounds(0, 1_000_000_000, 2),
        "What it must hold now. 0: no rule.",
    )  # fmt: skip
    master_max_drawdown = _rule(
        "master_max_drawdown", "%", Bounds(0, 100, 4),
        "How far it may ever have fallen below its high. 0: no rule.",
    )  # fmt: skip
    master_rules_bind = forms.BooleanField(
        label=RULE_LABELS["master_rules_bind"],
        required=False,
        help_text="Otherwise anybody may apply, and staff see what is not met.",
    )
    max_paper_accounts = _rule(
        "max_paper_accounts", "accounts", Bounds(0, 1000, None),
        "How many a customer may open. 0: none are offered.",
    )  # fmt: skip

    @classmethod
    def standing(cls, config: object) -> dict[str, Any]:
        """The rules as the fields show them."""
        values = {name: getattr(config, name) for name in RULE_LABELS}
        return {
            name: f"{value.normalize():f}" if isinstance(value, Decimal) else value
            for name, value in values.items()
        }

    def rules(self) -> dict[str, Any]:
        """The values as :func:`apps.accounts.api.update_product_defaults` takes them."""
        return {name: self.cleaned_data[name] for name in RULE_LABELS}


class DefaultsForm(ReasonForm):
    """What accounts and copies inherit: a field for every default that has no other form."""

    @classmethod
    def standing(cls, config: object) -> dict[str, Any]:
        """The defaults as the fields show them."""
        values = {name: getattr(config, name) for name in _names()}
        return {
            name: f"{value.normalize():f}" if isinstance(value, Decimal) else value
            for name, value in values.items()
        }

    def defaults(self) -> dict[str, Any]:
        """The values as :func:`apps.accounts.api.update_product_defaults` takes them."""
        return {name: self.cleaned_data[name] for name in self.fields if name != "reason"}

    def groups(self) -> list[tuple[str, str, list[forms.BoundField]]]:
        """Heading, note and fields, as the page shows them."""
        found: dict[tuple[str, str], list[forms.BoundField]] = {_COPYING: []}
        for field in self:
            if field.name != "reason":
                found.setdefault(_group_of(field.name), []).append(field)
        return [(*heading, fields) for heading, fields in found.items() if fields]


def _names() -> list[str]:
    return [name for name in ProductDefaults.__annotations__ if name not in RULE_LABELS]


def _group_of(name: str) -> tuple[str, str]:
    for title, note, beginnings in _GROUPS:
        if name.startswith(beginnings):
            return title, note
    return _COPYING


def _default_field(name: str) -> forms.Field:
    """The field of one default: with our bounds where it has them, else as the model says."""
    if name in PRODUCT_BOUNDS:
        return _default(name, _UNITS.get(name, ""))
    field = default_field(name)
    field.label = (field.label or name).capitalize()
    text = str(field.help_text)
    field.help_text = f"{text[:1].upper()}{text[1:]}." if text else ""
    return field


DefaultsForm.base_fields = {
    **{name: _default_field(name) for name in _names()},
    **DefaultsForm.base_fields,
}
