"""Who may open a page of the portal. What is not yours does not exist for you."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponseBase

from apps.accounts.models import User
from apps.accounts.selectors import product_config
from apps.copytrading.errors import NotFound
from apps.copytrading.selectors import subscription_by_uuid
from apps.platforms.selectors import accounts_of

if TYPE_CHECKING:
    from apps.copytrading.models import CopySubscription
    from apps.platforms.models import TradingAccount


class SignedInRequest(HttpRequest):
    """A request behind :func:`django.contrib.auth.decorators.login_required`."""

    user: User


def copy_trading_page(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Sign-in needed; 404 while copy trading is switched off."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not product_config().copy_trading_enabled:
            raise Http404("Copy trading is switched off.")
        return view(request, *args, **kwargs)

    return guarded


def own_copy(user: User, uuid: UUID) -> CopySubscription:
    """The user's copy with its accounts; 404 for anybody else's, and for one that has ended."""
    try:
        found = subscription_by_uuid(uuid, owner=user)
    except NotFound as missing:
        raise Http404(str(missing)) from None
    if found.archived_at is not None:
        raise Http404("This copy has ended.")
    return found


def own_account(user: User, uuid: UUID) -> TradingAccount:
    """An account of the user that is in use, with connection, group and state; else 404."""
    found = accounts_of(user).filter(uuid=uuid).first()
    if found is None:
        raise Http404("No such account.")
    return found
