"""Who may open a page of the console, and who may act on it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from apps.accounts.models import User
from apps.accounts.roles import Permission
from apps.accounts.selectors import may, product_config


class StaffRequest(HttpRequest):
    """A request of a member of staff."""

    user: User


def form_of(
    page: str,
) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """A view that takes a form: whoever comes without one, by a reload or after signing in anew,
    is led to the page that holds it."""

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def posted_only(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            return view(request, *args, **kwargs) if request.method == "POST" else redirect(page)

        return posted_only

    return decorate


def staff_page(
    permission: Permission = Permission.VIEW, *, copy_trading: bool = False
) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Sign-in needed; 404 for those who are not staff, 403 for staff without the permission.

    Pages of copy trading answer 404 while the module is switched off.
    """

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @login_required
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not may(request.user, Permission.VIEW):
                raise Http404("No such page.")
            if copy_trading and not product_config().copy_trading_enabled:
                raise Http404("Copy trading is switched off.")
            if not may(request.user, permission):
                raise PermissionDenied("Your role may look at this, but not change it.")
            return view(request, *args, **kwargs)

        return guarded

    return decorate
