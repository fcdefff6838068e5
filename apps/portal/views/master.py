"""The page of a master: its record, its figures, its habits, and what followers made of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.analytics.list_query import Period
from apps.analytics.selectors import (
    closed_trades,
    follower_earnings,
    habits_of,
    imported_spans,
    money_following,
    monthly_returns,
    stored_figures,
    trade_parts,
    trade_stats,
)
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
from apps.portal.master_curves import curves
from apps.portal.master_tables import HABITS, breakdowns, figure_groups, headline, years

TRADES_SHOWN = 20
POSITIONS_SHOWN = 100
_PERIODS = (
    (Period.WEEK, "7 days"),
    (Period.MONTH, "30 days"),
    (Period.QUARTER, "90 days"),
    (Period.YEAR, "1 year"),
    (Period.ALL, "All"),
)
_VIEWS = (("money", "Money"), ("return", "Return"))


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
    context: dict[str, Any] = {"master": found, **_chart(request, found, now)}
    if request.headers.get("HX-Target") == "curves-card":
        context["imported"] = imported_spans([found.account_id]).get(found.account_id)
    else:
        copies = own_copies_of(request.user, found.id)
        context |= _head(request, found, copies)
        context |= _record(found, now)
        context |= _shown(request, found, now, follows=bool(copies))
    return render_page(
        request,
        "portal/discover/master.html",
        context,
        fragments={"curves-card": "curves"},
    )


def _chart(request: SignedInRequest, master: ShownMaster, now: datetime) -> dict[str, Any]:
    try:
        period = Period(request.GET.get("period", Period.YEAR))
    except ValueError:
        period = Period.YEAR
    view = request.GET.get("view", "")
    view = view if view in dict(_VIEWS) else "money"
    return {
        "chart": curves(master.account_id, master.currency, period, view, now),
        "period": period.value,
        "view": view,
        "periods": [(one.value, label) for one, label in _PERIODS],
        "views": _VIEWS,
    }


def _head(request: SignedInRequest, master: ShownMaster, copies: list[OwnCopy]) -> dict[str, Any]:
    accounts = list(accounts_of(request.user).select_related("group"))
    platform = PLATFORMS.get(master.platform)
    return {
        "copies": copies,
        "refusal": why_not_to_follow(master, accounts, copies),
        "platform": platform.name if platform else master.platform,
        "imported": imported_spans([master.account_id]).get(master.account_id),
        "earnings": follower_earnings([master.id])[master.id],
        "following": money_following(master.account_id),
    }


def _record(master: ShownMaster, now: datetime) -> dict[str, Any]:
    account_id = master.account_id
    stored = stored_figures([account_id]).get(account_id)
    stats = trade_stats([account_id]).get(account_id)
    figures = {
        **(stored.figures if stored else {}),
        **(stats.figures if stats else {}),
    }
    return {
        "figures_day": stored.day if stored else None,
        "headline": headline(figures, master.currency),
        "groups": figure_groups(figures, master.currency),
        "stats": stats,
        "years": years(monthly_returns([account_id], until=now.date()).get(account_id, {})),
        "breakdowns": breakdowns(trade_parts(account_id)) if stats and stats.trades else [],
        "habits": [(row, HABITS[row.habit]) for row in habits_of(account_id)],
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
    trades = []
    if shows_trades:
        before = request.GET.get("before", "")
        until = master.trades_until(now, follows=follows)
        try:
            trades = closed_trades(
                master.account_id, limit=TRADES_SHOWN + 1, before=before, until=until
            )
        except ValueError:
            raise Http404("There is no such page of trades.") from None
    return {
        "shows_positions": shows_positions,
        "shows_trades": shows_trades,
        "positions": positions,
        "trades": trades[:TRADES_SHOWN],
        "older": trades[TRADES_SHOWN - 1].cursor if len(trades) > TRADES_SHOWN else "",
        "paged": bool(request.GET.get("before")),
        "delayed": not (master.own or follows) and master.trades_delay_h,
    }
