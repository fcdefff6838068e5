"""Platforms: connections, their health, and the gateways that hold them."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.roles import Permission
from apps.accounts.selectors import may, product_config
from apps.common.live_pages import show
from apps.console.access import StaffRequest, staff_page
from apps.console.live import PLATFORMS


@require_safe
@staff_page()
def platforms(request: StaffRequest) -> HttpResponse:
    """All connections and gateways, kept current."""
    context = {
        "live": show(PLATFORMS, request.user, {}),
        "copying": product_config().copy_trading_enabled,
        "may_manage": may(request.user, Permission.MANAGE_PLATFORMS),
    }
    return render(request, "console/platforms.html", context)
