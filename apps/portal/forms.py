"""Forms of the portal: every setting is explained where it is set."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django import forms

MODE_CHOICES = [
    ("equity_ratio", "Proportional to equity"),
    ("balance_ratio", "Proportional to balance"),
    ("multiplier", "Multiplier"),
    ("fixed", "Fixed volume"),
    ("equity_based", "By steps of equity"),
]
MODE_HELP = {
    "equity_ratio": (
        "Your equity divided by the master's decides. With a tenth of the master's equity you "
        "hold a tenth of each position."
    ),
    "balance_ratio": (
        "Like proportional to equity, but by balances, so that open results do not change sizes."
    ),
    "multiplier": "The master's lots times a number of yours, whatever either account holds.",
    "fixed": "The same volume for every position, however large the master's is.",
    "equity_based": (
        "A base volume for each amount of equity that you name: with 0.10 lots for 5,000, an "
        "equity of 12,500 opens 0.25."
    ),
}
MINIMUM_CHOICES = [("skip", "Skip the trade"), ("round_up", "Open the smallest volume")]
MINIMUM_HELP = {
    "skip": "You keep to your risk; the outcome says which trade was too small.",
    "round_up": "You miss nothing, but hold more than your share of that trade.",
}
REQUIRED_NUMBER = "Enter a number; 0 means that it is not set."
FEWER_DIGITS = "Use fewer digits."
NOT_OFFERED = "Choose one of these."


def _number(label: str, help_text: str, *, initial: int | None = 0, places: int = 2) -> Any:
    return forms.DecimalField(
        label=label,
        help_text=help_text,
        initial=initial,
        min_value=Decimal(0),
        max_digits=16,
        decimal_places=places,
        required=initial is not None,
        widget=forms.NumberInput(attrs={"inputmode": "decimal", "step": "any"}),
        error_messages={
            "required": REQUIRED_NUMBER,
            "invalid": "Enter a number like 0.25.",
            "min_value": "Use 0 or more.",
            "max_decimal_places": f"Use at most {places} decimals.",
            "max_digits": FEWER_DIGITS,
            "max_whole_digits": FEWER_DIGITS,
        },
    )


class CopySettingsForm(forms.Form):
    """How a copy sizes and what it leaves out."""

    volume_mode = forms.ChoiceField(
        label="How much is copied",
        choices=MODE_CHOICES,
        initial="equity_ratio",
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choose how volumes are computed.",
            "invalid_choice": NOT_OFFERED,
        },
    )
    risk_multiplier = _number(
        "Risk multiplier", "1 leaves the volume as computed, 0.5 halves it.", initial=1, places=4
    )
    fixed_volume = _number("Volume", "", places=4)
    base_equity = _number("For each equity of", "In your account's currency.", initial=None)
    allocated_capital = _number(
        "Capital for this copy",
        "Sizes as if the account held this much, in its currency, plus what this copy has "
        "earned. 0 uses the whole account.",
    )
    below_minimum = forms.ChoiceField(
        label="When the volume is below the smallest that can be traded",
        choices=MINIMUM_CHOICES,
        initial="skip",
        widget=forms.RadioSelect,
        error_messages={"required": NOT_OFFERED, "invalid_choice": NOT_OFFERED},
    )
    min_volume = _number("Minimum volume", "Smaller copies count as too small. 0: none.", places=4)
    max_volume = _number(
        "Maximum volume", "No copied position grows beyond it. 0: no limit.", places=4
    )
    copy_sl = forms.BooleanField(
        label="Copy stop loss",
        help_text="Your stop stands at the master's price and moves with it.",
        required=False,
        initial=True,
    )
    copy_tp = forms.BooleanField(
        label="Copy take profit",
        help_text="Your target stands at the master's price and moves with it.",
        required=False,
        initial=True,
    )
    max_delay_s = forms.IntegerField(
        label="Maximum delay",
        help_text="A trade that could not be sent within so many seconds is not opened any "
        "more. 0 uses the product's default.",
        initial=0,
        min_value=0,
        max_value=3600,
        error_messages={
            "required": REQUIRED_NUMBER,
            "invalid": "Enter whole seconds, like 10.",
            "min_value": "Use 0 or more.",
            "max_value": "Use at most 3600 seconds.",
        },
    )

    mode_help = MODE_HELP
    minimum_help = MINIMUM_HELP

    @classmethod
    def standing(cls, row: object) -> dict[str, Any]:
        """The settings of a copy as the fields show them: 1 and 0.5, not 1.0000 or 0E-8."""
        values = {name: getattr(row, name) for name in cls.base_fields}
        return {
            name: f"{value.normalize():f}" if isinstance(value, Decimal) else value
            for name, value in values.items()
        }

    def settings(self) -> dict[str, Any]:
        """The settings as :func:`apps.copytrading.api.subscribe` takes them."""
        names = CopySettingsForm.base_fields
        return {name: self.cleaned_data[name] for name in names}

    def add_refusals(self, fields: dict[str, str]) -> None:
        """Put the engine's objections beside the fields that they are about."""
        for name, sentence in fields.items():
            self.add_error(name if name in self.fields else None, sentence)


class FollowForm(CopySettingsForm):
    """Which of one's accounts follows which master, and how."""

    master = forms.ChoiceField(
        label="Master",
        error_messages={
            "required": "Choose a master.",
            "invalid_choice": "This master cannot be followed; choose another.",
        },
    )
    account = forms.ChoiceField(
        label="Your account",
        help_text="Copied positions are opened here, with this account's money.",
        error_messages={
            "required": "Choose one of your accounts.",
            "invalid_choice": "Choose one of your own accounts.",
        },
    )

    def __init__(
        self,
        *args: Any,
        masters: Iterable[tuple[str, str]],
        accounts: Iterable[tuple[str, str]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        for name, choices in (("master", masters), ("account", accounts)):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [("", "Choose …"), *choices]


class StopForm(forms.Form):
    """What becomes of the open positions when a copy is stopped."""

    close_positions = forms.TypedChoiceField(
        choices=[("1", "close"), ("0", "keep")],
        coerce=lambda value: value == "1",
        error_messages={"required": "Choose what becomes of the open positions."},
    )
