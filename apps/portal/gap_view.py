"""A copy's gap to its master, prepared for the page: a waterfall, its reasons, its chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.utils import timezone

from apps.analytics.domain.attribution import Cause
from apps.analytics.selectors import (
    CopyGap,
    CopyReturn,
    copy_curve,
    equity_history,
    gap_of_copy,
)
from apps.common.charts import Chart, Kind, Series
from apps.copytrading.codes import CODE_CHOICES
from apps.copytrading.selectors import SubscriptionRow

#: Parts of a gap in words, and what a customer should know of each.
PARTS = {
    Cause.LATE_START: (
        "Late start",
        "Positions that your master held before you began: missed, or bought later at another "
        "price.",
    ),
    Cause.SKIPPED: (
        "Skipped trades",
        "Trades that were not copied. What they would have brought you, with their costs.",
    ),
    Cause.ROUNDING: (
        "Rounding and caps",
        "Your volume had to fit the symbol's step and minimum, or your maximum.",
    ),
    Cause.ENTRY_SLIPPAGE: (
        "Slippage at entry",
        "You opened at another price than your master: spread, delay, another platform.",
    ),
    Cause.EXIT_SLIPPAGE: (
        "Slippage at exit",
        "You closed at another price than your master.",
    ),
    Cause.COSTS: (
        "Costs",
        "Your commission, swap and fees against your share of the master's own.",
    ),
    Cause.CURRENCY: (
        "Currency",
        "Your platform booked the result at another exchange rate.",
    ),
    Cause.MANUAL: (
        "By hand or by a limit",
        "You closed or detached positions yourself, or your loss limit did.",
    ),
    Cause.RESIDUAL: (
        "Not explained",
        "Rounding of each booking, and what no record explains.",
    ),
}
_REASONS = dict(CODE_CHOICES)
#: A copy that is younger is shown by the minute instead of by the day.
_YOUNG = timedelta(days=3)


class Bar(NamedTuple):
    """A line of the waterfall. ``x`` and ``width`` in percent of its breadth."""

    label: str
    note: str
    amount: Decimal
    kind: str
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class GapView:
    """What the card of the gap shows; ``zero`` is where nothing lies in the waterfall."""

    gap: CopyGap
    bars: list[Bar]
    none: list[str]
    zero: str
    reasons: list[tuple[str, int, Decimal]]
    known: bool


def gap_view(row: SubscriptionRow, record: CopyReturn | None) -> GapView:
    """The gap of a copy, its parts in the order of the trade's life."""
    released = record.released if record else Decimal(0)
    gap = gap_of_copy(
        row.id,
        master_account_id=row.master_account_id,
        currency=row.currency,
        result=row.result + released,
    )
    told = [(cause, amount) for cause, amount in gap.gap.parts.items() if amount]
    bars, zero = waterfall(gap.gap.expected, told, gap.gap.actual)
    return GapView(
        gap=gap,
        bars=bars,
        none=[PARTS[cause][0] for cause, amount in gap.gap.parts.items() if not amount],
        zero=zero,
        reasons=[
            (_REASONS.get(reason.code, "Open before you began"), reason.trades, reason.amount)
            for reason in gap.reasons
        ],
        known=bool(gap.trades or gap.gap.actual),
    )


def waterfall(
    expected: Decimal, parts: Sequence[tuple[Cause, Decimal]], actual: Decimal
) -> tuple[list[Bar], str]:
    """Bars from the perfect copy's result to the real one, and where zero lies."""
    levels = [Decimal(0), expected]
    for _, amount in parts:
        levels.append(levels[-1] + amount)
    low, high = min(levels), max(levels)
    span = (high - low) or Decimal(1)

    def place(start: Decimal, end: Decimal) -> tuple[str, str]:
        begin, width = min(start, end), abs(end - start)
        return f"{(begin - low) / span * 100:.2f}", f"{width / span * 100:.2f}"

    bars = [
        Bar(
            "A perfect copy",
            "Your master's trades at your master's prices, in your size.",
            expected,
            "whole",
            *place(Decimal(0), expected),
        )
    ]
    at = expected
    for cause, amount in parts:
        label, note = PARTS[cause]
        kind = "gain" if amount > 0 else "loss"
        bars.append(Bar(label, note, amount, kind, *place(at, at + amount)))
        at += amount
    note = "What your account made of it."
    bars.append(Bar("Your copy", note, actual, "whole", *place(Decimal(0), actual)))
    return bars, place(Decimal(0), Decimal(0))[0]


def both_chart(row: SubscriptionRow, record: CopyReturn | None) -> Chart:
    """Follower and master on one chart, in percent since the copy began."""
    now = timezone.now()
    title = "Your copy and your master since you began"
    if now - row.created_at < _YOUNG:
        return Chart("both", title, _by_minute(row))
    curve = copy_curve(
        row.id,
        master_account_id=row.master_account_id,
        started=row.created_at,
        until=now.astimezone(UTC).date(),
    )
    begin = row.created_at.astimezone(UTC).date() - timedelta(days=1)
    own = [(begin, 0.0), *((point.day, point.own - 1) for point in curve)]
    master = [(begin, 0.0), *((point.day, point.master - 1) for point in curve)]
    if record is not None:
        own[-1] = (own[-1][0], own[-1][1] if record.own is None else record.own)
        master[-1] = (master[-1][0], master[-1][1] if record.master is None else record.master)
    return Chart(
        "both",
        title,
        [
            Series("Your copy", own, "area", "percent"),
            Series(row.strategy_name, master, "line", "percent"),
        ],
    )


def _by_minute(row: SubscriptionRow) -> list[Series]:
    """Equity of both accounts since the copy began, as the percent by which it changed."""
    now = timezone.now()
    ids = (row.account_id, row.master_account_id)
    curves = equity_history(ids, since=row.created_at, until=now, points=180)
    names = ("Your account's equity", f"{row.strategy_name}'s equity")
    kinds: tuple[Kind, Kind] = ("area", "line")
    return [
        Series(
            name,
            [
                (point.at, float(point.equity / curves[pk][0].equity) - 1)
                for point in curves.get(pk, ())
                if curves[pk][0].equity > 0
            ],
            kind,
            "percent",
        )
        for pk, name, kind in zip(ids, names, kinds, strict=True)
    ]
