"""One measured run: build the accounts, start the processes, trade, wait, read the books."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.benchmarks import books
from apps.benchmarks.field import Crew, Field, build, field_is_live
from apps.benchmarks.figures import check_books, paced_figures, quantiles
from apps.benchmarks.hand import Hand
from apps.benchmarks.loops import bare_wire_ms, naive_loop_ms
from apps.benchmarks.rig import Rig, RigError
from apps.benchmarks.venue_books import filled_orders, read_books
from apps.demo.desk import Endpoint

Say = Callable[[str], object]
MASTER_LOTS = 10
PACED_PER_SECOND = 50
PACED_DELAY_S = 2
_EVENT_TIMEOUT_S = 60.0
_POLL_S = 0.05  # seldom: looking costs the processor time that is measured
_REST_S = 0.25  # between two events, so that each meets an idle engine


@dataclass(frozen=True, slots=True)
class Run:
    """What is asked for; ``events`` are measured after ``warmup`` others.

    ``outcomes_stored`` of an earlier time are there before the run begins.
    """

    followers: int
    events: int
    warmup: int
    folder: Path
    outcomes_stored: int = 0


def copies(run: Run, rig: Rig, say: Say) -> dict[str, Any]:
    """Open and close on the master, again and again, and measure each event."""
    rig.venue("--no-rate-limits")
    field = build(rig, [run.followers])
    if run.outcomes_stored:
        say(f"  storing {run.outcomes_stored:,} outcomes of an earlier time")
        books.fill_outcomes(run.outcomes_stored)
    start(rig, field, say)
    total = run.warmup + run.events
    before = asyncio.run(_trade(rig, field.endpoint, field.crews[0], run, say))
    memory, after = rig.memory_mb(), rig.cpu_s()
    crew = field.crews[0]
    check = check_books(filled_orders(read_books(rig)), crew.followers, total)
    for name in ("upkeep", "worker", "gateway"):
        rig.stop(name)
    times = books.event_times(crew.master_id)
    if len(times) != total:
        raise RigError(f"{total} events were traded, {len(times)} were copied")
    measured = times[run.warmup :]
    say("  measuring the bare wire and the naive loop")
    comparison = _comparison(field.endpoint, crew)
    return {
        "followers": run.followers,
        "events": run.events,
        "outcomes_stored": run.outcomes_stored,
        "received_to_last_sent_ms": quantiles([t.sent_ms for t in measured]).as_json(),
        "received_to_last_filled_ms": quantiles([t.filled_ms for t in measured]).as_json(),
        "hops_p50_ms": _hops(measured),
        **comparison,
        "lost": check.lost,
        "duplicates": check.duplicates,
        "orders_expected": check.expected,
        "orders_in_the_venues_books": check.found,
        "outcomes": books.outcome_codes(crew.master_id),
        "memory_mb": memory,
        "cpu_ms_per_event": {
            n: round((after[n] - before[n]) * 1000 / run.events, 1) for n in after
        },
        "each_ms": [[round(t.sent_ms, 2), round(t.filled_ms, 2)] for t in measured],
    }


def paced(run: Run, rig: Rig, say: Say) -> dict[str, Any]:
    """Under a limit of 50 requests a second: closes that arrive while opens still wait.

    The first position is opened and left to settle; then a second one is opened and, while
    its opens queue, the first is closed.
    """
    rig.venue("--rate-limit", str(PACED_PER_SECOND), "--history-rate-limit", "0")
    field = build(
        rig,
        [run.followers],
        requests_per_second=PACED_PER_SECOND,
        max_delay_s=PACED_DELAY_S,
    )
    crew = field.crews[0]
    start(rig, field, say)
    asyncio.run(_trade_paced(rig, field.endpoint, crew))
    orders = books.sent_orders(crew.master_id, PACED_DELAY_S)
    return {
        "followers": run.followers,
        "requests_per_second": PACED_PER_SECOND,
        "max_delay_s": PACED_DELAY_S,
        **paced_figures(orders).as_json(),
        "outcomes": books.outcome_codes(crew.master_id),
    }


def start(rig: Rig, field: Field, say: Say) -> None:
    """Start gateway and worker on a field and wait until every account is live."""
    books.freshen_statistics()
    for name, pid in books.server_pids().items():
        rig.weigh(name, pid)
    begin = time.monotonic()
    rig.gateway()
    rig.workers()
    rig.wait_until(lambda: field_is_live(field), "reading all accounts", 300)
    rig.wait_until(rig.workers_wait, "the workers' start", 60)
    say(f"  all accounts are live after {time.monotonic() - begin:.1f} s")


async def _trade(rig: Rig, endpoint: Endpoint, crew: Crew, run: Run, say: Say) -> dict[str, float]:
    """All events of a run; the processor time used until the warm-up was over."""
    total, used = run.warmup + run.events, rig.cpu_s()
    hand = await Hand.sit_down(endpoint, crew.master)
    position, last = 0, time.monotonic()
    try:
        for number in range(1, total + 1):
            if number % 2:
                position = await hand.open(MASTER_LOTS)
            else:
                await hand.close(position, MASTER_LOTS)
            await finished(rig, crew, 1, after=number - 1)
            await asyncio.sleep(_REST_S)
            if time.monotonic() - last > 5:
                last = time.monotonic()
                say(f"  {number} of {total} events")
            if number == run.warmup:
                used = rig.cpu_s()
        return used
    finally:
        await hand.leave()


async def _trade_paced(rig: Rig, endpoint: Endpoint, crew: Crew) -> None:
    hand = await Hand.sit_down(endpoint, crew.master)
    try:
        first = await hand.open(MASTER_LOTS)
        await finished(rig, crew, 1)
        await asyncio.sleep(1.5)  # the limit's window is empty again
        await hand.open(MASTER_LOTS)
        await asyncio.sleep(0.5)
        await hand.close(first, MASTER_LOTS)
        await finished(rig, crew, 3)
    finally:
        await hand.leave()


async def finished(
    rig: Rig, crew: Crew, events: int, *, after: int = 0, poll_s: float = _POLL_S
) -> None:
    """Return when every subscription has its outcomes of ``events`` beyond the first ``after``.

    RigError when nothing new has come for a minute.
    """
    wanted, newest, deadline = events * len(crew.followers), (-1, 0), 0.0
    while True:
        known = await asyncio.to_thread(books.progress, crew.master_id, after)
        if known[0] >= events and known[1] >= wanted:
            return
        rig.check()
        if known != newest:
            newest, deadline = known, time.monotonic() + _EVENT_TIMEOUT_S
        elif time.monotonic() > deadline:
            tails = "\n".join(f"--- {n}\n{rig.tail(n)}" for n in ("gateway", "worker", "venue"))
            raise RigError(
                f"{after + events} events have {known[1]} of {wanted} outcomes, {known[0]} are "
                f"journaled, and nothing more comes\n{tails}"
            )
        await asyncio.sleep(poll_s)


def _hops(measured: Sequence[books.EventTimes]) -> dict[str, float]:
    """Medians of the hops on the way, from the receipt of the master's deal."""
    rows = [event.hops_ms() for event in measured]
    return {name: quantiles([row[name] for row in rows]).as_json()["p50"] for name in rows[0]}


def _comparison(endpoint: Endpoint, crew: Crew) -> dict[str, float]:
    """The floor and the naive loop on the same accounts, gateway and worker gone."""
    symbol, volume = asyncio.run(_what_followers_trade(endpoint, crew))
    bare = bare_wire_ms(endpoint, crew.followers, symbol, volume)
    naive = asyncio.run(naive_loop_ms(endpoint, crew.followers, symbol, volume))
    return {"bare_wire_ms": round(bare, 3), "naive_loop_ms": round(naive, 2)}


async def _what_followers_trade(endpoint: Endpoint, crew: Crew) -> tuple[int, int]:
    """Symbol id and volume of a follower's order: a tenth of the master's."""
    hand = await Hand.sit_down(endpoint, crew.master)
    await hand.leave()
    return hand.symbol_id, hand.volume(MASTER_LOTS) // 10
