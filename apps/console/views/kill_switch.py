"""Kill switches: how they stand, moving them, and the closes that they hold."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.roles import Permission
from apps.accounts.selectors import may
from apps.common.htmx import posted, render_page
from apps.common.live_pages import show
from apps.console.access import StaffRequest, form_of, staff_page
from apps.console.forms import KillSwitchForm, ReasonForm
from apps.console.live_kill_switch import EFFECTS, KILL_SWITCH
from apps.execution import api
from apps.execution.kill_switch import KillScope, KillState, kill_switches
from apps.execution.waiting_closes import waiting_closes
from apps.platforms.registry import CATALOGUE
from apps.platforms.selectors import account_by_uuid, find_accounts


@require_safe
@staff_page()
def kill_switch(request: StaffRequest) -> HttpResponse:
    """All switches, held closes and changes, kept current; finds accounts by their login."""
    return _page(request, ReasonForm(auto_id="confirm_%s"))


@require_http_methods(["GET", "POST"])
@staff_page(Permission.HALT)
def kill_everything(request: StaffRequest) -> HttpResponse:
    """Move the switch on everything; GET says what its states do."""
    return _change(request, KillScope.GLOBAL, "", "everything")


@require_http_methods(["GET", "POST"])
@staff_page(Permission.HALT)
def kill_platform(request: StaffRequest, code: str) -> HttpResponse:
    """Move the switch on one platform."""
    if code not in CATALOGUE:
        raise Http404("No such platform.")
    return _change(request, KillScope.PLATFORM, code, CATALOGUE[code].name)


@require_http_methods(["GET", "POST"])
@staff_page(Permission.HALT)
def kill_account(request: StaffRequest, uuid: UUID) -> HttpResponse:
    """Move the switch on one trading account."""
    account = account_by_uuid(uuid)
    if account is None:
        raise Http404("No such account.")
    return _change(request, KillScope.ACCOUNT, str(account.pk), f"account {account}")


@staff_page(Permission.HALT)
@form_of("console:kill_switch")
def confirm_closes(request: StaffRequest) -> HttpResponse:
    """Let one, the chosen, or all closes pass that a switch holds now."""
    form = ReasonForm(request.POST, auto_id="confirm_%s")
    if not form.is_valid():
        return _page(request, form, status=422)
    if request.POST.get("all"):
        wanted = [close.client_order_id for close in waiting_closes(timezone.now())]
    else:
        wanted = request.POST.getlist("one") or request.POST.getlist("close")
    confirmed = api.confirm_held_closes(
        actor=request.user, client_order_ids=wanted, reason=form.cleaned_data["reason"]
    )
    if confirmed:
        count = len(confirmed)
        messages.success(request, f"{count} close{'' if count == 1 else 's'} may leave now.")
    else:
        messages.error(request, "No close was chosen, or those chosen are not held any more.")
    return redirect("console:kill_switch")


def _page(request: StaffRequest, form: ReasonForm, status: int = 200) -> HttpResponse:
    query = request.GET.get("login", "").strip()[:32]
    context = {
        "live": show(KILL_SWITCH, request.user, {}),
        "form": form,
        "may_act": may(request.user, Permission.HALT),
        "query": query,
        "found": find_accounts(query) if query else [],
    }
    return render(request, "console/kill_switch.html", context, status=status)


def _change(request: StaffRequest, scope: KillScope, key: str, name: str) -> HttpResponse:
    standing = {(s.scope, s.key): s.state for s in kill_switches()}
    state = standing.get((scope, key), KillState.ACTIVE)
    form = KillSwitchForm(posted(request), auto_id="switch_%s", initial={"state": state})
    if request.method == "POST" and form.is_valid():
        chosen, reason = form.cleaned_data["state"], form.cleaned_data["reason"]
        changed = api.set_kill_switch(
            actor=request.user, scope=scope, key=key, state=chosen, reason=reason
        )
        words = f"{name[0].upper()}{name[1:]} is {chosen}"
        messages.success(request, f"{words} now." if changed else f"{words} already.")
        return redirect("console:kill_switch")
    return render_page(
        request,
        "console/change_kill_switch.html",
        {
            "name": name,
            "state": state,
            "form": form,
            "effects": {each.value: text for each, text in EFFECTS.items()},
        },
        fragments={"dialog-body": "dialog"},
        status=422 if form.errors else 200,
    )
