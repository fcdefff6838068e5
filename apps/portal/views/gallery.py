"""Every component of the product in both themes, for those who build and judge it."""

from __future__ import annotations

from decimal import Decimal

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.accounts.selectors import is_staff_member
from apps.common.navigation import NavItem


class SampleForm(forms.Form):
    """Fields in their states: plain, with help, wrong, a choice, a check."""

    name = forms.CharField(label="Name", initial="Harbour Swing")
    multiplier = forms.DecimalField(
        label="Multiplier", initial=Decimal("0.5"), help_text="0.5 copies half the volume."
    )
    volume = forms.DecimalField(label="Fixed volume", min_value=Decimal("0.01"))
    rounding = forms.ChoiceField(
        label="When the volume is too small",
        choices=[("skip", "Skip the trade"), ("round_up", "Take the smallest volume")],
        widget=forms.RadioSelect,
        initial="skip",
    )
    stops = forms.BooleanField(
        label="Copy stop loss", help_text="Your stop follows the master's.", required=False
    )


@require_safe
def gallery(request: HttpRequest) -> HttpResponse:
    """For staff, and for everybody on a machine that runs with DEBUG."""
    if not (settings.DEBUG or is_staff_member(request.user)):
        raise Http404("No such page.")
    data = {"name": "Harbour Swing", "multiplier": "0.5", "volume": "0", "rounding": "skip"}
    wrong = {theme: SampleForm(data, auto_id=f"{theme}_%s") for theme in ("light", "dark")}
    context = {
        "themes": [{"name": name, "form": form} for name, form in wrong.items()],
        "now": timezone.now(),
        "values": [Decimal(v) for v in (10, 12, 11, 15, 14, 18, 17, 21, 19, 24)],
        "hops": [1.2, 3.1, 2.4, 5.0],
        "gain": Decimal("1284.5"),
        "loss": Decimal("-312.07"),
        "zero": Decimal(0),
        "unknown": None,
        "lots": Decimal("0.24"),
        "price": Decimal("1.0921"),
        "samples": [
            NavItem("My copying", "#my-copying", True),
            NavItem("Accounts", "#accounts", False),
        ],
    }
    return render(request, "portal/gallery.html", context)
