"""Very many open pages on the real web process, and outcomes that must reach them.

``customers`` clients show "My copying", each another customer's; all others show the staff's live
page. Every outcome of the measured master is that of one customer, so it is watched by that
customer and by all staff; one event of the master has an outcome for each of the customers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Any

import websockets
from asgiref.sync import sync_to_async
from django.utils import timezone

from apps.accounts.models import User
from apps.benchmarks.pages.field import Size, build
from apps.benchmarks.pages.visiting import cookie_of
from apps.benchmarks.rig import Rig, RigError
from apps.copytrading.models import CopySubscription, Outcome
from apps.execution.models import AccountEvent
from apps.live.receivers import announce

#: Bound of the 99th percentile, from before the outcome is committed to its arrival.
BOUND_MS = 250.0
#: Pause between two events, and how long an outcome may take before it counts as missed.
_PAUSE_S, _LATEST_S = 1.0, 10.0
#: Sockets that are opened at once.
_AT_ONCE = 25
Say = Callable[[str], object]


@dataclass(slots=True, eq=False)
class Client:
    """An open page and the moments at which marks that it waits for arrived."""

    address: str
    cookie: str
    section: str
    user_id: int
    arrived: dict[str, float] = field(default_factory=dict)
    waits_for: str = ""
    socket: Any = None

    async def listen(self) -> None:
        async for message in self.socket:
            if self.waits_for and self.waits_for in message:
                self.arrived[self.waits_for] = time.perf_counter()
                self.waits_for = ""


def measure(clients: int, customers: int, events: int, folder: Path, say: Say) -> dict[str, Any]:
    """clients, p50_ms, p99_ms, missed, and how they were dealt. RigError where a page fails."""
    size = Size(masters=20, subscriptions=200 * max(1, customers // 10), outcomes=4_000, days=25)
    build(size, say)
    master, copies = _copies(customers)
    with Rig(folder) as rig:
        port = rig.web()
        rig.wait_until(lambda: _listens(port), "the web process's start", 60)
        opened = _dealt(clients, [copy.follower.account.owner_id or 0 for copy in copies])
        return asyncio.run(_measure(opened, port, master, copies, events, say))


def _listens(port: int) -> bool:
    import socket

    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _copies(customers: int) -> tuple[int, list[CopySubscription]]:
    """Account of a master, and a copy of each customer that follows it."""
    first = CopySubscription.objects.select_related("master").order_by("id")[0]
    rows = CopySubscription.objects.select_related("follower__account").order_by("id")
    by_owner: dict[int, CopySubscription] = {}
    for row in rows:
        by_owner.setdefault(row.follower.account.owner_id or 0, row)
    chosen = list(by_owner.values())[:customers]
    if len(chosen) < customers:
        raise RigError(f"there are {len(chosen)} customers, not {customers}")
    CopySubscription.objects.filter(pk__in=[c.pk for c in chosen]).update(master=first.master)
    return first.master.account_id, chosen


def _dealt(clients: int, owners: Sequence[int]) -> list[Client]:
    users = User.objects.in_bulk(owners)
    staff = User.objects.get(email="owner@bench.test")
    cookie = cookie_of(staff)
    mine = [
        Client("copying", cookie_of(users[owner]), "outcomes", owner) for owner in owners[:clients]
    ]
    others = clients - len(mine)
    return mine + [Client("live", cookie, "live-outcomes", 0) for _ in range(others)]


async def _measure(
    clients: list[Client],
    port: int,
    master: int,
    copies: Sequence[CopySubscription],
    events: int,
    say: Say,
) -> dict[str, Any]:
    say(f"opening {len(clients):,} pages")
    gate = asyncio.Semaphore(_AT_ONCE)
    await asyncio.gather(*(_open(client, port, gate) for client in clients))
    listening = [asyncio.create_task(client.listen()) for client in clients]
    await asyncio.sleep(3)  # what they are sent to begin with
    say(f"{events} events")
    taken: list[float] = []
    missed = 0
    for _ in range(events):
        times, late = await _event(clients, master, copies)
        taken += times
        missed += late
        await asyncio.sleep(_PAUSE_S)
    for task in listening:
        task.cancel()
    await asyncio.gather(*(client.socket.close() for client in clients), return_exceptions=True)
    taken.sort()
    return {
        "clients": len(clients),
        "p50_ms": round(_rank(taken, 0.50), 1) if taken else None,
        "p99_ms": round(_rank(taken, 0.99), 1) if taken else None,
        "missed": missed,
        "customers": sum(client.address == "copying" for client in clients),
        "events": events,
    }


async def _open(client: Client, port: int, gate: asyncio.Semaphore) -> None:
    async with gate:
        client.socket = await websockets.connect(
            f"ws://127.0.0.1:{port}/ws/live/{client.address}/",
            additional_headers={"Cookie": client.cookie},
            origin=websockets.Origin(f"http://127.0.0.1:{port}"),
            open_timeout=60,
            compression=None,
            max_queue=None,
        )


async def _event(
    clients: Sequence[Client], master: int, copies: Sequence[CopySubscription]
) -> tuple[list[float], int]:
    """Milliseconds to each page that watches, and how many did not hear of it."""
    start, outcomes = await sync_to_async(_happen)(clients, master, copies)
    del outcomes
    deadline = start + _LATEST_S
    while any(client.waits_for for client in clients) and time.perf_counter() < deadline:
        await asyncio.sleep(0.01)
    times, late = [], 0
    for client in clients:
        if client.waits_for:
            late += 1
            client.waits_for = ""
        for moment in client.arrived.values():
            times.append((moment - start) * 1000)
        client.arrived.clear()
    return times, late


def _happen(
    clients: Sequence[Client], master: int, copies: Sequence[CopySubscription]
) -> tuple[float, list[Outcome]]:
    """An event of the master with an outcome for each copy; when it was about to be committed."""
    now = timezone.now()
    former = AccountEvent.objects.filter(account_id=master).order_by("-id")[0]
    newest = AccountEvent.objects.order_by("-id")[0].pk
    former.pk, former.dedupe_key = newest + 1, f"deal:live-{newest + 1}"
    former.ts_event = former.received_at = former.planned_at = now
    former.save(force_insert=True)
    like = Outcome.objects.order_by("id")[0]
    base = Outcome.objects.order_by("-id")[0].pk
    rows = []
    for number, copy in enumerate(copies, 1):
        values = {f.attname: getattr(like, f.attname) for f in Outcome._meta.concrete_fields}
        values |= {
            "id": base + number,
            "event_id": former.pk,
            "subscription_id": copy.pk,
            "master_account_id": master,
            "account_id": copy.follower.account_id,
        }
        values |= dict.fromkeys(("received_at", "planned_at", "final_at", "master_deal_at"), now)
        rows.append(Outcome(**values))
    owners = {
        copy.follower.account.owner_id: row.pk for copy, row in zip(copies, rows, strict=True)
    }
    for client in clients:
        own = owners.get(client.user_id, rows[-1].pk)
        client.waits_for = f'id="{client.section}-{own}"'
    start = time.perf_counter()
    Outcome.objects.bulk_create(rows)
    announce({"master_account_id": master})
    return start, rows


def _rank(ordered: Sequence[float], share: float) -> float:
    """Nearest rank: a value that was measured."""
    return ordered[max(0, ceil(share * len(ordered)) - 1)]
