"""Closing everything that copies hold, of one account or of all."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from apps.accounts.models import User
from apps.common.htmx import render_page
from apps.copytrading import api
from apps.copytrading.errors import CopyError
from apps.copytrading.resting import resting_copies
from apps.copytrading.selectors import SubscriptionRow, subscriptions_of
from apps.platforms.selectors import accounts_of
from apps.portal.access import SignedInRequest, copy_trading_page
from apps.portal.live_copying import results


@require_http_methods(["GET", "POST"])
@copy_trading_page
def close_everything(request: SignedInRequest) -> HttpResponse:
    """GET says in money what would be closed, POST closes it; ``account`` names one account."""
    account = _account(request)
    rows = [
        row
        for row in subscriptions_of(user=request.user)
        if account is None or str(row.account_uuid) == account
    ]
    if request.method == "POST":
        return _close(request, request.user, rows, account)
    resting = [
        order
        for order in resting_copies(user=request.user)
        if order.subscription_uuid in {row.uuid for row in rows}
    ]
    context = {
        "account": account,
        "title": rows[0].account_name or rows[0].account_login if account and rows else "",
        "rows": [row for row in rows if row.open_links],
        "sums": results([row for row in rows if row.open_links]),
        "pausing": [row for row in rows if row.status == "active"],
        "resting": len(resting),
    }
    return render_page(
        request,
        "portal/copying/close_everything.html",
        context,
        fragments={"dialog-body": "dialog"},
    )


def _account(request: SignedInRequest) -> str | None:
    """The account that is asked for, None for all; 404 where it is not the user's."""
    said = request.POST.get("account") or request.GET.get("account")
    if not said:
        return None
    try:
        found = accounts_of(request.user).filter(uuid=UUID(said)).first()
    except ValueError:
        found = None
    if found is None:
        raise Http404("No such account.")
    return str(found.uuid)


def _close(
    request: SignedInRequest, user: User, rows: Sequence[SubscriptionRow], account: str | None
) -> HttpResponse:
    wanted = [row.id for row in rows if row.open_links or row.status == "active"]
    try:
        api.close_everything(actor=user, subscription_ids=wanted)
    except CopyError as refusal:
        messages.error(request, str(refusal))
    else:
        count = sum(row.open_links for row in rows)
        what = f"{count} position{'' if count == 1 else 's'}" if count else "Nothing was open;"
        told = f"{what} {'is' if count == 1 else 'are'} being closed," if count else what
        messages.success(request, f"{told} copying is paused until you resume it.")
    if account:
        return redirect("portal:account", account)
    return redirect("portal:copying")
