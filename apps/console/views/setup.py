"""The set-up checklist: from an empty installation to its first copied trade."""

from __future__ import annotations

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.roles import Permission
from apps.accounts.selectors import may
from apps.console.access import StaffRequest, staff_page
from apps.console.checklist import steps
from apps.console.confirming import Asked, confirm
from apps.console.platform_forms import MasterForm
from apps.copytrading import api
from apps.platforms.selectors import accounts_with_login


@require_safe
@staff_page()
def setup(request: StaffRequest) -> HttpResponse:
    """What is done, and what comes next with the place where it is done."""
    found = steps()
    context = {
        "steps": found,
        "done": sum(step.done for step in found),
        "next": next((step for step in found if not step.done), None),
        "may_manage": may(request.user, Permission.MANAGE_PLATFORMS),
    }
    return render(request, "console/setup.html", context)


@require_http_methods(["GET", "POST"])
@staff_page(Permission.MANAGE_CUSTOMERS, copy_trading=True)
def add_master(request: StaffRequest) -> HttpResponse:
    """Make an account a master, without the application that customers go through."""
    asked = Asked(
        "Make an account a master",
        ["Its trades are kept in the journal from now on, and it can be followed at once."],
        "Make it a master",
        reverse("console:masters"),
    )

    def act(form: forms.Form) -> str:
        values = dict(form.cleaned_data)
        login = values.pop("login")
        found = accounts_with_login(login)
        if len(found) != 1:
            raise ValueError(
                f"{len(found) or 'No'} account{'s have' if len(found) > 1 else ' has'} the login "
                f"{login}; nothing was changed."
            )
        master = api.create_master(actor=request.user, account=found[0], **values)
        return f"{master.strategy_name} is a master."

    return confirm(request, asked, act, MasterForm)
