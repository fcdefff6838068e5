"""The page of a master: its record, its figures, its habits, and what followers made of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.analytics.master_page import chart_of, daily_record, record_of, trades_of
from apps.analytics.selectors import follower_earnings, imported_spans, money_following
from apps.common.htmx import render_page
from apps.copytrading.errors import MasterNotFound
from apps.copytrading.showing import (
    OwnCopy,
    ShownMaster,
    ShownPosition,
    open_positions_of,
    own_copies_of,
    shown_master,
    why_not_to_follow,
)
from apps.platforms.registry import CATALOGUE as PLATFORMS
from apps.platforms.selectors import accounts_of
from apps.portal.access import SignedInRequest, copy_trading_page

POSITIONS_SHOWN = 100


@require_safe
@copy_trading_page
def master(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """A master as far as the customer may see it; 404 for one who may not see it at all.

    ``period`` and ``view`` choose the chart, ``before`` pages back through the closed trades.
    """
    now = timezone.now()
    try:
        found = shown_master(request.user, uuid)
    except MasterNotFound as missing:
        raise Http404(str(missing)) from None
    whole = request.headers.get("HX-Target") != "curves-card"
    record = daily_record(found.account_id, now) if whole else None
    chart = chart_of(request.GET.dict(), found.account_id, found.currency, now, record)
    context: dict[str, Any] = {"master": found, **chart}
    if not whole:
        context["imported"] = imported_spans([found.account_id]).get(found.account_id)
    else:
        copies = own_copies_of(request.user, found.id)
        context |= _head(request, found, copies)
        context |= record_of(found.account_id, found.currency, now, record)
        context |= _shown(request, found, now, follows=bool(copies))
    return render_page(
        request,
        "portal/discover/master.html",
        context,
        fragments={"curves-card": "curves"},
    )


def _head(request: SignedInRequest, master: ShownMaster, copies: list[OwnCopy]) -> dict[str, Any]:
    accounts = list(accounts_of(request.user).select_related(None).select_related("group"))
    platform = PLATFORMS.get(master.platform)
    return {
        "copies": copies,
        "refusal": why_not_to_follow(master, accounts, copies),
        "platform": platform.name if platform else master.platform,
        "imported": imported_spans([master.account_id]).get(master.account_id),
        "earnings": follower_earnings([master.id])[master.id],
        "following": money_following(master.account_id),
    }


def _shown(
    request: SignedInRequest, master: ShownMaster, now: datetime, *, follows: bool
) -> dict[str, Any]:
    """Open positions and closed trades, as far as the master shows them."""
    shows_positions = master.shows_positions(follows=follows)
    shows_trades = master.shows_trades(follows=follows)
    positions: list[ShownPosition] = []
    if shows_positions:
        positions = open_positions_of(master.account_id, limit=POSITIONS_SHOWN)
    trades: dict[str, Any] = {"trades": [], "older": "", "paged": False}
    if shows_trades:
        until = master.trades_until(now, follows=follows)
        try:
            trades = trades_of(master.account_id, request.GET.get("before", ""), until=until)
        except ValueError:
            raise Http404("There is no such page of trades.") from None
    return {
        "shows_positions": shows_positions,
        "shows_trades": shows_trades,
        "positions": positions,
        **trades,
        "delayed": not (master.own or follows) and master.trades_delay_h,
    }
