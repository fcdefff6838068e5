"""What all masters that a customer follows mean together."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import NamedTuple

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from apps.analytics.selectors import MasterCorrelations, exposure_of, master_correlations
from apps.common.templatetags.figures import correlation
from apps.copytrading.selectors import subscriptions_of
from apps.portal.access import SignedInRequest, copy_trading_page

#: Masters in the table of correlations; more cannot be read any more.
MASTERS_COMPARED = 15


class Cell(NamedTuple):
    """A pair of masters: how alike they move, the class of its shade, and what that means."""

    value: float | None
    days: int
    shade: str
    words: str


class HeatRow(NamedTuple):
    """One master against all others; None is itself."""

    number: int
    name: str
    cells: list[Cell | None]

    @property
    def written(self) -> str:
        """Its cells as they stand in the table; two hundred of them are dear in a template."""
        return format_html_join("", "{}", ((_written(cell),) for cell in self.cells))


@require_safe
@copy_trading_page
def exposure(request: SignedInRequest) -> HttpResponse:
    """Net by symbol and currency, hedges between masters, and how alike they move."""
    rows = subscriptions_of(user=request.user)
    names = {row.master_id: row.strategy_name for row in rows}
    accounts = {row.master_id: row.master_account_id for row in rows}
    compared = list(accounts)[:MASTERS_COMPARED]
    yesterday = timezone.now().astimezone(UTC).date() - timedelta(days=1)
    found = master_correlations([accounts[pk] for pk in compared], until=yesterday)
    context = {
        "follows": bool(rows),
        "tables": exposure_of(request.user),
        "names": names,
        "heat": heat([names[pk] for pk in compared], found),
        "left_out": len(accounts) - len(compared),
    }
    return render(request, "portal/copying/exposure.html", context)


def heat(names: list[str], found: MasterCorrelations) -> list[HeatRow]:
    """The table of correlations, a row and a column for each master."""
    return [
        HeatRow(
            row + 1,
            name,
            [
                None if row == column else _cell(value, found.days[row][column])
                for column, value in enumerate(found.values[row])
            ],
        )
        for row, name in enumerate(names)
    ]


def _cell(value: float | None, days: int) -> Cell:
    if value is None:
        return Cell(None, days, "none", "too few days in common, or one never moved")
    strength = min(4, int(abs(value) * 5))
    shade = f"{'with' if value >= 0 else 'against'}-{strength}"
    words = next(words for limit, words in _WORDS if value >= limit)
    return Cell(value, days, shade, words)


def _written(cell: Cell | None) -> str:
    if cell is None:
        return mark_safe(
            '<td class="num heat-self"><span class="visually-hidden">itself</span></td>'
        )
    return format_html(
        '<td class="num heat-{}" title="{} days in common: {}">{}</td>',
        cell.shade,
        cell.days,
        cell.words,
        _NONE if cell.value is None else correlation(cell.value),
    )


_NONE = mark_safe('<span class="muted">–</span>')
_WORDS = (
    (0.7, "move nearly alike: following both is one bet, twice"),
    (0.3, "often move alike"),
    (-0.3, "move independently"),
    (-0.7, "often move against each other"),
    (-1.1, "move against each other: one takes what the other earns"),
)
