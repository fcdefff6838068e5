"""Adding accounts: a paper account in one step, or a cTrader account by its owner's permission."""

from __future__ import annotations

import hmac
import secrets
import time
from uuid import UUID

import structlog
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from apps.common.htmx import posted, render_page
from apps.platforms import api
from apps.platforms.errors import PlatformRefusal
from apps.platforms.offers import ways_to_add
from apps.portal.access import SignedInRequest
from apps.portal.account_forms import PaperForm

_SESSION, _TOLD = "ctrader", "connecting_error"
_BEGUN_S = 600.0
_log = structlog.get_logger(__name__)


@require_safe
@login_required
def connect(request: SignedInRequest) -> HttpResponse:
    """The ways to add an account, and what went wrong with the last attempt."""
    context = {
        "ways": ways_to_add(request.user),
        "form": PaperForm(auto_id="paper_%s"),
        "problem": request.session.pop(_TOLD, ""),
    }
    return render(request, "portal/accounts/connect.html", context)


@require_http_methods(["GET", "POST"])
@login_required
def open_paper(request: SignedInRequest) -> HttpResponse:
    """Open a paper account: GET is the form with defaults, POST opens it."""
    ways = ways_to_add(request.user)
    if not ways.paper:
        raise Http404("Paper accounts are not offered here.")
    form = PaperForm(posted(request), auto_id="paper_%s")
    if request.method == "POST" and form.is_valid():
        try:
            account = api.open_paper_account(owner=request.user, **form.terms())
        except PlatformRefusal as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Your paper account is open and can be used.")
            return redirect("portal:account", account.uuid)
    return render_page(
        request,
        "portal/accounts/paper.html",
        {"form": form, "ways": ways},
        fragments={"dialog-body": "dialog"},
        status=422 if form.errors else 200,
    )


@require_safe
@never_cache
@login_required
def connect_ctrader(request: SignedInRequest) -> HttpResponse:
    """Send the customer to cTrader, with a state that the answer must bring back."""
    state = secrets.token_urlsafe(24)
    try:
        target = api.authorize_url(redirect_url=_back_to(request), state=state)
    except PlatformRefusal as refusal:
        return _failed(request, str(refusal))
    request.session[_SESSION] = {"state": state, "at": time.time()}
    return redirect(target)


@require_safe
@never_cache
@login_required
@sensitive_variables("code")
def ctrader_back(request: SignedInRequest) -> HttpResponse:
    """cTrader's answer: exchange the code, find the accounts, go on to choosing them."""
    begun = request.session.pop(_SESSION, None)
    if problem := _wrong_answer(request, begun):
        return _failed(request, problem)
    code = request.GET.get("code", "")
    try:
        grant, renewed = api.finish(owner=request.user, code=code, redirect_url=_back_to(request))
    except PlatformRefusal as refusal:
        return _failed(request, str(refusal))
    if renewed:
        some = "your account" if renewed == 1 else f"{renewed} of your accounts"
        messages.success(request, f"Access to {some} was renewed.")
        if all(account.problem for account in api.accounts_to_choose(grant)):
            return redirect("portal:accounts")
    return redirect("portal:choose_accounts", grant.uuid)


@require_http_methods(["GET", "POST"])
@login_required
def choose_accounts(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Choose among the accounts to which access was given; 404 for anybody else's."""
    grant = api.grant_of(request.user, uuid)
    if grant is None:
        raise Http404("There is no such permission, or it has expired.")
    problem = ""
    if request.method == "POST":
        try:
            added = api.add_accounts(
                owner=request.user, grant=grant, logins=request.POST.getlist("account")
            )
        except PlatformRefusal as refusal:
            problem = str(refusal)
        else:
            some = "The account is" if added == 1 else f"{added} accounts are"
            messages.success(request, f"{some} added; figures follow within seconds.")
            return redirect("portal:accounts")
    context = {
        "accounts": api.accounts_to_choose(grant),
        "grant": grant,
        "problem": problem,
        # None: not chosen yet, and all of them are offered.
        "chosen": request.POST.getlist("account") if request.method == "POST" else None,
    }
    return render(request, "portal/accounts/choose.html", context, status=422 if problem else 200)


def _wrong_answer(request: SignedInRequest, begun: dict[str, object] | None) -> str:
    """What is wrong with cTrader's answer before anything is asked; '' where nothing is."""
    if not begun or time.time() - float(str(begun["at"])) > _BEGUN_S:
        return (
            "This answer belongs to no request of this browser from the last ten minutes. Nothing "
            "was added; please begin again."
        )
    state = request.GET.get("state", "")
    expected = str(begun["state"])
    if (state or settings.CTRADER_REQUIRE_STATE) and not hmac.compare_digest(
        state.encode(), expected.encode()
    ):
        _log.warning("an answer of cTrader came with another state", user=request.user.pk)
        return (
            "This answer does not belong to your request: its mark is another one. Nothing was "
            "added; please begin again from here."
        )
    if error := request.GET.get("error", ""):
        if error == "access_denied":
            return "You gave no access, so nothing was added. Begin again whenever you like."
        return f"cTrader broke it off ({error[:60]}). Nothing was added; please begin again."
    if not request.GET.get("code"):
        return "cTrader's answer holds no permission. Nothing was added; please begin again."
    return ""


def _failed(request: SignedInRequest, sentence: str) -> HttpResponse:
    """Back to where it began, without the code in the address."""
    request.session[_TOLD] = sentence
    return redirect("portal:connect")


def _back_to(request: SignedInRequest) -> str:
    """The address that cTrader sends to, the same in both steps."""
    return str(
        settings.CTRADER_REDIRECT_URL or request.build_absolute_uri(reverse("portal:ctrader_back"))
    )
