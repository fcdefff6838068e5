"""Where a customer's accounts differ from their copies: ending it, or leaving it so."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from apps.accounts.models import User
from apps.common.htmx import render_page
from apps.copytrading import api
from apps.copytrading.drifts import DriftRow, drifts
from apps.copytrading.errors import CopyError
from apps.portal.access import SignedInRequest

_LARGEST = 2**63


@require_http_methods(["GET", "POST"])
@login_required
def change(request: SignedInRequest, pk: int, action: str) -> HttpResponse:
    """Repair or accept one's own difference: GET shows what that means, POST does it.

    There also while copy trading is switched off: what is held must stay in one's hands.
    """
    row = _own(request.user, pk)
    if request.method == "POST":
        _do(request, row, action)
        return redirect("portal:account", row.account_uuid)
    preview = None
    if action == "repair":
        preview = api.preview_repair(actor=request.user, drift_ids=[row.id])
    return render_page(
        request,
        "portal/accounts/drift.html",
        {"row": row, "rows": [row], "action": action, "preview": preview},
        fragments={"dialog-body": "dialog"},
    )


def _do(request: SignedInRequest, row: DriftRow, action: str) -> None:
    user = request.user
    try:
        if action == "accept":
            if api.accept_drift(actor=user, drift_ids=[row.id]):
                messages.success(request, f"{row.symbol}: accepted as it is.")
            else:
                messages.warning(request, f"{row.symbol}: this cannot be accepted now.")
            return
        confirm = request.POST.get("confirm", "")
        sent = api.repair(actor=user, drift_ids=[row.id], confirm=confirm)
    except CopyError as refusal:
        messages.error(request, str(refusal))
        return
    if sent.orders:
        messages.success(request, f"{row.symbol}: the order is on its way.")
    for no in sent.refused:
        messages.warning(request, f"{no.symbol}: {no.reason}")


def _own(user: User, pk: int) -> DriftRow:
    found = drifts(user=user, ids=[pk]) if pk < _LARGEST else []
    if not found:
        raise Http404("There is no such difference.")
    return found[0]
