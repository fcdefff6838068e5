"""Customers: finding them, what they hold and may do, and interventions on their sign-in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts import people, view_as
from apps.accounts.audit import AuditSearch, search_audit
from apps.accounts.models import BotStrategy, Customer
from apps.accounts.roles import Permission
from apps.accounts.selectors import customer_by_uuid, may, recent_sign_ins
from apps.common.htmx import posted
from apps.console.access import StaffRequest, form_of, staff_page
from apps.console.audit_view import changes_of
from apps.console.confirming import Asked, confirm
from apps.console.forms import ReasonForm
from apps.copytrading.customers import STATES, customers
from apps.copytrading.permissions import Running, running_of, set_customer_permissions
from apps.copytrading.selectors import masters_of, subscriptions_of
from apps.platforms.selectors import accounts_of

SHOWN, CHANGES = 25, 20

#: What a change of the sign-in is called, and what it means.
ACTIONS = {
    "lock": (
        "Lock {}",
        "Lock",
        "Every session ends at once, and signing in is refused until somebody unlocks it.",
    ),
    "unlock": ("Unlock {}", "Unlock", "Signing in works again, with the password as it was."),
    "reset_second_factor": (
        "Reset the second factor of {}",
        "Reset",
        "The second factor and its recovery codes are removed, and every session ends. Be sure "
        "that it is the customer who asks.",
    ),
}
_DO = {
    "lock": people.lock_user,
    "unlock": people.unlock_user,
    "reset_second_factor": people.reset_second_factor,
}


class PermissionsForm(ReasonForm):
    """What a customer may do."""

    may_copy = forms.BooleanField(
        label="Copying",
        required=False,
        help_text="Follow masters. Taken away, active copies are paused; closes still follow.",
    )
    may_be_master = forms.BooleanField(
        label="Being a master",
        required=False,
        help_text="Be followed by others. Taken away, masters become inactive: copies close only.",
    )
    may_run_bots = forms.BooleanField(
        label="Bots", required=False, help_text="Run bots of the strategies below."
    )
    allowed_strategies = forms.MultipleChoiceField(
        label="Allowed strategies",
        required=False,
        choices=BotStrategy.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "There is no such strategy; choose of the list."},
    )

    field_order = ("may_copy", "may_be_master", "may_run_bots", "allowed_strategies", "reason")


@require_safe
@staff_page()
def customer_list(request: StaffRequest) -> HttpResponse:
    """Customers by address, name or login, and by state; the newest first."""
    text = request.GET.get("text", "").strip()[:64]
    state = request.GET.get("state", "")
    state = state if state in STATES else ""
    before = request.GET.get("before", "")
    after_id = int(before) if before.isdecimal() and len(before) < 19 else None
    rows = customers(text=text, state=state, before=after_id, limit=SHOWN + 1)
    params = request.GET.copy()
    params.pop("before", None)
    here = f"?{params.urlencode()}"
    params["before"] = str(rows[SHOWN - 1].id) if len(rows) > SHOWN else ""
    context = {
        "rows": rows[:SHOWN],
        "text": text,
        "state": state,
        "states": STATES,
        "newest": here if before else "",
        "older": f"?{params.urlencode()}" if len(rows) > SHOWN else "",
    }
    return render(request, "console/customers/list.html", context)


@require_safe
@staff_page()
def customer(request: StaffRequest, uuid: UUID) -> HttpResponse:
    """One customer: accounts, copies, masters, permissions, and who did what."""
    found = _customer(uuid)
    user = found.user
    context = {
        "customer": found,
        "person": user,
        "accounts": accounts_of(user),
        "copies": subscriptions_of(user=user),
        "masters": masters_of(user),
        "second_factor": people.has_second_factor(user),
        "sign_ins": recent_sign_ins(user),
        "strategies": [BotStrategy(code).label for code in found.allowed_strategies],
        "may_manage": may(request.user, Permission.MANAGE_CUSTOMERS),
        "may_view_as": may(request.user, Permission.VIEW_AS_CUSTOMER) and user.is_active,
        "trail": _trail(found),
        "audit": f"{reverse('console:audit')}?object_type=user&object_id={user.uuid}",
        "deeds": f"{reverse('console:audit')}?actor={user.email}",
    }
    return render(request, "console/customers/detail.html", context)


def _trail(found: Customer) -> list[tuple[Any, Any]]:
    wanted = AuditSearch(object_type="user", object_id=str(found.user.uuid))
    return [(row, changes_of(row)) for row in search_audit(wanted, limit=CHANGES).rows]


@require_http_methods(["GET", "POST"])
@staff_page(Permission.MANAGE_CUSTOMERS)
def permissions(request: StaffRequest, uuid: UUID) -> HttpResponse:
    """Change what a customer may do, after saying what runs now."""
    found = _customer(uuid)
    names = [name for name in PermissionsForm.base_fields if name != "reason"]
    standing = {name: getattr(found, name) for name in names}
    form = PermissionsForm(posted(request), initial=standing, auto_id="permission_%s")
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        changed = set_customer_permissions(actor=request.user, customer=found, **values)
        told = "They hold from now on." if changed else "Nothing was different."
        messages.success(request, f"Permissions of {found.name} saved. {told}")
        return redirect("console:customer", uuid)
    context = {"customer": found, "form": form, "running": running_of(found.user)}
    status = 422 if form.errors else 200
    return render(request, "console/customers/permissions.html", context, status=status)


@require_http_methods(["GET", "POST"])
@staff_page(Permission.MANAGE_CUSTOMERS)
def change(request: StaffRequest, uuid: UUID, action: str) -> HttpResponse:
    """Lock or unlock a customer, or reset the second factor; GET says what it means."""
    user = _customer(uuid).user
    title, button, meaning = ACTIONS[action]
    lines = [meaning]
    if action == "lock":
        lines.append(_what_goes_on(running_of(user)))
    asked = Asked(
        title.format(user.email), lines, button, _address(uuid), danger=action != "unlock"
    )

    def act(form: forms.Form) -> str:
        _DO[action](actor=request.user, user=user, reason=form.cleaned_data["reason"])
        return f"{user.email}: done. It is kept in the audit trail."

    return confirm(request, asked, act)


def _what_goes_on(running: Running) -> str:
    """What a lock does not end, in numbers."""
    if not (running.copies or running.positions or running.masters):
        return "Nothing runs for this customer now."
    return (
        f"What runs goes on: {running.copies} active "
        f"cop{'y' if running.copies == 1 else 'ies'} with {running.positions} open "
        f"position{'' if running.positions == 1 else 's'}, {running.masters} "
        f"master{'' if running.masters == 1 else 's'} with {running.followers} "
        f"follower{'' if running.followers == 1 else 's'}. Take the permissions away to pause it."
    )


@require_http_methods(["GET", "POST"])
@staff_page(Permission.VIEW_AS_CUSTOMER)
def begin_view(request: StaffRequest, uuid: UUID) -> HttpResponse:
    """Begin to see the portal as this customer, reading only."""
    user = _customer(uuid).user
    minutes = int(view_as.LASTS.total_seconds() // 60)
    asked = Asked(
        f"See the portal as {user.email}",
        [
            "You see the pages as this customer does. Nothing can be changed, and the pages of "
            "the sign-in stay closed.",
            f"It ends by itself after {minutes} minutes. Beginning and end are kept in the audit "
            "trail.",
        ],
        "Begin",
        _address(uuid),
        then=reverse("portal:home"),
    )

    def act(form: forms.Form) -> str:
        reason = form.cleaned_data["reason"]
        view_as.begin(actor=request.user, user=user, session=request.session, reason=reason)
        return f"You see the portal as {user.email}."

    return confirm(request, asked, act)


@staff_page()
@form_of("console:customers")
def end_view(request: StaffRequest) -> HttpResponse:
    """End the view, and go back to the customer."""
    user = view_as.end(actor=request.user, session=request.session)
    return redirect(_address(user.uuid) if user else reverse("console:customers"))


def _address(uuid: UUID) -> str:
    return reverse("console:customer", args=[uuid])


def _customer(uuid: UUID) -> Customer:
    found = customer_by_uuid(uuid)
    if found is None:
        raise Http404("No such customer.")
    return found
