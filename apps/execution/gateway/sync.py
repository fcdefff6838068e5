"""Reading accounts when a session begins or returns: what is there, and what was missed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import structlog

from apps.execution.gateway import records, resting
from apps.execution.gateway.db import Database, until_available
from apps.execution.gateway.events import Events
from apps.execution.gateway.journaling import Journal
from apps.execution.gateway.state import Account, Book
from apps.execution.gateway.stored import OVERLAP, Stored, read_stored
from apps.execution.gateway.tickets import Tickets
from apps.platforms.ports import Connector, DealDone, PlatformError, Snapshot
from apps.trading.deals import Deal, DealEffect
from apps.trading.orders import Side
from apps.trading.positions import Position

_AT_ONCE = 32
#: How often an account that goes on trading is read before it is left for later.
_ATTEMPTS = 10
ZERO = Decimal(0)

_FILLED = """
    SELECT platform_order_id, sum(units) FROM execution_deal
    WHERE account_id = %s AND platform_order_id = ANY(%s) GROUP BY platform_order_id
"""

_KNOWN_DEALS = "SELECT deal_id FROM execution_deal WHERE account_id = %s AND deal_id = ANY(%s)"

_log = structlog.get_logger(__name__)


class Sync:
    """Brings accounts of a session up to date."""

    def __init__(
        self,
        database: Database,
        connector: Connector,
        book: Book,
        events: Events,
        journal: Journal,
        tickets: Tickets,
    ) -> None:
        self._database = database
        self._connector = connector
        self._book = book
        self._events = events
        self._journal = journal
        self._tickets = tickets

    async def read(self, accounts: Sequence[Account]) -> dict[str, str]:
        """Read accounts, watched ones first; answers a reason per account that failed.

        Raises ConnectionError when the session breaks meanwhile.
        """
        ids = [account.id for account in accounts]
        stored = await until_available(lambda: read_stored(self._database, ids), "stored accounts")
        turn = asyncio.Semaphore(_AT_ONCE)
        failed: dict[str, str] = {}

        async def one(account: Account) -> None:
            async with turn:
                try:
                    await self._account(account, stored.get(account.id))
                except PlatformError as error:
                    failed[account.account] = str(error)

        ordered = sorted(accounts, key=lambda a: not a.journaled)
        async with asyncio.TaskGroup() as group:
            for account in ordered:
                group.create_task(one(account))
        return failed

    async def begin(self, account: Account) -> None:
        """An account is watched from now on: what rests on it already is known, not news."""
        await self._events.pending.begin(account, list(account.orders.values()))

    async def _account(self, account: Account, stored: Stored | None) -> None:
        snapshot = await self._connector.snapshot(account.account)
        if stored is None:
            await self._events.pending.begin(account, snapshot.orders)
        elif self._may_have_missed(account, snapshot, stored):
            account.orders = stored.orders | account.orders
            snapshot, missed = await self._missed_deals(account, snapshot, stored)
            own = resting.own_ids(self._tickets, account.account)
            await self._events.pending.appeared(account, snapshot, missed, own)
            if missed:
                _log.info("deals were missed", account=account.id, count=len(missed))
                await self._events.take(missed, through=True)
            await self._missed_stops(account, snapshot, stored)
            await self._missed_ends(account, snapshot, own)
        await self._events.replay_former(account)
        now = datetime.now(UTC)
        before = dict(stored.positions) if stored else {}
        before |= account.positions
        self._book.read(account, snapshot)
        for position in snapshot.positions:
            # One that has moved since is stored as its deal left it, with its order.
            moves = self._events.moves(account, position.position_id)
            if before.get(position.position_id) != position and not moves:
                self._events.position_is(account, position, now)
        for position_id in before.keys() - account.positions.keys():
            account.positions[position_id] = before[position_id]
            self._events.position_gone(account, position_id, now)
        await self._events.replay(account)
        self._events.compare_resting(account, snapshot)

    def _may_have_missed(self, account: Account, snapshot: Snapshot, stored: Stored) -> bool:
        """History is dear: it is read for watched accounts, and where something differs."""
        if account.journaled or any(
            t.account == account.account for t in self._tickets.by_client_id.values()
        ):
            return True
        if resting.differs(self._tickets, account.account, snapshot):
            return True
        return _volumes(snapshot.positions) != _volumes(stored.positions.values())

    async def _missed_deals(
        self, account: Account, snapshot: Snapshot, stored: Stored
    ) -> tuple[Snapshot, list[DealDone]]:
        """Deals that were missed, and the snapshot with which their history agrees.

        What each deal left is found backwards from a snapshot, so no deal may have come
        between the two: a second snapshot after the history must show the same volumes.
        """
        missed: list[DealDone] = []
        for _ in range(_ATTEMPTS):
            deals, known = await self._history(account, stored)
            if all(deal.deal_id in known for deal in deals):
                break
            after = await self._connector.snapshot(account.account)
            if _volumes(after.positions) == _volumes(snapshot.positions):
                missed = _missed(account, deals, known, after)
                snapshot = after
                break
            snapshot = after
        else:
            raise PlatformError("ACCOUNT_BUSY", "it trades faster than its history can be read")
        for deal_id in known:
            self._events.remember(account.id, deal_id)
        return snapshot, missed

    async def _history(self, account: Account, stored: Stored) -> tuple[list[Deal], set[str]]:
        """The platform's deals since the last stored one, and the ids of those stored."""
        since = max(stored.since or account.created_at, account.created_at - OVERLAP)
        deals = await self._connector.deals_since(account.account, since)
        if not deals:
            return [], set()
        known = await until_available(
            lambda: self._database.rows(_KNOWN_DEALS, [account.id, [d.deal_id for d in deals]]),
            "known deals",
        )
        return deals, {row[0] for row in known}

    async def _missed_stops(self, account: Account, snapshot: Snapshot, stored: Stored) -> None:
        now = datetime.now(UTC)
        changes = [
            records.protection_event(account.id, p, self._book.symbol(p.instrument_id), now, now)
            for p in snapshot.positions
            if (was := stored.positions.get(p.position_id)) is not None
            and (was.stop_loss, was.take_profit) != (p.stop_loss, p.take_profit)
        ]
        if changes:
            await self._journal.protections(changes)

    async def _missed_ends(self, account: Account, snapshot: Snapshot, own: set[str]) -> None:
        """Orders that were cancelled, have expired or were filled unheard."""
        missing = self._events.pending.missing(account, snapshot)
        if not missing:
            return
        rows = await until_available(
            lambda: self._database.rows(_FILLED, [account.id, missing]), "fills of orders"
        )
        filled = dict.fromkeys(missing, ZERO) | dict(rows)
        await self._events.pending.ended(account, filled, own)


