"""Forms about accounts: opening, naming, importing a record."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings

from apps.platforms.paper import CURRENCIES, LEAST, MOST, USUAL
from apps.trading.positions import MarginMode


class PaperForm(forms.Form):
    """A paper account; its defaults are those of most."""

    currency = forms.ChoiceField(
        label="Currency", choices=[(code, code) for code in CURRENCIES], initial="EUR"
    )
    balance = forms.DecimalField(
        label="Starting balance",
        initial=USUAL,
        min_value=LEAST,
        max_value=MOST,
        max_digits=12,
        decimal_places=2,
        help_text="Play money. Choose what you would really trade with.",
        widget=forms.NumberInput(attrs={"inputmode": "decimal", "step": "any"}),
        error_messages={
            "required": "Enter a balance.",
            "invalid": "Enter a number like 10000.",
            "min_value": f"Choose a balance from {LEAST:,} to {MOST:,}.",
            "max_value": f"Choose a balance from {LEAST:,} to {MOST:,}.",
            "max_digits": f"Choose a balance from {LEAST:,} to {MOST:,}.",
            "max_whole_digits": f"Choose a balance from {LEAST:,} to {MOST:,}.",
            "max_decimal_places": "Use at most two decimals.",
        },
    )
    name = forms.CharField(label="Name", required=False, max_length=64)
    netting = forms.BooleanField(
        label="One position for each symbol",
        help_text="Netting, as many stock and futures brokers have it. Otherwise each order opens "
        "a position of its own.",
        required=False,
    )

    def clean(self) -> dict[str, Any]:
        """Yen has no decimals."""
        values = super().clean() or {}
        balance = values.get("balance")
        if values.get("currency") == "JPY" and balance is not None and balance % 1:
            self.add_error("balance", "JPY has no decimals.")
        return values

    def terms(self) -> dict[str, Any]:
        """The values as :func:`apps.platforms.api.open_paper_account` takes them."""
        values = self.cleaned_data
        return {
            "currency": values["currency"],
            "balance": Decimal(values["balance"]),
            "name": values["name"],
            "margin_mode": MarginMode.NETTING if values["netting"] else MarginMode.HEDGING,
        }


class NameForm(forms.Form):
    """What the customer calls an account."""

    name = forms.CharField(label="Name", required=False, max_length=64)


class StatementForm(forms.Form):
    """A statement of another platform; its content is judged line by line."""

    file = forms.FileField(
        label="Statement",
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".htm,.html,.csv,.txt,text/html,text/csv"}),
        error_messages={"required": "Choose a file.", "invalid": "Choose a file."},
    )
    utc_offset = forms.TypedChoiceField(
        label="Clock of the platform's server",
        choices=[(str(h), f"UTC{h:+d}" if h else "UTC") for h in range(-12, 15)],
        initial="0",
        coerce=int,
        help_text="MetaTrader writes its server's time, often UTC+2 or UTC+3. cTrader files tell "
        "theirs, and this is ignored.",
    )

    def clean_file(self) -> Any:
        """Too large is told before anything is read."""
        file = self.cleaned_data["file"]
        if file.size > settings.STATEMENT_MAX_MB * 1024 * 1024:
            raise forms.ValidationError(
                f"The file has more than {settings.STATEMENT_MAX_MB} MB; export a shorter period."
            )
        return file

    def offset(self) -> timedelta:
        """How far the platform's clock is ahead of UTC."""
        return timedelta(hours=self.cleaned_data["utc_offset"])
