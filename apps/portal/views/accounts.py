"""A customer's own trading accounts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.accounts.selectors import product_config
from apps.analytics.selectors import equity_curve, imported_spans
from apps.common.charts import Chart, Marker, Series
from apps.common.htmx import render_page
from apps.common.live_pages import show
from apps.common.templatetags.figures import signed
from apps.copytrading.selectors import masters_of, subscriptions_of
from apps.execution.history import deals_page, orders_page
from apps.platforms.offers import ways_to_add
from apps.platforms.selectors import removed_accounts_of
from apps.portal.access import SignedInRequest, own_account
from apps.portal.live import ACCOUNT, ACCOUNTS, account_sections, day_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apps.analytics.domain.curve import CurvePoint
    from apps.platforms.models import TradingAccount

CHART_DAYS = 30
ROWS = 25


@require_safe
@login_required
def account_list(request: SignedInRequest) -> HttpResponse:
    """All accounts with balance, equity, margin and how their connection stands."""
    context = {
        "live": show(ACCOUNTS, request.user, {}),
        "ways": ways_to_add(request.user),
        "removed": list(removed_accounts_of(request.user)[:20]),
        "copy_trading": product_config().copy_trading_enabled,
    }
    return render(request, "portal/accounts/list.html", context)


@require_safe
@login_required
def account_detail(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """One account: money, health, what it follows and leads, positions, and its latest deals.

    404 for anybody but its owner.
    """
    account = own_account(request.user, uuid)
    copying = product_config().copy_trading_enabled
    followed = subscriptions_of(user=request.user) if copying else []
    led = masters_of(request.user) if copying else []
    day = day_of(account)
    sections = account_sections(request.user, account, day)
    context = {
        "account": account,
        "live": show(ACCOUNT, request.user, {"account": str(uuid)}, sections),
        "copy_trading": copying,
        "follows": [row for row in followed if row.account_uuid == uuid],
        "owns_master": bool(led),
        "leads": next((row for row in led if row.account_uuid == uuid), None),
        "imported": imported_spans([account.pk]).get(account.pk),
        "chart": equity_chart(account, day),
        "deals": deals_page(account.pk, account.connection_id, limit=8),
    }
    return render(request, "portal/accounts/detail.html", context)


@require_safe
@login_required
def account_history(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Deals of an account, or the orders that were sent for it, page by page."""
    account = own_account(request.user, uuid)
    what = "orders" if request.GET.get("show") == "orders" else "deals"
    before = request.GET.get("before", "")
    read = orders_page if what == "orders" else deals_page
    page = read(account.pk, account.connection_id, before=before, limit=ROWS)
    context = {"account": account, "what": what, "page": page, "before": before}
    return render_page(request, "portal/accounts/history.html", context)


def equity_chart(account: TradingAccount, day: Sequence[CurvePoint]) -> Chart:
    """Equity and balance of the last 30 days by the hour; of a new account its last ``day``."""
    now = timezone.now()
    points = equity_curve([account.pk], since=now - timedelta(days=CHART_DAYS), until=now).get(
        account.pk, []
    )
    flows = [
        Marker(
            point.at,
            f"{'Deposit' if point.deposits > 0 else 'Withdrawal'} "
            f"{signed(point.deposits, account.currency)} {account.currency}",
            "deposit" if point.deposits > 0 else "withdrawal",
        )
        for point in points
        if point.deposits
    ]
    curve = [(point.at, point.equity, point.balance) for point in points]
    if len(curve) < 24:
        flows, curve = [], [(p.at, p.equity, p.balance) for p in day]
    money = {"unit": "money", "currency": account.currency}
    return Chart(
        "equity",
        "Equity and balance",
        [
            Series("Equity", [(at, equity) for at, equity, _ in curve], "area", **money),  # type: ignore[arg-type]
            Series("Balance", [(at, balance) for at, _, balance in curve], **money),  # type: ignore[arg-type]
        ],
        flows,
    )
