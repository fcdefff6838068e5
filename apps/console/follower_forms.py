"""What is asked of a list of followers, as it stands in an address, and what is done with some."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.http import QueryDict

from apps.analytics.follower_query import Level, Sort, State, Wanted
from apps.console.forms import ReasonForm
from apps.platforms.registry import CATALOGUE, Status

LEVELS = [
    (Level.AT_RISK, "At risk"),
    (Level.CRITICAL, "Critical"),
    (Level.WARNING, "Warning"),
    (Level.ALL, "All"),
]
STATES = [
    (State.COPYING, "Copying"),
    (State.PAUSED, "Paused"),
    (State.STOPPED, "Stopped, still holding"),
]
SORTS = [
    (Sort.MARGIN, "Most margin used"),
    (Sort.LEVERAGE, "Highest leverage"),
    (Sort.NEWEST, "Newest"),
    (Sort.RETURN, "Worst return"),
    (Sort.ACCOUNT, "Account"),
    (Sort.MASTER, "Master"),
]
_NO_CHOICE = "There is no such choice; take one of the list."


def _choice(label: str, every: str, choices: Iterable[tuple[str, str]]) -> forms.ChoiceField:
    offered = [("", every), *choices] if every else list(choices)
    return forms.ChoiceField(
        label=label,
        required=False,
        choices=offered,
        error_messages={"invalid_choice": _NO_CHOICE},
    )


class FollowersFilter(forms.Form):
    """Level, filters, search and order; all of it stands in the address.

    ``masters`` are (value, label) to choose from, None on the page of one master. ``level`` is
    what is listed without a choice. Whatever makes no sense counts as not given.
    """

    q = forms.CharField(
        label="Login or customer",
        required=False,
        max_length=64,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
    level = _choice("Level", "", LEVELS)
    master = _choice("Master", "All masters", ())
    state = _choice("State", "Every state", STATES)
    platform = _choice(
        "Platform",
        "Every platform",
        [(p.code, p.name) for p in CATALOGUE.values() if p.status is Status.AVAILABLE],
    )
    sort = _choice("Order", "", SORTS)
    customer = forms.UUIDField(required=False, widget=forms.HiddenInput())

    def __init__(
        self,
        data: QueryDict | Mapping[str, str],
        *,
        level: Level,
        masters: Sequence[tuple[str, str]] | None = None,
    ) -> None:
        plain: dict[str, Any] = data.dict() if isinstance(data, QueryDict) else dict(data)
        self.initials = {"level": level.value, "sort": Sort.MARGIN.value}
        shown = {name: value for name, value in self.initials.items() if not plain.get(name)}
        super().__init__({**plain, **shown}, auto_id="filter_%s")
        page = plain.get("page", "")
        self.page = int(page) if page.isdecimal() and len(page) < 9 else 1
        if masters is None:
            del self.fields["master"]
        else:
            self.fields["master"] = _choice("Master", "All masters", masters)
        self.is_valid()

    @property
    def visible(self) -> list[forms.BoundField]:
        """What stands in the row of filters; levels stand above it."""
        return [field for field in self.visible_fields() if field.name != "level"]

    @property
    def chosen(self) -> dict[str, str]:
        """What is given, makes sense and is not so anyway."""
        given = {name: str(self.cleaned_data.get(name) or "") for name in self.fields}
        return {n: v for n, v in given.items() if v and v != self.initials.get(n)}

    @property
    def narrowed(self) -> bool:
        """Whether anything but level and order is asked for."""
        return bool(self.chosen.keys() - {"level", "sort"})

    @property
    def level_chosen(self) -> Level:
        return Level(self.cleaned_data.get("level") or self.initials["level"])

    @property
    def sort_chosen(self) -> str:
        return str(self.cleaned_data.get("sort") or Sort.MARGIN.value)

    def wanted(self, master_id: int | None = None) -> Wanted:
        """The list that is asked for, of one master where it is given."""
        chosen = self.chosen
        return Wanted(
            level=self.level_chosen,
            state=chosen.get("state", ""),
            platform=chosen.get("platform", ""),
            master_id=master_id,
            master=UUID(chosen["master"]) if "master" in chosen else None,
            customer=UUID(chosen["customer"]) if "customer" in chosen else None,
            text=chosen.get("q", ""),
            sort=Sort(chosen.get("sort", Sort.MARGIN)),
            page=self.page,
        )

    def params(self) -> dict[str, str]:
        """What the socket of this page is asked for."""
        return {**self.chosen, **({"page": str(self.page)} if self.page > 1 else {})}

    # --- addresses -----------------------------------------------------------------------------
    def query(self, **changes: Any) -> str:
        """The query string of this list with some parts changed; None takes one out."""
        values = {**self.params(), **changes}
        return urlencode({n: v for n, v in values.items() if v and v != self.initials.get(n)})

    def with_page(self, page: int) -> str:
        return self.query(page=str(page) if page > 1 else None)

    @property
    def levels(self) -> list[tuple[str, str, bool]]:
        """The levels in words, each with the address of the list of it, and the present one."""
        return [
            (label, self.query(level=level.value, page=None), level is self.level_chosen)
            for level, label in LEVELS
        ]


class PauseForm(ReasonForm):
    """Why copies are paused or resumed; ``chosen`` names them as the dialog showed them."""

    chosen = forms.CharField(widget=forms.HiddenInput)


class StopForm(PauseForm):
    """Why copies are stopped, and what becomes of their positions."""

    close_positions = forms.TypedChoiceField(
        label="Open positions",
        choices=[("1", "Close positions"), ("0", "Keep them")],
        coerce=lambda value: value == "1",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what becomes of the open positions."},
    )
