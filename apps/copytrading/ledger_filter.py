"""The form by which people look through the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpRequest

from apps.copytrading.codes import CODE_CHOICES, STATE_CHOICES
from apps.copytrading.domain.events import EventKind
from apps.copytrading.ledger import Search
from apps.copytrading.rows import OutcomePage

KIND_CHOICES = [
    (EventKind.OPENED.value, "Opened"),
    (EventKind.INCREASED.value, "Added"),
    (EventKind.REDUCED.value, "Partly closed"),
    (EventKind.CLOSED.value, "Closed"),
    (EventKind.REVERSED.value, "Reversed"),
    (EventKind.PROTECTION.value, "Moved stops"),
    (EventKind.EXISTING.value, "Taken over"),
    (EventKind.PLACED.value, "Order placed"),
    (EventKind.AMENDED.value, "Order changed"),
    (EventKind.CANCELLED.value, "Order cancelled"),
    (EventKind.EXPIRED.value, "Order expired"),
]


# Room on both sides for the arithmetic with days and clocks.
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2999, 12, 31)


def _date(label: str) -> forms.DateField:
    wrong = "Give a day like 2026-11-23."
    return forms.DateField(
        label=label,
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": wrong},
        validators=[MinValueValidator(FIRST_DAY, wrong), MaxValueValidator(LAST_DAY, wrong)],
    )


def _choice(label: str, every: str, choices: Sequence[tuple[str, str]]) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label,
        required=False,
        choices=[("", every), *choices],
        error_messages={"invalid_choice": "There is no such choice; take one of the list."},
    )


_EVERY = {"copy": ("Copy", "All copies"), "master": ("Master", "All masters")}


class LedgerFilter(forms.Form):
    """Filters of a ledger page; ``copies`` and ``masters`` are (value, label) to choose from."""

    copy = _choice(*_EVERY["copy"], ())
    master = _choice(*_EVERY["master"], ())
    state = _choice("Outcome", "Every outcome", STATE_CHOICES)
    code = _choice("Reason", "Every reason", CODE_CHOICES)
    kind = _choice("Master's trade", "Everything", KIND_CHOICES)
    symbol = forms.CharField(label="Symbol", required=False, max_length=64)
    since = _date("From")
    until = _date("To")
    account = forms.CharField(label="Account", required=False, max_length=64)
    text = forms.CharField(
        label="Message or id",
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search"}),
    )

    def __init__(
        self,
        data: Mapping[str, Any],
        *,
        copies: Sequence[tuple[str, str]] | None = None,
        masters: Sequence[tuple[str, str]] | None = None,
        accounts: bool = False,
    ) -> None:
        super().__init__(data, auto_id="filter_%s")
        for name, choices in (("copy", copies), ("master", masters)):
            if choices is None:
                del self.fields[name]
            else:
                self.fields[name] = _choice(*_EVERY[name], choices)
        if accounts:  # staff reach a copy by a link from one of its outcomes
            self.fields["copy"] = forms.UUIDField(required=False, widget=forms.HiddenInput())
        else:
            del self.fields["account"]
        self.is_valid()

    @property
    def chosen(self) -> dict[str, Any]:
        """What is given and makes sense; the rest is as if it were not given."""
        return {name: value for name, value in self.cleaned_data.items() if value}

    def within(self, scope: Search) -> Search:
        """The scope, narrowed to what is chosen. Days are UTC days, the last one included."""
        chosen = self.chosen
        plain = {
            name: chosen[name]
            for name in ("state", "code", "kind", "symbol", "text")
            if name in chosen
        }
        since, until = chosen.get("since"), chosen.get("until")
        return replace(
            scope,
            **plain,
            since=datetime.combine(since, time(), UTC) if since else None,
            until=datetime.combine(until + timedelta(days=1), time(), UTC) if until else None,
        )


def ledger_links(request: HttpRequest, page: OutcomePage, here: str, csv: str) -> dict[str, str]:
    """Addresses of the page without filters, the newest and the older page, and the file."""
    params = request.GET.copy()
    paged = params.pop("before", None)
    query = params.urlencode()
    links = {"here": here, "csv": f"{csv}?{query}" if query else csv}
    if paged:
        links["newest"] = f"{here}?{query}" if query else here
    if page.next_cursor:
        params["before"] = page.next_cursor
        links["older"] = f"{here}?{params.urlencode()}"
    return links


def after_of(request: HttpRequest) -> int:
    """The place in a chain behind which a check goes on."""
    after = request.POST.get("after", "")
    return int(after) if after.isdecimal() and len(after) < 19 else 0
