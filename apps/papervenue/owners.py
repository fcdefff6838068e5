"""Owners of accounts (cTrader IDs) and the tokens that open their accounts."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from apps.openapi_wire.enums import ErrorCode
from apps.papervenue.engine.records import Refused


@dataclass(slots=True)
class Owner:
    """Tokens of one owner; an access token opens all of the owner's accounts until it ends.

    ``password`` is salt and hash; '' for an owner who cannot sign in on the venue's own page.
    """

    name: str
    user_id: int
    access_token: str
    refresh_token: str
    expires_ms: int
    password: str = ""


class Owners:
    """All owners. ``changed`` is called with an owner whose tokens must be stored."""

    def __init__(self, lifetime_s: int, changed: Callable[[Owner], None]) -> None:
        self.lifetime_s = lifetime_s
        self._changed = changed
        self._by_name: dict[str, Owner] = {}
        self._by_access: dict[str, Owner] = {}
        self._by_refresh: dict[str, Owner] = {}

    def load(self, owner: Owner) -> None:
        self._by_name[owner.name] = owner
        self._by_access[owner.access_token] = owner
        self._by_refresh[owner.refresh_token] = owner

    def get(self, name: str, now: int) -> Owner:
        """The owner of that name, new with a token pair where there is none."""
        owner = self._by_name.get(name)
        if owner is None:
            owner = Owner(name, 5_001 + len(self._by_name), "", "", 0)
            self._renew(owner, now)
        return owner

    def open(self, access_token: str, now: int) -> Owner:
        """Whose token this is; refused where it is unknown or has expired."""
        owner = self._by_access.get(access_token)
        if owner is None:
            raise Refused(ErrorCode.CH_ACCESS_TOKEN_INVALID, "the access token is not valid")
        if owner.expires_ms <= now:
            raise Refused(ErrorCode.OA_AUTH_TOKEN_EXPIRED, "the access token has expired")
        return owner

    def refresh(self, refresh_token: str, now: int) -> Owner:
        """Spend a refresh token for a new pair; the old pair is worth nothing from now on."""
        owner = self._by_refresh.get(refresh_token)
        if owner is None:
            raise Refused(
                ErrorCode.CH_ACCESS_TOKEN_INVALID, "the refresh token is not valid or was used"
            )
        self._renew(owner, now)
        return owner

    def set_password(self, name: str, password: str, now: int) -> Owner:
        """Let an owner sign in on the venue's page; new where there is none of that name."""
        owner = self.get(name, now)
        salt = secrets.token_hex(8)
        owner.password = f"{salt}:{_hashed(salt, password)}"
        self._changed(owner)
        return owner

    def sign_in(self, name: str, password: str) -> Owner | None:
        """The owner with this password; None where either is wrong."""
        owner = self._by_name.get(name)
        salt, _, kept = (owner.password if owner else "").partition(":")
        right = hmac.compare_digest(_hashed(salt, password), kept)
        return owner if owner is not None and kept and right else None

    def grant(self, name: str, now: int) -> Owner:
        """A new pair of tokens for an owner who allowed it."""
        owner = self.get(name, now)
        self._renew(owner, now)
        return owner

    def ended(self, name: str, now: int) -> bool:
        """Whether an owner's access token is worth nothing any more."""
        owner = self._by_name.get(name)
        return owner is None or owner.expires_ms <= now

    def revoke(self, name: str) -> Owner | None:
        """Make an owner's access token worthless; the refresh token stays good."""
        owner = self._by_name.get(name)
        if owner is not None:
            owner.expires_ms = 0
            self._changed(owner)
        return owner

    def _renew(self, owner: Owner, now: int) -> None:
        self._by_access.pop(owner.access_token, None)
        self._by_refresh.pop(owner.refresh_token, None)
        owner.access_token = secrets.token_urlsafe(32)
        owner.refresh_token = secrets.token_urlsafe(32)
        owner.expires_ms = now + self.lifetime_s * 1000
        self.load(owner)
        self._changed(owner)


def _hashed(salt: str, password: str) -> str:
    return hashlib.scrypt(password.encode(), salt=salt.encode(), n=2**12, r=8, p=1).hex()
