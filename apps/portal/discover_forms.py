"""What is asked of the list of masters, as it stands in an address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.http import QueryDict

from apps.analytics.list_query import Period, Sort, Wanted
from apps.platforms.registry import CATALOGUE
from apps.trading.money import Money

#: As many masters stand side by side.
COMPARED = 4

PERIODS = [
    (Period.WEEK, "7 d"),
    (Period.MONTH, "30 d"),
    (Period.QUARTER, "90 d"),
    (Period.YEAR, "365 d"),
    (Period.ALL, "All"),
]
SORTS = [
    (Sort.SHARPE, "Sharpe ratio"),
    (Sort.RETURN, "Highest return"),
    (Sort.DRAWDOWN, "Smallest drawdown"),
    (Sort.RISK, "Lowest risk score"),
    (Sort.EARNED, "What followers earned"),
    (Sort.FOLLOWERS, "Most followers"),
    (Sort.AGE, "Longest record"),
    (Sort.NAME, "Name"),
]
AGES = [("30", "1 month"), ("91", "3 months"), ("182", "6 months"), ("365", "1 year")]
MODES = [("real", "Real money"), ("demo", "Demo")]
_NO_CHOICE = "There is no such choice; take one of the list."


def _choice(
    label: str, every: str, choices: Iterable[tuple[str, str]], *, beside: bool = False
) -> forms.ChoiceField:
    """A choice from a list, or from a few that stand ``beside`` one another."""
    offered = [("", every), *choices] if every else list(choices)
    return forms.ChoiceField(
        label=label,
        required=False,
        choices=offered,
        widget=forms.RadioSelect if beside else forms.Select,
        error_messages={"invalid_choice": _NO_CHOICE},
    )


def _number(label: str, low: int, high: int, *, whole: bool = False) -> forms.Field:
    wrong = f"Give a number from {low:,} to {high:,}."
    kind = forms.IntegerField if whole else forms.DecimalField
    attrs = {"inputmode": "decimal", "step": 1 if whole else "any"}
    return kind(
        label=label,
        required=False,
        min_value=low,
        max_value=high,
        widget=forms.NumberInput(attrs=attrs),
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), wrong),
    )


class DiscoverForm(forms.Form):
    """Search, filters, order and look of the list; all of it stands in the address.

    ``accounts`` are the customer's own as (value, label), ``platforms`` those in use and
    ``symbols`` what masters trade; ``currency`` is that of the minimum investment. Whatever makes
    no sense counts as not given.
    """

    q = forms.CharField(
        label="Search",
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
    sort = _choice("Order", "", SORTS)
    account = _choice("Copied by my account", "", ())
    period = _choice("Period", "", PERIODS, beside=True)
    view = _choice("View", "", [("cards", "Cards"), ("table", "Table")], beside=True)
    returned = _number("Return at least", -100, 100_000)
    drawdown = _number("Drawdown at most", 0, 100)
    risk = _number("Risk score at most", 1, 10, whole=True)
    investment = _number("Minimum investment at most", 0, 1_000_000_000)
    followers = _number("Followers at least", 0, 1_000_000, whole=True)
    age = _choice("Record at least", "Any", AGES)
    symbol = forms.CharField(
        label="Instrument",
        required=False,
        max_length=64,
        widget=forms.TextInput(attrs={"list": "symbols", "autocapitalize": "characters"}),
    )
    platform = _choice("Platform", "Every platform", ())
    mode = _choice("Money", "Real and demo", MODES)
    free = forms.BooleanField(label="Takes new followers now", required=False)

    filters = (
        "returned", "drawdown", "risk", "age", "followers", "investment", "symbol", "platform",
        "mode", "free",
    )  # fmt: skip
    units = {"returned": "%", "drawdown": "%", "risk": "of 10"}
    initials = {
        "sort": Sort.SHARPE.value,
        "period": Period.QUARTER.value,
        "view": "cards",
        "account": "",
    }

    def __init__(
        self,
        data: QueryDict,
        *,
        accounts: Sequence[tuple[str, str]],
        platforms: Iterable[str],
        symbols: Sequence[str] = (),
        currency: str = "USD",
    ) -> None:
        shown = {name: value for name, value in self.initials.items() if not data.get(name)}
        super().__init__({**data.dict(), **shown}, auto_id="filter_%s")
        self.symbols, self.currency = symbols, currency
        self.accounts = [value for value, _ in accounts]
        self._offer("account", list(accounts))
        self._offer("platform", [("", "Every platform"), *map(_platform, platforms)])
        self.compared = tuple(dict.fromkeys(_uuids(data.getlist("m"))))[:COMPARED]
        self.page = int(page) if (page := data.get("page", "")).isdecimal() and len(page) < 9 else 1
        self.is_valid()

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    @cached_property
    def chosen(self) -> Mapping[str, Any]:
        """What is given and makes sense."""
        given = {name: self.cleaned_data.get(name) for name in self.fields}
        return {name: value for name, value in given.items() if value not in (None, "", False)}

    @property
    def narrowed(self) -> bool:
        """Whether any filter besides the search is in use, or was given what makes no sense."""
        return any(name in self.chosen or name in self.errors for name in self.filters)

    @property
    def filter_fields(self) -> list[tuple[forms.BoundField, str]]:
        """The fields of the filters, each with its unit."""
        units = {**self.units, "investment": self.currency}
        return [(self[name], units.get(name, "")) for name in self.filters]

    @cached_property
    def period_chosen(self) -> Period:
        return Period(self.chosen.get("period", self.initials["period"]))

    @property
    def period_words(self) -> str:
        days = self.period_chosen.days
        return f"{days} days" if days else "whole record"

    @property
    def in_table(self) -> bool:
        return self.chosen.get("view") == "table"

    @property
    def account_chosen(self) -> str:
        """The account that is asked for, else the first; '' without any."""
        return str(self.chosen.get("account", self.accounts[0] if self.accounts else ""))

    def wanted(self) -> Wanted:
        """The list that is asked for."""
        chosen = self.chosen
        invested = chosen.get("investment")
        return Wanted(
            period=self.period_chosen,
            search=chosen.get("q", ""),
            min_return=_fraction(chosen.get("returned")),
            max_drawdown=_fraction(chosen.get("drawdown")),
            max_risk=chosen.get("risk"),
            min_days=int(chosen["age"]) if "age" in chosen else None,
            symbol=chosen.get("symbol", ""),
            min_followers=chosen.get("followers"),
            investment=Money(invested, self.currency) if invested is not None else None,
            platform=chosen.get("platform", ""),
            mode=chosen.get("mode", ""),
            open_only=bool(chosen.get("free")),
            sort=Sort(chosen.get("sort", self.initials["sort"])),
            page=self.page,
        )

    # --- addresses -----------------------------------------------------------------------------
    def query(self, **changes: Any) -> str:
        """The query string of this list with some parts changed; None takes one out.

        What is as it is anyway is left out, so that one list has one address.
        """
        values = {name: _written(value) for name, value in self.chosen.items()}
        values = {n: v for n, v in values.items() if v != self.initials.get(n)}
        more: dict[str, Any] = {**values, "m": [str(uuid) for uuid in self.compared]}
        if self.page > 1:
            more["page"] = self.page
        more.update(changes)
        if more.get("period") == self.initials["period"]:
            more["period"] = None
        return urlencode({n: v for n, v in more.items() if v not in (None, "", [])}, doseq=True)

    @property
    def unfiltered(self) -> str:
        """The list without search and filters."""
        return self.query(q=None, page=None, **dict.fromkeys(self.filters))

    def with_page(self, page: int) -> str:
        return self.query(page=page if page > 1 else None)

    def without(self, name: str) -> str:
        return self.query(**{name: None, "page": None})

    def toggled(self, uuid: UUID) -> str:
        """The list with a master put beside those that are compared, or taken away."""
        rest = [str(one) for one in self.compared if one != uuid]
        return self.query(m=rest if uuid in self.compared else [*rest, str(uuid)])

    def periods(self) -> list[tuple[str, str, bool]]:
        """The periods in words, each with the address of the page over it, and the present one."""
        chosen = self.period_chosen
        return [
            (label, self.query(period=period.value), period is chosen) for period, label in PERIODS
        ]

    def chips(self) -> list[tuple[str, str]]:
        """What narrows the list, in words, each with the address of the list without it."""
        chosen = self.chosen
        chips = [
            (f"{self.fields[name].label} {self._said(name)}".strip(), self.without(name))
            for name in self.filters
            if name in chosen
        ]
        if "q" in chosen:
            chips.insert(0, (f"“{chosen['q']}”", self.without("q")))
        return chips

    @property
    def refused(self) -> list[tuple[str, str]]:
        """Filters that were given and make no sense: their names, and what is wrong."""
        wrong = [(name, self.errors[name][0]) for name in self.filters if name in self.errors]
        return [(str(self.fields[name].label), str(why)) for name, why in wrong]

    def _said(self, name: str) -> str:
        field, value = self.fields[name], self.chosen[name]
        if isinstance(field, forms.ChoiceField):
            return next(
                str(option.choice_label) for option in self[name] if option.data["selected"]
            )
        if isinstance(field, forms.BooleanField):
            return ""
        unit = self.currency if name == "investment" else self.units.get(name, "")
        return f"{_written(value)} {unit}".strip()


def _written(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return "1" if value is True else str(value)


def _fraction(percent: Decimal | None) -> float | None:
    return None if percent is None else float(percent) / 100


def _platform(code: str) -> tuple[str, str]:
    return code, CATALOGUE[code].name if code in CATALOGUE else code


def _uuids(values: Iterable[str]) -> list[UUID]:
    found = []
    for value in values:
        try:
            found.append(UUID(value))
        except ValueError:
            continue
    return found
