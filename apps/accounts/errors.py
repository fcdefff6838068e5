"""Refusals of the accounts app; the text is for the person who asked."""

from __future__ import annotations

from collections.abc import Mapping


class AccountsError(Exception):
    """Base of all refusals; ``code`` is stable."""

    code = "INVALID_DATA"


class EmailTaken(AccountsError):
    code = "ALREADY_EXISTS"

    def __init__(self, email: str) -> None:
        super().__init__(f"{email} already has a sign-in; use another address.")


class NotPermitted(AccountsError):
    code = "NOT_PERMITTED"


class InvalidDefaults(AccountsError):
    """Values that the product's configuration cannot have; a sentence for each field."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = dict(fields)


class NotPossible(AccountsError):
    """What was asked for cannot be done with this person as things stand."""

    code = "NOT_POSSIBLE"


class InvalidText(AccountsError):
    """A text that cannot be published."""


class TextOutdated(AccountsError):
    """Another version than the one that holds was accepted."""

    code = "TERMS_OUTDATED"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is a new version of the {name.lower()}. Read it, and accept that one."
        )
