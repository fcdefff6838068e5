"""One copy as staff see it: how it is set, and who set it so."""

from __future__ import annotations

import re
from decimal import Decimal
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.selectors import AuditRow, audit_trail, product_config
from apps.common.templatetags.figures import plain
from apps.console.access import StaffRequest, staff_page
from apps.copytrading.errors import NotFound
from apps.copytrading.selectors import subscription_by_uuid
from apps.copytrading.setting_words import CHOSEN, LABELS, choices, label_of
from apps.copytrading.settings_view import settings_in_words

#: Pairs and changes that are shown.
SHOWN = 200
CHANGES = 20

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


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
    pairs = entry.action == "subscription.pairs"
    blank, missing = ("not copied", "by name") if pairs else ("empty", "–")

    def label(name: str) -> str:
        return name if pairs else LABELS.get(name, name.replace("_", " ").capitalize())

    def shown(name: str, value: object) -> str:
        if isinstance(value, bool):
            return "on" if value else "off"
        if value is None:
            return missing
        text = str(value)
        if name in CHOSEN:
            return dict(choices(name)).get(text, text).lower()
        return plain(Decimal(text)) if _NUMBER.fullmatch(text) else text or blank

    return ", ".join(
        f"{label(name)} {shown(name, was)} to {shown(name, entry.after.get(name))}"
        for name, was in entry.before.items()
    )
