"""Refusals of the accounts app; the text is for the person who asked."""

from __future__ import annotations


class AccountsError(Exception):
    """Base of all refusals; ``code`` is stable."""

    code = "INVALID_DATA"


class EmailTaken(AccountsError):
    code = "ALREADY_EXISTS"

    def __init__(self, email: str) -> None:
        super().__init__(f"{email} already has a sign-in; use another address.")


class NotPermitted(AccountsError):
    code = "NOT_PERMITTED"
