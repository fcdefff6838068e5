"""The parts of a master's page with most figures, written without a template."""

from __future__ import annotations

from collections.abc import Iterable

from django import template
from django.utils.safestring import SafeString, mark_safe

from apps.analytics.master_tables import Month, ShownFigure, Year
from apps.common.markup import escaped
from apps.common.templatetags.figures import signed_percent

register = template.Library()


@register.filter
def month_rows(years: Iterable[Year]) -> SafeString:
    """A row for each year with its twelve months and its whole."""
    return mark_safe(
        "".join(
            f'<tr><th scope="row">{year.year}</th>'
            + "".join(_cell(month, "num") for month in year.months)
            + _cell(year.total, "num strong")
            + "</tr>"
            for year in years
        )
    )


def _cell(month: Month, kind: str) -> str:
    if month.value is None:
        shown = '<span class="muted">–</span>'
    else:
        shown = escaped(signed_percent(month.value, 1))
    return f'<td class="{kind} {month.wash}">{shown}</td>'


@register.filter
def explained(figures: Iterable[ShownFigure]) -> SafeString:
    """Each figure, and folded under it what it means, its formula and where that is from."""
    return mark_safe("".join(map(_explained, figures)))


def _explained(figure: ShownFigure) -> str:
    about = figure.definition
    source = f'<p class="muted">Source: {escaped(about.source)}</p>' if about.source else ""
    return (
        f'<details class="explained"><summary><span class="explained-name">{escaped(about.label)}'
        f'</span> <span class="{"figure" if figure.known else "explained-none"}">'
        f"{escaped(figure.text)}</span></summary>"
        f'<div class="explained-why"><p>{escaped(about.explanation)}</p>'
        '<p class="formula"><span class="visually-hidden">Formula: </span>'
        f"{escaped(about.formula)}</p>{source}</div></details>"
    )
