"""Alarms about masters: the list, the evidence of one, and acknowledging them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.roles import Permission
from apps.accounts.selectors import may
from apps.analytics.alarm_records import STATES
from apps.analytics.api import acknowledge_alarms
from apps.analytics.selectors import alarm_by_uuid, alarm_history, alarms_chosen
from apps.common.htmx import render_page
from apps.common.live_pages import show
from apps.console.access import StaffRequest, staff_page
from apps.console.confirming import Asked, confirm
from apps.console.forms import ReasonForm
from apps.console.live_alarms import ALARMS, KINDS, SHOWN, advice, forget_count, shown

_MOST = 200


class NoteForm(ReasonForm):
    """What whoever acknowledges an alarm found or did."""

    reason = forms.CharField(
        label="Note",
        max_length=500,
        help_text="What you found or did; kept beside the alarm and in the audit trail.",
        error_messages={"required": "Say what you found or did; colleagues read it."},
    )
    alarm = forms.Field(required=False, widget=forms.MultipleHiddenInput)


class EvidenceTrade(NamedTuple):
    """A trade that shows what is unusual; ``result`` in the account's currency."""

    what: str
    symbol: str
    side: str
    lots: Decimal
    price: str
    at: datetime
    result: Decimal | None


@require_safe
@staff_page(copy_trading=True)
def alarm_list(request: StaffRequest) -> HttpResponse:
    """Alarms by state, kind and master, newest first; those that are open at first."""
    given = {name: request.GET.get(name, "").strip()[:64] for name in ("name", "below")}
    given["state"] = _one_of(request.GET.get("state", ""), dict(STATES))
    given["kind"] = _one_of(request.GET.get("kind", ""), dict(KINDS))
    params = {name: value for name, value in given.items() if value}
    rows = shown(params)
    older = {**params, "below": rows[SHOWN - 1].id} if len(rows) > SHOWN else {}
    context = {
        "live": show(ALARMS, request.user, params),
        "states": list(STATES.items()),
        "kinds": KINDS,
        "chosen": given,
        "older": urlencode(older),
        "may_act": may(request.user, Permission.INTERVENE),
    }
    return render(request, "console/alarms.html", context)


@require_safe
@staff_page(copy_trading=True)
def alarm(request: StaffRequest, uuid: UUID) -> HttpResponse:
    """One alarm: what was found, the trades that show it, what to do, who looks after it."""
    found = alarm_by_uuid(uuid)
    if found is None:
        raise Http404("There is no such alarm.")
    may_act = may(request.user, Permission.INTERVENE)
    sentence, steps = advice(found, may_act=may_act)
    context = {
        "alarm": found,
        "numbers": found.evidence.get("numbers", []),
        "trades": [_trade(row) for row in found.evidence.get("trades", [])],
        "advice": sentence,
        "steps": steps,
        "may_act": may_act,
        "history": [row for row in alarm_history(found.master_id) if row.uuid != uuid],
    }
    return render(request, "console/alarm.html", context)


@require_http_methods(["GET", "POST"])
@staff_page(Permission.INTERVENE, copy_trading=True)
def acknowledge(request: StaffRequest) -> HttpResponse:
    """Acknowledge the chosen alarms: GET says which, POST does it with a note."""
    chosen = [row for row in alarms_chosen(_chosen(request)) if row.acknowledged_at is None]
    if not chosen:
        return render_page(
            request,
            "console/no_alarm_chosen.html",
            {},
            fragments={"dialog-body": "dialog"},
        )
    several = len(chosen) > 1
    lines = [
        "They stay open until what they tell of is over; colleagues see that you look after them."
        if several
        else "It stays open until what it tells of is over; colleagues see that you look after it.",
        *(f"{row.strategy_name}: {row.text}" for row in chosen[:10]),
    ]
    if len(chosen) > 10:
        lines.append(f"And {len(chosen) - 10} more.")
    asked = Asked(
        f"Acknowledge {len(chosen)} alarms" if several else "Acknowledge this alarm",
        lines,
        "Acknowledge",
        reverse("console:alarms") if several else reverse("console:alarm", args=[chosen[0].uuid]),
    )

    def act(form: forms.Form) -> str:
        uuids = [row.uuid for row in chosen]
        done = acknowledge_alarms(actor=request.user, uuids=uuids, note=form.cleaned_data["reason"])
        forget_count()
        return f"{done} alarm{'s' if done != 1 else ''} acknowledged."

    initial = {"alarm": [str(row.uuid) for row in chosen]}
    return confirm(request, asked, act, NoteForm, initial=initial)


def _chosen(request: StaffRequest) -> list[UUID]:
    """The alarms that were ticked; what names none is not one."""
    given = request.POST if request.method == "POST" else request.GET
    found = set()
    for text in given.getlist("alarm")[:_MOST]:
        try:
            found.add(UUID(text))
        except ValueError:
            continue
    return sorted(found)


def _one_of(value: str, known: Mapping[str, str]) -> str:
    return value if value in known else ""


def _trade(row: Mapping[str, Any]) -> EvidenceTrade:
    """As it was stored, see :class:`apps.analytics.domain.alarms.Found`."""
    return EvidenceTrade(
        row["what"],
        row["symbol"],
        row["side"],
        Decimal(row["lots"]),
        row["price"],
        datetime.fromisoformat(row["at"]),
        None if row["result"] is None else Decimal(row["result"]),
    )
