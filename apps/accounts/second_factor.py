"""Second factors: who has one, and staff who must have one before they do anything else."""

from __future__ import annotations

from collections.abc import Callable

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from apps.accounts.models import User

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
            return redirect("mfa_index")
        return get_response(request)

    return middleware


def _is_on_the_way(path: str) -> bool:
    ways = ("mfa_index", "account_logout", "account_reauthenticate", "portal:theme")
    return path.startswith((*map(reverse, ways), settings.STATIC_URL))
