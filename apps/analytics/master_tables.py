"""What a master's page shows in tables: months, figures with their meaning, and breakdowns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from apps.analytics.domain.behaviour import Habit
from apps.analytics.domain.breakdown import Part
from apps.analytics.domain.catalogue import CATALOGUE
from apps.analytics.domain.definitions import Definition, Topic, Unit
from apps.analytics.domain.standing import Figure, Standing
from apps.analytics.selectors import Breakdown
from apps.common.templatetags.figures import amount, percent
from apps.trading.orders import Side

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
#: Symbols that have a row of their own; the rest are added up.
SYMBOLS_SHOWN = 10
_STEPS = (0.02, 0.05, 0.10)
_TOPICS = (Topic.RETURN, Topic.RISK, Topic.TRADES)
#: What stands first on the page.
_HEADLINE = ("return_all", "max_drawdown", "risk_score", "sharpe", "win_rate", "profit_factor")
#: Each habit as it is described to readers.
HABITS: dict[Habit, Definition] = {habit: CATALOGUE[habit.value] for habit in Habit}


@dataclass(frozen=True, slots=True)
class Month:
    """A cell of the table of months. ``wash`` names the colour behind it, by sign and size."""

    name: str
    value: float | None

    @property
    def wash(self) -> str:
        if self.value is None or round(self.value, 4) == 0:
            return ""
        size = 1 + sum(abs(self.value) >= step for step in _STEPS)
        return f"wash-{'gain' if self.value > 0 else 'loss'}-{size}"


@dataclass(frozen=True, slots=True)
class Year:
    """A year of monthly returns and what they come to together."""

    year: int
    months: Sequence[Month]
    total: Month


@dataclass(frozen=True, slots=True)
class ShownFigure:
    """A figure as it is written, with what it means. ``known`` is False for a reason in words."""

    definition: Definition
    text: str
    known: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of a breakdown; ``start`` and ``width`` place its bar in a box of 100, 50 is zero."""

    label: str
    part: Part
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Bars:
    """A breakdown as bars; ``definition`` says what is summed."""

    definition: Definition
    rows: Sequence[Bar]


def years(months: Mapping[date, float | None]) -> list[Year]:
    """Monthly returns by year, the newest first; months outside the record are empty."""
    found = []
    for year in sorted({month.year for month in months}, reverse=True):
        cells = [
            Month(name, months.get(date(year, number, 1)))
            for number, name in enumerate(MONTHS, start=1)
        ]
        total: float | None = None
        for cell in cells:
            if cell.value is not None:
                total = (1 + (total or 0.0)) * (1 + cell.value) - 1
        found.append(Year(year, cells, Month("Year", total)))
    return found


def headline(figures: Mapping[str, Figure], currency: str) -> list[ShownFigure]:
    """The figures that a judgement begins with; one that is not kept yet is 'No data yet'."""
    none = Figure(None, Standing.NO_DATA)
    return [shown(CATALOGUE[name], figures.get(name, none), currency) for name in _HEADLINE]


def figure_groups(
    figures: Mapping[str, Figure], currency: str
) -> list[tuple[str, list[ShownFigure]]]:
    """Figures by topic, in the order of the catalogue."""
    return [
        (
            topic.value,
            [
                shown(definition, figures[definition.name], currency)
                for definition in CATALOGUE.values()
                if definition.topic is topic and definition.name in figures
            ],
        )
        for topic in _TOPICS
    ]


def shown(definition: Definition, figure: Figure, currency: str) -> ShownFigure:
    """A figure in words: its value with the unit, or why there is none."""
    if figure.value is None:
        return ShownFigure(definition, figure.standing.label, False)
    return ShownFigure(definition, _written(figure.value, definition.unit, currency), True)


def _written(value: float, unit: Unit, currency: str) -> str:
    if unit is Unit.PERCENT:
        return percent(value)
    number = Decimal(repr(value))
    if unit is Unit.MONEY:
        return f"{amount(number, currency)} {currency}"
    if unit is Unit.HOURS:
        return _span(value)
    if unit is Unit.DAYS:
        return f"{value:,.0f} {'day' if round(value) == 1 else 'days'}"
    if unit is Unit.COUNT:
        return f"{value:,.0f}"
    if unit is Unit.SCORE:
        return f"{value:.0f} of 10"
    return f"{amount(number)}{' ×' if unit is Unit.MULTIPLE else ''}"


def _span(hours: float) -> str:
    """A time in the unit that suits it."""
    if hours < 1:
        return f"{hours * 60:.0f} min"
    return f"{hours:.1f} h" if hours < 72 else f"{hours / 24:.1f} days"


def breakdowns(parts: Breakdown) -> list[Bars]:
    """By symbol, side, weekday and hour; days and hours without a trade are left out."""
    symbols = list(parts.symbols.items())
    rest = [part for _, part in symbols[SYMBOLS_SHOWN:]]
    shown_symbols = symbols[:SYMBOLS_SHOWN]
    if rest:
        shown_symbols.append((f"{len(rest)} others", _sum(rest)))
    sides = [("Long", parts.sides[Side.BUY]), ("Short", parts.sides[Side.SELL])]
    days = [(name, p) for name, p in zip(WEEKDAYS, parts.weekdays, strict=True) if p.trades]
    hours = [
        (f"{hour:02}:00–{(hour + 1) % 24:02}:00", part)
        for hour, part in enumerate(parts.hours)
        if part.trades
    ]
    return [
        Bars(CATALOGUE["by_symbol"], _bars(shown_symbols)),
        Bars(CATALOGUE["by_side"], _bars(sides)),
        Bars(CATALOGUE["by_weekday"], _bars(days)),
        Bars(CATALOGUE["by_hour"], _bars(hours)),
    ]


def _sum(parts: Iterable[Part]) -> Part:
    total = Part()
    for part in parts:
        total = Part(
            total.trades + part.trades,
            total.wins + part.wins,
            total.losses + part.losses,
            total.result + part.result,
            total.volume + part.volume,
        )
    return total


def _bars(rows: Sequence[tuple[str, Part]]) -> list[Bar]:
    largest = max((abs(part.result) for _, part in rows), default=Decimal(0)) or Decimal(1)
    bars = []
    for label, part in rows:
        width = round(float(abs(part.result) / largest) * 50, 2)
        bars.append(Bar(label, part, 50.0 if part.result >= 0 else 50 - width, width))
    return bars
