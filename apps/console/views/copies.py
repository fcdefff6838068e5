"""One copy as staff see it: how it is set, and who set it so."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.selectors import AuditRow, audit_trail, product_config
from apps.console.access import StaffRequest, staff_page
from apps.copytrading.errors import NotFound
from apps.copytrading.selectors import subscription_by_uuid
from apps.copytrading.setting_words import LABELS, label_of
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
            (entry, _values(entry))
            for entry in audit_trail(object_type="subscription", object_id=str(uuid), limit=CHANGES)
        ],
    }
    return render(request, "console/copy.html", context)


def _values(entry: AuditRow) -> str:
    """What changed: 'Maximum delay 0 to 5, EURUSD by name to not copied'."""
    blank = "not copied" if entry.action == "subscription.pairs" else "empty"
    missing = "by name" if entry.action == "subscription.pairs" else "–"

    def shown(value: object) -> str:
        if isinstance(value, bool):
            return "on" if value else "off"
        if value is None:
            return missing
        return str(value) or blank

    return ", ".join(
        f"{LABELS.get(name, name)} {shown(was)} to {shown(entry.after.get(name))}"
        for name, was in entry.before.items()
    )
