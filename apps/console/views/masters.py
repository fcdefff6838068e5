"""The list of masters, and changes of their status."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.roles import Permission
from apps.common.htmx import posted, render_page
from apps.common.live_pages import show
from apps.console.access import StaffRequest, staff_page
from apps.console.forms import ReasonForm
from apps.console.live_copying import MASTERS, masters_shown
from apps.console.master_frame import ACTIONS, master_or_404
from apps.copytrading import api
from apps.copytrading.errors import CopyError
from apps.copytrading.selectors import master_row


@require_safe
@staff_page(copy_trading=True)
def master_list(request: StaffRequest) -> HttpResponse:
    """Masters with followers, copied positions and status, by name and page."""
    given = {name: request.GET.get(name, "").strip()[:128] for name in ("name", "after")}
    params = {name: value for name, value in given.items() if value}
    after = masters_shown(params)[1]
    context = {
        "live": show(MASTERS, request.user, params),
        "name": given["name"],
        "later": urlencode({"name": given["name"], "after": after}) if after else "",
        "continued": bool(given["after"]),
    }
    return render(request, "console/masters/list.html", context)


@require_http_methods(["GET", "POST"])
@staff_page(Permission.INTERVENE, copy_trading=True)
def change_status(request: StaffRequest, uuid: UUID, action: str) -> HttpResponse:
    """Pause, deactivate, activate, approve or reject; GET says what it means."""
    master = master_or_404(uuid)
    status = dict(ACTIONS[master.status]).get(action)
    if status is None:
        raise Http404(f"A master that is {master.status} cannot be changed so.")
    form = ReasonForm(posted(request), auto_id="change_%s")
    if request.method == "POST" and form.is_valid():
        try:
            api.set_master_status(
                actor=request.user,
                master=master,
                status=status,
                reason=form.cleaned_data["reason"],
            )
        except CopyError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"{master.strategy_name} is {status}.")
        return redirect("console:master", uuid)
    return render_page(
        request,
        "console/masters/change.html",
        {"row": master_row(master.pk), "action": action, "form": form},
        fragments={"dialog-body": "dialog"},
        status=422 if form.errors else 200,
    )
