"""The arithmetic of the benchmark: quantiles, counts against the venue's books, the table.

Statistics only; times are milliseconds as floats.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

#: Followers to quantiles with the most milliseconds to the last order sent.
TARGETS: Mapping[int, Mapping[str, float]] = {
    1: {"p50": 10.0},
    100: {"p99": 30.0},
    1_000: {"p50": 60.0, "p95": 80.0, "p99": 120.0},
    10_000: {"p99": 800.0},
}
#: Copied trades in a row, within a second.
SUSTAINED_PER_S = 2_000.0


@dataclass(frozen=True, slots=True)
class Quantiles:
    """p50, p95 and p99 by nearest rank: always a value that was measured."""

    p50: float
    p95: float
    p99: float

    def as_json(self) -> dict[str, float]:
        return {
            "p50": round(self.p50, 2),
            "p95": round(self.p95, 2),
            "p99": round(self.p99, 2),
        }


def quantiles(values: Sequence[float]) -> Quantiles:
    """Nearest-rank quantiles; ValueError without values."""
    if not values:
        raise ValueError("nothing was measured")
    ordered = sorted(values)

    def at(share: float) -> float:
        return ordered[max(ceil(share * len(ordered)), 1) - 1]

    return Quantiles(at(0.50), at(0.95), at(0.99))


@dataclass(frozen=True, slots=True)
class BookCheck:
    """What the venue's own books hold against what had to happen there."""

    expected: int
    found: int
    lost: int
    duplicates: int


def check_books(
    filled_by_account: Mapping[int, Iterable[str]],
    accounts: Sequence[int],
    per_account: int,
) -> BookCheck:
    """Compare the ids of filled orders of each account with ``per_account`` expected ones.

    An id that fills twice on an account is a duplicate, and so is every order beyond the
    expected number; an account with fewer distinct ones has lost the difference.
    """
    found = lost = duplicates = 0
    for account in accounts:
        counts = Counter(filled_by_account.get(account, ()))
        found += counts.total()
        lost += max(per_account - len(counts), 0)
        duplicates += counts.total() - min(len(counts), per_account)
    return BookCheck(per_account * len(accounts), found, lost, duplicates)


@dataclass(frozen=True, slots=True)
class SentOrder:
    """One order of the paced run; times are seconds on one clock."""

    leg: str
    committed_at: float
    sent_at: float | None
    not_after: float | None
    state: str


@dataclass(frozen=True, slots=True)
class PacedFigures:
    """What a run under the platform's rate limit shows about order and lateness."""

    opens_sent: int
    closes_sent: int
    opens_expired: int
    opens_after_first_close_committed: int
    last_close_sent_s: float
    opened_late: int
    most_per_second: int

    def as_json(self) -> dict[str, float]:
        return {
            "opens_sent": self.opens_sent,
            "closes_sent": self.closes_sent,
            "opens_expired": self.opens_expired,
            "opens_overtaking_closes": self.opens_after_first_close_committed,
            "last_close_sent_after_s": round(self.last_close_sent_s, 2),
            "opened_late": self.opened_late,
            "most_sent_per_second": self.most_per_second,
        }


def paced_figures(orders: Sequence[SentOrder]) -> PacedFigures:
    """Judge a paced run in which closes arrived while opens were still waiting.

    ``opens_after_first_close_committed`` counts opens that were written after every close
    had been committed and before the last of those closes was written: orders that a close
    should have overtaken. What was already claimed when the closes came may be among them.
    """
    opens = [o for o in orders if o.leg == "open"]
    closes = [o for o in orders if o.leg == "close"]
    sent_closes = [o.sent_at for o in closes if o.sent_at is not None]
    if not closes or not sent_closes:
        raise ValueError("no close was sent in the paced run")
    committed = max(o.committed_at for o in closes)
    last = max(sent_closes)
    late = [o for o in opens if o.sent_at and o.not_after and o.sent_at > o.not_after]
    overtaking = [o for o in opens if o.sent_at and committed < o.sent_at < last]
    return PacedFigures(
        opens_sent=sum(1 for o in opens if o.sent_at is not None),
        closes_sent=len(sent_closes),
        opens_expired=sum(1 for o in opens if o.state == "expired"),
        opens_after_first_close_committed=len(overtaking),
        last_close_sent_s=last - committed,
        opened_late=len(late),
        most_per_second=most_within(1.0, [o.sent_at for o in orders if o.sent_at is not None]),
    )


def most_within(window: float, times: Iterable[float]) -> int:
    """The largest number of ``times`` inside any half-open window of that length."""
    ordered, best, first = sorted(times), 0, 0
    for index, moment in enumerate(ordered):
        while moment - ordered[first] >= window:
            first += 1
        best = max(best, index - first + 1)
    return best


def verdict(run: Mapping[str, Any]) -> str:
    """Whether a run reached its targets, in words; '' where there is none for its size."""
    return "; ".join(
        f"{name} {_judged(run['received_to_last_sent_ms'][name], limit)}"
        for name, limit in TARGETS.get(int(run["followers"]), {}).items()
    )


def _judged(value: float, limit: float) -> str:
    word = "reached" if value <= limit else "MISSED"
    return f"{value:.1f} of at most {limit:.0f} ms: {word}"


_HEADS = (
    "followers",
    "sent p50",
    "p95",
    "p99",
    "filled p50",
    "p95",
    "p99",
    "bare wire",
    "naive loop",
    "lost",
    "double",
)


def table(runs: Sequence[Mapping[str, Any]]) -> str:
    """The runs as an aligned table for a terminal, milliseconds."""
    rows = [_HEADS, *(_row(run) for run in runs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )


def _row(run: Mapping[str, Any]) -> tuple[str, ...]:
    sent, filled = run["received_to_last_sent_ms"], run["received_to_last_filled_ms"]
    times = [sent[k] for k in ("p50", "p95", "p99")] + [filled[k] for k in ("p50", "p95", "p99")]
    times += [run["bare_wire_ms"], run["naive_loop_ms"]]
    return (
        f"{run['followers']:,}",
        *(f"{value:,.1f}" for value in times),
        str(run["lost"]),
        str(run["duplicates"]),
    )
