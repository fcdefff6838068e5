"""The rows of the table beside a chart, up to a hundred of them, written without a template."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from apps.common.charts import Chart, Moment
from apps.common.components import MONTHS
from apps.common.markup import escaped


def rows(chart: Chart) -> SafeString:
    """A row for each moment, with a cell for each series and, with markers, what happened."""
    _, lines = chart.table
    noted = bool(chart.markers)
    return mark_safe(
        "".join(
            f'<tr><th scope="row" class="nowrap">{_when(line.at)}</th>'
            + "".join(f'<td class="num">{escaped(cell)}</td>' for cell in line.cells)
            + (f"<td>{escaped(line.notes)}</td>" if noted else "")
            + "</tr>"
            for line in lines
        )
    )


def _when(at: Moment) -> str:
    if not isinstance(at, datetime):
        return _day(at)
    local = timezone.localtime(at) if timezone.is_aware(at) else at
    return f"{_day(local)}, {local:%H:%M}"


def _day(at: Moment) -> str:
    return f"{at.day} {MONTHS[at.month - 1]} {at.year}"
