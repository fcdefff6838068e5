"""Pending orders of accounts: what is new of them is journaled where the account is watched."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from apps.execution.gateway import records
from apps.execution.gateway.journaling import Journal
from apps.execution.gateway.records import Record
from apps.execution.gateway.state import Account, Book
from apps.platforms.ports import DealDone, OrderUpdate, Snapshot
from apps.trading.orders import FINAL_STATES, PENDING_TYPES, Order, OrderState, OrderType

_REMEMBERED = 10_000
ZERO = Decimal(0)

Told = tuple[OrderUpdate, bool]
"""What the platform told of an order, and whether it is one of ours."""

Now = tuple[Account, Order]


class Pending:
    """Keeps ``Account.orders`` and tells the journal what changes in them.

    All accounts' orders are kept; which of them are journaled the database decides.
    """

    def __init__(self, book: Book, journal: Journal) -> None:
        self._book = book
        self._journal = journal
        self._dealt: OrderedDict[tuple[int, str], None] = OrderedDict()

    async def changed(self, updates: Sequence[Told]) -> None:
        """Journal orders that were placed, amended or ended, in the order in which it happened.

        Told twice, told late and stop-limits that were merely triggered are no change.
        """
        written: list[Record] = []
        now: dict[tuple[int, str], Now] = {}
        for update, own in updates:
            account, order = self._book.accounts.get(update.account), update.order
            if account is None:
                continue
            key = (account.id, order.platform_order_id)
            before = now[key][1] if key in now else account.orders.get(order.platform_order_id)
            if before is not None and before.state in FINAL_STATES:
                before = None
            if not self._counts(key, before, order):
                continue
            told = before is None or order.state in FINAL_STATES or _terms(before, order)
            written.append(self._record(account, order, update.received_at, told=told, own=own))
            now[key] = (account, order)
        await self._write(written, now)

    def _counts(self, key: tuple[int, str], before: Order | None, order: Order) -> bool:
        if before is None:
            late = key in self._dealt and order.filled_units == 0  # its fill was told before it
            return order.type in PENDING_TYPES and order.state not in FINAL_STATES and not late
        if order.state in FINAL_STATES:
            return True
        if before.updated_at and order.updated_at and order.updated_at < before.updated_at:
            return False
        same = (before.type, before.filled_units) == (order.type, order.filled_units)
        return not same or _terms(before, order)

    def dealt(self, account: Account, event: DealDone) -> bool:
        """Take note of a deal; answers whether it is of a pending order that is known."""
        key = (account.id, event.deal.platform_order_id)
        self._dealt[key] = None
        while len(self._dealt) > _REMEMBERED:
            self._dealt.popitem(last=False)
        return event.deal.platform_order_id in account.orders

    async def filled(self, deals: Sequence[tuple[Account, DealDone]]) -> None:
        """Keep what is filled of orders; the deals themselves tell it to the journal."""
        written: list[Record] = []
        now: dict[tuple[int, str], Now] = {}
        for account, event in deals:
            key = (account.id, event.deal.platform_order_id)
            known = now[key][1] if key in now else account.orders.get(key[1])
            if known is not None:
                order = _with_filled(known, known.filled_units + event.deal.units)
                written.append(self._record(account, order, event.received_at, told=False))
                now[key] = (account, order)
        await self._write(written, now)

    # --- reading an account --------------------------------------------------------------------
    async def begin(self, account: Account, orders: Sequence[Order]) -> None:
        """Keep orders of an account that is watched from now on; they are no events."""
        moment = datetime.now(UTC)
        kept = [self._record(account, order, moment, told=False) for order in orders]
        await self._write(kept, {})

    async def appeared(
        self, account: Account, snapshot: Snapshot, missed: Sequence[DealDone], own: set[str]
    ) -> None:
        """Journal what was placed or amended unheard, as it was before the missed deals.

        ``own`` holds the platform's ids of orders of ours.
        """
        moment = datetime.now(UTC)
        fills: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for event in missed:
            fills[event.deal.platform_order_id] += event.deal.units
        shown = [
            _with_filled(o, max(ZERO, o.filled_units - fills[o.platform_order_id]))
            for o in snapshot.orders
        ]
        await self.changed(
            [
                (OrderUpdate(account.account, o, "", moment), o.platform_order_id in own)
                for o in shown
            ]
        )

    def missing(self, account: Account, snapshot: Snapshot) -> list[str]:
        """Orders that were known to rest and that the platform does not show any more."""
        return sorted(account.orders.keys() - {o.platform_order_id for o in snapshot.orders})

    async def ended(self, account: Account, filled: dict[str, Decimal], own: set[str]) -> None:
        """Journal orders that ended unheard; ``filled`` is what their stored deals amount to."""
        moment = datetime.now(UTC)
        written: list[Record] = []
        now: dict[tuple[int, str], Now] = {}
        for order_id, units in filled.items():
            known = account.orders[order_id]
            order = _with_filled(known, max(known.filled_units, units))
            if order.state is not OrderState.FILLED:
                over = order.expires_at is not None and order.expires_at <= moment
                state = OrderState.EXPIRED if over else OrderState.CANCELLED
                order = replace(order, state=state, updated_at=moment)
            told = order.state is not OrderState.FILLED
            record = self._record(account, order, moment, told=told, own=order_id in own)
            written.append(record)
            now[account.id, order_id] = (account, order)
        await self._write(written, now)

    # --- writing -------------------------------------------------------------------------------
    def _record(
        self, account: Account, order: Order, at: datetime, *, told: bool, own: bool = False
    ) -> Record:
        symbol = self._book.symbol(order.instrument_id)
        return records.pending_order(account.id, order, symbol, at, told=told, own=own)

    async def _write(self, written: Sequence[Record], now: dict[tuple[int, str], Now]) -> None:
        """Commit first; what is remembered follows."""
        if written:
            await self._journal.orders(written)
        for account, order in now.values():
            if order.state in FINAL_STATES:
                account.orders.pop(order.platform_order_id, None)
            else:
                account.orders[order.platform_order_id] = order


def _terms(before: Order, after: Order) -> bool:
    """Whether somebody gave the order other terms. A triggered stop-limit goes on as a limit."""
    triggered = before.type is OrderType.STOP_LIMIT and after.type is OrderType.LIMIT
    same_stop = triggered or before.stop_price == after.stop_price
    return not same_stop or _others(before) != _others(after)


def _others(order: Order) -> tuple[object, ...]:
    return order.units, order.price, order.stop_loss, order.take_profit, order.expires_at


def _with_filled(order: Order, filled: Decimal) -> Order:
    if filled >= order.units:
        state = OrderState.FILLED
    else:
        state = OrderState.PARTIALLY_FILLED if filled else OrderState.ACCEPTED
    return replace(order, filled_units=filled, state=state)
