"""Pausing, deactivating and activating a master, after saying what that does to its followers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from apps.accounts.roles import Permission
from apps.common.htmx import posted, render_page
from apps.console.access import StaffRequest, staff_page
from apps.console.forms import ReasonForm
from apps.console.master_frame import ACTIONS, master_or_404
from apps.copytrading import api
from apps.copytrading.errors import CopyError
from apps.copytrading.module import live_copies

if TYPE_CHECKING:
    from apps.copytrading.models import CopyMaster

_DANGEROUS = ("deactivate", "reject")
_KNOWN = {action for actions in ACTIONS.values() for action, _ in actions}


class DeactivateForm(ReasonForm):
    """Why a master is deactivated, and what becomes of what its copies hold."""

    positions = forms.ChoiceField(
        label="Copied positions",
        choices=[("keep", "Close with the master"), ("close", "Close all of them now")],
        initial="keep",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what becomes of the copied positions."},
    )
    field_order = ("positions", "reason")
    choice_helps = {
        "keep": "Copies open nothing new; what they hold closes when the master closes it.",
        "close": "At market, at once; copied orders that rest are cancelled. Prices may have "
        "moved until then.",
    }


@require_http_methods(["GET", "POST"])
@staff_page(Permission.INTERVENE, copy_trading=True)
def change_status(request: StaffRequest, uuid: UUID, action: str) -> HttpResponse:
    """Pause, deactivate, activate, approve or reject; GET says what it means, POST does it."""
    master = master_or_404(uuid)
    if action not in _KNOWN:
        raise Http404("There is no such action.")
    if action not in dict(ACTIONS[master.status]):
        messages.error(request, f"Nothing was changed: {master.strategy_name} is {master.status}.")
        return redirect("console:master", uuid)
    form_class = DeactivateForm if action == "deactivate" else ReasonForm
    form = form_class(posted(request), auto_id="change_%s")
    if request.method == "POST" and form.is_valid():
        try:
            messages.success(request, _change(request, master, action, form.cleaned_data))
        except CopyError as refusal:
            messages.error(request, str(refusal))
        return redirect("console:master", uuid)
    context = {
        "master": master,
        "action": action,
        "danger": action in _DANGEROUS,
        "live": live_copies(master_account_id=master.account_id),
        "form": form,
    }
    return render_page(
        request,
        "console/masters/change.html",
        context,
        fragments={"dialog-body": "dialog"},
        status=422 if form.errors else 200,
    )


def _change(request: StaffRequest, master: CopyMaster, action: str, values: dict[str, Any]) -> str:
    """Do it, and answer what was done in a sentence."""
    reason, status = values["reason"], dict(ACTIONS[master.status])[action]
    if action != "deactivate":
        api.set_master_status(actor=request.user, master=master, status=status, reason=reason)
        return f"{master.strategy_name} is {status}."
    closes = values["positions"] == "close"
    closing = api.deactivate_master(
        actor=request.user, master=master, reason=reason, close_positions=closes
    )
    if not closes:
        return f"{master.strategy_name} is inactive. Its copies only close from now on."
    if not closing:
        return f"{master.strategy_name} is inactive. Its copies held no position."
    return (
        f"{master.strategy_name} is inactive, and {closing} copied "
        f"position{'' if closing == 1 else 's'} {'is' if closing == 1 else 'are'} being closed."
    )
