"""Authorisation codes: good once, for a minute, for the application and address they are of."""

from __future__ import annotations

import secrets
from typing import NamedTuple

LIFETIME_MS = 60_000


class Code(NamedTuple):
    owner: str
    client_id: str
    redirect_uri: str
    expires_ms: int


class Codes:
    """The codes that were given and not spent yet."""

    def __init__(self) -> None:
        self._given: dict[str, Code] = {}

    def give(self, owner: str, client_id: str, redirect_uri: str, now: int) -> str:
        self._given = {text: code for text, code in self._given.items() if code.expires_ms > now}
        text = secrets.token_urlsafe(24)
        self._given[text] = Code(owner, client_id, redirect_uri, now + LIFETIME_MS)
        return text

    def spend(self, text: str, client_id: str, redirect_uri: str, now: int) -> str:
        """The owner who allowed it; '' where the code is unknown, spent, too old or another's."""
        code = self._given.pop(text, None)
        if code is None or code.expires_ms <= now:
            return ""
        same = (code.client_id, code.redirect_uri) == (client_id, redirect_uri)
        return code.owner if same else ""
