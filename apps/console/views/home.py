"""Where staff begin."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from apps.accounts.selectors import product_config
from apps.console.access import StaffRequest, staff_page


@require_safe
@staff_page()
def home(request: StaffRequest) -> HttpResponse:
    """What happens now; the platforms where copying is switched off."""
    live = product_config().copy_trading_enabled
    return redirect("console:live" if live else "console:platforms")
