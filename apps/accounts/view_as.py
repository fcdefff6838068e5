"""Seeing the portal as a customer does: for staff, reading only, for a while.

The view lives in the session of the member of staff. While it lasts, pages outside the console
are shown as the customer's, nothing can be sent from them, and a banner says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from apps.accounts.api import record_audit
from apps.accounts.errors import NotPermitted, NotPossible
from apps.accounts.models import User
from apps.accounts.roles import Permission
from apps.accounts.selectors import may

#: A view ends by itself after so long.
LASTS = timedelta(minutes=15)
_KEY = "view_as"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_WRITES = frozenset({"INSERT", "UPDATE", "DELETE"})


@dataclass(frozen=True, slots=True)
class View:
    """Whom a member of staff looks at, and until when."""

    user: User
    until: datetime


def begin(*, actor: User, user: User, session: MutableMapping[str, Any], reason: str) -> View:
    """Begin to see the portal as this customer; one that lasts already ends.

    NotPermitted for a role that may not, NotPossible for staff and for locked customers.
    """
    if not may(actor, Permission.VIEW_AS_CUSTOMER):
        raise NotPermitted("Seeing the portal as a customer needs another role.")
    if user.is_staff or not user.is_active:
        raise NotPossible(f"{user.email} is no customer who can sign in now.")
    end(actor=actor, session=session, how="another view began")
    until = timezone.now() + LASTS
    session[_KEY] = {"user": user.pk, "until": until.timestamp()}
    _audit(actor, "customer.view_begin", user, reason, {"until": until})
    return View(user, until)


def end(*, actor: User, session: MutableMapping[str, Any], how: str = "by hand") -> User | None:
    """End the view that lasts; answers whose it was, None where there was none."""
    kept = session.pop(_KEY, None)
    user = User.objects.filter(pk=kept["user"]).first() if kept else None
    if user is not None:
        _audit(actor, "customer.view_end", user, "", {"ended": how})
    return user


def viewed(actor: User, session: Mapping[str, Any]) -> View | None:
    """The view that lasts in a session of this member of staff."""
    kept = session.get(_KEY)
    if not kept or not may(actor, Permission.VIEW_AS_CUSTOMER):
        return None
    until = datetime.fromtimestamp(kept["until"], UTC)
    if until <= timezone.now():
        return None
    user = User.objects.filter(pk=kept["user"], is_active=True, is_staff=False).first()
    return View(user, until) if user else None


def middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Show the customer's pages while a view lasts, and refuse whatever would change something."""

    def viewing(request: HttpRequest) -> HttpResponseBase:
        view = _of(request)
        if view is None:
            return get_response(request)
        request.viewing = view  # type: ignore[attr-defined]
        if request.path.startswith(reverse("console:home")):
            return get_response(request)
        kept_out = (
            reverse("account_login").removesuffix("login/"),
            reverse("admin:index"),
            reverse("portal:security"),
        )
        if request.method not in _SAFE or request.path.startswith(kept_out):
            return render(request, "viewing_refused.html", {"view": view}, status=403)
        request.user = view.user
        # Also where looking at something would note that it was looked at.
        with connection.execute_wrapper(_reading_only):
            response = get_response(request)
        response.headers["Cache-Control"] = "no-store"
        return response

    return viewing


def _reading_only(
    execute: Callable[..., Any], statement: str, params: Any, many: bool, context: Any
) -> Any:
    if statement.lstrip()[:6].upper() in _WRITES:
        raise PermissionDenied("You see this as a customer; nothing can be changed meanwhile.")
    return execute(statement, params, many, context)


def _of(request: HttpRequest) -> View | None:
    """The view of a request's session; one that has ended meanwhile is cleared away."""
    if not request.COOKIES or _KEY not in request.session:
        return None
    actor = request.user
    if not isinstance(actor, User):
        return None
    view = viewed(actor, request.session)
    if view is None:
        end(actor=actor, session=request.session, how="by itself")
    return view


def _ended_by_sign_out(request: HttpRequest, user: User | None, **_: Any) -> None:
    if user is not None and request is not None and _KEY in getattr(request, "session", {}):
        end(actor=user, session=request.session, how="signed out")


def register() -> None:
    """Note in the audit trail that a view ended with its session."""
    user_logged_out.connect(_ended_by_sign_out, dispatch_uid="view_as")


def _audit(actor: User, action: str, user: User, reason: str, after: dict[str, object]) -> None:
    record_audit(
        actor=actor,
        action=action,
        object_type="user",
        object_id=user.uuid,
        object_label=user.email,
        reason=reason,
        after=after,
    )
