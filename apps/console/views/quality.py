"""Execution quality: how fast and at what price copies were filled."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.console.access import StaffRequest, staff_page
from apps.console.live_copying import hop_rows
from apps.copytrading.quality import PERIODS, platforms_seen
from apps.copytrading.quality import quality as read_quality


@require_safe
@staff_page(copy_trading=True)
def quality(request: StaffRequest) -> HttpResponse:
    """Latency by hop, and slippage, by platform, symbol and time; the worst outcomes."""
    period = request.GET.get("period", "day")
    period = period if period in PERIODS else "day"
    seen = platforms_seen()
    platform = request.GET.get("platform", "")
    platform = platform if platform in dict(seen) else ""
    found = read_quality(period, platform)
    context = {
        "quality": found,
        "hops": hop_rows(found.total.hops),
        "periods": [(key, words) for key, (_, _, words) in PERIODS.items()],
        "period": period,
        "platforms": seen,
        "platform": platform,
        "tables": (
            ("By platform", "Platform", found.platforms),
            ("By symbol", "Symbol", found.symbols),
        ),
    }
    return render(request, "console/quality.html", context)
