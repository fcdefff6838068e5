"""What masters do and what becomes of it, and the masters themselves."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.common.live_pages import show
from apps.console.access import StaffRequest, staff_page
from apps.console.live_copying import (
    LIVE,
    chosen_state,
)
from apps.copytrading.selectors import STATE_CHOICES, masters_to_choose

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
