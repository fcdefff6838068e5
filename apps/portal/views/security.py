"""The customer's sign-in: password, second factor, passkeys, sessions and history."""

from __future__ import annotations

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.history import sign_ins_of
from apps.accounts.second_factor import factors_of, lacks_second_factor
from apps.accounts.sessions import end_session, end_sessions, sessions_of
from apps.accounts.sign_ins import changed
from apps.portal.access import SignedInRequest

_LATEST = 8
_PAGE = 50


@require_safe
@login_required
def overview(request: SignedInRequest) -> HttpResponse:
    """Everything about the sign-in on one page."""
    factors = factors_of(request.user)
    context = {
        "factors": factors,
        "must": lacks_second_factor(request.user),
        "sessions": sessions_of(request.user, request.session.session_key or ""),
        "history": sign_ins_of(request.user, limit=_LATEST),
        "has_password": request.user.has_usable_password(),
    }
    return render(request, "portal/security/overview.html", context)


@require_safe
@login_required
def sign_ins(request: SignedInRequest) -> HttpResponse:
    """All attempts to sign in, a page at a time."""
    below = request.GET.get("below", "")
    number = int(below) if below.isdigit() and len(below) < 19 else None
    history = sign_ins_of(request.user, below=number, limit=_PAGE)
    context = {
        "history": history,
        "newest": request.path if below else "",
        "older": f"?below={history.older}" if history.older else "",
    }
    return render(request, "portal/security/sign_ins.html", context)


@require_POST
@login_required
@reauthentication_required
def end_one(request: SignedInRequest, pk: int) -> HttpResponse:
    """Sign out one session; another's does not exist."""
    if not end_session(request.user, pk, current_key=request.session.session_key or ""):
        raise Http404("No such session.")
    messages.success(request, "That session is signed out.")
    return redirect("portal:security")


@require_POST
@login_required
@reauthentication_required
def end_others(request: SignedInRequest) -> HttpResponse:
    """Sign out every session but this one."""
    ended = end_sessions(request.user, but=request.session.session_key or "")
    if ended:
        changed(request.user, "sessions_ended")
    words = {0: "There was no other session.", 1: "The other session is signed out."}
    messages.success(request, words.get(ended, f"{ended} other sessions are signed out."))
    return redirect("portal:security")
