"""Closing or detaching one of one's own copied positions."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from apps.common.htmx import render_page
from apps.copytrading import api
from apps.copytrading.errors import CopyError
from apps.copytrading.selectors import OpenCopy, open_copies, subscription_by_uuid
from apps.portal.access import SignedInRequest, copy_trading_page

#: The largest key that PostgreSQL holds.
_LARGEST = 2**63 - 1


@require_http_methods(["GET", "POST"])
@copy_trading_page
def close_position(request: SignedInRequest, link: int) -> HttpResponse:
    """Close one copied position: GET says what it means in money, POST does it."""
    return _change(request, link, "close")


@require_http_methods(["GET", "POST"])
@copy_trading_page
def detach_position(request: SignedInRequest, link: int) -> HttpResponse:
    """Take one copied position out of its copy: GET says what that means, POST does it."""
    return _change(request, link, "detach")


def _change(request: SignedInRequest, link: int, action: str) -> HttpResponse:
    found = open_copies(user=request.user, link_id=link) if link <= _LARGEST else []
    if not found:
        raise Http404("There is no such position.")
    row = found[0]
    if request.method == "POST":
        try:
            done = _apply(request, row, action)
        except CopyError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, done)
        return redirect("portal:subscription", row.subscription_uuid)
    follower = subscription_by_uuid(row.subscription_uuid, owner=request.user).follower
    context = {
        "row": row,
        "action": action,
        "account": follower.account,
        "allowed": follower.manual_trading_mode == "all",
    }
    return render_page(
        request,
        "portal/copying/change_position.html",
        context,
        fragments={"dialog-body": "dialog"},
    )


def _apply(request: SignedInRequest, row: OpenCopy, action: str) -> str:
    if action == "close":
        api.close_position(actor=request.user, link_id=row.link_id)
        return f"{row.symbol} is being closed."
    api.detach_position(actor=request.user, link_id=row.link_id)
    return f"{row.symbol} is detached. It stays open, and only you close it."
