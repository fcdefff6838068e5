"""What the contract suite needs of a platform's stand-in, and how it watches a connector."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol, TypeVar

from apps.platforms.limits import Limits
from apps.platforms.ports import Connector, DealDone, Event
from apps.trading.orders import Side
from apps.trading.positions import MarginMode

PATIENCE_S = 5.0


class Fault(enum.StrEnum):
    """Misbehaviour of the platform with orders."""

    DROP = "drop"  # the request vanishes
    SILENCE = "silence"  # executed, but neither answered nor told as an event
    DELAY = "delay"  # answered after ``DELAY_S``
    DUPLICATE = "duplicate"  # every message about it arrives twice
    PARTIAL_FILL = "partial_fill"  # filled in more than one deal
    PARTIAL_THEN_CANCEL = "partial_then_cancel"  # filled in part, the rest cancelled
    REJECT_LATER = "reject_later"  # accepted, then rejected
    REORDER = "reorder"  # the messages about it arrive in the opposite order
    DISCONNECT = "disconnect"  # the session breaks instead of an answer


DELAY_S = 0.4


@dataclass(frozen=True, slots=True)
class BookedPosition:
    """A position as the platform's own books have it."""

    position_id: str
    tag: str
    side: Side
    units: Decimal


class PlatformBench(Protocol):
    """A platform that an adapter's test starts for one case and drives from behind.

    ``symbol`` is the name of an instrument that every account can trade, quoted at
    ``bid``/``ask`` until :meth:`set_price`; ``exact`` what is known of it without asking.
    """

    symbol: str
    bid: Decimal
    ask: Decimal
    exact: dict[str, object]
    saved: list[dict[str, str]]  # credentials that connectors have stored
    dead_after_s: float  # silence after which a connector gives a session up

    async def open_account(
        self,
        mode: MarginMode = MarginMode.HEDGING,
        *,
        deposit: Decimal = Decimal(10_000),
        currency: str = "USD",
        stranger: bool = False,
    ) -> str:
        """An account with this balance; a stranger's is not opened by our credentials."""

    def connector(self, *, limits: Limits | None = None, wrong: bool = False) -> Connector:
        """A new connector with good (or wrong) credentials, not connected."""

    async def set_price(self, bid: Decimal, ask: Decimal) -> None: ...

    async def fault(
        self, kind: Fault, account: str = "", *, count: int = 1, after: int = 0
    ) -> None:
        """Misbehave with the next ``count`` orders (of the account), after ``after`` good ones."""

    async def clear_faults(self) -> None: ...

    async def cut(self) -> None:
        """Break every session without a word."""

    async def freeze(self) -> None:
        """Keep the sessions but send nothing on them any more; new ones are answered."""

    async def hold_off(self) -> None:
        """Let no new session in until :meth:`let_in`; those of others stay."""

    async def let_in(self) -> None: ...

    async def stop(self) -> None:
        """The platform goes away."""

    async def restart(self) -> None:
        """It is back on the same address with what it had stored."""

    async def bytes_sent(self) -> int:
        """What connectors have written to the platform so far."""

    async def refusals_for_rate(self) -> int:
        """How many requests the platform has refused because there were too many."""

    async def limit_rate(self, requests: int, history: int) -> None:
        """The platform refuses more requests a second than these."""

    async def page_history(self, rows: int) -> None:
        """The platform gives out at most so many rows of history at once."""

    async def invalidate_token(self) -> None:
        """The access token ends now; the refresh token still works."""

    async def revoke(self) -> None:
        """Access and refresh token end now."""

    async def let_token_age(self) -> None:
        """The access token is about to end; connectors made from now on know it."""

    async def deposit(self, account: str, amount: Decimal) -> None: ...

    async def trade_elsewhere(
        self, account: str, side: Side, units: Decimal, *, close: str = ""
    ) -> str:
        """Trade through another session; ``close`` names a position. Answers its id."""

    async def books(self, account: str) -> list[BookedPosition]:
        """Open positions by the platform's own books."""

    async def requests_seen(self) -> int:
        """How many trading requests have reached the platform."""


E_ = TypeVar("E_", bound=object)


@dataclass
class Watcher:
    """Reads a connector's events for as long as the case runs."""

    connector: Connector
    groups: list[list[Event]] = field(default_factory=list)
    ended: bool = False
    _task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._read())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _read(self) -> None:
        async for group in self.connector.events():
            self.groups.append(group)
        self.ended = True

    def all(self, kind: type[E_]) -> list[E_]:
        return [event for group in self.groups for event in group if isinstance(event, kind)]

    def deals(self, account: str) -> list[DealDone]:
        return [event for event in self.all(DealDone) if event.account == account]

    async def until(self, what: Callable[[], object], meaning: str) -> None:
        """Wait until ``what`` answers something true."""
        await until(what, meaning)

    async def next(
        self, kind: type[E_], number: int = 1, where: Callable[[E_], bool] = lambda _: True
    ) -> E_:
        """The ``number``-th event of a kind that fits, waited for."""

        def fitting() -> list[E_]:
            return [event for event in self.all(kind) if where(event)]

        await until(lambda: len(fitting()) >= number, f"{kind.__name__} no. {number}")
        return fitting()[number - 1]


async def until(what: Callable[[], object], meaning: str) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_S
    while not what():
        assert loop.time() < deadline, f"not seen within {PATIENCE_S} s: {meaning}"
        await asyncio.sleep(0.005)
