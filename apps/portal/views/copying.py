"""A customer's copies: what they did, what they hold, and changing them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.models import User
from apps.accounts.selectors import product_config
from apps.common.htmx import posted, render_page
from apps.common.live_pages import show
from apps.copytrading import api
from apps.copytrading.errors import CopyError, NotFound
from apps.copytrading.selectors import (
    SubscriptionRow,
    outcomes_of,
    subscription_by_uuid,
    subscriptions_of,
)
from apps.copytrading.settings_view import settings_in_words
from apps.portal.access import SignedInRequest, copy_trading_page
from apps.portal.forms import StopForm
from apps.portal.live_copying import COPYING, OUTCOMES_SHOWN, SUBSCRIPTION, copy_sections

if TYPE_CHECKING:
    from apps.copytrading.models import CopySubscription


@require_safe
@copy_trading_page
def copying(request: SignedInRequest) -> HttpResponse:
    """All copies with results, what they hold now, and the latest outcomes."""
    live = show(COPYING, request.user, {})
    return render(request, "portal/copying/list.html", {"live": live})


@require_safe
@copy_trading_page
def subscription(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """One copy; ``before`` pages back through its outcomes."""
    found, row = own_line(request.user, uuid)
    cursor = request.GET.get("before")
    page = outcomes_of(subscription_id=row.id, cursor=cursor, limit=OUTCOMES_SHOWN)
    sections = copy_sections(request.user, row.id, [row], page.rows)
    context = {
        "subscription": row,
        "settings": settings_in_words(found, product_config()),
        "live": show(SUBSCRIPTION, request.user, {"subscription": str(uuid)}, sections),
        "older_than": cursor,
        "page": page,
    }
    return render(request, "portal/copying/detail.html", context)


@require_http_methods(["GET", "POST"])
@copy_trading_page
def change(request: SignedInRequest, uuid: UUID, action: str) -> HttpResponse:
    """Pause, resume, stop or delete: GET says what it means in money, POST does it."""
    found, row = own_line(request.user, uuid)
    form = StopForm(posted(request)) if action in ("stop", "delete") else None
    if request.method == "POST" and (form is None or form.is_valid()):
        try:
            done = _apply(request.user, found, row, action, form.cleaned_data if form else {})
        except CopyError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"{row.strategy_name}: {done}")
        return redirect("portal:copying")
    return render_page(
        request,
        "portal/copying/change.html",
        {"row": row, "action": action, "form": form},
        fragments={"dialog-body": "dialog"},
        status=422 if form is not None and form.errors else 200,
    )


def _apply(
    user: User, found: CopySubscription, row: SubscriptionRow, action: str, values: dict[str, Any]
) -> str:
    if action == "pause":
        api.pause(actor=user, subscription=found)
        return "copying is paused. Closes still follow."
    if action == "resume":
        api.resume(actor=user, subscription=found)
        return "copying goes on with the next trade."
    if action == "delete":
        return _delete(user, found, row, close_positions=values["close_positions"])
    api.stop(actor=user, subscription=found, close_positions=values["close_positions"])
    if values["close_positions"]:
        return "copying is stopped and its positions are being closed."
    if row.open_links:
        return "copying is stopped. Open positions close with their master."
    return "copying is stopped."


@transaction.atomic
def _delete(
    user: User, found: CopySubscription, row: SubscriptionRow, *, close_positions: bool
) -> str:
    if close_positions:
        api.stop(actor=user, subscription=found, close_positions=True)
    api.delete_subscription(actor=user, subscription=found)
    if not row.open_links:
        return "the copy is deleted."
    if close_positions:
        return "the copy is deleted and its positions are being closed."
    return "the copy is deleted. Open positions close with their master."


def own_line(user: User, uuid: UUID) -> tuple[CopySubscription, SubscriptionRow]:
    """The user's copy and its row; 404 for anybody else's, and for one that has ended."""
    try:
        found = subscription_by_uuid(uuid, owner=user)
    except NotFound as missing:
        raise Http404(str(missing)) from None
    rows = subscriptions_of(subscription_id=found.pk)
    if not rows:
        raise Http404("This copy has ended.")
    return found, rows[0]
