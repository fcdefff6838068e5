"""A customer's own trading accounts."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.selectors import product_config
from apps.common.live_pages import show
from apps.platforms.selectors import accounts_of
from apps.portal.access import SignedInRequest
from apps.portal.live import ACCOUNT, ACCOUNTS


@require_safe
@login_required
def account_list(request: SignedInRequest) -> HttpResponse:
    """All accounts with balance, equity, margin and how current the figures are."""
    live = show(ACCOUNTS, request.user, {})
    return render(request, "portal/accounts/list.html", {"live": live})


@require_safe
@login_required
def account_detail(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """One account with its open positions; 404 for anybody but its owner."""
    account = accounts_of(request.user).filter(uuid=uuid).first()
    if account is None:
        raise Http404("No such account.")
    live = show(ACCOUNT, request.user, {"account": str(uuid)})
    context = {
        "account": account,
        "live": live,
        "copy_trading": product_config().copy_trading_enabled,
    }
    return render(request, "portal/accounts/detail.html", context)
