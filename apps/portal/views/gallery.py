"""Every component of the product in both themes, for those who build and judge it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from math import sin

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.accounts.selectors import is_staff_member
from apps.analytics.domain.breakdown import Part
from apps.analytics.domain.qualification import Record, Rules, checks
from apps.analytics.master_tables import Bars, breakdowns
from apps.analytics.selectors import Breakdown
from apps.common.charts import Chart, Marker, Series
from apps.common.navigation import NavItem
from apps.portal.health import Health
from apps.trading.orders import Side


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
    period = forms.ChoiceField(
        label="Period",
        choices=[("30", "30 d"), ("90", "90 d"), ("all", "All")],
        widget=forms.RadioSelect,
    )
    stops = forms.BooleanField(
        label="Copy stop loss", help_text="Your stop follows the master's.", required=False
    )


@cache
def sample_charts(theme: str) -> dict[str, Chart]:
    """Curves in the shapes that pages show: with deposits, several at once, bars by sign."""
    start = date(2026, 1, 1)
    days = [start + timedelta(days=n) for n in range(180)]
    equity = [10_000 + 18 * n + 900 * sin(n / 9) + 300 * sin(n / 2.3) for n in range(180)]
    highs = [max(equity[: n + 1]) for n in range(180)]
    names = ("Harbour Swing", "Quickstep Scalping", "North Grid", "Slow Carry")
    return {
        "curves": Chart(
            f"curves-{theme}",
            "Equity and drawdown",
            [
                Series("Equity", list(zip(days, equity, strict=True)), "area", currency="USD"),
                Series(
                    "Drawdown",
                    [(d, e / h - 1) for d, e, h in zip(days, equity, highs, strict=True)],
                    "baseline", "percent", tone="loss", pane=1,
                ),
            ],
            [
                Marker(days[40], "Deposit +2,500.00 USD", "deposit"),
                Marker(days[120], "Withdrawal −1,000.00 USD", "withdrawal"),
            ],
        ),
        "compared": Chart(
            f"compared-{theme}",
            "Masters compared",
            [
                Series(
                    name,
                    [(d, n * (5 - k) / 4000 + 0.06 * sin(n / (7 + 4 * k))) for n, d in
                     enumerate(days)],
                    unit="percent",
                )
                for k, name in enumerate(names)
            ],
        ),
        "months": Chart(
            f"months-{theme}",
            "Result by month",
            [
                Series(
                    "Result",
                    [(date(2025 + m // 12, m % 12 + 1, 1), 420 * sin(m * 1.7) + 90)
                     for m in range(18)],
                    "histogram", currency="USD", tone="sign",
                )
            ],
        ),
    }  # fmt: skip


def sample_bars() -> Bars:
    """Results by symbol, one of them lost."""
    parts = {
        "EURUSD": Part(42, 25, 17, Decimal("1284.5")),
        "GBPJPY": Part(18, 9, 9, Decimal("-312.07")),
        "XAUUSD": Part(3, 0, 0, Decimal(0)),
    }
    return breakdowns(Breakdown(parts, dict.fromkeys(Side, Part()), [Part()] * 7, [Part()] * 24))[0]


def _samples(show: str, theme: str) -> Mapping[str, object]:
    """Charts, or a form that was filled in with a mistake."""
    if show == "charts":
        return sample_charts(theme)
    data = {
        "name": "Harbour Swing",
        "multiplier": "0.5",
        "volume": "0",
        "rounding": "skip",
        "period": "90",
    }
    return {"form": SampleForm(data, auto_id=f"{theme}_%s")}


@require_safe
def gallery(request: HttpRequest) -> HttpResponse:
    """For staff, and for all on a machine that runs with DEBUG; charts have a page of theirs."""
    if not (settings.DEBUG or is_staff_member(request.user)):
        raise Http404("No such page.")
    show = "charts" if request.GET.get("show") == "charts" else "components"
    context = {
        "show": show,
        "kinds": [("components", "Components"), ("charts", "Charts")],
        "themes": [{"name": theme, **_samples(show, theme)} for theme in ("light", "dark")],
        "now": timezone.now(),
        "bars": sample_bars(),
        "values": [Decimal(v) for v in (10, 12, 11, 15, 14, 18, 17, 21, 19, 24)],
        "hops": [1.2, 3.1, 2.4, 5.0],
        "healths": [
            Health("good", "Connected", ""),
            Health("warn", "Connecting", "Just wait."),
            Health("bad", "Access refused", "Give access again."),
        ],
        "checks": checks(
            Rules(30, 20, Decimal(1000), Decimal(50)),
            Record(212, 9, Decimal("4120.50"), Decimal("17.3")),
        ),
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
