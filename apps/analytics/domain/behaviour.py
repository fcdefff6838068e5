"""Habits that endanger an account, read off its closed trades, with the evidence for each.

A habit is found, not found, or cannot be judged yet; it is never guessed from a few trades. The
thresholds are this product's own; what is counted is written at each function. The functions take
trades in any order and look at moments and prices only, so that imported history is judged like
one's own.
"""

from __future__ import annotations

import enum
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import fmean, median

from apps.analytics.domain.trades import ClosedTrade

#: A habit is a pattern: so many trades of each kind that is compared are needed to see one.
MINIMUM_TRADES = 10
#: Averaging down is a habit from this share of all trades on.
AVERAGING_SHARE = 0.10
#: Growing after losses: typical size after a lost trade against the size before, and against
#: what the same account does after a won one.
GROWTH, GROWTH_AGAINST_WINS = 1.15, 1.10
#: Losers are held longer from this multiple of the typical time of winners on.
HOLDING = 1.5


class Habit(enum.StrEnum):
    """The habits that are looked for."""

    AVERAGING_DOWN = "averaging_down"
    GROWING_AFTER_LOSSES = "growing_after_losses"
    HOLDING_LOSERS = "holding_losers"


class Verdict(enum.StrEnum):
    FOUND = "found"
    NOT_FOUND = "not_found"
    NOT_ENOUGH_TRADES = "not_enough_trades"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one habit.

    ``numbers`` are the counts and measures of the explanation, ``examples`` up to three trades
    that show it best (empty unless found).
    """

    habit: Habit
    verdict: Verdict
    explanation: str
    numbers: Mapping[str, float]
    examples: tuple[ClosedTrade, ...] = ()


def findings(trades: Iterable[ClosedTrade]) -> list[Finding]:
    """All habits, in the order of :class:`Habit`."""
    known = sorted(trades, key=lambda trade: (trade.opened_at, trade.closed_at))
    return [averaging_down(known), growing_after_losses(known), holding_losers(known)]


def averaging_down(trades: Iterable[ClosedTrade]) -> Finding:
    """Adding to positions that are losing.

    Counted is every trade that was opened while an earlier one of the same symbol and side was
    open, at a worse price than that one's (lower for a buy, higher for a sell). ``depth`` is the
    longest ladder of such trades open at once. Found from 10 % of all trades on, three at least.
    """
    ladders, count = _ladders(trades)
    added = [trade for trade, depth in ladders if depth > 1]
    numbers = {
        "trades": float(count),
        "added": float(len(added)),
        "depth": float(max((depth for _, depth in ladders), default=0)),
    }
    habit = Habit.AVERAGING_DOWN
    if count < MINIMUM_TRADES:
        return _too_few(habit, numbers, "trades")
    text = (
        f"{len(added)} of {count} trades ({100 * len(added) / count:.0f} %) were opened while an "
        f"earlier one of the same symbol and side was losing; up to {numbers['depth']:.0f} were "
        "open at once, each at a worse price. Such a ladder wins often and loses much when it does "
        "not."
    )
    if len(added) < 3 or len(added) / count < AVERAGING_SHARE:
        return Finding(habit, Verdict.NOT_FOUND, text.partition(". ")[0] + ".", numbers)
    deepest = sorted(ladders, key=lambda rung: -rung[1])[:3]
    return Finding(habit, Verdict.FOUND, text, numbers, tuple(trade for trade, _ in deepest))


def growing_after_losses(trades: Iterable[ClosedTrade]) -> Finding:
    """Trading larger after a loss, to win it back.

    For each trade the one of the same symbol that was closed last before its opening is looked
    up, and the volumes are compared. ``after_losses`` and ``after_wins`` are the geometric means
    of volume ÷ volume before. Found where a loss is followed by 15 % more and by 10 % more than a
    win is; wins that are too few to compare with count as 'no change'.
    """
    lost, won = _size_changes(trades)
    after_losses = _geometric([ratio for ratio, _ in lost])
    enough_wins = len(won) >= MINIMUM_TRADES
    after_wins = _geometric([ratio for ratio, _ in won]) if enough_wins else 1.0
    numbers = {
        "after_losses": after_losses,
        "after_wins": after_wins,
        "losses": float(len(lost)),
        "wins": float(len(won)),
    }
    habit = Habit.GROWING_AFTER_LOSSES
    if len(lost) < MINIMUM_TRADES:
        return _too_few(habit, numbers, "trades that follow a lost one")
    text = (
        f"After a lost trade the next one in the same symbol is typically {after_losses:.2f} times "
        f"its size, after a won one {after_wins:.2f} times ({len(lost)} and {len(won)} cases)."
    )
    if after_losses < GROWTH or after_losses < GROWTH_AGAINST_WINS * after_wins:
        return Finding(habit, Verdict.NOT_FOUND, text, numbers)
    largest = tuple(trade for _, trade in sorted(lost, key=lambda case: -case[0])[:3])
    text += " A few losses in a row can then cost more than many wins have earned."
    return Finding(habit, Verdict.FOUND, text, numbers, largest)


def holding_losers(trades: Iterable[ClosedTrade]) -> Finding:
    """Closing winners soon and letting losers run.

    Compared are the median times from open to close of lost and of won trades, in hours. Found
    where losers are held 1.5 times as long. Known as the disposition effect (H. Shefrin and
    M. Statman, 1985).
    """
    known = list(trades)
    lost = [trade for trade in known if trade.result < 0]
    won = [trade for trade in known if trade.result > 0]
    losers, winners = _typical_hours(lost), _typical_hours(won)
    numbers = {
        "losers_hours": losers,
        "winners_hours": winners,
        "losses": float(len(lost)),
        "wins": float(len(won)),
    }
    habit = Habit.HOLDING_LOSERS
    if min(len(lost), len(won)) < MINIMUM_TRADES:
        return _too_few(habit, numbers, "won and as many lost trades")
    text = (
        f"Lost trades are typically held {_span(losers)}, won ones {_span(winners)} "
        f"({len(lost)} and {len(won)} trades)."
    )
    if losers < HOLDING * winners or losers == 0:
        return Finding(habit, Verdict.NOT_FOUND, text, numbers)
    longest = sorted(lost, key=lambda trade: trade.opened_at - trade.closed_at)[:3]
    text += " Losses are being waited out, so the open ones may be larger than the booked ones."
    return Finding(habit, Verdict.FOUND, text, numbers, tuple(longest))


def _too_few(habit: Habit, numbers: Mapping[str, float], what: str) -> Finding:
    text = f"There must be at least {MINIMUM_TRADES} {what} before this can be judged."
    return Finding(habit, Verdict.NOT_ENOUGH_TRADES, text, numbers)


def _ladders(trades: Iterable[ClosedTrade]) -> tuple[list[tuple[ClosedTrade, int]], int]:
    """Each trade with its rung (1: it stands alone or adds to none that loses), and their count."""
    open_now: dict[tuple[str, str], list[tuple[ClosedTrade, int]]] = defaultdict(list)
    rungs = []
    for trade in sorted(trades, key=lambda t: (t.opened_at, t.closed_at)):
        held = open_now[trade.symbol, trade.side]
        held[:] = [rung for rung in held if rung[0].closed_at > trade.opened_at]
        worse = [depth for other, depth in held if _loses_to(other, trade)]
        rungs.append((trade, 1 + max(worse, default=0)))
        held.append(rungs[-1])
    return rungs, len(rungs)


def _loses_to(earlier: ClosedTrade, trade: ClosedTrade) -> bool:
    moved = (trade.open_price - earlier.open_price) * earlier.side.sign
    return moved < 0 and earlier.opened_at < trade.opened_at


def _size_changes(
    trades: Iterable[ClosedTrade],
) -> tuple[list[tuple[float, ClosedTrade]], list[tuple[float, ClosedTrade]]]:
    """Volume against the symbol's last closed trade: after losses, and after wins."""
    symbols: dict[str, list[ClosedTrade]] = defaultdict(list)
    for trade in trades:
        symbols[trade.symbol].append(trade)
    lost: list[tuple[float, ClosedTrade]] = []
    won: list[tuple[float, ClosedTrade]] = []
    for group in symbols.values():
        closed = sorted(group, key=lambda trade: trade.closed_at)
        place = 0
        for trade in sorted(group, key=lambda trade: trade.opened_at):
            while place < len(closed) and closed[place].closed_at <= trade.opened_at:
                place += 1
            before = closed[place - 1] if place else None
            if before is None or before is trade or not before.volume > 0 < trade.volume:
                continue
            case = (float(trade.volume / before.volume), trade)
            if before.result:
                (lost if before.result < 0 else won).append(case)
    return lost, won


def _geometric(ratios: Sequence[float]) -> float:
    return math.exp(fmean(math.log(ratio) for ratio in ratios)) if ratios else 1.0


def _typical_hours(trades: Sequence[ClosedTrade]) -> float:
    times = [(trade.closed_at - trade.opened_at) / timedelta(hours=1) for trade in trades]
    return median(times) if times else 0.0


def _span(hours: float) -> str:
    if hours < 2:
        return f"{hours * 60:.0f} minutes"
    return f"{hours:.0f} hours" if hours < 72 else f"{hours / 24:.0f} days"
