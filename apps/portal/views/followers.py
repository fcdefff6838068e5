"""What holds for all copies of one of a customer's accounts."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from apps.accounts.selectors import product_config
from apps.common.htmx import posted, render_page
from apps.copytrading import api
from apps.copytrading.errors import CopyError, FollowerNotFound, InvalidSettings
from apps.copytrading.selectors import (
    SubscriptionRow,
    follower_of,
    subscription_by_uuid,
    subscriptions_of,
)
from apps.copytrading.settings_view import guards_in_effect
from apps.platforms.selectors import accounts_of
from apps.portal.access import SignedInRequest, copy_trading_page
from apps.portal.copy_forms import FollowerForm
from apps.portal.forms import StopForm

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.copytrading.models import CopyFollower
    from apps.platforms.models import TradingAccount


@require_http_methods(["GET", "POST"])
@copy_trading_page
def follower_settings(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Guards, number of masters and trading by hand; 404 for anybody but the owner."""
    account = accounts_of(request.user).filter(uuid=uuid).first()
    if account is None:
        raise Http404("No such account.")
    follower = _follower(account)
    initial = FollowerForm.standing(follower) if follower else None
    form = FollowerForm(posted(request), initial=initial)
    if request.method == "POST" and form.is_valid() and _save(request, account, form):
        messages.success(request, "Settings saved. They hold for every copy of this account.")
        return redirect("portal:account", uuid)
    product = product_config()
    form.tell_inherited(guards_in_effect(product, currency=account.currency), "no limit")
    copies = [c for c in subscriptions_of(user=request.user) if c.account_id == account.pk]
    context = {
        "form": form,
        "account": account,
        "follows": follower is not None,
        "running": sum(1 for copy in copies if copy.status != "disabled"),
        "product_masters": product.max_master_count,
    }
    status = 422 if form.errors else 200
    return render(request, "portal/accounts/copying.html", context, status=status)


@require_http_methods(["GET", "POST"])
@copy_trading_page
def delete(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """End all copies of an account for good: GET says what it means in money, POST does it."""
    account = accounts_of(request.user).filter(uuid=uuid).first()
    follower = _follower(account) if account is not None else None
    if account is None or follower is None:
        raise Http404("This account does not follow masters.")
    copies = [c for c in subscriptions_of(user=request.user) if c.account_id == account.pk]
    form = StopForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            _delete(request.user, follower, copies, **form.cleaned_data)
        except CopyError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"{account.name or account.login} follows nobody any more.")
        return redirect("portal:account", uuid)
    context = {
        "account": account,
        "form": form,
        "running": sum(1 for copy in copies if copy.status != "disabled"),
        "positions": sum(copy.open_links for copy in copies),
        "floating": sum((copy.floating for copy in copies), Decimal(0)),
    }
    return render_page(
        request,
        "portal/accounts/delete_follower.html",
        context,
        fragments={"dialog-body": "dialog"},
        status=422 if form.errors else 200,
    )


@transaction.atomic
def _delete(
    user: User, follower: CopyFollower, copies: list[SubscriptionRow], *, close_positions: bool
) -> None:
    for copy in copies if close_positions else ():
        if copy.open_links:
            found = subscription_by_uuid(copy.uuid, owner=user)
            api.stop(actor=user, subscription=found, close_positions=True)
    api.delete_follower(actor=user, follower=follower)


def _follower(account: TradingAccount) -> CopyFollower | None:
    try:
        return follower_of(account.pk)
    except FollowerNotFound:
        return None


def _save(request: SignedInRequest, account: TradingAccount, form: FollowerForm) -> bool:
    try:
        with transaction.atomic():
            follower = _follower(account) or api.create_follower(
                actor=request.user, account=account
            )
            api.update_follower(actor=request.user, follower=follower, **form.settings())
    except InvalidSettings as refusal:
        form.add_refusals(refusal.fields)
        return False
    return True
