"""Forms for connections, account groups and accounts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from apps.console.forms import ReasonForm
from apps.platforms.registry import CATALOGUE, Status
from apps.trading.positions import MarginMode

_AVAILABLE = [(p.code, p.name) for p in CATALOGUE.values() if p.status is Status.AVAILABLE]
_CREDENTIALS = sorted({name for p in CATALOGUE.values() for name in p.credentials})


def _affixes(label: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        max_length=255,
        help_text="With commas; they are left away when symbols are matched.",
    )


def _limit(label: str, initial: int) -> forms.IntegerField:
    return forms.IntegerField(
        label=label, min_value=0, max_value=10_000, initial=initial, help_text="0: unlimited."
    )


class ConnectionForm(ReasonForm):
    """What of a connection may change while it stands."""

    name = forms.CharField(label="Name", max_length=64)
    host = forms.CharField(label="Host", max_length=255)
    port = forms.IntegerField(label="Port", min_value=1, max_value=65535)
    tls = forms.BooleanField(label="TLS", required=False, initial=True)
    symbol_prefixes = _affixes("Prefixes of symbols")
    symbol_suffixes = _affixes("Suffixes of symbols")
    requests_per_second = _limit("Requests a second", 50)
    history_per_second = _limit("Requests for history a second", 5)
    enabled = forms.BooleanField(
        label="Switched on",
        required=False,
        initial=True,
        help_text="Switched off, no gateway holds it: nothing is received, nothing is sent.",
    )
    field_order = (
        "name", "host", "port", "tls", "symbol_prefixes", "symbol_suffixes",
        "requests_per_second", "history_per_second", "enabled", "reason",
    )  # fmt: skip

    def changes(self) -> dict[str, Any]:
        """As :func:`apps.platforms.api.update_connection` takes them."""
        return {k: v for k, v in self.cleaned_data.items() if k != "reason"}


class NewConnectionForm(forms.Form):
    """A connection to a platform's server."""

    platform = forms.ChoiceField(label="Platform", choices=_AVAILABLE)
    name = forms.CharField(label="Name", max_length=64, help_text="As the desk shows it.")
    server = forms.CharField(
        label="Server", max_length=64, help_text="Its name; it is part of every account's identity."
    )
    host = forms.CharField(label="Host", max_length=255)
    port = forms.IntegerField(label="Port", min_value=1, max_value=65535, initial=5035)
    tls = forms.BooleanField(label="TLS", required=False, initial=True)
    symbol_prefixes = _affixes("Prefixes of symbols")
    symbol_suffixes = _affixes("Suffixes of symbols")
    requests_per_second = _limit("Requests a second", 50)
    history_per_second = _limit("Requests for history a second", 5)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in _CREDENTIALS:
            self.fields[name] = secret(name)

    def values(self) -> dict[str, Any]:
        """As :func:`apps.platforms.api.create_connection` takes them."""
        given = {k: v for k, v in self.cleaned_data.items() if k not in _CREDENTIALS}
        credentials = {k: self.cleaned_data[k] for k in _CREDENTIALS if self.cleaned_data[k]}
        return {**given, "credentials": credentials}


def secret(name: str) -> forms.CharField:
    """A credential: typed in, never shown again."""
    return forms.CharField(
        label=name.replace("_", " ").capitalize(),
        required=False,
        max_length=2048,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Kept encrypted and never shown again.",
    )


class CredentialsForm(ReasonForm):
    """Other credentials for a connection; which, its platform decides."""

    def __init__(self, *args: Any, names: tuple[str, ...] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self.names = names
        reason = self.fields.pop("reason")
        for name in names:
            self.fields[name] = secret(name)
            self.fields[name].required = True
        self.fields["reason"] = reason

    def credentials(self) -> dict[str, str]:
        """Values by name."""
        return {name: self.cleaned_data[name] for name in self.names}


class GroupForm(forms.Form):
    """An account group."""

    name = forms.CharField(label="Name", max_length=64)
    mode = forms.ChoiceField(label="Mode", choices=[("real", "Real"), ("demo", "Demo")])
    leverage = forms.DecimalField(
        label="Leverage",
        min_value=Decimal(1),
        max_value=Decimal(5000),
        decimal_places=2,
        initial=100,
        help_text="1:100 is 100. New accounts begin with it.",
    )
    currency = forms.RegexField(
        r"^[A-Za-z]{3,8}$",
        label="Currency",
        initial="USD",
        error_messages={"invalid": "Give a code like EUR or USDT."},
    )

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).upper()


class ChangeGroupForm(GroupForm, ReasonForm):
    """An account group that stands."""

    field_order = ("name", "mode", "leverage", "currency", "reason")


class AccountForm(forms.Form):
    """A trading account that a platform has and the product shall know."""

    owner = forms.EmailField(
        label="Customer's address", required=False, help_text="Empty: an account of the house."
    )
    connection = forms.ChoiceField(label="Connection")
    group = forms.ChoiceField(label="Account group")
    login = forms.CharField(label="Login", max_length=32)
    platform_account_id = forms.CharField(
        label="Id on the platform",
        max_length=64,
        help_text="cTrader: ctidTraderAccountId. Often the login.",
    )
    name = forms.CharField(label="Name", max_length=64, required=False)
    margin_mode = forms.ChoiceField(
        label="Positions", choices=[(m.value, m.value.capitalize()) for m in MarginMode]
    )

    def __init__(
        self,
        *args: Any,
        connections: list[tuple[str, str]] | None = None,
        groups: list[tuple[str, str]] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        for name, choices in (("connection", connections), ("group", groups)):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = choices or []


class MasterForm(forms.Form):
    """An account that shall lead."""

    login = forms.CharField(label="Login of the account", max_length=32)
    strategy_name = forms.CharField(label="Name of the strategy", max_length=64)
    visibility = forms.ChoiceField(
        label="Who may follow",
        choices=[("public", "Everybody"), ("private", "Its owner's accounts only")],
    )
