"""The house as customers see it, and the words of its mails."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.errors import InvalidDefaults, NotPossible
from apps.accounts.house import (
    MAILS,
    PLACEHOLDERS,
    house,
    mail_texts,
    reset_mail,
    set_mail,
    update_house,
)
from apps.accounts.roles import Permission
from apps.accounts.selectors import may
from apps.common.htmx import posted
from apps.console.access import StaffRequest, form_of, staff_page
from apps.console.forms import ReasonForm

#: Mails by the name that their address carries.
BY_SLUG = {kind.rpartition("/")[2].replace("_", "-"): kind for kind in MAILS}


#: Not places: what the machine is set to, and what stands for none.
_MACHINE_ZONES = {"localtime", "Factory", "posixrules"}


class HouseForm(ReasonForm):
    """Name, time zone, support address and logo."""

    name = forms.CharField(label="Name", max_length=64, help_text="On every page and in mails.")
    timezone = forms.ChoiceField(
        label="Time zone",
        choices=[(name, name) for name in sorted(available_timezones() - _MACHINE_ZONES)],
        help_text="Of mails and of the clock on the desk; new customers begin with it. "
        "Days of figures are UTC days.",
    )
    support_email = forms.EmailField(label="Support address", required=False)
    logo = forms.FileField(
        label="Logo",
        required=False,
        help_text="PNG, JPEG or WebP, at most 256 KB, about 56 pixels high.",
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )
    remove_logo = forms.BooleanField(label="Show the built-in mark again", required=False)
    field_order = ("name", "timezone", "support_email", "logo", "remove_logo", "reason")

    def values(self) -> dict[str, Any]:
        """As :func:`apps.accounts.house.update_house` takes them."""
        values = {k: v for k, v in self.cleaned_data.items() if k not in ("logo", "remove_logo")}
        given = self.cleaned_data.get("logo")
        if given is not None:
            return {**values, "logo": given.read()}
        return {**values, "logo": b""} if self.cleaned_data["remove_logo"] else values


class MailForm(ReasonForm):
    """Words of one mail."""

    subject = forms.CharField(label="Subject", max_length=200)
    body = forms.CharField(
        label="Text", max_length=10_000, widget=forms.Textarea(attrs={"rows": 12})
    )
    field_order = ("subject", "body", "reason")


@require_safe
@staff_page()
def show_house(request: StaffRequest) -> HttpResponse:
    """The house and its mails; changes need the role owner or admin."""
    now = house()
    initial = {name: getattr(now, name) for name in ("name", "timezone", "support_email")}
    return _page(request, HouseForm(auto_id="house_%s", initial=initial))


def _page(request: StaffRequest, form: HouseForm, status: int = 200) -> HttpResponse:
    own = mail_texts()
    context = {
        "form": form,
        "may_change": may(request.user, Permission.MANAGE_PRODUCT),
        "mails": [(slug, MAILS[kind], own.get(kind)) for slug, kind in BY_SLUG.items()],
    }
    return render(request, "console/house.html", context, status=status)


@staff_page(Permission.MANAGE_PRODUCT)
@form_of("console:house")
def change_house(request: StaffRequest) -> HttpResponse:
    """Save the house."""
    form = HouseForm(request.POST, request.FILES, auto_id="house_%s")
    if form.is_valid():
        try:
            changed = update_house(actor=request.user, **form.values())
        except InvalidDefaults as refusal:
            for name, sentence in refusal.fields.items():
                form.add_error(name, sentence)
        else:
            messages.success(request, "Saved." if changed else "Nothing was different.")
            return redirect("console:house")
    return _page(request, form, status=422)


@require_http_methods(["GET", "POST"])
@staff_page(Permission.MANAGE_PRODUCT)
def mail(request: StaffRequest, slug: str) -> HttpResponse:
    """Give a mail words of the house, or send the built-in one again."""
    kind = BY_SLUG.get(slug)
    if kind is None:
        raise Http404("No such mail.")
    own = mail_texts().get(kind)
    initial = {"subject": own.subject, "body": own.body} if own else {}
    form = MailForm(posted(request), auto_id="mail_%s", initial=initial)
    if request.method == "POST" and "reset" in request.POST:
        # Only why counts: the words that are left behind may be anything.
        form.fields["subject"].required = form.fields["body"].required = False
        if form.is_valid():
            reset_mail(actor=request.user, kind=kind, reason=form.cleaned_data["reason"])
            messages.success(request, "The built-in mail is sent again.")
            return redirect("console:house")
    elif request.method == "POST" and form.is_valid():
        try:
            set_mail(actor=request.user, kind=kind, **form.cleaned_data)
        except NotPossible as refusal:
            form.add_error("body", str(refusal))
        else:
            messages.success(request, "Saved. It holds for the next mail.")
            return redirect("console:house")
    context = {"form": form, "title": MAILS[kind], "own": own, "placeholders": PLACEHOLDERS}
    return render(request, "console/mail.html", context, status=422 if form.errors else 200)
