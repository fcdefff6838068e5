"""A copy against its master: returns, curves, and why they differ."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.portal.access import SignedInRequest, copy_trading_page
from apps.portal.gap_view import both_chart, gap_view
from apps.portal.live_copying import lines
from apps.portal.views.copying import own_line


@require_safe
@copy_trading_page
def against(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Result in money and percent beside the master's, and the gap in its parts."""
    _, row = own_line(request.user, uuid)
    (line,) = lines([row])
    context = {
        "subscription": row,
        "line": line,
        "gap": gap_view(row, line.record),
        "chart": both_chart(row, line.record),
    }
    return render(request, "portal/copying/against.html", context)
