"""The gateway process: takes its share of connections and runs a session for each."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import secrets
import signal
from collections.abc import Sequence
from functools import partial

import structlog

from apps.common import collector
from apps.common.wakeups import Wakeups
from apps.execution import receivers
from apps.execution.gateway.crew import end
from apps.execution.gateway.db import UNAVAILABLE, Database
from apps.execution.gateway.keeper import Keeper
from apps.execution.gateway.lease import TICK_S, Lease, Leases
from apps.execution.gateway.waking import Waker, in_thread
from apps.execution.troubles import NOT_SET_ASIDE

_WATCH_S = 0.1
_RETRY_S = 0.25
_SHUTDOWN_S = 2.5
_TICK_S = 2  # how often receivers are told that time has passed

_UNPLANNED = """
    SELECT DISTINCT account_id FROM execution_accountevent
    WHERE planned_at IS NULL AND connection_id = ANY(%s)
      AND received_at < clock_timestamp() - interval '1 second'
"""
_UNSETTLED = f"""
    SELECT source, array_agg(DISTINCT wake_key) FROM execution_order o
    WHERE settled_at IS NULL AND source = ANY(%s) AND connection_id = ANY(%s)
      AND final_at < clock_timestamp() - interval '1 second' AND {NOT_SET_ASIDE}
    GROUP BY source
"""
_RESTED = f"""
    SELECT source, array_agg(DISTINCT wake_key) FROM execution_order o
    WHERE rested_at < clock_timestamp() - interval '1 second' AND rest_settled_at IS NULL
      AND final_at IS NULL AND source = ANY(%s) AND connection_id = ANY(%s) AND {NOT_SET_ASIDE}
    GROUP BY source
"""

_log = structlog.get_logger(__name__)


class Gateway:
    """One gateway process."""

    def __init__(self, name: str) -> None:
        self.holder = f"{name}:{os.getpid()}-{secrets.token_hex(3)}"[:64]
        self.database = Database()
        self.leases = Leases(self.database, self.holder)
        self._keepers: dict[int, Keeper] = {}
        self._stop = asyncio.Event()
        self._wakeups = Wakeups()
        self._events = Waker(self._wake_for_events)
        self._orders: dict[str, Waker[int]] = {}
        self._ticks = Waker(in_thread(lambda _: receivers.tell_tick()))
        self._drops: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT, then release what is held."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        _log.info("gateway begins", name=self.holder)
        await self.database.open()
        collector.calm()
        background = [
            asyncio.create_task(self._lead()),
            asyncio.create_task(self._watch()),
            asyncio.create_task(self._sweep()),
        ]
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait([stopping, *background], return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end(background)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._end(), _SHUTDOWN_S)
            for result in await asyncio.gather(*background, return_exceptions=True):
                if isinstance(result, Exception):
                    raise result

    async def _end(self) -> None:
        await asyncio.gather(*(self._give_back(k) for k in list(self._keepers.values())))
        with contextlib.suppress(*UNAVAILABLE):
            await self.leases.leave()
        await self._events.finish()
        await self._ticks.finish()
        await self._wakeups.close()
        await self.database.close()
        _log.info("gateway has ended", name=self.holder)

    # --- leases ------------------------------------------------------------------------------
    async def _lead(self) -> None:
        while True:
            pause = TICK_S
            try:
                await self._round()
            except UNAVAILABLE as error:
                _log.warning("leases wait for PostgreSQL", error=str(error)[:200])
                pause = _RETRY_S
            await asyncio.sleep(pause)

    async def _round(self) -> None:
        for lease in await self.leases.renew():
            self._begin_drop(lease, "lost")
        for lease in await self.leases.disabled():
            await self._give_back(self._keepers[lease.connection_id])
        share = await self.leases.share()
        if len(self.leases.held) > share:
            youngest = max(self.leases.held)
            await self._give_back(self._keepers[youngest])
            return
        for lease in await self.leases.acquire(share - len(self.leases.held), set(self._keepers)):
            _log.info(
                "connection taken",
                connection=lease.connection_id,
                epoch=lease.epoch,
                waits_s=round(lease.wait_s(), 1),
            )
            keeper = Keeper(self.database, lease, self._events.wake, self._tell_orders)
            self._keepers[lease.connection_id] = keeper
            keeper.start()

    async def _watch(self) -> None:
        """A lease whose own deadline has passed ends its session, whatever else hangs."""
        while True:
            for lease in self.leases.expired():
                keeper = self._keepers.get(lease.connection_id)
                if keeper is not None:
                    keeper.abort()
                self._begin_drop(lease, "expired")
            await asyncio.sleep(_WATCH_S)

    def _begin_drop(self, lease: Lease, why: str) -> None:
        """Others must not wait for what this session still has to store."""
        task = asyncio.get_running_loop().create_task(self._drop(lease, why))
        self._drops.add(task)
        task.add_done_callback(self._drops.discard)

    async def _drop(self, lease: Lease, why: str) -> None:
        keeper = self._keepers.get(lease.connection_id)
        if keeper is None or keeper.lease is not lease:
            return
        _log.warning("lease is over", connection=lease.connection_id, why=why)
        keeper.abort()
        await keeper.end()
        with contextlib.suppress(*UNAVAILABLE):  # nothing of it is left here: others need not wait
            await self.leases.release(lease)
        if self._keepers.get(lease.connection_id) is keeper:
            del self._keepers[lease.connection_id]

    async def _give_back(self, keeper: Keeper) -> None:
        """End a session in order, store all it knows, and let another gateway take it."""
        await keeper.leave()
        with contextlib.suppress(*UNAVAILABLE):
            await self.leases.release(keeper.lease)
        self._keepers.pop(keeper.lease.connection_id, None)
        _log.info("connection given back", connection=keeper.lease.connection_id)

    # --- receivers ---------------------------------------------------------------------------
    async def _wake_for_events(self, told: Sequence[tuple[int, str]]) -> None:
        await self._wakeups.send(receivers.wakes_for_events(told))

    async def _wake_for_orders(self, source: str, wake_keys: Sequence[int]) -> None:
        await self._wakeups.send(receivers.wakes_for_orders(source, wake_keys))

    def _tell_orders(self, source: str, wake_keys: Sequence[int]) -> None:
        if source not in self._orders:
            self._orders[source] = Waker(partial(self._wake_for_orders, source))
        self._orders[source].wake(wake_keys)

    async def _sweep(self) -> None:
        """Tell again what is not planned or settled; a wake-up may have been lost."""
        for seconds in itertools.count():
            await asyncio.sleep(1.0)
            mine = sorted(self.leases.held)
            if not mine:
                continue
            if seconds % _TICK_S == 0:
                self._ticks.wake([0])
            try:
                of_mine = [sorted(receivers.sources()), mine]
                events, final, rested = await self.database.run_all(
                    [(_UNPLANNED, [mine]), (_UNSETTLED, of_mine), (_RESTED, of_mine)]
                )
            except UNAVAILABLE:
                continue  # the leases say so already
            self._events.wake([(row[0], "") for row in events])
            for source, wake_keys in final + rested:
                self._tell_orders(source, wake_keys)
