"""Keeps a session with one connection alive as long as its lease lasts."""

from __future__ import annotations

import asyncio
import contextlib

import structlog

from apps.execution.gateway.crew import end
from apps.execution.gateway.db import UNAVAILABLE, Database, until_available
from apps.execution.gateway.directory import Directory, StateUpdate
from apps.execution.gateway.journaling import TellEvents
from apps.execution.gateway.lease import Lease
from apps.execution.gateway.session import Session, SessionOver
from apps.execution.gateway.tickets import Tickets
from apps.execution.gateway.writeback import TellOrders, Writeback
from apps.platforms.ports import AuthRefused, Connector, PlatformError

_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _GROWTH = 0.5, 30.0, 1.4
#: A session that stood this long starts pauses afresh.
_SETTLED_S = 5.0
_REFUSED_PAUSE_S = 15.0
_FLUSH_S = 1.5

_log = structlog.get_logger(__name__)


class Keeper:
    """Begins sessions anew after failures; what is to be stored outlives them."""

    def __init__(
        self,
        database: Database,
        lease: Lease,
        tell_events: TellEvents,
        tell_orders: TellOrders,
    ) -> None:
        self.lease = lease
        self._database = database
        self._tell_events = tell_events
        self._tickets = Tickets()
        self._writeback = Writeback(
            database, lease.connection_id, self._tickets, tell_events, tell_orders, lease
        )
        self._directory = Directory(database, lease.connection_id)
        self._session: Session | None = None
        self._connector: Connector | None = None
        self._leaving = False
        self._running: asyncio.Task[None] | None = None
        self._writing: asyncio.Task[None] | None = None
        self._log = _log.bind(connection=lease.connection_id)

    def start(self) -> None:
        self._running = asyncio.create_task(self._run())
        self._writing = asyncio.create_task(self._writeback.run())

    def abort(self) -> None:
        """Close the sockets now: the lease is over."""
        self._leaving = True
        if self._connector is not None:
            self._connector.abort()
        if self._running is not None:
            self._running.cancel()

    async def leave(self) -> None:
        """End in order: nothing is sent any more, good-bye, all is stored."""
        self._leaving = True
        if self._session is not None:
            self._session.sender.set_up(False)
            await self._session.leave()
        await end([self._running])
        with contextlib.suppress(TimeoutError, *UNAVAILABLE):
            await asyncio.wait_for(self._writeback.flush(), _FLUSH_S)
            await self._say("down")
        await end([self._writing])

    async def end(self) -> None:
        """After abort(): store what is known, for as long as that takes."""
        await end([self._running])
        await self._writeback.flush()
        await end([self._writing])

    async def _run(self) -> None:
        pause = _FIRST_PAUSE_S
        while self.lease.valid() and not self._leaving:
            began = asyncio.get_running_loop().time()
            wait = await self._one_session()
            if asyncio.get_running_loop().time() - began > _SETTLED_S:
                pause = _FIRST_PAUSE_S
            await asyncio.sleep(wait or pause)
            pause = min(pause * _GROWTH, _LONGEST_PAUSE_S)

    async def _one_session(self) -> float:
        """Run one session to its end; seconds to wait, 0: the usual pause."""
        try:
            self._connector = await until_available(self._directory.connector, "credentials")
            self._session = Session(
                self._database,
                self.lease,
                self._connector,
                self._directory,
                self._tickets,
                self._writeback,
                self._tell_events,
            )
            await self._session.run()
        except AuthRefused as error:
            return await self._refused(str(error))
        except (LookupError, ValueError) as error:
            return await self._refused(str(error))
        except ExceptionGroup as errors:
            first = _first(errors)
            if isinstance(first, AuthRefused):
                return await self._refused(str(first))
            await self._failed(first)
        except Exception as error:  # whatever it is, the next session begins from the truth
            await self._failed(error)
        finally:
            self._session = None
            if self._connector is not None:
                self._connector.abort()
        return 0.0

    async def _refused(self, reason: str) -> float:
        self._log.error("the platform refuses this connection", reason=reason)
        await self._say("refused", "REFUSED", reason)
        return _REFUSED_PAUSE_S

    async def _failed(self, error: BaseException) -> None:
        expected = isinstance(error, ConnectionError | PlatformError | OSError | SessionOver)
        self._log.warning(
            "session ended", error=repr(error)[:300], exc_info=None if expected else error
        )
        await self._say("down", type(error).__name__, str(error))

    async def _say(self, status: str, code: str = "", error: str = "") -> None:
        update = StateUpdate(status, self.lease.holder, error_code=code, error=error)
        with contextlib.suppress(*UNAVAILABLE):
            await self._directory.write_state(update)


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
