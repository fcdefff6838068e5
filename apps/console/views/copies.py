"""One copy as staff see it: how it is set, and who set it so."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.selectors import audit_trail, product_config
from apps.console.access import StaffRequest, staff_page
from apps.console.audit_view import values_in_words
from apps.copytrading.errors import NotFound
from apps.copytrading.selectors import subscription_by_uuid
from apps.copytrading.setting_words import label_of
from apps.copytrading.settings_view import settings_in_words

#: Pairs and changes that are shown.
SHOWN = 200
CHANGES = 20


@require_safe
@staff_page(copy_trading=True)
def copy(request: StaffRequest, uuid: UUID) -> HttpResponse:
    """Settings, guards in effect, symbol pairs and changes of a copy, to be read only."""
    try:
        found = subscription_by_uuid(uuid)
    except NotFound as missing:
        raise Http404(str(missing)) from None
    follower = found.follower
    context = {
        "copy": found,
        "by_hand": label_of("manual_trading_mode", follower.manual_trading_mode),
        "groups": settings_in_words(found, product_config()),
        "pairs": found.pairs.order_by("master_symbol")[:SHOWN] if found.has_pairs else (),
        "trail": [
            (entry, values_in_words(entry))
            for entry in audit_trail(object_type="subscription", object_id=str(uuid), limit=CHANGES)
        ],
    }
    return render(request, "console/copy.html", context)
