"""Forms about masters."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

AUDIENCES = [
    ("everybody", "Everybody who sees this master"),
    ("followers", "Only who follows"),
    ("nobody", "Nobody"),
]
_NAME = {"required": "Give the strategy a name.", "max_length": "Use at most 64 characters."}

NAME_TAKEN = "Another master bears this name already; choose one that tells yours from it."


def _name() -> forms.CharField:
    return forms.CharField(label="Name of the strategy", max_length=64, error_messages=_NAME)


def _description() -> forms.CharField:
    return forms.CharField(
        label="Description",
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="What you trade, how long you hold, how much you risk. No promises of profit.",
        error_messages={"max_length": "Use at most 2,000 characters."},
    )


class ApplyForm(forms.Form):
    """An account becomes a master."""

    strategy_name = _name()
    description = _description()
    visibility = forms.ChoiceField(
        label="Who can follow",
        choices=[
            ("public", "Everybody, once our staff approve"),
            ("private", "Only my own accounts, at once"),
        ],
        widget=forms.RadioSelect,
        initial="public",
        error_messages={"required": "Choose one of these.", "invalid_choice": "Choose one."},
    )

    def __init__(self, *args: Any, may_apply: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_apply:
            field = self.fields["visibility"]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [("private", "Only my own accounts, at once")]
            field.initial = "private"


class ProfileForm(forms.Form):
    """What a master shows, and whom it lets follow."""

    strategy_name = _name()
    description = _description()
    show_positions = forms.ChoiceField(
        label="Open positions are shown to", choices=AUDIENCES, widget=forms.Select
    )
    show_trades = forms.ChoiceField(
        label="Closed trades are shown to", choices=AUDIENCES, widget=forms.Select
    )
    trades_delay_h = forms.IntegerField(
        label="Delay for those who do not follow",
        min_value=0,
        max_value=24 * 365,
        help_text="Hours after closing until a trade is shown to them.",
        error_messages={
            "required": "Enter hours; 0 is no delay.",
            **dict.fromkeys(("invalid", "min_value", "max_value"), "Enter hours from 0 to 8,760."),
        },
    )
    allowed_follower_modes = forms.ChoiceField(
        label="Accounts that may follow",
        choices=[
            ("both", "Real and demo accounts"),
            ("real", "Real accounts only"),
            ("demo", "Demo accounts only"),
        ],
        widget=forms.Select,
    )
    max_followers = forms.IntegerField(
        label="Most followers",
        min_value=0,
        max_value=1_000_000,
        help_text="0: no limit. Who follows already goes on when you lower it.",
        error_messages={
            "required": "Enter a number; 0 is no limit.",
            **dict.fromkeys(
                ("invalid", "min_value", "max_value"), "Enter a number from 0 to 1,000,000."
            ),
        },
    )
    min_investment = forms.DecimalField(
        label="Least investment",
        min_value=Decimal(0),
        max_value=Decimal(1_000_000_000),
        max_digits=18,
        decimal_places=2,
        help_text="Equity, or capital set aside, with which a follower must begin. 0: none.",
        widget=forms.NumberInput(attrs={"inputmode": "decimal", "step": "any"}),
        error_messages={
            "required": "Enter an amount; 0 is none.",
            "max_decimal_places": "Use at most two decimals.",
            **dict.fromkeys(
                ("invalid", "min_value", "max_value", "max_digits", "max_whole_digits"),
                "Enter an amount from 0 to 1,000,000,000.",
            ),
        },
    )


class PictureForm(forms.Form):
    """A picture; whether it can be read is judged by its content."""

    picture = forms.FileField(
        label="Picture",
        help_text="JPEG, PNG or WebP, at most 4 MB and at least 64 by 64 pixels. It is cut to a "
        "square.",
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
        error_messages={
            "required": "Choose a picture.",
            "invalid": "Choose a picture.",
            "empty": "The file is empty.",
        },
    )
