"""Keeping who signed in, from where and how, and what changed about a sign-in's security.

A browser is known again by a cookie of its own. One without, or with one that this user has
never signed in with, is a new device, and its user is told.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from allauth.account import signals as account_signals
from allauth.account.adapter import get_adapter
from allauth.mfa import signals as mfa_signals
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models.signals import post_save
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from apps.accounts.api import record_audit
from apps.accounts.devices import device_words
from apps.accounts.models import SignIn, User
from apps.accounts.sessions import end_sessions
from apps.common.events import publish

#: Published with ``user_id``, ``sign_in_id``, ``device`` and ``ip``.
NEW_DEVICE = "accounts.new_device"

COOKIE = "device"
_YEAR_S = 365 * 24 * 3600
_METHODS = {
    Authenticator.Type.TOTP: SignIn.Method.CODE,
    Authenticator.Type.RECOVERY_CODES: SignIn.Method.RECOVERY,
    Authenticator.Type.WEBAUTHN: SignIn.Method.PASSKEY,
}
_RECORDS = "account_authentication_methods"


def connect() -> None:
    """Listen to the signals of signing in; called once when Django starts."""
    account_signals.user_logged_in.connect(_signed_in)
    user_login_failed.connect(_failed)
    mfa_signals.authentication_failed.connect(_second_factor_failed)
    account_signals.password_changed.connect(_password_changed)
    account_signals.password_set.connect(_password_changed)
    account_signals.password_reset.connect(_password_reset)
    account_signals.email_added.connect(_email("email_added"))
    account_signals.email_changed.connect(_email("email_changed"))
    account_signals.email_removed.connect(_email("email_removed"))
    post_save.connect(_factor_added, sender=Authenticator)
    mfa_signals.authenticator_removed.connect(_factor_removed)


@transaction.atomic
def _signed_in(
    request: HttpRequest, user: User, response: HttpResponse | None = None, **_: Any
) -> None:
    cookie = request.get_signed_cookie(COOKIE, default="", max_age=_YEAR_S) or ""
    token = cookie or secrets.token_urlsafe(24)
    mark = hashlib.sha256(token.encode()).hexdigest()
    earlier = SignIn.objects.filter(user=user, succeeded=True)
    new = earlier.exists() and not earlier.filter(device_mark=mark).exists()
    sign_in = SignIn.objects.create(
        user=user, succeeded=True, method=_method(request), device_mark=mark, new_device=new,
        **_place(request),
    )  # fmt: skip
    if new:
        publish(
            NEW_DEVICE,
            user_id=user.pk,
            sign_in_id=sign_in.pk,
            device=sign_in.device,
            ip=sign_in.ip or "an unknown address",
        )
    if response is not None:
        response.set_signed_cookie(
            COOKIE,
            token,
            max_age=_YEAR_S,
            httponly=True,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )


def _method(request: HttpRequest) -> SignIn.Method:
    """How the last step of this sign-in was proved."""
    records = request.session.get(_RECORDS, [])
    last = records[-1] if records else {}
    if last.get("method") == "mfa":
        kinds = {str(kind): method for kind, method in _METHODS.items()}
        return kinds.get(last.get("type", ""), SignIn.Method.CODE)
    return SignIn.Method.PASSWORD


def _place(request: HttpRequest) -> dict[str, Any]:
    try:
        ip = get_adapter().get_client_ip(request)
    except PermissionDenied:
        ip = None
    agent = request.headers.get("User-Agent", "")
    return {"at": timezone.now(), "ip": ip, "device": device_words(agent)[:64]}


def _failed(credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """A wrong password; attempts on addresses that nobody has are not kept."""
    email = str(credentials.get("email") or credentials.get("username") or "")
    user = User.objects.filter(email=email.strip().lower()).first()
    if user is not None and request is not None:
        SignIn.objects.create(
            user=user, succeeded=False, method=SignIn.Method.PASSWORD, **_place(request)
        )


def _second_factor_failed(
    request: HttpRequest, user: User, authenticator: Authenticator, **_: Any
) -> None:
    method = _METHODS[Authenticator.Type(authenticator.type)]
    SignIn.objects.create(user=user, succeeded=False, method=method, **_place(request))


def changed(user: User, change: str, what: str = "") -> None:
    """Keep a change of a sign-in's security in the audit trail; its user is told of it."""
    record_audit(
        actor=user,
        action=f"security.{change}",
        object_type="user",
        object_id=user.uuid,
        object_label=user.email,
        after={"what": what} if what else None,
    )


def _password_changed(request: HttpRequest, user: User, **_: Any) -> None:
    # Their cookies no longer fit; what remains of them is removed as well.
    end_sessions(user, but=request.session.session_key or "")
    changed(user, "password_changed")


def _password_reset(request: HttpRequest, user: User, **_: Any) -> None:
    end_sessions(user)
    changed(user, "password_reset")


def _email(change: str) -> Any:
    def receiver(user: User, **_: Any) -> None:
        changed(user, change)

    _KEPT.append(receiver)  # signals hold their receivers weakly
    return receiver


def _factor_added(instance: Authenticator, created: bool, **_: Any) -> None:
    # With the row itself, since the library's own signal comes after its commit.
    if not created:
        return
    if instance.type == Authenticator.Type.RECOVERY_CODES:
        changed(instance.user, "recovery_codes_made")
    else:
        changed(instance.user, "second_factor_added", _factor_words(instance))


def _factor_removed(user: User, authenticator: Authenticator, **_: Any) -> None:
    if authenticator.type != Authenticator.Type.RECOVERY_CODES:
        changed(user, "second_factor_removed", _factor_words(authenticator))


def _factor_words(authenticator: Authenticator) -> str:
    if authenticator.type == Authenticator.Type.TOTP:
        return "an authenticator app"
    return f"the passkey “{authenticator}”"


_KEPT: list[Any] = []

__all__ = ["COOKIE", "NEW_DEVICE", "changed", "connect"]
