"""Where copies and accounts differ: seeing it, and ending it with orders that are shown first."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.roles import Permission
from apps.accounts.selectors import may
from apps.common.htmx import posted, render_page
from apps.common.live_pages import show
from apps.console.access import StaffRequest, staff_page
from apps.console.forms import ReasonForm
from apps.console.live_drift import DRIFT
from apps.copytrading import api
from apps.copytrading.drifts import KIND_CHOICES, drifts
from apps.copytrading.errors import CopyError, NotFound

_MOST = 200


@require_safe
@staff_page()
def drift(request: StaffRequest) -> HttpResponse:
    """All differences with their age; filters by kind and login. There with any module off."""
    params = {}
    kind, login = request.GET.get("kind", ""), request.GET.get("login", "").strip()[:64]
    if kind in dict(KIND_CHOICES):
        params["kind"] = kind
    if login:
        params["login"] = login
    context = {
        "live": show(DRIFT, request.user, params),
        "kinds": KIND_CHOICES,
        "chosen": params,
        "may_act": may(request.user, Permission.INTERVENE),
    }
    return render(request, "console/drift.html", context)


@require_http_methods(["GET", "POST"])
@staff_page(Permission.INTERVENE)
def change(request: StaffRequest, action: str) -> HttpResponse:
    """Repair or accept the chosen differences: GET shows what that means, POST does it."""
    ids = _chosen(request)
    form = ReasonForm(posted(request), auto_id="drift_%s")
    try:
        if request.method == "POST" and form.is_valid() and ids:
            _do(request, action, ids, form.cleaned_data["reason"])
            return redirect("console:drift")
        context = {
            "action": action,
            "form": form,
            "ids": ids,
            "preview": _preview(request, action, ids),
            "rows": drifts(ids=ids) if action == "accept" else [],
        }
    except NotFound as missing:
        raise Http404(str(missing)) from None
    return render_page(
        request,
        "console/change_drift.html",
        context,
        fragments={"dialog-body": "dialog"},
        status=422 if form.errors else 200,
    )


def _preview(request: StaffRequest, action: str, ids: Sequence[int]) -> api.RepairPreview | None:
    if action == "accept" or not ids:
        return None
    return api.preview_repair(actor=request.user, drift_ids=ids)


def _do(request: StaffRequest, action: str, ids: Sequence[int], reason: str) -> None:
    user = request.user
    try:
        if action == "accept":
            count = api.accept_drift(actor=user, drift_ids=ids, reason=reason)
            messages.success(request, f"{count} of {len(ids)} accepted as they are.")
            return
        confirm = request.POST.get("confirm", "")
        sent = api.repair(actor=user, drift_ids=ids, confirm=confirm, reason=reason)
    except NotFound:
        raise
    except CopyError as refusal:
        messages.error(request, str(refusal))
        return
    if sent.orders:
        messages.success(request, f"Sent: {len(sent.orders)} of {len(ids)}.")
    for no in sent.refused[:3]:
        messages.warning(request, f"{no.symbol} on {no.login}: {no.reason}")


def _chosen(request: StaffRequest) -> list[int]:
    """Ids of the chosen differences; what is no number is not one."""
    given = request.POST if request.method == "POST" else request.GET
    texts = given.getlist("id")[:_MOST]
    return sorted({int(text) for text in texts if text.isdecimal() and len(text) < 19})
