"""What masters do and what becomes of it, and the masters themselves."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.roles import Permission
from apps.accounts.selectors import audit_trail, may
from apps.common.htmx import posted, render_page
from apps.common.live_pages import show
from apps.console.access import StaffRequest, staff_page
from apps.console.forms import ReasonForm
from apps.console.live_copying import (
    FOLLOWERS_SHOWN,
    LIVE,
    MASTER,
    MASTERS,
    chosen_state,
    master_of,
    masters_shown,
)
from apps.copytrading import api
from apps.copytrading.errors import CopyError, MasterNotFound
from apps.copytrading.selectors import STATE_CHOICES, MasterRow, master_by_uuid, masters_to_choose

#: What staff may do with a master in a status: the action, and the status it leads to.
ACTIONS = {
    "active": (("pause", "paused"), ("deactivate", "inactive")),
    "paused": (("activate", "active"), ("deactivate", "inactive")),
    "inactive": (("activate", "active"),),
    "pending": (("approve", "active"), ("reject", "rejected")),
    "rejected": (("activate", "active"),),
}


@require_safe
@staff_page(copy_trading=True)
def live(request: StaffRequest) -> HttpResponse:
    """Events and outcomes of all masters with latency; filters by master and by state."""
    params = {}
    chosen = request.GET.get("master", "")
    known = masters_to_choose(chosen)
    if chosen in {str(m.uuid) for m in known}:
        params["master"] = chosen
    state = chosen_state({"state": request.GET.get("state", "")})
    if state:
        params["state"] = state
    context = {
        "live": show(LIVE, request.user, params),
        "masters": [(str(m.uuid), m.label) for m in known],
        "states": STATE_CHOICES,
        "chosen": params,
    }
    return render(request, "console/live.html", context)


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
    return render(request, "console/masters.html", context)


@require_safe
@staff_page(copy_trading=True)
def master(request: StaffRequest, uuid: UUID) -> HttpResponse:
    """One master: status, followers, latest events, and who intervened."""
    row = _row(uuid)
    context = {
        "master": row,
        "live": show(MASTER, request.user, {"uuid": str(uuid)}),
        "actions": [a for a, _ in ACTIONS[row.status]] if _may_act(request) else [],
        "followers_shown": FOLLOWERS_SHOWN,
        "trail": audit_trail(object_type="master", object_id=str(uuid), limit=20),
    }
    return render(request, "console/master.html", context)


@require_http_methods(["GET", "POST"])
@staff_page(Permission.INTERVENE, copy_trading=True)
def change_master(request: StaffRequest, uuid: UUID, action: str) -> HttpResponse:
    """Pause, deactivate, activate, approve or reject; GET says what it means."""
    row = _row(uuid)
    status = dict(ACTIONS[row.status]).get(action)
    if status is None:
        raise Http404(f"A master that is {row.status} cannot be changed so.")
    form = ReasonForm(posted(request), auto_id="change_%s")
    if request.method == "POST" and form.is_valid():
        try:
            api.set_master_status(
                actor=request.user,
                master=master_by_uuid(uuid),
                status=status,
                reason=form.cleaned_data["reason"],
            )
        except CopyError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"{row.strategy_name} is {status}.")
        return redirect("console:master", uuid)
    return render_page(
        request,
        "console/change_master.html",
        {"row": row, "action": action, "form": form},
        fragments={"dialog-body": "dialog"},
        status=422 if form.errors else 200,
    )


def _row(uuid: UUID) -> MasterRow:
    try:
        return master_of(str(uuid))
    except MasterNotFound as missing:
        raise Http404(str(missing)) from None


def _may_act(request: StaffRequest) -> bool:
    return may(request.user, Permission.INTERVENE)
