"""Closing one of one's own copied positions."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from apps.common.htmx import render_page
from apps.copytrading import api
from apps.copytrading.errors import CopyError
from apps.copytrading.selectors import open_copies, subscription_by_uuid
from apps.portal.access import SignedInRequest, copy_trading_page

#: The largest key that PostgreSQL holds.
_LARGEST = 2**63 - 1


@require_http_methods(["GET", "POST"])
@copy_trading_page
def close_position(request: SignedInRequest, link: int) -> HttpResponse:
    """Close one copied position: GET says what it means in money, POST does it."""
    found = open_copies(user=request.user, link_id=link) if link <= _LARGEST else []
    if not found:
        raise Http404("There is no such position.")
    row = found[0]
    if request.method == "POST":
        try:
            api.close_position(actor=request.user, link_id=link)
        except CopyError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"{row.symbol} is being closed.")
        return redirect("portal:subscription", row.subscription_uuid)
    follower = subscription_by_uuid(row.subscription_uuid, owner=request.user).follower
    return render_page(
        request,
        "portal/copying/close_position.html",
        {"row": row, "account": follower.account, "allowed": follower.manual_trading_mode == "all"},
        fragments={"dialog-body": "dialog"},
    )
