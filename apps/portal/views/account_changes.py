"""Naming an account, and removing it."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from apps.common.htmx import render_page
from apps.copytrading import api
from apps.copytrading.errors import CopyError
from apps.copytrading.profiles import uses_of_account
from apps.execution.selectors import open_positions
from apps.platforms.api import rename_account
from apps.portal.access import SignedInRequest, own_account
from apps.portal.account_forms import NameForm


@require_POST
@login_required
def rename(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Call an account something; empty is its login."""
    account = own_account(request.user, uuid)
    form = NameForm(request.POST)
    if form.is_valid():
        rename_account(actor=request.user, account=account, name=form.cleaned_data["name"])
        messages.success(request, "The name is saved.")
    else:
        messages.error(request, "A name has at most 64 characters; nothing was changed.")
    return redirect("portal:account", uuid)


@require_http_methods(["GET", "POST"])
@login_required
def remove(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Remove an account: GET says what that means or what is in the way, POST does it."""
    account = own_account(request.user, uuid)
    if request.method == "POST":
        try:
            api.remove_account(actor=request.user, account=account)
        except CopyError as refusal:
            messages.error(request, f"The account was not removed. {refusal}")
            return redirect("portal:account", uuid)
        messages.success(request, f"{account.name or account.login} is removed.")
        return redirect("portal:accounts")
    positions = open_positions([account.pk]).get(account.pk, [])
    context = {
        "account": account,
        "reasons": uses_of_account(account.pk),
        "positions": len(positions),
        "floating": sum((p.open_result for p in positions), Decimal(0)),
    }
    return render_page(
        request,
        "portal/accounts/remove.html",
        context,
        fragments={"dialog-body": "dialog"},
    )
