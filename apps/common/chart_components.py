"""Charts and bars as pages show them, written without a template as those of ``components.py``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from django.utils import timezone
from django.utils.safestring import mark_safe

from apps.common.charts import Chart, Moment, Series
from apps.common.components import MONTHS, Given, Write
from apps.common.markup import escaped
from apps.common.panels import table
from apps.common.templatetags.figures import percent, signed, spark_path, tone

_BARS = '<path class="bars" d="M2 10V4h4v6M8 10V1h4v9M14 10V6h4v4" />'
_LINE = '<path d="M0 5h20" />'
_CREDIT = (
    '<p class="chart-credit"><a href="https://www.tradingview.com/" rel="noopener noreferrer">'
    "Lightweight Charts™</a> © TradingView, Inc.</p>"
)


def chart(given: Given, slot: str) -> str:
    """A ``chart`` of a ``size`` (s, m, l): its legend, its plot, and all of it as a table."""
    it: Chart = given["chart"]
    size = escaped(given.get("size") or "m")
    legend = "".join(_legend(*look) for look in it.looks)
    when = credit = ""
    if it.times:
        when = f'<span class="chart-when figure" data-chart-when>{it.until}</span>'
        plot, credit = _plot(it), _CREDIT
    else:
        plot = '<p class="chart-plot chart-none">No data yet</p>'
    return (
        f'<figure class="chart chart-{size}" id="{it.key}" data-chart="{it.data_id}" '
        f'aria-label="{escaped(it.title)}"><div class="chart-head">'
        f'<ul class="chart-legend">{legend}</ul>{when}</div>{plot}'
        f'<div class="chart-foot">{_table(it)}{credit}</div>{_data(it)}</figure>'
    )


def _legend(series: Series, colour: str, dash: str) -> str:
    drawing = _BARS if series.kind == "histogram" else _LINE
    return (
        f'<li><svg class="chart-swatch series-{colour} dash-{dash}" viewBox="0 0 20 10" '
        f'aria-hidden="true">{drawing}</svg><span>{escaped(series.name)}</span> '
        f'<span class="figure" data-chart-value>{escaped(series.last)}</span></li>'
    )


def _plot(it: Chart) -> str:
    """Where the browser draws; without scripts, the lines of the first pane."""
    summary = escaped(it.summary)
    lines = "".join(
        f'<path class="series-{colour} dash-{dash}" d="{spark_path(series.line)}" />'
        for series, colour, dash in it.looks
        if series.pane == 0
    )
    return (
        f'<div class="chart-plot" data-chart-plot data-label="{summary} Arrow keys move through '
        'the values."><noscript><svg viewBox="0 0 100 24" preserveAspectRatio="none" role="img" '
        f'aria-label="{summary}">{lines}</svg></noscript></div>'
        '<p class="visually-hidden" aria-live="polite" data-chart-said></p>'
    )


def _table(it: Chart) -> str:
    """A row for each moment, with a cell for each series and, with markers, what happened."""
    span, lines = it.table
    if not lines:
        return ""
    noted = bool(it.markers)
    head = (
        f'<th scope="col">{"Time" if it.times_of_day else "Day"} (UTC)</th>'
        + "".join(f'<th scope="col" class="num">{escaped(one.name)}</th>' for one in it.series)
        + ('<th scope="col">What happened</th>' if noted else "")
    )
    rows = "".join(
        f'<tr><th scope="row" class="nowrap">{_when(line.at)}</th>'
        + "".join(f'<td class="num">{escaped(cell)}</td>' for cell in line.cells)
        + (f"<td>{escaped(line.notes)}</td>" if noted else "")
        + "</tr>"
        for line in lines
    )
    caption = f"{it.title}, last value of each {span}" if span else it.title
    shown = table({"caption": caption, "cards": "no", "tall": "yes", "head": mark_safe(head)}, rows)
    return f'<details class="chart-table"><summary>Show as a table</summary>{shown}</details>'


def _data(it: Chart) -> str:
    """What the browser draws, in a form that ends no script."""
    text = orjson.dumps(it.payload).decode()
    for letter, told in (("&", "\\u0026"), ("<", "\\u003C"), (">", "\\u003E")):
        text = text.replace(letter, told)
    return f'<script id="{it.data_id}" type="application/json">{text}</script>'


def _when(at: Moment) -> str:
    if not isinstance(at, datetime):
        return _day(at)
    local = timezone.localtime(at) if timezone.is_aware(at) else at
    return f"{_day(local)}, {local:%H:%M}"


def _day(at: Moment) -> str:
    return f"{at.day} {MONTHS[at.month - 1]} {at.year}"


def bars(given: Given, slot: str) -> str:
    """A breakdown of results as ``bars``, in a ``currency``; the whole is a table."""
    it, currency = given["bars"], given.get("currency") or ""
    unit = escaped(currency)
    rows = "".join(_bar(row, currency) for row in it.rows)
    return (
        f'<table class="bars"><caption>{escaped(it.definition.label)}'
        f'<span class="visually-hidden"> in {unit}</span></caption>'
        '<thead class="visually-hidden"><tr><th scope="col">Group</th><th scope="col">Bar</th>'
        f'<th scope="col">Result in {unit}</th><th scope="col">Trades</th>'
        f'<th scope="col">Win rate</th></tr></thead><tbody>{rows}</tbody></table>'
    )


def _bar(row: Any, currency: str) -> str:
    part = row.part
    rate = part.win_rate
    kind = "bar-loss" if part.result < 0 else "bar-gain"
    return (
        f'<tr><th scope="row">{escaped(row.label)}</th>'
        '<td class="bars-plot"><svg viewBox="0 0 100 10" preserveAspectRatio="none" '
        'aria-hidden="true"><path class="bars-zero" d="M50 0v10" />'
        f'<rect class="{kind}" x="{row.start}" y="1" '
        f'width="{row.width}" height="8" /></svg></td>'
        f'<td class="num"><span class="{tone(part.result)}">{signed(part.result, currency)}'
        f'</span></td><td class="num soft">{part.trades}'
        '<span class="visually-hidden"> trades</span></td>'
        f'<td class="num soft">{"–" if rate is None else percent(rate, 0)}</td></tr>'
    )


#: By the name in a template.
WRITTEN: Mapping[str, Write] = {"ui.chart": chart, "ui.bars": bars}
