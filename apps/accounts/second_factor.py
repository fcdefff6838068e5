"""Second factors: who has one, and staff who must have one before they do anything else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from apps.accounts.models import User

_ON_THE_WAY = (
    "portal:security", "portal:theme", "mfa_index", "account_logout", "account_reauthenticate",
)  # fmt: skip
_COUNTS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def has_second_factor(user: User) -> bool:
    """Whether the user has an authenticator app or a passkey; recovery codes alone are none."""
    known = getattr(user, "_has_second_factor", None)
    if known is None:
        known = Authenticator.objects.filter(user_id=user.pk, type__in=_COUNTS).exists()
        user._has_second_factor = known  # type: ignore[attr-defined]
    return bool(known)


def lacks_second_factor(user: User | AnonymousUser) -> bool:
    """Whether this is somebody of staff who must set one up first."""
    return (
        bool(settings.STAFF_SECOND_FACTOR)
        and isinstance(user, User)
        and user.is_staff
        and not has_second_factor(user)
    )


def staff_need_one(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: staff without a second factor are led to where they set one up."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if lacks_second_factor(request.user) and not _is_on_the_way(request.path):
            messages.warning(request, "Staff need a second factor: add an app or a passkey first.")
            return redirect("portal:security")
        return get_response(request)

    return middleware


def _is_on_the_way(path: str) -> bool:
    return path.startswith((*map(reverse, _ON_THE_WAY), settings.STATIC_URL))


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey or security key; ``passwordless``: it signs in without a password."""

    id: int
    name: str
    passwordless: bool
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Factors:
    """What a user has set up beside the password."""

    app_since: datetime | None
    app_used_at: datetime | None
    passkeys: list[Passkey]
    codes_left: int | None

    @property
    def enabled(self) -> bool:
        """Whether signing in asks for more than the password."""
        return self.app_since is not None or bool(self.passkeys)


def factors_of(user: User) -> Factors:
    """Everything that the user has set up; one query."""
    app: Authenticator | None = None
    codes: int | None = None
    passkeys = []
    for row in Authenticator.objects.filter(user=user).order_by("id"):
        if row.type == Authenticator.Type.TOTP:
            app = row
        elif row.type == Authenticator.Type.RECOVERY_CODES:
            codes = len(row.wrap().get_unused_codes())
        else:
            key = row.wrap()
            passkeys.append(
                Passkey(
                    row.pk, str(row), bool(key.is_passwordless), row.created_at, row.last_used_at
                )
            )
    return Factors(
        app.created_at if app else None, app.last_used_at if app else None, passkeys, codes
    )