def _missed(
    account: Account, deals: Sequence[Deal], known: set[str], snapshot: Snapshot
) -> list[DealDone]:
    now = datetime.now(UTC)
    return [
        DealDone(account.account, deal, position, now)
        for deal, position in positions_after(deals, snapshot)
        if deal.deal_id not in known
    ]


def _volumes(positions: Iterable[Position]) -> dict[str, tuple[Side, Decimal]]:
    return {p.position_id: (p.side, p.units) for p in positions}


def positions_after(
    deals: Sequence[Deal], snapshot: Snapshot
) -> list[tuple[Deal, Position | None]]:
    """Each deal with its position right after it, found backwards from the snapshot.

    History does not tell average prices and stops in between; a position that is still there
    lends its own, one that is gone the deal's price.
    """
    left = {p.position_id: p.units * p.side.sign for p in snapshot.positions}
    shown = {p.position_id: p for p in snapshot.positions}
    result: list[tuple[Deal, Position | None]] = []
    for deal in reversed(deals):
        signed = left.get(deal.position_id, ZERO)
        result.append((deal, _position(deal, signed, shown.get(deal.position_id))))
        left[deal.position_id] = signed - deal.units * deal.side.sign
    return result[::-1]


def _position(deal: Deal, signed: Decimal, shown: Position | None) -> Position | None:
    if signed == 0:
        return None
    side = Side.BUY if signed > 0 else Side.SELL
    if shown is not None:
        return replace(shown, side=side, units=abs(signed))
    tag = deal.client_order_id if deal.effect is DealEffect.OPEN else ""
    return Position(
        deal.position_id,
        deal.instrument_id,
        side,
        abs(signed),
        deal.price,
        deal.executed_at,
        tag=tag,
    )
