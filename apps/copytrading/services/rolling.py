"""Rolling up outcomes into execution figures: each outcome once, in one transaction a slice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from apps.copytrading.domain.histogram import Histogram, added, bucket_of
from apps.copytrading.models import Outcome
from apps.copytrading.models.quality import ExecutionFigures, ExecutionRollup, WorstOutcome
from apps.copytrading.services import sql

#: Outcomes taken up in one transaction.
SLICE = 5_000
#: Whoever was writing outcomes when their ids were given has committed after so long.
SETTLED = timedelta(seconds=60)
#: The worst of a day and platform that are kept.
WORST_KEPT = 20

_OUTCOMES = """
    SELECT o.id, o.received_at, o.planned_at, o.sent_at, o.accepted_at, o.filled_at, o.state,
           o.symbol, o.slippage, o.master_price, o.slippage_money, a.currency, a.platform
    FROM copytrading_outcome o JOIN platforms_tradingaccount a ON a.id = o.account_id
    WHERE o.id > %s AND o.id <= %s ORDER BY o.id LIMIT %s
"""
Key = tuple[str, datetime, str, str]


class _Row(NamedTuple):
    id: int
    received_at: datetime
    planned_at: datetime | None
    sent_at: datetime | None
    accepted_at: datetime | None
    filled_at: datetime | None
    state: str
    symbol: str
    slippage: Decimal | None
    master_price: Decimal | None
    slippage_money: Decimal | None
    currency: str
    platform: str


@dataclass(slots=True)
class _Sum:
    """What the outcomes of one span, platform and symbol come to."""

    outcomes: int = 0
    states: Counter[str] = field(default_factory=Counter)
    hops: dict[str, Histogram] = field(default_factory=dict)
    slipped: int = 0
    worse: int = 0
    bps: float = 0.0
    cost: dict[str, Decimal] = field(default_factory=dict)

    def add(self, row: _Row, hops: dict[str, int], bps: float | None) -> None:
        self.outcomes += 1
        self.states[row.state] += 1
        for hop, bucket in hops.items():
            held = self.hops.setdefault(hop, {})
            held[bucket] = held.get(bucket, 0) + 1
        if bps is not None:
            self.slipped += 1
            self.worse += bps > 0
            self.bps += bps
        if row.slippage_money is not None:
            before = self.cost.get(row.currency, Decimal(0))
            self.cost[row.currency] = before + row.slippage_money


def roll_up(*, most: int = 20) -> int:
    """Roll up what is settled, at most ``most`` slices; answers how many outcomes there were."""
    count = 0
    for _ in range(most):
        rolled = _one_slice()
        count += rolled
        if rolled < SLICE:
            break
    return count


@transaction.atomic
def _one_slice() -> int:
    ExecutionRollup.objects.get_or_create(pk=1)
    state = ExecutionRollup.objects.select_for_update().get(pk=1)
    now = timezone.now()
    if state.seen_at is None or state.done_to >= state.seen_to:
        _look_ahead(state, now)
        return 0
    if now - state.seen_at < SETTLED:
        return 0
    found = sql.rows(_OUTCOMES, [state.done_to, state.seen_to, SLICE])
    rows = [_Row(*row) for row in found]
    sums, slow, slipped = _summed(rows)
    _store(sums)
    _keep_worst(WorstOutcome.Kind.LATENCY, slow)
    _keep_worst(WorstOutcome.Kind.SLIPPAGE, slipped)
    state.done_to = rows[-1].id if len(rows) == SLICE else state.seen_to
    state.totals = dict(Counter(state.totals) + Counter(row.state for row in rows))
    state.save(update_fields=["done_to", "totals"])
    if state.done_to >= state.seen_to:
        _look_ahead(state, now)
    return len(rows)


def _look_ahead(state: ExecutionRollup, now: datetime) -> None:
    highest = Outcome.objects.aggregate(m=Max("id"))["m"] or 0
    if highest > state.seen_to:
        state.seen_to, state.seen_at = highest, now
        state.save(update_fields=["seen_to", "seen_at"])


Worst = list[tuple[date, str, float, int]]


def _summed(rows: Iterable[_Row]) -> tuple[dict[Key, _Sum], Worst, Worst]:
    sums: dict[Key, _Sum] = {}
    slow: Worst = []
    slipped: Worst = []
    for row in rows:
        times = {
            "planned": row.planned_at if row.sent_at else None,
            "sent": row.sent_at,
            "accepted": row.accepted_at,
            "filled": row.filled_at,
        }
        lengths = {hop: _ms(row.received_at, at) for hop, at in times.items() if at}
        bps = _bps(row)
        buckets = {hop: bucket_of(ms) for hop, ms in lengths.items()}
        received = row.received_at.astimezone(UTC)
        hour = received.replace(minute=0, second=0, microsecond=0)
        for span, at in (("hour", hour), ("day", hour.replace(hour=0))):
            sums.setdefault((span, at, row.platform, row.symbol), _Sum()).add(row, buckets, bps)
        if "filled" in lengths:
            slow.append((received.date(), row.platform, lengths["filled"], row.id))
        if bps is not None and bps > 0:
            slipped.append((received.date(), row.platform, bps, row.id))
    return sums, slow, slipped


def _ms(start: datetime, end: datetime) -> float:
    return max(0.0, (end - start).total_seconds() * 1000)


def _bps(row: _Row) -> float | None:
    if row.slippage is None or not row.master_price:
        return None
    return float(row.slippage / row.master_price * 10_000)


def _store(sums: dict[Key, _Sum]) -> None:
    known = {
        (f.span, f.at, f.platform, f.symbol): f
        for f in ExecutionFigures.objects.select_for_update().filter(
            at__in={key[1] for key in sums}
        )
    }
    new, changed = [], []
    for key, total in sums.items():
        figures = known.get(key)
        if figures is None:
            span, at, platform, symbol = key
            figures = ExecutionFigures(span=span, at=at, platform=platform, symbol=symbol)
            new.append(figures)
        else:
            changed.append(figures)
        _add(figures, total)
    ExecutionFigures.objects.bulk_create(new)
    fields = ["outcomes", "states", "hops", "slipped", "worse", "slippage_bps", "cost"]
    ExecutionFigures.objects.bulk_update(changed, fields, batch_size=500)


def _add(figures: ExecutionFigures, total: _Sum) -> None:
    figures.outcomes += total.outcomes
    figures.states = dict(Counter(figures.states) + total.states)
    hops: dict[str, Any] = figures.hops
    for hop, histogram in total.hops.items():
        before = {int(bucket): count for bucket, count in hops.get(hop, {}).items()}
        hops[hop] = {str(bucket): n for bucket, n in added(before, histogram).items()}
    figures.slipped += total.slipped
    figures.worse += total.worse
    figures.slippage_bps += total.bps
    costs: dict[str, Any] = figures.cost
    for currency, money in total.cost.items():
        costs[currency] = str(Decimal(costs.get(currency, "0")) + money)


def _keep_worst(kind: WorstOutcome.Kind, found: Worst) -> None:
    """Keep the worst of each day and platform, of those that were kept and those found now."""
    by_place: dict[tuple[date, str], list[tuple[float, int]]] = {}
    for day, platform, value, outcome_id in found:
        by_place.setdefault((day, platform), []).append((value, outcome_id))
    for (day, platform), values in by_place.items():
        worst = sorted(values, reverse=True)[:WORST_KEPT]
        WorstOutcome.objects.bulk_create(
            [
                WorstOutcome(
                    day=day, kind=kind, platform=platform, value=value, outcome_id=outcome_id
                )
                for value, outcome_id in worst
            ],
            ignore_conflicts=True,
        )
        kept = WorstOutcome.objects.filter(day=day, kind=kind, platform=platform)
        beyond = list(kept.order_by("-value", "id").values_list("pk", flat=True)[WORST_KEPT:])
        WorstOutcome.objects.filter(pk__in=beyond).delete()
