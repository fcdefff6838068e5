"""Becoming a master: the rules beside one's figures, and applying."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.selectors import product_config
from apps.analytics.api import NotQualified, apply_as_master
from apps.analytics.domain.qualification import Check, qualifies
from apps.analytics.qualifying import qualification_of
from apps.analytics.selectors import has_imported_history
from apps.common.htmx import posted
from apps.copytrading import api
from apps.copytrading.errors import CopyError, InvalidSettings
from apps.copytrading.profiles import accounts_to_lead, named_like_another
from apps.portal.access import SignedInRequest, copy_trading_page
from apps.portal.master_forms import NAME_TAKEN, ApplyForm

if TYPE_CHECKING:
    from apps.platforms.models import TradingAccount


class Candidate(NamedTuple):
    """An account with the rules beside its figures."""

    account: TradingAccount
    checks: tuple[Check, ...]
    qualified: bool
    imported: bool


@require_safe
@copy_trading_page
def become(request: SignedInRequest) -> HttpResponse:
    """The rules, and every account that could become a master beside them."""
    context = {
        "candidates": candidates(request),
        "binding": product_config().master_rules_bind,
    }
    return render(request, "portal/masters/become.html", context)


@require_http_methods(["GET", "POST"])
@copy_trading_page
def apply(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Make one account a master: for oneself at once, for everybody when staff approve."""
    candidate = next((c for c in candidates(request) if c.account.uuid == uuid), None)
    if candidate is None:
        raise Http404("No account of yours can become a master here.")
    may_apply = candidate.qualified or not product_config().master_rules_bind
    form = ApplyForm(posted(request), may_apply=may_apply, auto_id="apply_%s")
    done = request.method == "POST" and form.is_valid() and _apply(request, candidate, form)
    if done:
        messages.success(request, done)
        return redirect("portal:masters")
    context = {
        "candidate": candidate,
        "account": candidate.account,
        "form": form,
        "may_apply": may_apply,
        "binding": product_config().master_rules_bind,
    }
    return render(request, "portal/masters/apply.html", context, status=422 if form.errors else 200)


def candidates(request: SignedInRequest) -> list[Candidate]:
    """Accounts of the customer that are no masters yet, with rules and figures."""
    accounts = accounts_to_lead(request.user)
    found = qualification_of(accounts)
    imported = has_imported_history([account.pk for account in accounts])
    return [Candidate(a, found[a.pk], qualifies(found[a.pk]), a.pk in imported) for a in accounts]


def _apply(request: SignedInRequest, candidate: Candidate, form: ApplyForm) -> str:
    """What was done; '' where it was refused, which the form then says."""
    words = {
        "strategy_name": form.cleaned_data["strategy_name"],
        "description": form.cleaned_data["description"],
    }
    try:
        if form.cleaned_data["visibility"] == "public":
            if named_like_another(request.user, words["strategy_name"]):
                raise InvalidSettings({"strategy_name": NAME_TAKEN})
            apply_as_master(actor=request.user, account=candidate.account, **words)
            return "Your application is with our staff; you see here what they decide."
        api.create_master(
            actor=request.user,
            account=candidate.account,
            visibility="private",
            **words,
        )
    except InvalidSettings as refusal:
        for name, sentence in refusal.fields.items():
            form.add_error(name if name in form.fields else None, sentence)
    except (CopyError, NotQualified) as refusal:
        form.add_error(None, str(refusal))
    else:
        return "Your private master is active: your other accounts can follow it now."
    return ""
