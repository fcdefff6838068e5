"""Forms about copies and the accounts that follow: every setting is explained where it is set."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms

from apps.accounts.models import LegalText
from apps.copytrading.form_fields import choice, number, switch
from apps.copytrading.setting_words import LABELS, MEANINGS, choice_meanings
from apps.copytrading.settings_view import GuardInEffect


class SettingsForm(forms.Form):
    """What the forms about settings share: showing what stands, and what the engine refuses."""

    @classmethod
    def standing(cls, row: object) -> dict[str, Any]:
        """The settings as the fields show them: 1 and 0.5, not 1.0000 or 0E-8."""
        values = {name: getattr(row, name) for name in cls.base_fields}
        return {
            name: f"{value.normalize():f}" if isinstance(value, Decimal) else value
            for name, value in values.items()
        }

    def tell_inherited(self, guards: dict[str, GuardInEffect], zero: str) -> None:
        """Say beside each guard what 0 means: the value that holds then, and whose it is."""
        for name, guard in guards.items():
            field = self.fields[name]
            field.help_text = f"{MEANINGS[name]} 0: {guard.sentence if guard.source else zero}."

    def add_refusals(self, fields: dict[str, str]) -> None:
        """Put the engine's objections beside the fields that they are about."""
        for name, sentence in fields.items():
            self.add_error(name if name in self.fields else None, sentence)

    def touched(self, *names: str) -> bool:
        """Whether one of these fields is wrong or differs from what a new copy has."""
        return any(
            name in self.errors or str(self[name].value() or 0) != str(self._fresh(name) or 0)
            for name in names
        )

    def _fresh(self, name: str) -> Any:
        return self.base_fields[name].initial


class GuardFields(SettingsForm):
    """Guards on opens; 0 inherits."""

    max_positions = number("max_positions")
    min_equity = number("min_equity")
    max_slippage = number("max_slippage")
    max_delay_s = number("max_delay_s")
    loss_limit = number("loss_limit")
    min_margin_level = number("min_margin_level")

    def guards_touched(self) -> bool:
        """Whether a guard is set or wrong."""
        return self.touched(*GuardFields.base_fields)


class CopySettingsForm(GuardFields):
    """How a copy sizes, what it copies and what it leaves out."""

    volume_mode = choice("volume_mode", "equity_ratio")
    risk_multiplier = number("risk_multiplier", initial=1)
    fixed_volume = number("fixed_volume", " ")
    base_equity = number("base_equity", initial=None)
    allocated_capital = number("allocated_capital")
    below_minimum = choice("below_minimum", "skip")
    min_volume = number("min_volume")
    max_volume = number("max_volume")
    copy_mode = choice("copy_mode", "sync")
    copy_sl = switch("copy_sl")
    copy_tp = switch("copy_tp")
    copy_partial_close = switch("copy_partial_close")
    copy_pending_orders = switch("copy_pending_orders")
    copy_existing_positions = switch("copy_existing_positions", initial=False)
    reverse_direction = switch("reverse_direction", initial=False)
    symbols_mode = choice("symbols_mode", "all")
    symbols = forms.CharField(
        label=LABELS["symbols"],
        initial="",
        help_text=MEANINGS["symbols"],
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocapitalize": "off"}),
        error_messages={"max_length": "Use fewer symbols."},
    )
    auto_repair = choice("auto_repair", "off")

    helps = {
        name: choice_meanings(name)
        for name in ("volume_mode", "below_minimum", "copy_mode", "symbols_mode", "auto_repair")
    }

    def settings(self) -> dict[str, Any]:
        """The settings as :func:`apps.copytrading.api.subscribe` takes them."""
        return {name: self.cleaned_data[name] for name in CopySettingsForm.base_fields}

    def symbols_touched(self) -> bool:
        """Whether a choice of symbols is made, or is wrong."""
        return self.touched("symbols_mode", "symbols")

    def copied_touched(self) -> bool:
        """Whether less, or other, than everything is copied."""
        return self.touched(
            "copy_mode", "copy_sl", "copy_tp", "copy_partial_close", "copy_pending_orders",
            "reverse_direction", "copy_existing_positions",
        )  # fmt: skip

    def limits_touched(self) -> bool:
        """Whether a limit of volumes is set or wrong."""
        return self.touched("min_volume", "max_volume", "below_minimum")

    def repair_touched(self) -> bool:
        """Whether repair is switched on."""
        return self.touched("auto_repair")


class FollowForm(CopySettingsForm):
    """Which of one's accounts follows a master, how, and the texts to accept before."""

    master = forms.UUIDField(
        widget=forms.HiddenInput,
        error_messages={"required": "Choose a master.", "invalid": "Choose a master."},
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
        master: UUID | None,
        accounts: Iterable[tuple[str, str]],
        texts: Iterable[LegalText] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._master = master
        self.texts = list(texts)
        field = self.fields["account"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "Choose …"), *accounts]
        for text in self.texts:
            self.fields[_acceptance(text)] = forms.BooleanField(
                label=f"I have read and accept: {text}",
                error_messages={"required": "Read it, and accept it to follow masters."},
            )

    def clean_master(self) -> UUID:
        value: UUID = self.cleaned_data["master"]
        if self._master is None or value != self._master:
            raise forms.ValidationError("This master cannot be followed; choose another one.")
        return value

    def acceptances(self) -> list[tuple[LegalText, forms.BoundField]]:
        """Each text that must be accepted, and the box for it."""
        return [(text, self[_acceptance(text)]) for text in self.texts]

    def accepted(self) -> dict[str, int]:
        """The versions that were accepted, by kind."""
        return {text.kind: text.version for text in self.texts}


def _acceptance(text: LegalText) -> str:
    # By version: a box that was ticked for another one does not count.
    return f"accept_{text.kind}_{text.version}"


class FollowerForm(GuardFields):
    """What holds for all copies of an account."""

    enabled = switch("enabled")
    max_master_count = number("max_master_count")
    manual_trading_mode = choice("manual_trading_mode", "all")

    helps = {"manual_trading_mode": choice_meanings("manual_trading_mode")}

    def settings(self) -> dict[str, Any]:
        """The settings as :func:`apps.copytrading.api.update_follower` takes them."""
        return dict(self.cleaned_data)
