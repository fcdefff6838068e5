"""Settings of platforms: connections, their symbols, account groups, accounts."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.roles import Permission
from apps.accounts.selectors import find_user, may
from apps.common.htmx import posted
from apps.console.access import StaffRequest, staff_page
from apps.console.confirming import Asked, confirm
from apps.console.platform_forms import (
    AccountForm,
    ChangeGroupForm,
    ConnectionForm,
    CredentialsForm,
    GroupForm,
    NewConnectionForm,
)
from apps.platforms import api
from apps.platforms.registry import CATALOGUE, UnknownPlatform
from apps.platforms.selectors import (
    account_group,
    account_groups,
    connection_by_uuid,
    connections,
    groups_by_name,
    symbols_of,
)
from apps.trading.positions import MarginMode

SYMBOLS_SHOWN = 100


@require_http_methods(["GET", "POST"])
@staff_page(Permission.MANAGE_PLATFORMS)
def add_connection(request: StaffRequest) -> HttpResponse:
    """Connect a platform's server; a gateway takes it up within seconds."""
    form = NewConnectionForm(posted(request), auto_id="connection_%s")
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                made = api.create_connection(actor=request.user, **form.values())
        except (ValueError, UnknownPlatform) as refusal:
            form.add_error(None, str(refusal))
        except IntegrityError:
            form.add_error("name", "There is a connection of this name; choose another one.")
        else:
            messages.success(request, f"{made.name} is stored; a gateway takes it up in seconds.")
            return redirect("console:platforms")
    return _form(request, form, "Connect a platform", "Connect", "console:platforms")


@require_http_methods(["GET", "POST"])
@staff_page(Permission.MANAGE_PLATFORMS)
def change_connection(request: StaffRequest, uuid: UUID) -> HttpResponse:
    """Change address, limits, prefixes and suffixes of a connection, or switch it off."""
    found = connection_by_uuid(uuid)
    if found is None:
        raise Http404("No such connection.")
    names = [n for n in ConnectionForm.base_fields if n != "reason"]
    initial = {name: getattr(found, name) for name in names}
    form = ConnectionForm(posted(request), initial=initial, auto_id="connection_%s")
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                changed = api.update_connection(
                    actor=request.user,
                    connection_id=found.pk,
                    reason=form.cleaned_data["reason"],
                    **form.changes(),
                )
        except ValidationError as error:
            _add_errors(form, error)
        else:
            told = "saved" if changed else "not changed: nothing was different"
            messages.success(request, f"{found.name} is {told}.")
            return redirect("console:connection", uuid)
    return _form(request, form, f"Change {found.name}", "Save", "console:platforms")


@require_http_methods(["GET", "POST"])
@staff_page(Permission.MANAGE_PLATFORMS)
def credentials(request: StaffRequest, uuid: UUID) -> HttpResponse:
    """Replace the credentials of a connection; those that stand are never shown."""
    found = connection_by_uuid(uuid)
    if found is None:
        raise Http404("No such connection.")
    names = CATALOGUE[found.platform].credentials if found.platform in CATALOGUE else ()
    asked = Asked(
        f"Replace the credentials of {found.name}",
        ["All of them are needed. The session is made anew with them at once."],
        "Replace",
        reverse("console:connection", args=[uuid]),
    )

    def act(form: forms.Form) -> str:
        assert isinstance(form, CredentialsForm)
        api.update_credentials(
            actor=request.user,
            connection_id=found.pk,
            credentials=form.credentials(),
            reason=form.cleaned_data["reason"],
        )
        return f"{found.name} has other credentials."

    return confirm(request, asked, act, CredentialsForm, names=names)


