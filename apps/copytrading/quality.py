"""Reading how well copies were executed, from figures that were rolled up before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from apps.copytrading.domain.histogram import Histogram, added, quantile
from apps.copytrading.ledger import Search, search
from apps.copytrading.models.quality import ExecutionFigures, ExecutionRollup, WorstOutcome
from apps.copytrading.rows import LatencyFigures, OutcomeRow, Quantiles
from apps.platforms.registry import CATALOGUE

HOPS = ("planned", "sent", "accepted", "filled")
#: Periods: days back, the span that is read, and the words of the page.
PERIODS = {
    "day": (1, ExecutionFigures.Span.HOUR, "Last 24 hours"),
    "week": (7, ExecutionFigures.Span.DAY, "Last 7 days"),
    "month": (30, ExecutionFigures.Span.DAY, "Last 30 days"),
}
SYMBOLS_SHOWN, WORST_SHOWN = 40, 10


@dataclass(frozen=True, slots=True)
class Line:
    """Figures of a platform, a symbol or a time. ``bps``: mean slippage in basis points of the
    master's price, ``worse``: share in percent that got a worse price, ``cost`` by currency."""

    key: str
    label: str
    at: datetime | None
    outcomes: int
    troubled: int
    hops: LatencyFigures
    bps: float | None
    worse: float | None
    cost: tuple[tuple[str, Decimal], ...]
    bar: float = 0.0


@dataclass(frozen=True, slots=True)
class Quality:
    """One period: everything, and by platform, symbol and time; the worst beside it."""

    total: Line
    platforms: list[Line]
    symbols: list[Line]
    times: list[Line]
    slowest: list[tuple[float, OutcomeRow]]
    slipped: list[tuple[float, OutcomeRow]]
    span: str


def quality(period: str, platform: str = "", now: datetime | None = None) -> Quality:
    """Figures of a period of :data:`PERIODS`, of one platform or all; five queries."""
    now = now or timezone.now()
    days, span, _ = PERIODS[period]
    begin = _begin(now, days, span)
    found = ExecutionFigures.objects.filter(span=span, at__gte=begin)
    if platform:
        found = found.filter(platform=platform)
    rows = list(found)
    by_symbol = _lines(rows, lambda row: row.symbol, str)
    return Quality(
        total=_line("all", "All", rows),
        platforms=_lines(rows, lambda row: row.platform, _platform_name),
        symbols=by_symbol[:SYMBOLS_SHOWN],
        times=_times(rows),
        slowest=_worst(WorstOutcome.Kind.LATENCY, begin, platform),
        slipped=_worst(WorstOutcome.Kind.SLIPPAGE, begin, platform),
        span=span.value,
    )


def totals() -> dict[str, int]:
    """Outcomes by state since the installation began, as far as they are rolled up."""
    found = ExecutionRollup.objects.filter(pk=1).values_list("totals", flat=True).first()
    return {} if found is None else {str(state): int(n) for state, n in found.items()}


def platforms_seen() -> list[tuple[str, str]]:
    """Platforms with figures of the last 30 days, with their names."""
    since = timezone.now() - timedelta(days=31)
    rows = ExecutionFigures.objects.filter(span=ExecutionFigures.Span.DAY, at__gte=since)
    codes = rows.order_by("platform").values_list("platform", flat=True).distinct()
    return [(code, _platform_name(code)) for code in codes]


def _begin(now: datetime, days: int, span: ExecutionFigures.Span) -> datetime:
    begin = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=days)
    if span is ExecutionFigures.Span.DAY:
        return begin.replace(hour=0) + timedelta(days=1)
    return begin + timedelta(hours=1)


def _platform_name(code: str) -> str:
    return CATALOGUE[code].name if code in CATALOGUE else code


def _lines(
    rows: Iterable[ExecutionFigures],
    key: Callable[[ExecutionFigures], str],
    label: Callable[[str], str],
) -> list[Line]:
    """One line for each key, the busiest first."""
    parts: dict[str, list[ExecutionFigures]] = {}
    for row in rows:
        parts.setdefault(key(row), []).append(row)
    lines = [_line(name, label(name) or "–", each) for name, each in parts.items()]
    return sorted(lines, key=lambda line: (-line.outcomes, line.label))


def _times(rows: Sequence[ExecutionFigures]) -> list[Line]:
    parts: dict[datetime, list[ExecutionFigures]] = {}
    for row in rows:
        parts.setdefault(row.at, []).append(row)
    lines = [_line(at.isoformat(), "", parts[at], at) for at in sorted(parts, reverse=True)]
    most = max((line.hops.sent.p95 or 0.0 for line in lines), default=0.0) or 1.0
    return [
        Line(
            line.key, line.label, line.at, line.outcomes, line.troubled, line.hops, line.bps,
            line.worse, line.cost, round(100 * (line.hops.sent.p95 or 0.0) / most, 1),
        )
        for line in lines
    ]  # fmt: skip


def _line(
    key: str, label: str, rows: Sequence[ExecutionFigures], at: datetime | None = None
) -> Line:
    states: Counter[str] = Counter()
    hops: dict[str, Histogram] = {}
    cost: dict[str, Decimal] = {}
    for row in rows:
        states.update(row.states)
        for hop, counts in row.hops.items():
            mine = {int(bucket): n for bucket, n in counts.items()}
            hops[hop] = added(hops.get(hop, {}), mine)
        for currency, money in row.cost.items():
            cost[currency] = cost.get(currency, Decimal(0)) + Decimal(money)
    slipped = sum(row.slipped for row in rows)
    sent = sum(hops.get("sent", {}).values())
    return Line(
        key=key,
        label=label,
        at=at,
        outcomes=sum(row.outcomes for row in rows),
        troubled=sum(states[state] for state in ("partial", "rejected", "failed")),
        hops=LatencyFigures(sent, *(_quantiles(hops.get(hop, {})) for hop in HOPS)),
        bps=sum(row.slippage_bps for row in rows) / slipped if slipped else None,
        worse=100 * sum(row.worse for row in rows) / slipped if slipped else None,
        cost=tuple(sorted(cost.items())),
    )


def _quantiles(histogram: Histogram) -> Quantiles:
    return Quantiles(*(quantile(histogram, q) for q in (0.5, 0.95, 0.99)))


def _worst(
    kind: WorstOutcome.Kind, begin: datetime, platform: str
) -> list[tuple[float, OutcomeRow]]:
    found = WorstOutcome.objects.filter(kind=kind, day__gte=begin.date())
    if platform:
        found = found.filter(platform=platform)
    values = dict(found.order_by("-value").values_list("outcome_id", "value")[:WORST_SHOWN])
    if not values:
        return []
    page = search(Search(outcome_ids=tuple(values)), limit=WORST_SHOWN)
    return sorted(((values[row.id], row) for row in page.rows), key=lambda pair: -pair[0])
