"""Following a master, and the settings of a copy that exists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.models import User
from apps.accounts.selectors import product_config
from apps.common.htmx import posted
from apps.copytrading import api
from apps.copytrading.errors import CopyError, FollowerNotFound, InvalidSettings
from apps.copytrading.selectors import follower_of, master_by_uuid, masters_for
from apps.copytrading.settings_preview import (
    Preview,
    preview_changed,
    preview_new,
    warnings_of,
)
from apps.copytrading.settings_view import guards_in_effect
from apps.platforms.selectors import accounts_of
from apps.portal.access import SignedInRequest, copy_trading_page, own_copy
from apps.portal.copy_forms import CopySettingsForm, FollowForm

if TYPE_CHECKING:
    from apps.copytrading.models import CopySubscription
    from apps.platforms.models import TradingAccount

SUMMARY = "portal/copying/summary.html"


@require_http_methods(["GET", "POST"])
@copy_trading_page
def follow(request: SignedInRequest) -> HttpResponse:
    """Choose a master and an account, and how the copy sizes."""
    user = request.user
    accounts = list(accounts_of(user))
    form = _follow_form(request, accounts)
    if request.method == "POST" and form.is_valid():
        copy = _subscribe(user, form)
        if copy is not None:
            _tell(request, copy, "Copying begins with the master's next trade.")
            return redirect("portal:copying")
    chosen = _chosen(form, accounts)
    _inherit(form, chosen)
    context = {
        "form": form,
        "currency": chosen.currency if chosen else "",
        "preview": _new_preview(form, chosen),
    }
    status = 422 if form.errors else 200
    return render(request, "portal/copying/follow.html", context, status=status)


@require_POST
@copy_trading_page
def follow_summary(request: SignedInRequest) -> HttpResponse:
    """What the form of a new copy would do as it is filled in; nothing is stored."""
    accounts = list(accounts_of(request.user))
    form = _follow_form(request, accounts)
    preview = _new_preview(form, _chosen(form, accounts))
    return render(request, SUMMARY, {"preview": preview, "form": form})


@require_http_methods(["GET", "POST"])
@copy_trading_page
def edit(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Change the settings of one's own copy."""
    copy = own_copy(request.user, uuid)
    form = CopySettingsForm(posted(request), initial=CopySettingsForm.standing(copy))
    if request.method == "POST" and form.is_valid():
        try:
            changed = api.update_subscription(
                actor=request.user, subscription=copy, **form.settings()
            )
        except InvalidSettings as refusal:
            form.add_refusals(refusal.fields)
        else:
            _tell(request, changed, "Settings saved. They hold from the master's next trade on.")
            return redirect("portal:subscription", uuid)
    currency = copy.follower.account.currency
    guards = guards_in_effect(product_config(), copy.follower, currency=currency)
    form.tell_inherited(guards, "no limit")
    context = {
        "form": form,
        "subscription": copy,
        "currency": currency,
        "preview": _changed_preview(copy, form),
    }
    status = 422 if form.errors else 200
    return render(request, "portal/copying/edit.html", context, status=status)


@require_POST
@copy_trading_page
def edit_summary(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """What one's own copy would do with the form as it is filled in; nothing is stored."""
    copy = own_copy(request.user, uuid)
    form = CopySettingsForm(request.POST)
    return render(request, SUMMARY, {"preview": _changed_preview(copy, form), "form": form})


def _follow_form(request: SignedInRequest, accounts: list[TradingAccount]) -> FollowForm:
    masters = [
        (str(m.uuid), f"{m.strategy_name} ({m.currency})") for m in masters_for(request.user)
    ]
    own = [(str(a.uuid), f"{a.name or a.login} · {a.login} · {a.currency}") for a in accounts]
    initial = {"master": request.GET.get("master", ""), "account": request.GET.get("account", "")}
    return FollowForm(posted(request), masters=masters, accounts=own, initial=initial)


def _chosen(form: FollowForm, accounts: list[TradingAccount]) -> TradingAccount | None:
    value = str(form["account"].value() or "")
    return next((account for account in accounts if str(account.uuid) == value), None)


def _inherit(form: FollowForm, account: TradingAccount | None) -> None:
    follower = None
    if account is not None:
        try:
            follower = follower_of(account.pk)
        except FollowerNotFound:
            pass
    currency = account.currency if account else ""
    guards = guards_in_effect(product_config(), follower, currency=currency)
    form.tell_inherited(guards, "no limit")


def _new_preview(form: FollowForm, account: TradingAccount | None) -> Preview | None:
    """None while no master and account are chosen, or a field cannot be read."""
    master = form.offered_master()
    settings = _settings(form)
    if account is None or not master or not settings:
        return None
    return preview_new(master_by_uuid(master), account, settings)


def _changed_preview(copy: CopySubscription, form: CopySettingsForm) -> Preview | None:
    settings = _settings(form)
    return preview_changed(copy, settings) if settings else None


def _settings(form: CopySettingsForm) -> dict[str, Any] | None:
    """The settings as they are filled in, or as they are shown first; None where one is wrong."""
    if form.is_bound:
        return form.settings() if form.is_valid() else None
    fields = CopySettingsForm.base_fields
    return {name: form.get_initial_for_field(field, name) for name, field in fields.items()}


def _subscribe(user: User, form: FollowForm) -> CopySubscription | None:
    account = accounts_of(user).get(uuid=form.cleaned_data["account"])
    try:
        with transaction.atomic():
            try:
                follower = follower_of(account.pk)
            except FollowerNotFound:
                follower = api.create_follower(actor=user, account=account)
            master = master_by_uuid(form.cleaned_data["master"])
            return api.subscribe(actor=user, master=master, follower=follower, **form.settings())
    except InvalidSettings as refusal:
        form.add_refusals(refusal.fields)
    except CopyError as refusal:
        form.add_error(None, str(refusal))
    return None


def _tell(request: SignedInRequest, copy: CopySubscription, done: str) -> None:
    messages.success(request, done)
    for warning in warnings_of(copy):
        messages.warning(request, warning)
