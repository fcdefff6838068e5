"""A chart as a picture: what stands on a page until somebody points at the chart.

It comes with the page, so that curves are seen at once and without JavaScript, in the colours of
the theme. Only who wants the values at a moment has the browser load and draw the other one
(static/js/chart.js), which takes a slow telephone most of a second.

The curves stand in a box of 1000 by 1000 that is stretched over the plot; what must not be
stretched, words and marks, stands beside or above it at fractions of its width and height.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil, floor, log10

from django.utils.safestring import SafeString, mark_safe

from apps.common.charts import Chart, Moment, Series
from apps.common.components import MONTHS
from apps.common.markup import escaped
from apps.common.templatetags.figures import decimals

_BOX = 1000
_ABOVE, _BELOW = 0.08, 0.06  # free parts of a pane, as in the drawn chart
_LOWER_PANE = 0.4  # of the first one's height, as in the drawn chart
_MOST_POINTS = 500  # of a curve; more would be closer than half a pixel
_LINES = (5, 2)  # about how many lines cross the first pane, and each other
_DATES = 4
_MINUS = "−"
_MARKS = {  # how a mark is drawn about its point, as what, and by which colour
    "deposit": ("M0 6l5 6h-10z", "gain"),
    "withdrawal": ("M0-6l5-6h-10z", "loss"),
    "note": ("M-4-9a4 4 0 1 0 8 0a4 4 0 1 0-8 0", "quiet"),
}

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Pane:
    """Where the values of one pane stand in the box."""

    top: float
    height: float
    low: float
    high: float

    def y(self, value: float) -> float:
        part = (self.high - value) / (self.high - self.low)
        return self.top + self.height * (_ABOVE + (1 - _ABOVE - _BELOW) * part)

    def ticks(self, most: int) -> list[float]:
        """Round values within reach of the curves, about ``most`` of them."""
        step = _round_step((self.high - self.low) / most)
        first, last = ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9)
        return [n * step for n in range(first, last + 1)]


def still(chart: Chart) -> SafeString:
    """The picture of a chart that has points."""
    places = {at: (n + 0.5) * _BOX / len(chart.times) for n, at in enumerate(chart.times)}
    panes = _panes(chart)
    ticks = {n: pane.ticks(_LINES[min(n, 1)]) for n, pane in panes.items()}
    heights = [panes[n].y(value) for n, values in ticks.items() for value in values]
    edges = [pane.top for n, pane in panes.items() if n]
    across = "".join(f"M0 {_short(y)}h{_BOX}" for y in heights + edges)
    drawn = [f'<path class="chart-grid" d="{across}" />']
    for place, (series, tone, dash) in enumerate(chart.looks):
        name = f"{chart.key}-fill-{place}"
        drawn += _curve(series, f"series-{tone}", f"dash-{dash}", panes[series.pane], places, name)
    labels = _labels(chart, panes, ticks)
    widest = max((text for _, text in labels), key=len, default="")
    return mark_safe(
        f'<div class="chart-still" role="img" aria-label="{escaped(chart.summary)}">'
        f'<svg viewBox="0 0 {_BOX} {_BOX}" preserveAspectRatio="none">{"".join(drawn)}</svg>'
        f'<svg class="chart-marks">{_marks(chart, panes[0], places)}</svg>'
        f'<div class="chart-scale"><span>{escaped(widest)}</span><svg>'
        + "".join(f'<text x="8" y="{_part(y)}" dy=".35em">{text}</text>' for y, text in labels)
        + '</svg></div><svg class="chart-dates">'
        + "".join(
            f'<text x="{_part(x)}" y="1.4em">{text}</text>' for x, text in _dates(chart, places)
        )
        + "</svg></div>"
    )


def _panes(chart: Chart) -> dict[int, Pane]:
    numbers = sorted({0, *(series.pane for series in chart.series)})
    shares = [_LOWER_PANE if n else 1.0 for n in numbers]
    found, top = {}, 0.0
    for number, share in zip(numbers, shares, strict=True):
        height = _BOX * share / sum(shares)
        found[number] = Pane(top, height, *_reach(chart.series, number))
        top += height
    return found


def _reach(series: Iterable[Series], pane: int) -> tuple[float, float]:
    values: list[float] = []
    for one in series:
        if one.pane == pane:
            values += [float(value) for _, value in one.points if value is not None]
            values += [one.base] if one.kind == "histogram" else []
    low, high = min(values, default=0.0), max(values, default=0.0)
    spare = 0 if low < high else abs(low) * 0.01 or 0.01
    return low - spare, high + spare


def _curve(
    series: Series,
    tone: str,
    dash: str,
    pane: Pane,
    places: Mapping[Moment, float],
    name: str,
) -> Iterator[str]:
    base = pane.y(series.base)
    if series.kind == "histogram":
        yield from _bars(series, tone, pane, places)
        return
    for run in _runs(series, pane, places):
        line = "L".join(f"{x:.1f} {y:.0f}" for x, y in run)
        if series.kind != "line":
            floor_ = base if series.kind == "baseline" else pane.top + pane.height
            ends = f"V{_short(floor_)}H{_short(run[0][0])}Z"
            yield f'<path fill="url(#{name})" d="M{line}{ends}" />'
        yield f'<path class="chart-line {tone} {dash}" d="M{line}" />'
    if series.kind != "line":
        stops = (0.04, 0.2) if series.kind == "baseline" else (0.22, 0.02)
        yield (
            f'<linearGradient class="{tone}" id="{name}" x2="0" y2="1">'
            f'<stop stop-opacity="{stops[0]}" /><stop offset="1" stop-opacity="{stops[1]}" />'
            "</linearGradient>"
        )


def _bars(series: Series, tone: str, pane: Pane, places: Mapping[Moment, float]) -> Iterator[str]:
    width, base = 0.8 * _BOX / len(places), pane.y(series.base)
    shapes: dict[str, list[str]] = {}
    for at, value in series.points:
        if value is None:
            continue
        sign = "series-loss" if float(value) < series.base else "series-gain"
        shapes.setdefault(sign if series.tone == "sign" else tone, []).append(
            f"M{_short(places[at] - width / 2)} {_short(base)}"
            f"V{_short(pane.y(float(value)))}h{_short(width)}V{_short(base)}Z"
        )
    for colour, shape in shapes.items():
        yield f'<path class="chart-bars {colour}" d="{"".join(shape)}" />'


def _runs(series: Series, pane: Pane, places: Mapping[Moment, float]) -> Iterator[Sequence[Point]]:
    """The points of a curve between its gaps, as many as can be told apart."""
    run: list[Point] = []
    for at, value in series.points:
        if value is not None:
            run.append((places[at], pane.y(float(value))))
        elif run:
            yield _thinned(run)
            run = []
    if run:
        yield _thinned(run)


def _thinned(run: Sequence[Point]) -> Sequence[Point]:
    """The highest and the lowest of each few points, and both ends."""
    each = -(-2 * len(run) // _MOST_POINTS)
    if each <= 2:
        return run
    kept = {0, len(run) - 1}
    for start in range(0, len(run), each):
        span = range(start, min(start + each, len(run)))
        kept |= {min(span, key=lambda n: run[n][1]), max(span, key=lambda n: run[n][1])}
    return [run[n] for n in sorted(kept)]


def _marks(chart: Chart, pane: Pane, places: Mapping[Moment, float]) -> str:
    """What happened, on the first curve."""
    heights = {at: pane.y(float(v)) for at, v in chart.series[0].points if v is not None}
    marks = []
    for marker in chart.markers:
        at = chart.near(marker.at)
        if at in heights:
            shape, tone = _MARKS[marker.kind]
            marks.append(
                f'<svg x="{_part(places[at])}" y="{_part(heights[at])}">'
                f'<path class="series-{tone}" d="{shape}" /></svg>'
            )
    return "".join(marks)


def _labels(
    chart: Chart, panes: Mapping[int, Pane], ticks: Mapping[int, Sequence[float]]
) -> list[tuple[float, str]]:
    """Where a value is written on the scale at the right, and how."""
    first = {series.pane: series for series in reversed(chart.series)}
    return [
        (panes[n].y(value), _written(first[n], value, panes[n].high - panes[n].low))
        for n, values in ticks.items()
        if n in first
        for value in values
    ]


def _written(series: Series, value: float, span: float) -> str:
    if series.unit == "percent":
        text = f"{value * 100:,.{2 if span < 0.01 else 1}f}\u00a0%"
    elif series.unit == "money":
        text = f"{value:,.{decimals(series.currency) if span < 10 else 0}f}"
    else:
        text = f"{value:,.2f}".rstrip("0").rstrip(".")
        text += "\u00a0×" if series.unit == "multiple" else ""
    zero = not any(digit in text for digit in "123456789")
    return text.replace("-", "" if zero else _MINUS)


def _dates(chart: Chart, places: Mapping[Moment, float]) -> list[tuple[float, str]]:
    """Some moments of the chart, evenly."""
    times = chart.times
    count = min(_DATES, len(times))
    chosen = [times[(2 * n + 1) * len(times) // (2 * count)] for n in range(count)]
    days = (_noon(times[-1]) - _noon(times[0])).total_seconds() / 86400
    return [(places[at], _when(at, days)) for at in chosen]


def _noon(at: Moment) -> datetime:
    return at if isinstance(at, datetime) else datetime(at.year, at.month, at.day, 12, tzinfo=UTC)


def _when(at: Moment, days: float) -> str:
    """Within two days the hour, within a year the day, else the month."""
    if isinstance(at, datetime):
        at = at.astimezone(UTC)
        if days <= 2:
            return f"{at:%H:%M}"
    month = MONTHS[at.month - 1]
    return f"{month} {at.year}" if days > 400 else f"{at.day} {month}"


def _round_step(rough: float) -> float:
    """The next step of 1, 2 or 5 and zeros that is not smaller."""
    power = 10.0 ** floor(log10(rough))
    return next(n * power for n in (1, 2, 5, 10) if n * power >= rough * (1 - 1e-9))


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _part(number: float) -> str:
    return f"{_short(number / 10)}%"
