"""A customer's own masters: what follows them, and switching them off and on."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from apps.analytics.api import NotQualified
from apps.analytics.qualifying import check_qualified
from apps.analytics.selectors import has_imported_history
from apps.common.htmx import render_page
from apps.copytrading import api
from apps.copytrading.errors import CopyError, InvalidSettings
from apps.copytrading.profiles import named_like_another, pictures_of
from apps.copytrading.selectors import MasterRow, gates_of, master_by_uuid, masters_of
from apps.portal.access import SignedInRequest, copy_trading_page
from apps.portal.master_forms import NAME_TAKEN


@require_safe
@copy_trading_page
def master_list(request: SignedInRequest) -> HttpResponse:
    """All masters on the customer's accounts with how many copy them."""
    rows = masters_of(request.user)
    context = {
        "masters": rows,
        "pictures": pictures_of([row.id for row in rows]),
        "imported": has_imported_history([row.account_id for row in rows]),
        "gates": gates_of([row.id for row in rows]),
    }
    return render(request, "portal/masters/list.html", context)


@require_http_methods(["GET", "POST"])
@copy_trading_page
def change(request: SignedInRequest, uuid: UUID, action: str) -> HttpResponse:
    """Switch off, switch on or delete: GET says what it means for whom, POST does it."""
    row = next((row for row in masters_of(request.user) if row.uuid == uuid), None)
    if row is None:
        raise Http404("There is no such master.")
    if request.method == "POST":
        try:
            done = _apply(request, row, action)
        except (CopyError, NotQualified) as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"{row.strategy_name}: {done}")
        if action in ("apply", "withdraw", "hide"):
            return redirect("portal:master_profile", uuid)
        return redirect("portal:masters")
    return render_page(
        request,
        "portal/masters/change.html",
        {"row": row, "action": action},
        fragments={"dialog-body": "dialog"},
    )


def _apply(request: SignedInRequest, row: MasterRow, action: str) -> str:
    master = master_by_uuid(row.uuid)
    if action == "delete":
        api.delete_master(actor=request.user, master=master)
        return "the master is deleted. What is open of its copies closes with your trades."
    if action == "apply":
        check_qualified(master.account)
        if named_like_another(request.user, master.strategy_name):
            raise InvalidSettings({"strategy_name": NAME_TAKEN})
        api.apply_for_public(actor=request.user, master=master)
        return "your application is with our staff. Nothing new is copied until they decide."
    if action == "withdraw":
        api.withdraw_application(actor=request.user, master=master)
        return "the application is withdrawn. The master is for your own accounts alone."
    if action == "hide":
        api.make_private(actor=request.user, master=master)
        return "it is for your own accounts alone now. Copies that run go on."
    on = action == "switch-on"
    api.set_master_enabled(actor=request.user, master=master, enabled=on)
    if on:
        return "your next trade is copied again."
    return "nothing new is copied. What is open still follows your closes."
