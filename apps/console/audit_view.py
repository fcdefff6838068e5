"""Entries of the audit trail as pages tell them: words, changes and where their object is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.urls import reverse

from apps.accounts.models import BotStrategy
from apps.accounts.selectors import AuditRow
from apps.common.templatetags.figures import plain
from apps.console.forms import RULE_LABELS
from apps.copytrading.setting_words import CHOSEN, LABELS, choices

#: Numbers that name something: their digits stay together.
_NAMES = frozenset({"login", "port", "platform_account_id"})
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_LABELS = {
    **LABELS,
    **RULE_LABELS,
    "may_copy": "Copying",
    "may_be_master": "Being a master",
    "may_run_bots": "Bots",
    "allowed_strategies": "Allowed strategies",
    "copy_trading_enabled": "Copy trading",
    "bot_trading_enabled": "Bot trading",
    "tls": "TLS",
}
#: Which page shows an object, by its type; the id is the object's uuid.
_PAGES = {"master": "console:master", "subscription": "console:copy"}
OBJECT_TYPES = {
    "user": "Person",
    "subscription": "Copy",
    "follower": "Follower",
    "master": "Master",
    "drift": "Difference",
    "kill_switch": "Kill switch",
    "trading_account": "Trading account",
    "account_group": "Account group",
    "connection": "Connection",
    "product_config": "Product",
    "house": "House",
    "mail": "Mail",
    "legal_text": "Legal text",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One value as it was and as it is; '' where there was, or is, none."""

    name: str
    was: str
    now: str


def changes_of(entry: AuditRow) -> list[Change]:
    """What an entry changed, in words; values that only one side has stand alone."""
    names = [*entry.before, *(name for name in entry.after if name not in entry.before)]
    return [
        Change(
            _label(entry, name),
            _shown(entry, name, entry.before, "") if name in entry.before else "",
            _shown(entry, name, entry.after, "") if name in entry.after else "",
        )
        for name in names
    ]


def values_in_words(entry: AuditRow) -> str:
    """What changed, in a line: 'Maximum delay 0 to 5, EURUSD by name to not copied'."""
    missing = "by name" if entry.action == "subscription.pairs" else "–"
    return ", ".join(
        f"{_label(entry, name)} {_shown(entry, name, entry.before, missing)} "
        f"to {_shown(entry, name, entry.after, missing)}"
        for name in entry.before
    )


def _label(entry: AuditRow, name: str) -> str:
    if entry.action == "subscription.pairs" and name != "pairs":
        return name
    if name == "enabled" and entry.object_type == "product_config":
        return entry.object_label
    return _LABELS.get(name, name.replace("_", " ").capitalize())


def _shown(entry: AuditRow, name: str, values: Mapping[str, object], missing: str) -> str:
    value = values.get(name)
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return missing or "–"
    if isinstance(value, list):
        return ", ".join(_listed(name, each) for each in value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key} {each}" for key, each in value.items()) or "none"
    text = str(value)
    if name in CHOSEN:
        return dict(choices(name)).get(text, text).lower()
    if name not in _NAMES and _NUMBER.fullmatch(text) and len(text) < 24:
        return plain(Decimal(text))
    return text or ("not copied" if entry.action == "subscription.pairs" else "empty")


def _listed(name: str, value: object) -> str:
    return dict(BotStrategy.choices).get(str(value), str(value))


def page_of(entry: AuditRow) -> str:
    """Where the object of an entry is shown; '' where nothing shows it."""
    try:
        if entry.object_type == "user":
            of_staff = entry.action.startswith("staff.")
            return (
                reverse("console:staff")
                if of_staff
                else reverse("console:customer", args=[UUID(entry.object_id)])
            )
        view = _PAGES.get(entry.object_type)
        return reverse(view, args=[UUID(entry.object_id)]) if view else ""
    except ValueError:
        return ""


__all__ = ["OBJECT_TYPES", "Change", "changes_of", "page_of", "values_in_words"]
