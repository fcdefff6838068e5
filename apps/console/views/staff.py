"""The people of the house and their roles."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts import people
from apps.accounts.api import create_staff
from apps.accounts.models import User
from apps.accounts.roles import PERMISSIONS, ROLE_WORDS, Permission, Role
from apps.accounts.selectors import staff_member, staff_members
from apps.console.access import StaffRequest, staff_page
from apps.console.confirming import Asked, confirm
from apps.console.forms import ReasonForm

#: Permissions in the order of the page, in words.
PERMISSION_WORDS = {
    Permission.VIEW: "Look at every page of the desk",
    Permission.VIEW_AS_CUSTOMER: "See the portal as a customer, reading only",
    Permission.INTERVENE: "Pause, stop and close what customers run; repair differences",
    Permission.HALT: "Move kill switches, confirm held closes",
    Permission.DECIDE_APPLICATIONS: "Approve and reject applications of masters",
    Permission.MANAGE_CUSTOMERS: "Permissions, locks and second factors of customers",
    Permission.MANAGE_PLATFORMS: "Connections, account groups, symbols",
    Permission.MANAGE_PRODUCT: "Modules, defaults, the house and its mails",
    Permission.MANAGE_STAFF: "People of the staff and their roles",
}
ACTIONS = {
    "lock": (
        "Lock {}",
        "Lock",
        "Every session ends at once, and signing in is refused until an owner unlocks it.",
    ),
    "unlock": ("Unlock {}", "Unlock", "Signing in works again, with the password as it was."),
    "reset_second_factor": (
        "Reset the second factor of {}",
        "Reset",
        "The second factor and its recovery codes are removed, and every session ends.",
    ),
}
_DO = {
    "lock": people.lock_user,
    "unlock": people.unlock_user,
    "reset_second_factor": people.reset_second_factor,
}


class RoleField(forms.ChoiceField):
    """A role, with what it is for."""

    choice_helps = {role.value: words for role, words in ROLE_WORDS.items()}

    def __init__(self) -> None:
        super().__init__(
            label="Role",
            choices=[(role.value, role.value.capitalize()) for role in Role],
            widget=forms.RadioSelect,
            error_messages={"required": "Choose a role."},
        )


class RoleForm(ReasonForm):
    """Another role for somebody."""

    role = RoleField()
    field_order = ("role", "reason")


class NewStaffForm(forms.Form):
    """Somebody who joins."""

    email = forms.EmailField(label="E-mail address", max_length=254)
    name = forms.CharField(label="Name", max_length=150)
    role = RoleField()


@require_safe
@staff_page(Permission.MANAGE_STAFF)
def staff(request: StaffRequest) -> HttpResponse:
    """Everybody with a role, and what the roles may do."""
    rows = [
        (person, [g.name.capitalize() for g in person.groups.all()], person.pk == request.user.pk)
        for person in staff_members()
    ]
    grants = [
        (words, [permission in PERMISSIONS[role] for role in Role])
        for permission, words in PERMISSION_WORDS.items()
    ]
    context = {"rows": rows, "grants": grants, "roles": [r.value.capitalize() for r in Role]}
    return render(request, "console/staff.html", context)


@require_http_methods(["GET", "POST"])
@staff_page(Permission.MANAGE_STAFF)
def add(request: StaffRequest) -> HttpResponse:
    """Give somebody a sign-in with a role; the password comes by mail."""
    asked = Asked(
        "Add somebody to the staff",
        ["The password is set by the link that 'Forgot your password?' on the sign-in page sends."],
        "Add",
        reverse("console:staff"),
    )

    def act(form: forms.Form) -> str:
        values = form.cleaned_data
        user = create_staff(
            actor=request.user,
            email=values["email"],
            password=None,
            name=values["name"],
            role=Role(values["role"]),
        )
        return f"{user.email} joined as {values['role']}."

    return confirm(request, asked, act, NewStaffForm)


@require_http_methods(["GET", "POST"])
@staff_page(Permission.MANAGE_STAFF)
def role(request: StaffRequest, uuid: UUID) -> HttpResponse:
    """Give a member of staff another role."""
    user = _member(uuid)
    asked = Asked(
        f"Another role for {user.email}",
        ["It holds from the next page on."],
        "Change the role",
        reverse("console:staff"),
    )

    def act(form: forms.Form) -> str:
        values = form.cleaned_data
        changed = people.change_role(
            actor=request.user, user=user, role=values["role"], reason=values["reason"]
        )
        return f"{user.email} is {values['role']}{'' if changed else ' already'}."

    now = next((g.name for g in user.groups.all()), None)
    return confirm(request, asked, act, RoleForm, initial={"role": now})


@require_http_methods(["GET", "POST"])
@staff_page(Permission.MANAGE_STAFF)
def change(request: StaffRequest, uuid: UUID, action: str) -> HttpResponse:
    """Lock or unlock a member of staff, or reset the second factor."""
    user = _member(uuid)
    title, button, meaning = ACTIONS[action]
    asked = Asked(
        title.format(user.email), [meaning], button, reverse("console:staff"),
        danger=action != "unlock",
    )  # fmt: skip

    def act(form: forms.Form) -> str:
        _DO[action](actor=request.user, user=user, reason=form.cleaned_data["reason"])
        return f"{user.email}: done. It is kept in the audit trail."

    return confirm(request, asked, act)


def _member(uuid: UUID) -> User:
    found = staff_member(uuid)
    if found is None:
        raise Http404("No such member of staff.")
    return found
