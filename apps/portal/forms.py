"""Forms of the portal beside those of settings."""

from __future__ import annotations

from typing import Any

from django import forms


class StopForm(forms.Form):
    """What becomes of the open positions when a copy is stopped or deleted."""

    close_positions = forms.TypedChoiceField(
        choices=[("1", "close"), ("0", "keep")],
        coerce=lambda value: value == "1",
        error_messages={"required": "Choose what becomes of the open positions."},
    )


class UploadForm(forms.Form):
    """A file of symbol pairs; what it may hold is judged line by line."""

    file = forms.FileField(
        label="CSV file",
        help_text="Two columns, master_symbol and slave_symbol; at most 1 MB. It takes the place "
        "of the pairs that stand.",
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
        error_messages={"required": "Choose a file.", "invalid": "Choose a file."},
    )


class PairForm(forms.Form):
    """How one of the master's symbols is copied: by name, not at all, or as another."""

    BY_NAME, NOT_COPIED, PAIR = "name", "none", "pair"

    how = forms.ChoiceField(
        label="Copied",
        choices=[(BY_NAME, "By name"), (NOT_COPIED, "Not copied"), (PAIR, "As this symbol")],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose one of these.", "invalid_choice": "Choose one."},
    )
    follower_symbol = forms.CharField(
        label="Your platform's symbol", required=False, max_length=64, strip=True
    )

    def clean(self) -> dict[str, Any]:
        """A pair needs a symbol."""
        values = super().clean() or {}
        if values.get("how") == self.PAIR and not values.get("follower_symbol"):
            self.add_error("follower_symbol", "Name the symbol of your platform.")
        return values

    def follower(self) -> str | None:
        """The choice as :func:`apps.copytrading.api.set_symbol_pair` takes it."""
        how = self.cleaned_data["how"]
        if how == self.BY_NAME:
            return None
        return "" if how == self.NOT_COPIED else str(self.cleaned_data["follower_symbol"])
