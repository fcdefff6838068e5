"""What a copy should hold of one master position: the auditor's own arithmetic.

It knows the settings of the copy, the master's deals by the venue's books, and the verdict on
each of them. Amounts are exact fractions; only the end is rounded down to the step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from apps.benchmarks.chaos.field import Copy
from apps.benchmarks.chaos.records import SentOrder, Verdict

STEP = 1_000  # units: step and minimum of every pair that is traded here
LOT = 100_000
_HAIR = Fraction(1, 10**6)
_COUNTS = frozenset({"copied", "partial", "superseded", "rejected", "failed"})
_STILL_COUNTS = frozenset({"BELOW_MINIMUM", "NOTHING_TO_CHANGE"})


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a master position's volume, and the event that stands for it."""

    event_id: int
    before: Decimal
    after: Decimal

    @property
    def kind(self) -> str:
        """What this is to somebody who copies it."""
        if self.before == 0:
            return "opened"
        if self.after == 0:
            return "closed"
        return "increased" if self.after > self.before else "reduced"


@dataclass(frozen=True, slots=True)
class Holding:
    """Units to be held; None where the recorded verdicts do not say by which ratio."""

    units: Fraction | None

    def allows(self, units: Decimal) -> bool:
        """Whether a volume is the right one; a hair below a step counts as the step."""
        if self.units is None:
            return True
        return Fraction(units) in (_down(self.units), self.rounded)

    @property
    def rounded(self) -> Fraction:
        """Rounded down to the step; 0 where it is not known."""
        return Fraction(0) if self.units is None else _down(self.units + _HAIR)

    def shown(self, side: int) -> float | None:
        """For people."""
        return None if self.units is None else float(self.units * side)


NOTHING = Holding(Fraction(0))


def should_hold(
    copy: Copy,
    changes: Sequence[Change],
    verdict_of: Callable[[int], Verdict | None],
    order_of: Callable[[str], SentOrder | None],
    closed_anew: Callable[[int], Decimal],
) -> Holding:
    """Follow the master position through its changes as far as the verdicts granted them.

    ``closed_anew`` says what was closed by further orders for an event whose own close did not
    get through.
    """
    if not changes or changes[-1].after == 0:
        return NOTHING
    verdicts = [verdict_of(change.event_id) for change in changes]
    ratio = _ratio(copy, changes[0], verdicts)
    if ratio is None:
        return Holding(None)
    target: Fraction | None = None
    held = Fraction(0)
    for change, verdict in zip(changes, verdicts, strict=True):
        target = _changed(copy, ratio, target, change, verdict)
        order = order_of(verdict.client_order_id) if verdict and verdict.client_order_id else None
        if order is None:
            continue
        filled = Fraction(order.filled_units)
        if order.leg == "close":
            held -= filled + Fraction(closed_anew(change.event_id))
        elif order.leg == "open":
            held += filled
            missing = Fraction(order.units) - filled
            if missing > 0 and target is not None:
                # What an open did not get is given up; a first one that got nothing ends it.
                target = max(held, target - missing)
            if held == 0:
                target = None
    return NOTHING if target is None else Holding(target)


def _changed(
    copy: Copy,
    ratio: Fraction,
    target: Fraction | None,
    change: Change,
    verdict: Verdict | None,
) -> Fraction | None:
    if verdict is None:
        return target
    if change.before == 0:
        return _first(copy, ratio, change) if _granted(verdict) else None
    if target is None:
        return None
    if change.after < change.before:
        return target * Fraction(change.after) / Fraction(change.before)
    grows = copy.mode != "fixed"
    if grows and _granted(verdict):
        return target + ratio * Fraction(change.after - change.before)
    return target


def _granted(verdict: Verdict) -> bool:
    """Whether the change was taken up, whatever then became of its order."""
    return (
        verdict.state in _COUNTS or bool(verdict.client_order_id) or verdict.code in _STILL_COUNTS
    )


def _first(copy: Copy, ratio: Fraction, change: Change) -> Fraction:
    if copy.mode == "fixed":
        return Fraction(copy.volume) * LOT
    return ratio * Fraction(change.after)


def _ratio(copy: Copy, first: Change, verdicts: Sequence[Verdict | None]) -> Fraction | None:
    """Follower units for a unit of the master: from the settings and the equities noted."""
    multiplier = Fraction(copy.volume)
    if copy.mode == "fixed":
        return multiplier * LOT / Fraction(first.after)
    if copy.mode == "multiplier":
        return multiplier
    for verdict in verdicts:
        numbers = verdict.numbers if verdict else {}
        if copy.mode == "equity_based" and numbers.get("mode") == copy.mode:
            return Fraction(numbers["equity"]) * multiplier / Fraction(copy.base_equity)
        what = "balance" if copy.mode == "balance_ratio" else "equity"
        if f"master_{what}" in numbers:
            return Fraction(numbers[what]) * multiplier / Fraction(numbers[f"master_{what}"])
    # The first open was overtaken before it was ordered: what it was sized from is not told.
    told = (v.numbers["ratio"] for v in verdicts if v is not None and "ratio" in v.numbers)
    ratio = next(told, None)
    return None if ratio is None else Fraction(ratio)


def _down(units: Fraction) -> Fraction:
    return Fraction(math.floor(units / STEP) * STEP)
