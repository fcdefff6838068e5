"""The pages of one master: what it is and did, and who intervened."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.selectors import audit_trail
from apps.common.live_pages import show
from apps.console.access import StaffRequest, staff_page
from apps.console.live_copying import MASTER
from apps.console.master_frame import frame


@require_safe
@staff_page(copy_trading=True)
def overview(request: StaffRequest, uuid: UUID) -> HttpResponse:
    """Status, followers, latest events, and who intervened."""
    context = {
        **frame(request, uuid, "overview"),
        "live": show(MASTER, request.user, {"uuid": str(uuid)}),
        "trail": audit_trail(object_type="master", object_id=str(uuid), limit=20),
    }
    return render(request, "console/masters/overview.html", context)
