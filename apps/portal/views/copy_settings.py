"""The settings of a copy that exists."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.selectors import product_config
from apps.common.htmx import posted
from apps.copytrading import api
from apps.copytrading.errors import InvalidSettings
from apps.copytrading.rehearsals import rehearse_changed
from apps.copytrading.settings_preview import Preview, preview_changed
from apps.copytrading.settings_view import guards_in_effect
from apps.portal.access import SignedInRequest, copy_trading_page, own_copy
from apps.portal.copy_forms import CopySettingsForm
from apps.portal.copy_preview import (
    rehearsal_fragment,
    rehearsed,
    settings_of,
    summary_fragment,
    tell,
)

if TYPE_CHECKING:
    from apps.copytrading.models import CopySubscription


@require_http_methods(["GET", "POST"])
@copy_trading_page
def edit(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Change the settings of one's own copy; 'preview' only shows what they would do."""
    copy = own_copy(request.user, uuid)
    form = CopySettingsForm(posted(request), initial=CopySettingsForm.standing(copy))
    previewing = "preview" in request.POST
    if request.method == "POST" and form.is_valid() and not previewing:
        try:
            changed = api.update_subscription(
                actor=request.user, subscription=copy, **form.settings()
            )
        except InvalidSettings as refusal:
            form.add_refusals(refusal.fields)
        else:
            tell(request, changed, "Settings saved. They hold from the master's next trade on.")
            return redirect("portal:subscription", uuid)
    currency = copy.follower.account.currency
    guards = guards_in_effect(product_config(), copy.follower, currency=currency)
    form.tell_inherited(guards, "no limit")
    context = {
        "form": form,
        "subscription": copy,
        "currency": currency,
        "preview": _preview(copy, form),
        "rehearsal": rehearsed(form, rehearse_changed, copy) if previewing else None,
    }
    status = 422 if form.errors else 200
    return render(request, "portal/copying/edit.html", context, status=status)


@require_POST
@copy_trading_page
def edit_summary(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """What one's own copy would do with the form as it is filled in; nothing is stored."""
    copy = own_copy(request.user, uuid)
    form = CopySettingsForm(request.POST)
    return summary_fragment(request, form, _preview(copy, form))


@require_POST
@copy_trading_page
def edit_rehearsal(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """What the form as it is filled in would have made of the master's last trades."""
    copy = own_copy(request.user, uuid)
    form = CopySettingsForm(request.POST)
    return rehearsal_fragment(request, form, rehearsed(form, rehearse_changed, copy))


def _preview(copy: CopySubscription, form: CopySettingsForm) -> Preview | None:
    settings = settings_of(form)
    return preview_changed(copy, settings) if settings else None
