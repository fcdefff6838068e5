"""Where signing in leads, and the theme of this browser."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.house import logo
from apps.accounts.selectors import is_staff_member, product_config

_YEAR_S = 365 * 24 * 3600


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Staff begin at the desk, customers at their copies, or at their accounts."""
    if is_staff_member(request.user):
        return redirect("console:home")
    if product_config().copy_trading_enabled:
        return redirect("portal:copying")
    return redirect("portal:accounts")


@require_safe
def house_logo(request: HttpRequest, mark: str) -> HttpResponse:
    """The picture of the house; its address changes with its content, so it is kept for long."""
    found = logo(mark)
    if found is None:
        raise Http404("There is no such picture.")
    content, kind = found
    headers = {"Cache-Control": f"public, max-age={_YEAR_S}, immutable"}
    return HttpResponse(content, content_type=kind, headers=headers)


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the theme that was chosen in this browser; 'auto' follows the system again."""
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        target = "/"
    response = redirect(target)
    if request.POST.get("theme") in ("light", "dark"):
        response.set_cookie(
            "theme", request.POST["theme"], max_age=_YEAR_S, samesite="Lax", httponly=False
        )
    else:
        response.delete_cookie("theme", samesite="Lax")
    return response