@require_safe
@staff_page()
def connection(request: StaffRequest, uuid: UUID) -> HttpResponse:
    """One connection: how it is set, and its symbols with the names that are matched."""
    found = connection_by_uuid(uuid)
    if found is None:
        raise Http404("No such connection.")
    text, after = request.GET.get("text", "").strip()[:64], request.GET.get("after", "")[:64]
    rows = symbols_of(found.pk, text=text, after=after, limit=SYMBOLS_SHOWN + 1)
    params = request.GET.copy()
    params["after"] = rows[SYMBOLS_SHOWN - 1].name if len(rows) > SYMBOLS_SHOWN else ""
    context = {
        "connection": found,
        "platform": CATALOGUE[found.platform].name if found.platform in CATALOGUE else "",
        "symbols": rows[:SYMBOLS_SHOWN],
        "text": text,
        "next": f"?{params.urlencode()}" if len(rows) > SYMBOLS_SHOWN else "",
        "may_manage": may(request.user, Permission.MANAGE_PLATFORMS),
    }
    return render(request, "console/connection.html", context)


@require_safe
@staff_page()
def groups(request: StaffRequest) -> HttpResponse:
    """Account groups: mode, leverage and currency of the accounts in them."""
    context = {
        "rows": account_groups(),
        "may_manage": may(request.user, Permission.MANAGE_PLATFORMS),
    }
    return render(request, "console/groups.html", context)


@require_http_methods(["GET", "POST"])
@staff_page(Permission.MANAGE_PLATFORMS)
def add_group(request: StaffRequest) -> HttpResponse:
    """Make an account group."""
    asked = Asked("Add an account group", [], "Add", reverse("console:groups"))

    def act(form: forms.Form) -> str:
        try:
            with transaction.atomic():
                made = api.create_account_group(actor=request.user, **form.cleaned_data)
        except IntegrityError:
            raise ValueError("There is a group of this name; choose another one.") from None
        return f"{made.name} is there."

    return confirm(request, asked, act, GroupForm)


@require_http_methods(["GET", "POST"])
@staff_page(Permission.MANAGE_PLATFORMS)
def change_group(request: StaffRequest, pk: int) -> HttpResponse:
    """Change an account group; accounts that are in it keep their own leverage and currency."""
    found = account_group(pk)
    if found is None:
        raise Http404("No such group.")
    asked = Asked(
        f"Change {found.name}",
        ["Mode holds at once for all its accounts; leverage and currency for new ones."],
        "Save",
        reverse("console:groups"),
    )
    initial = {n: getattr(found, n) for n in GroupForm.base_fields}

    def act(form: forms.Form) -> str:
        values = dict(form.cleaned_data)
        reason = values.pop("reason")
        try:
            api.update_account_group(actor=request.user, group_id=pk, reason=reason, **values)
        except ValidationError as error:
            raise ValueError(" ".join(error.messages)) from None
        return f"{values['name']} is saved."

    return confirm(request, asked, act, ChangeGroupForm, initial=initial)


@require_http_methods(["GET", "POST"])
@staff_page(Permission.MANAGE_PLATFORMS)
def add_account(request: StaffRequest) -> HttpResponse:
    """Let the product know an account that a platform has."""
    known, kinds = list(connections()), groups_by_name()
    form = AccountForm(
        posted(request),
        auto_id="account_%s",
        connections=[(str(c.uuid), c.name) for c in known],
        groups=[(str(g.pk), g.name) for g in kinds],
    )
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        email = values.pop("owner")
        owner = find_user(email) if email else None
        if email and owner is None:
            form.add_error("owner", "Nobody has this address; let the customer sign up first.")
        else:
            values["connection"] = next(c for c in known if str(c.uuid) == values["connection"])
            values["group"] = next(g for g in kinds if str(g.pk) == values["group"])
            values["margin_mode"] = MarginMode(values["margin_mode"])
            try:
                with transaction.atomic():
                    made = api.create_account(actor=request.user, owner=owner, **values)
            except IntegrityError:
                form.add_error("login", "This login, or this id, exists on that server.")
            else:
                messages.success(request, f"{made} is stored; the gateway reads it in seconds.")
                return redirect("console:setup")
    return _form(request, form, "Add a trading account", "Add", "console:setup")


def _add_errors(form: forms.Form, error: ValidationError) -> None:
    for name, told in error.message_dict.items():
        form.add_error(name if name in form.fields else None, told)


def _form(
    request: StaffRequest, form: forms.Form, title: str, button: str, back: str
) -> HttpResponse:
    context = {"form": form, "title": title, "button": button, "back": reverse(back)}
    status = 422 if form.errors else 200
    return render(request, "console/form.html", context, status=status)
