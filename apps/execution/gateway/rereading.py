"""Reading accounts again while they are live, within a quarter of the platform's budget.

Events can be lost without a trace. So accounts are read one after the other, doubtful ones
first, and compared with what is known; one that differs is read anew by the same road as after
a gap, with its live events waiting meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import structlog
from django.conf import settings
from redis.asyncio import Redis
from redis.exceptions import RedisError

from apps.execution.gateway.state import Account, Book
from apps.execution.gateway.strays import Strays
from apps.execution.gateway.tickets import Tickets
from apps.execution.intents import Col
from apps.execution.suspects import suspects_name
from apps.platforms.ports import Connector, PlatformError, Snapshot
from apps.trading.positions import Position

#: A snapshot takes about so many requests.
_REQUESTS = 2
#: Requests a second that are assumed where a platform has no limit.
_UNLIMITED = 50
_SHARE = 4
#: How long the events of a snapshot's moment may take until they are applied.
_SETTLE_S = 0.5
#: A doubtful account is not read more often than this.
_AGAIN_S = 5.0
_ASK_S = 2.0

_log = structlog.get_logger(__name__)


class Rereading:
    """Reads the accounts of a session in turn; tells which of them must be read anew."""

    def __init__(
        self,
        connection_id: int,
        connector: Connector,
        book: Book,
        tickets: Tickets,
        strays: Strays,
        read_anew: Callable[[Sequence[str]], None],
        calm: Callable[[], bool],
    ) -> None:
        self._connection_id = connection_id
        self._connector = connector
        self._book = book
        self._tickets = tickets
        self._strays = strays
        self._read_anew = read_anew
        self._calm = calm
        self._turn: deque[int] = deque()
        self._suspects: dict[int, None] = {}  # in the order in which they came
        self._read_at: dict[int, float] = {}

    @property
    def pause_s(self) -> float:
        """From one snapshot to the next, so that they take a quarter of the requests."""
        rate = self._connector.limits.requests.rate or _UNLIMITED
        return _REQUESTS * _SHARE / rate

    async def run(self) -> None:
        """Read on for ever; a session that is down or busy with orders is left alone."""
        while True:
            await asyncio.sleep(self.pause_s)
            account = self._next() if self._calm() else None
            if account is None:
                continue
            with contextlib.suppress(ConnectionError, TimeoutError, PlatformError):
                await self._look(account)

    def _next(self) -> Account | None:
        """The account whose turn it is: doubtful ones first, then round and round."""
        now = asyncio.get_running_loop().time()
        self._doubt(t.row[Col.ACCOUNT_ID] for t in self._tickets.unknown())
        self._doubt(self._tickets.take_troubled())
        for account_id in list(self._suspects):
            if now - self._read_at.get(account_id, -_AGAIN_S) >= _AGAIN_S:
                del self._suspects[account_id]
                if (account := self._current(account_id)) is not None:
                    return account
        if not self._turn:
            self._turn.extend(self._book.by_id)
            self._read_at = {pk: at for pk, at in self._read_at.items() if pk in self._book.by_id}
        while self._turn:
            if (account := self._current(self._turn.popleft())) is not None:
                return account
        return None

    def _current(self, account_id: int) -> Account | None:
        account = self._book.by_id.get(account_id)
        return account if account is not None and account.synced else None

    def _doubt(self, account_ids: Iterable[int]) -> None:
        self._suspects.update(dict.fromkeys(account_ids))

    async def _look(self, account: Account) -> None:
        self._read_at[account.id] = asyncio.get_running_loop().time()
        snapshot = await self._connector.snapshot(account.account)
        self._strays.shown(account, snapshot)
        if _agrees(account, snapshot):
            return
        known = dict(account.positions)
        await asyncio.sleep(_SETTLE_S)
        if not (self._calm() and account.synced) or _agrees(account, snapshot):
            return
        if account.positions != known:  # it is trading: what was read is old by now
            self._doubt([account.id])
            return
        _log.warning("an account differs from what was told of it", account=account.id)
        self._read_anew([account.account])

    async def ask(self) -> None:
        """Take over the accounts that others doubt, for ever."""
        name = suspects_name(self._connection_id)
        while True:
            client = Redis.from_url(
                settings.REDIS_URL, socket_timeout=2.0, socket_connect_timeout=1.0
            )
            try:
                while True:
                    found: Any = await client.spop(name, 1000)
                    self._doubt(sorted(int(pk) for pk in found or ()))
                    await asyncio.sleep(_ASK_S)
            except (RedisError, OSError):
                await asyncio.sleep(_ASK_S)
            finally:
                await client.aclose()


def _agrees(account: Account, snapshot: Snapshot) -> bool:
    """Whether positions are as known; pending orders count where they are followed."""
    if _terms(account.positions.values()) != _terms(snapshot.positions):
        return False
    if not account.journaled:
        return True
    return {o.platform_order_id for o in snapshot.orders} == set(account.orders)


def _terms(positions: Iterable[Position]) -> dict[str, object]:
    return {p.position_id: (p.side, p.units, p.stop_loss, p.take_profit) for p in positions}
