"""Following a master: who, where, how, what it would have made, and what must be accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.errors import AccountsError
from apps.accounts.legal import accept_texts, missing_texts
from apps.accounts.selectors import product_config
from apps.analytics.selectors import has_imported_history
from apps.common.htmx import posted, render_page
from apps.copytrading import api
from apps.copytrading.errors import CopyError, FollowerNotFound, InvalidSettings
from apps.copytrading.rehearsals import Rehearsed, rehearse_new
from apps.copytrading.selectors import (
    MasterRow,
    follower_of,
    master_by_uuid,
    master_for,
    search_masters,
)
from apps.copytrading.settings_preview import Preview, first_of, preview_new
from apps.copytrading.settings_view import guards_in_effect
from apps.platforms.selectors import accounts_of
from apps.portal.access import SignedInRequest, copy_trading_page
from apps.portal.copy_forms import FollowForm, GuardFields
from apps.portal.copy_preview import (
    rehearsal_fragment,
    rehearsed,
    settings_of,
    tell,
)

if TYPE_CHECKING:
    from apps.copytrading.models import CopySubscription
    from apps.platforms.models import TradingAccount

PAGE, SUMMARY = "portal/copying/follow.html", "portal/copying/follow_summary.html"


class _Wish:
    """What a request asks for: the master and the customer's account, as far as they are his."""

    def __init__(self, request: SignedInRequest, *, texts: bool) -> None:
        self.user = request.user
        self.accounts = list(accounts_of(request.user))
        given = request.POST if request.method == "POST" else request.GET
        self.named = given.get("master", "")
        self.master = _master(request, self.named)
        self.missing = missing_texts(request.user) if texts and self.master else []
        only = str(self.accounts[0].uuid) if len(self.accounts) == 1 else ""
        self.form = FollowForm(
            posted(request),
            master=self.master.uuid if self.master else None,
            accounts=[(str(a.uuid), _account_label(a)) for a in self.accounts],
            texts=self.missing,
            initial={"master": self.named, "account": request.GET.get("account") or only},
        )

    @property
    def account(self) -> TradingAccount | None:
        """The account that is chosen, None for none or a stranger's."""
        value = str(self.form["account"].value() or "")
        return next((account for account in self.accounts if str(account.uuid) == value), None)

    @property
    def currency(self) -> str:
        return self.account.currency if self.account else ""

    def preview(self) -> Preview | None:
        """None while no master and account are chosen, or a field cannot be read."""
        settings = settings_of(self.form)
        if self.account is None or self.master is None or settings is None:
            return None
        return preview_new(master_by_uuid(self.master.uuid), self.account, settings)

    def rehearsal(self) -> Rehearsed | None:
        if self.account is None or self.master is None:
            return None
        master = master_by_uuid(self.master.uuid)
        return rehearsed(self.form, rehearse_new, master, self.account)


@require_http_methods(["GET", "POST"])
@copy_trading_page
def follow(request: SignedInRequest) -> HttpResponse:
    """Choose a master, then an account and how the copy sizes; all in one form.

    'preview' only shows what the form would do, for browsers without JavaScript.
    """
    previewing = "preview" in request.POST
    wish = _Wish(request, texts=not previewing)
    form = wish.form
    if request.method == "POST" and form.is_valid() and not previewing:
        copy = _follow(wish)
        if copy is not None:
            tell(request, copy, f"You follow {copy.master.strategy_name}. {first_of(copy)}")
            return redirect("portal:subscription", copy.uuid)
    if wish.master is not None:
        _inherit(wish)
    words = request.GET.get("q", "").strip()
    shown = [wish.master] if wish.master else search_masters(request.user, words)
    context = {
        "form": form,
        "master": wish.master,
        "unknown": bool(wish.named) and wish.master is None,
        "words": words,
        "masters": shown,
        "imported": has_imported_history([master.account_id for master in shown]),
        "currency": wish.currency,
        "preview": wish.preview(),
        "rehearsal": wish.rehearsal() if previewing else None,
    }
    return render_page(
        request, PAGE, context, fragments={"masters": "masters"}, status=422 if form.errors else 200
    )


@require_POST
@copy_trading_page
def follow_summary(request: SignedInRequest) -> HttpResponse:
    """What the form of a new copy would do as it is filled in; nothing is stored.

    With it come the currency and the inherited guards of the account that is chosen now.
    """
    wish = _Wish(request, texts=False)
    _inherit(wish)
    context = {
        "preview": wish.preview(),
        "form": wish.form,
        "currency": wish.currency,
        "guards": [wish.form[name] for name in GuardFields.base_fields],
    }
    return render(request, SUMMARY, context)


@require_POST
@copy_trading_page
def follow_rehearsal(request: SignedInRequest) -> HttpResponse:
    """What the form as it is filled in would have made of the master's last trades."""
    wish = _Wish(request, texts=False)
    return rehearsal_fragment(request, wish.form, wish.rehearsal())


def _master(request: SignedInRequest, named: str) -> MasterRow | None:
    try:
        return master_for(request.user, UUID(named))
    except ValueError:
        return None


def _account_label(account: TradingAccount) -> str:
    named = f"{account.name} · " if account.name else ""
    return f"{named}{account.login} · {account.currency}"


def _inherit(wish: _Wish) -> None:
    follower, account = None, wish.account
    if account is not None:
        try:
            follower = follower_of(account.pk)
        except FollowerNotFound:
            pass
    guards = guards_in_effect(product_config(), follower, currency=wish.currency)
    wish.form.tell_inherited(guards, "no limit")


def _follow(wish: _Wish) -> CopySubscription | None:
    form, values = wish.form, _chosen(wish)
    try:
        accept_texts(actor=wish.user, versions=form.accepted())
        return api.follow(actor=wish.user, **values, **form.settings())
    except InvalidSettings as refusal:
        form.add_refusals(refusal.fields)
    except (CopyError, AccountsError) as refusal:
        form.add_error(None, str(refusal))
    return None


def _chosen(wish: _Wish) -> dict[str, Any]:
    return {
        "master": master_by_uuid(wish.form.cleaned_data["master"]),
        "account": accounts_of(wish.user).get(uuid=wish.form.cleaned_data["account"]),
    }
