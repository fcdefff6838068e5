"""The audit trail: who did what to what and why, to look through and to save."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

from asgiref.sync import sync_to_async
from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.audit import AuditPage, AuditSearch, search_audit
from apps.accounts.selectors import AuditRow
from apps.common.csv_files import as_file, harmless, lines, sizes_of_parts
from apps.console.access import StaffRequest, staff_page
from apps.console.audit_view import OBJECT_TYPES, changes_of, page_of
from apps.console.templatetags.audit_words import WORDS, audit_words
from apps.copytrading.ledger_filter import FIRST_DAY, LAST_DAY

SHOWN = 25
_WRONG = "Give a day like 2026-11-23."
_HEADER = (
    "at", "actor", "action", "what", "object_type", "object", "object_id", "reason", "before",
    "after",
)  # fmt: skip


def _day(label: str) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": _WRONG},
        validators=[MinValueValidator(FIRST_DAY, _WRONG), MaxValueValidator(LAST_DAY, _WRONG)],
    )


def _actions() -> list[tuple[str, str]]:
    kinds = {"customer": "Customer", "staff": "Staff"}
    named = [
        (action, f"{kinds.get(kind, OBJECT_TYPES.get(kind, kind.replace('_', ' ').title()))}: "
         f"{words[0].lower()}{words[1:]}")
        for action, words in WORDS.items()
        for kind in [action.partition(".")[0]]
    ]  # fmt: skip
    return sorted(named, key=lambda pair: pair[1])


class AuditFilter(forms.Form):
    """What of the trail is shown; days are UTC days, the last one included."""

    actor = forms.CharField(label="Who", required=False, max_length=254)
    action = forms.ChoiceField(
        label="What", required=False, choices=[("", "Everything"), *_actions()]
    )
    object_type = forms.ChoiceField(
        label="Of", required=False, choices=[("", "Anything"), *OBJECT_TYPES.items()]
    )
    text = forms.CharField(
        label="Reason, name or value",
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    since = _day("From")
    until = _day("To")
    object_id = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput())

    @property
    def chosen(self) -> dict[str, Any]:
        """What is given and makes sense; the rest is as if it were not given."""
        return {name: value for name, value in self.cleaned_data.items() if value}

    def search(self) -> AuditSearch:
        """The filter as the trail takes it."""
        chosen = self.chosen
        since, until = chosen.pop("since", None), chosen.pop("until", None)
        return AuditSearch(
            **chosen,
            since=datetime.combine(since, time(), UTC) if since else None,
            until=datetime.combine(until + timedelta(days=1), time(), UTC) if until else None,
        )


def _asked(request: StaffRequest) -> AuditFilter:
    form = AuditFilter(request.GET, auto_id="filter_%s")
    form.is_valid()
    return form


@require_safe
@staff_page()
def audit(request: StaffRequest) -> HttpResponse:
    """Entries by who, what, object, words and days, newest first. There with any module off."""
    form = _asked(request)
    page = search_audit(form.search(), cursor=request.GET.get("before"), limit=SHOWN)
    context = {
        "form": form,
        "page": page,
        "entries": [(row, changes_of(row), page_of(row)) for row in page.rows],
        "types": OBJECT_TYPES,
        **_links(request, page),
    }
    return render(request, "console/audit.html", context)


@require_safe
@staff_page()
def audit_csv(request: StaffRequest) -> StreamingHttpResponse:
    """The same as a file; filters apply."""
    return as_file(_stream(_asked(request).search()), "audit")


async def _stream(wanted: AuditSearch) -> AsyncIterator[str]:
    yield lines([_HEADER])
    cursor: str | None = None
    for size in sizes_of_parts():
        page = await sync_to_async(search_audit)(wanted, cursor=cursor, limit=size)
        yield lines(_cells(row) for row in page.rows)
        cursor = page.next_cursor
        if cursor is None:
            return


def _cells(row: AuditRow) -> tuple[str, ...]:
    at = row.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    words = (row.actor, row.action, audit_words(row.action), row.object_type, row.object_label)
    values = (json.dumps(v, ensure_ascii=False) if v else "" for v in (row.before, row.after))
    return (at, *(harmless(t) for t in (*words, row.object_id, row.reason)), *values)


def _links(request: StaffRequest, page: AuditPage) -> dict[str, str]:
    here, file = reverse("console:audit"), reverse("console:audit_csv")
    params = request.GET.copy()
    paged = params.pop("before", None)
    query = params.urlencode()
    links = {"here": here, "csv": f"{file}?{query}" if query else file}
    if paged:
        links["newest"] = f"{here}?{query}" if query else here
    if page.next_cursor:
        params["before"] = page.next_cursor
        links["older"] = f"{here}?{params.urlencode()}"
    return links
