"""What is asked of the list of masters, as it stands in an address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django import forms

from apps.analytics.list_query import Period, Sort, Wanted, largest_first
from apps.platforms.registry import CATALOGUE, Status

MASTERS_SHOWN = 25
PERIODS = [
    (Period.WEEK.value, "7 d"),
    (Period.MONTH.value, "30 d"),
    (Period.QUARTER.value, "90 d"),
    (Period.YEAR.value, "365 d"),
    (Period.ALL.value, "All"),
]
_NO_CHOICE = "There is no such choice; take one of the list."


class Column(NamedTuple):
    """A column of the list: its heading, whether it holds numbers, and its order."""

    label: str
    numeric: bool
    sort: Sort


COLUMNS = (
    Column("Master", False, Sort.NAME),
    Column("Status", False, Sort.STATUS),
    Column("Alarms", True, Sort.ALARMS),
    Column("Followers", True, Sort.FOLLOWERS),
    Column("Money following", True, Sort.FOLLOWING),
    Column("Total P&L", True, Sort.RESULT),
    Column("Return", True, Sort.RETURN),
    Column("Win rate", True, Sort.WIN_RATE),
    Column("Max drawdown", True, Sort.DRAWDOWN),
    Column("Risk", True, Sort.RISK),
    Column("Sharpe", True, Sort.SHARPE),
)


class Heading(NamedTuple):
    """A heading that sorts: ``direction`` is aria-sort's word, '' where it does not."""

    label: str
    numeric: bool
    query: str
    direction: str


def _choice(label: str, every: str, choices: Iterable[tuple[str, str]]) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label,
        required=False,
        choices=[("", every), *choices],
        error_messages={"invalid_choice": _NO_CHOICE},
    )


class MastersFilter(forms.Form):
    """Search, filters, period and order. Whatever makes no sense counts as not given."""

    q = forms.CharField(
        label="Name or login",
        required=False,
        max_length=64,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
    status = _choice(
        "Status",
        "Every status",
        [(name, name.capitalize()) for name in
         ("active", "paused", "inactive", "pending", "rejected")],
    )  # fmt: skip
    platform = _choice(
        "Platform",
        "Every platform",
        [(p.code, p.name) for p in CATALOGUE.values() if p.status is Status.AVAILABLE],
    )
    mode = _choice("Money", "Real and demo", [("real", "Real money"), ("demo", "Demo")])
    visibility = _choice(
        "Visibility", "Public and private", [("public", "Public"), ("private", "Private")]
    )
    watch = _choice(
        "Watch",
        "All masters",
        [("alarms", "With alarms"), ("gated", "No new followers by a rule")],
    )
    period = forms.ChoiceField(choices=PERIODS, required=False, widget=forms.HiddenInput())
    sort = forms.ChoiceField(
        choices=[(c.sort.value, c.label) for c in COLUMNS],
        required=False,
        widget=forms.HiddenInput(),
    )
    reverse = forms.BooleanField(required=False, widget=forms.HiddenInput())

    #: What narrows the list.
    narrowing = ("q", "status", "platform", "mode", "visibility", "watch")

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(dict(data.items()), auto_id="filter_%s")
        page = str(data.get("page", ""))
        self.page = int(page) if page.isdecimal() and len(page) < 9 else 1
        self.is_valid()

    @property
    def chosen(self) -> dict[str, Any]:
        """What is given and makes sense."""
        return {name: value for name, value in self.cleaned_data.items() if value}

    @property
    def narrowed(self) -> bool:
        return any(name in self.chosen for name in self.narrowing)

    @property
    def period_chosen(self) -> Period:
        return Period(self.chosen.get("period", Period.QUARTER))

    @property
    def sort_chosen(self) -> Sort:
        return Sort(self.chosen.get("sort", Sort.FOLLOWERS))

    def wanted(self, *, size: int | None = None, page: int | None = None) -> Wanted:
        """The page of the list that is asked for, or another one of it."""
        chosen = self.chosen
        return Wanted(
            period=self.period_chosen,
            search=chosen.get("q", ""),
            by_login=True,
            platform=chosen.get("platform", ""),
            mode=chosen.get("mode", ""),
            statuses=[chosen["status"]] if "status" in chosen else (),
            visibility=chosen.get("visibility", ""),
            gated=chosen.get("watch") == "gated",
            alarmed=chosen.get("watch") == "alarms",
            sort=self.sort_chosen,
            reverse=bool(chosen.get("reverse")),
            page=page or self.page,
            size=size or MASTERS_SHOWN,
        )

    def params(self, **changes: Any) -> dict[str, str]:
        """What is given as parameters of an address, some of it changed; None takes one out."""
        values = {**self.chosen, "page": self.page if self.page > 1 else None, **changes}
        return {
            name: "1" if value is True else str(value)
            for name, value in values.items()
            if value not in (None, "", False)
        }

    def query(self, **changes: Any) -> str:
        return urlencode(self.params(**changes))

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What a new search keeps: period and order."""
        names = ("period", "sort", "reverse")
        return [(name, value) for name, value in self.params().items() if name in names]

    def periods(self) -> list[tuple[str, str, bool]]:
        """The periods in words, each with its query, and which one is shown."""
        shown = self.period_chosen.value
        return [(label, self.query(period=value), value == shown) for value, label in PERIODS]

    def headings(self) -> list[Heading]:
        """The headings; the one that sorts turns the order round."""
        chosen, turned = self.sort_chosen, bool(self.chosen.get("reverse"))
        found = []
        for column in COLUMNS:
            sorts = column.sort is chosen
            falling = largest_first(column.sort) != turned
            direction = ("descending" if falling else "ascending") if sorts else ""
            query = self.query(
                sort=column.sort.value, reverse=(sorts and not turned) or None, page=None
            )
            found.append(Heading(column.label, column.numeric, query, direction))
        return found
