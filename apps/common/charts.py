"""What a chart shows, as data: the same points go to the browser and into the table beside it.

A page builds a :class:`Chart` from its selectors and hands it to ``<c-ui.chart :chart="chart" />``;
``<c-ui.chart_files />`` in the page's ``styles`` block loads what draws it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

from apps.common.templatetags.figures import UNKNOWN, amount, decimals, percent, plain

Moment = date | datetime
Value = Decimal | float | None
Kind = Literal["line", "area", "histogram", "baseline"]
Unit = Literal["money", "percent", "number", "multiple"]
Tone = Literal["", "1", "2", "3", "4", "5", "gain", "loss", "quiet", "sign"]
MarkerKind = Literal["deposit", "withdrawal", "note"]

_TABLE_ROWS = 62  # two months of days; longer tables are thinned to weeks or months
_DASHES = ("solid", "dashed", "dotted", "long")
_SPANS: tuple[tuple[str, Callable[[Moment], Any]], ...] = (
    ("", lambda at: at),
    ("day", lambda at: at.date() if isinstance(at, datetime) else at),
    ("week", lambda at: at.isocalendar()[:2]),
    ("month", lambda at: (at.year, at.month)),
)


@dataclass(frozen=True)
class Series:
    """One curve: what it is called, how it is drawn, and its points in order of time.

    Times are all dates (UTC days) or all aware datetimes. Percent values are fractions, 0.05 is
    5 %. A value of None is a gap. ``tone`` names a colour of tokens.css; where it is empty, it
    goes by the place in the chart, and lines then differ by their dashes as well. ``sign``
    colours a histogram by gain and loss. ``base`` is what a baseline series is coloured against.
    Series of unlike units belong on panes of their own.
    """

    name: str
    points: Sequence[tuple[Moment, Value]]
    kind: Kind = "line"
    unit: Unit = "money"
    currency: str = ""
    tone: Tone = ""
    pane: int = 0
    base: float = 0.0

    def written(self, value: Value) -> str:
        """A value with its unit, as the page writes it."""
        if value is None:
            return UNKNOWN
        number = value if isinstance(value, Decimal) else Decimal(repr(float(value)))
        if self.unit == "money":
            return f"{amount(number, self.currency)} {self.currency}".rstrip()
        if self.unit == "percent":
            return percent(number)
        return plain(round(number, 2)) + (" ×" if self.unit == "multiple" else "")

    @property
    def last(self) -> str:
        """The newest value with its unit."""
        known = (value for _, value in reversed(self.points) if value is not None)
        return self.written(next(known, None))


@dataclass(frozen=True)
class Marker:
    """Something that happened at a moment, such as a deposit; drawn on the first series."""

    at: Moment
    text: str
    kind: MarkerKind = "note"


@dataclass(frozen=True)
class Row:
    """A line of the table beside a chart."""

    at: Moment
    cells: Sequence[str]
    notes: str


@dataclass(frozen=True)
class Chart:
    """A chart and its table.

    ``key`` is its id in the page: letters, digits and hyphens.

    Raises ``ValueError`` where days and moments are mixed.
    """

    key: str
    title: str
    series: Sequence[Series]
    markers: Sequence[Marker] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        kinds = {isinstance(at, datetime) for at in self._moments()}
        if len(kinds) > 1:
            raise ValueError(f"Chart {self.key!r} mixes days with moments; use one of them.")

    def _moments(self) -> Iterable[Moment]:
        for series in self.series:
            yield from (at for at, _ in series.points)
        yield from (marker.at for marker in self.markers)

    @property
    def data_id(self) -> str:
        """The id of the element that holds the payload."""
        return f"{self.key}-data"

    @cached_property
    def times(self) -> list[Moment]:
        """Every moment at which some series has a point, in order."""
        return sorted({at for series in self.series for at, _ in series.points})

    @cached_property
    def looks(self) -> list[tuple[Series, str, str]]:
        """Each series with its tone and its dashes."""
        return [
            (
                series,
                series.tone or str(place % 5 + 1),
                "solid" if series.tone or series.kind != "line" else _DASHES[place % len(_DASHES)],
            )
            for place, series in enumerate(self.series)
        ]

    @cached_property
    def payload(self) -> dict[str, Any]:
        """What the browser draws."""
        stamps = {at: _time(at) for at in self.times}
        series = [
            {
                "name": one.name,
                "kind": one.kind,
                "unit": one.unit,
                "currency": one.currency,
                "places": decimals(one.currency),
                "tone": tone,
                "dash": dash,
                "pane": one.pane,
                "base": one.base,
                "points": [[stamps[at], _number(value)] for at, value in one.points],
            }
            for one, tone, dash in self.looks
        ]
        markers = [
            [_time(at), marker.kind, marker.text]
            for marker in sorted(self.markers, key=lambda marker: marker.at)
            if (at := self.near(marker.at)) is not None
        ]
        return {"series": series, "markers": markers}

    def near(self, at: Moment) -> Moment | None:
        """The first point at or after a moment, else the last: markers stand on points."""
        if not self.times:
            return None
        return self.times[min(bisect_left(self.times, at), len(self.times) - 1)]

    @property
    def until(self) -> str:
        """The day or moment of the newest point, as the browser writes it."""
        at = self.times[-1]
        return (
            f"{_day(at)}, {at.astimezone(UTC):%H:%M} UTC" if isinstance(at, datetime) else _day(at)
        )

    @cached_property
    def summary(self) -> str:
        """The chart in words, for those who cannot see it."""
        words = []
        for series in self.series:
            known = [(at, value) for at, value in series.points if value is not None]
            if known:
                (first_at, first), (last_at, last) = known[0], known[-1]
                words.append(
                    f"{series.name} from {series.written(first)} on {_day(first_at)} "
                    f"to {series.written(last)} on {_day(last_at)}"
                )
        return f"{self.title}: {'; '.join(words)}." if words else f"{self.title}: no data yet."

    @cached_property
    def table(self) -> tuple[str, list[Row]]:
        """The span of a row (empty for every point), and the rows, newest first.

        A span stands by its last point; moments with markers are always there.
        """
        span, kept = self._thinned()
        notes: dict[Moment, list[str]] = {}
        for marker in self.markers:
            if (near := self.near(marker.at)) is not None:
                notes.setdefault(near, []).append(marker.text)
        columns = [dict(series.points) for series in self.series]
        rows = [
            Row(
                at,
                [
                    series.written(column.get(at))
                    for series, column in zip(self.series, columns, strict=True)
                ],
                "; ".join(notes.get(at, ())),
            )
            for at in sorted(kept | notes.keys(), reverse=True)
        ]
        return span, rows

    def _thinned(self) -> tuple[str, set[Moment]]:
        name, kept = "", set(self.times)
        for span, of in _SPANS:
            last_of_span = {of(at): at for at in self.times}
            name, kept = span, set(last_of_span.values())
            if len(kept) <= _TABLE_ROWS:
                break
        return name, kept

    @property
    def times_of_day(self) -> bool:
        """Whether the points are moments rather than days."""
        return bool(self.times) and isinstance(self.times[0], datetime)


def _time(at: Moment) -> str | int:
    """A day as YYYY-MM-DD, a moment in Unix seconds."""
    return int(at.timestamp()) if isinstance(at, datetime) else at.isoformat()


def _number(value: Value) -> float | None:
    """Pixels do not need more than seven digits after the point."""
    return None if value is None else round(float(value), 7)


def _day(at: Moment) -> str:
    day = at.astimezone(UTC).date() if isinstance(at, datetime) else at
    return f"{day.day} {day:%b %Y}"
