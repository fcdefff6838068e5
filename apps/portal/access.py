"""Who may open a page of the portal. What is not yours does not exist for you."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse

from apps.accounts.models import User
from apps.accounts.selectors import product_config

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


class SignedInRequest(HttpRequest):
    """A request behind :func:`django.contrib.auth.decorators.login_required`."""

    user: User  # type: ignore[assignment]


def copy_trading_page(view: View[P]) -> View[P]:
    """Sign-in needed; 404 while copy trading is switched off."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not product_config().copy_trading_enabled:
            raise Http404("Copy trading is switched off.")
        return view(request, *args, **kwargs)

    return guarded  # type: ignore[return-value]
