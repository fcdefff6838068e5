"""Many copied trades in a row: how many there are in a second, and what memory does meanwhile.

A master opens positions as fast as its client can, and when all are copied closes them; each
follower's order is a copied trade. Counted is the time from the receipt of the first deal to
the last outcome.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from apps.benchmarks import books
from apps.benchmarks.field import Crew, build
from apps.benchmarks.figures import check_books
from apps.benchmarks.hand import Hand
from apps.benchmarks.rig import Rig
from apps.benchmarks.runs import Run, Say, finished, start
from apps.benchmarks.venue_books import filled_orders, read_books

LOTS = 1
#: Trades that the master's client sends before it waits for their answers.
_AT_ONCE = 10
_POLL_S = 0.05
#: Positions that the master opens and closes between two looks at memory.
_ROUND = 20


def sustained(run: Run, rig: Rig, say: Say) -> dict[str, Any]:
    """``run.events`` trades of the master, half of them opens, after ``run.warmup`` others."""
    crew, endpoint = _begin(run, rig, say)

    async def trade() -> None:
        hand = await Hand.sit_down(endpoint, crew.master)
        try:
            await _round(rig, hand, crew, 0, run.warmup // 2)
            await _round(rig, hand, crew, run.warmup, run.events // 2)
        finally:
            await hand.leave()

    asyncio.run(trade())
    half, after = run.events // 2, run.warmup
    seconds = sum(books.seconds_of(crew.master_id, after + n, half) for n in (0, half))
    trades = run.events * run.followers
    return {
        "followers": run.followers,
        "master_trades": run.events,
        "copied_trades": trades,
        "seconds": round(seconds, 3),
        "sustained_per_s": round(trades / seconds, 1),
        **_checked(rig, crew, run.warmup + run.events),
        "memory_mb": rig.memory_mb(),
        "outcomes": books.outcome_codes(crew.master_id),
    }


def memory(run: Run, rig: Rig, say: Say) -> dict[str, Any]:
    """Memory of gateway and worker, in MiB, after each round of ``run.events`` trades in all."""
    crew, endpoint = _begin(run, rig, say)
    points: list[dict[str, float]] = []
    positions = min(_ROUND, run.events // 2)

    async def trade() -> None:
        hand = await Hand.sit_down(endpoint, crew.master)
        try:
            for done in range(0, run.events, 2 * positions):
                await _round(rig, hand, crew, done, positions)
                copied = (done + 2 * positions) * len(crew.followers)
                weights = rig.memory_mb()
                points.append({"copied_trades": copied} | {n: weights[n] for n in _WEIGHED})
                say(f"  {copied:,} copied trades: {points[-1]}")
        finally:
            await hand.leave()

    asyncio.run(trade())
    rounds = len(points)
    return {
        "followers": run.followers,
        "copied_trades": points[-1]["copied_trades"],
        "points": points,
        "grown_mb_second_half": {
            name: round(_mean(points[-3:], name) - _mean(points[rounds // 2 :][:3], name), 1)
            for name in _WEIGHED
        },
        **_checked(rig, crew, rounds * 2 * positions),
    }


_WEIGHED = ("gateway", "worker")


def _begin(run: Run, rig: Rig, say: Say) -> tuple[Crew, Any]:
    rig.venue("--no-rate-limits")
    field = build(rig, [run.followers])
    start(rig, field, say)
    return field.crews[0], field.endpoint


async def _round(rig: Rig, hand: Hand, crew: Crew, before: int, positions: int) -> None:
    """Open that many positions, see them copied, close them, see that copied."""
    opened: list[int] = []
    for count in _bites(positions):
        opened += await asyncio.gather(*(hand.open(LOTS) for _ in range(count)))
    await finished(rig, crew, positions, after=before, poll_s=_POLL_S)
    for count in _bites(positions):
        await asyncio.gather(*(hand.close(opened.pop(), LOTS) for _ in range(count)))
    await finished(rig, crew, positions, after=before + positions, poll_s=_POLL_S)


def _bites(count: int) -> Iterable[int]:
    for done in range(0, count, _AT_ONCE):
        yield min(_AT_ONCE, count - done)


def _checked(rig: Rig, crew: Crew, per_account: int) -> dict[str, int]:
    check = check_books(filled_orders(read_books(rig)), crew.followers, per_account)
    return {"lost": check.lost, "duplicates": check.duplicates}


def _mean(points: list[dict[str, float]], name: str) -> float:
    return sum(point[name] for point in points) / len(points)
