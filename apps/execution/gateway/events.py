"""What the session does with each event of a platform."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from apps.execution.gateway import records, resting
from apps.execution.gateway.journaling import Journal
from apps.execution.gateway.latest import Latest
from apps.execution.gateway.pending import Pending, Told
from apps.execution.gateway.records import Record
from apps.execution.gateway.state import Account, Book
from apps.execution.gateway.strays import Strays, is_ours
from apps.execution.gateway.tickets import Ticket, Tickets
from apps.execution.gateway.writeback import Writeback
from apps.platforms.ports import (
    AccountUpdate,
    DealDone,
    Event,
    OrderUpdate,
    PositionUpdate,
    QuoteUpdate,
    Snapshot,
)
from apps.trading.deals import Deal, DealEffect
from apps.trading.orders import FINAL_STATES, PENDING_TYPES
from apps.trading.positions import Position

_REMEMBERED = 20_000
AccountEvent = DealDone | PositionUpdate | OrderUpdate | AccountUpdate


class Events:
    """Applies events to tickets, positions and journal, in the order in which they came."""

    def __init__(
        self,
        book: Book,
        tickets: Tickets,
        journal: Journal,
        writeback: Writeback,
        changed: Callable[[Ticket], None],
        opened: Callable[[Account, Position], None],
        strays: Strays,
    ) -> None:
        self._book = book
        self._tickets = tickets
        self._journal = journal
        self._writeback = writeback
        self._changed = changed
        self._opened = opened
        self._strays = strays
        self.pending = Pending(book, journal)
        self._filled: list[tuple[Account, DealDone]] = []
        self._seen: OrderedDict[tuple[int, str], None] = OrderedDict()
        self._latest = Latest()
        self._turn = asyncio.Lock()
        self._parked: dict[str, deque[AccountEvent]] = defaultdict(deque)
        self._former: dict[str, deque[AccountEvent]] = defaultdict(deque)

    async def take(self, group: Sequence[Event], *, through: bool = False) -> None:
        """Apply one group, after those before it.

        ``through``: also events of accounts that are being read at the moment, whose live
        events wait until that is done.
        """
        async with self._turn:
            await self._take(group, through)

    def interrupt(self) -> None:
        """The platform's session broke: of what is parked only the deals still tell something.

        All accounts are read anew, so stops and balances from before are out of date.
        """
        for name, events in self._parked.items():
            self._former[name].extend(e for e in events if isinstance(e, DealDone))
        self._parked.clear()

    def moves(self, account: Account, position_id: str) -> bool:
        """Whether a parked deal will tell how the position stands after a snapshot."""
        return any(
            isinstance(event, DealDone)
            and event.deal.position_id == position_id
            and (account.id, event.deal.deal_id) not in self._seen
            for event in self._parked.get(account.account, ())
        )

    async def replay_former(self, account: Account) -> None:
        """Take note of deals from before the interruption; what they left the snapshot tells."""
        async with self._turn:
            await self._replay(self._former, account)

    async def replay(self, account: Account) -> None:
        """Apply what was parked while the account was being read; from now on it is live."""
        async with self._turn:
            await self._replay(self._parked, account)
            account.synced = account.dirty = True

    async def _replay(self, parked: dict[str, deque[AccountEvent]], account: Account) -> None:
        events = parked[account.account]
        while events:  # one by one: a reading that is cancelled loses none
            await self._take([events[0]], through=True)
            events.popleft()
        parked.pop(account.account, None)

    async def _take(self, group: Sequence[Event], through: bool) -> None:
        """Journal first: nothing later is done before its commit."""
        deals: list[DealDone] = []
        stops: list[PositionUpdate] = []
        orders: list[Told] = []
        for event in group:
            if isinstance(event, QuoteUpdate):
                self._book.quote(event)
            elif isinstance(event, DealDone):
                if orders or any(_same_position(event, stop) for stop in stops):
                    await self._journaled(deals, stops, orders)
                    deals, stops, orders = [], [], []
                if not self._own_deal(event, through) and not self._park(event, through):
                    deals.append(event)
            elif isinstance(event, PositionUpdate):
                if not self._park(event, through):
                    stops.append(event)
            elif isinstance(event, OrderUpdate):
                own = self._order(event)
                if not self._park(event, through):
                    orders.append((event, own))
            elif isinstance(event, AccountUpdate) and not self._park(event, through):
                self._money(event)
        await self._journaled(deals, stops, orders)

    async def _journaled(
        self, deals: list[DealDone], stops: list[PositionUpdate], orders: list[Told]
    ) -> None:
        """Deals, stops, then orders; deals of our own on a watched account come before all."""
        names = {d.account for d in deals} | {s.account for s in stops}
        for name in names | {update.account for update, _ in orders}:
            account = self._book.accounts.get(name)
            if account is not None and account.journaled:
                await self._writeback.chained(account.id)
        if deals:
            await self._foreign_deals(deals)
        if stops:
            await self._protections(stops)
        if self._filled:
            filled, self._filled = self._filled, []
            await self.pending.filled(filled)
        if orders:
            await self.pending.changed(orders)

    def _park(self, event: AccountEvent, through: bool) -> bool:
        """Keep an event of an account that is being read; drop one that is not ours."""
        account = self._book.accounts.get(event.account)
        if account is None:
            return True
        if account.synced or through:
            return False
        self._parked[event.account].append(event)
        return True

    # --- deals -------------------------------------------------------------------------------
    def _own_deal(self, event: DealDone, through: bool) -> bool:
        """Deals of our own orders change their ticket at once and are stored with it."""
        ticket = self._tickets.of_deal(event.account, event.deal)
        if ticket is None:
            return False
        ticket.deal(event.deal, event.received_at, event.position is None)
        self._tickets.index(ticket)
        self._changed(ticket)
        account = self._book.accounts.get(event.account)
        if account is None:
            return True
        if self._park(event, through):
            # Its order may be final now: the stored position must not lag behind it.
            latest = self._latest.told(account.id, event.deal)
            if event.position is not None and latest:
                self._writeback.position(account.id, event.position, None, event.received_at)
            return True
        # One that was stored as a stranger's, from a history without our ids, gets its id now.
        self._writeback.deal(account.id, event.deal, ticket.cid, event.received_at)
        if not self._first_time(account, event.deal):
            return True
        self._writeback.chain(account.id, partial(self._deal_event, account, event, own=True))
        self._apply(account, event)
        return True

    async def _foreign_deals(self, events: Sequence[DealDone]) -> None:
        fresh: list[tuple[Account, DealDone]] = []
        for event in events:
            account = self._book.accounts.get(event.account)
            if account is not None and self._first_time(account, event.deal):
                fresh.append((account, event))
        if not fresh:
            return
        journaled = [self._deal_event(account, event) for account, event in fresh]
        after = {
            (account.id, event.position.position_id): records.position_record(
                account.id, event.position, None, event.received_at
            )
            for account, event in fresh
            if self._latest.told(account.id, event.deal) and event.position is not None
        }
        expected = [
            (account.id, str(event["dedupe_key"]))
            for (account, _), event in zip(fresh, journaled, strict=True)
            if account.journaled
        ]
        try:
            await self._journal.deals(journaled, [after[key] for key in sorted(after)], expected)
        except BaseException:  # cancelled: the next reading must find them new
            for account, event in fresh:
                self._seen.pop((account.id, event.deal.deal_id), None)
            raise
        for account, event in fresh:
            deal = event.deal
            self._writeback.deal(account.id, deal, deal.client_order_id, event.received_at)
            self._apply(account, event)

    def _first_time(self, account: Account, deal: Deal) -> bool:
        key = (account.id, deal.deal_id)
        if key in self._seen:
            return False
        self.remember(account.id, deal.deal_id)
        return True

    def remember(self, account_id: int, deal_id: str) -> None:
        """A deal that is stored or was read by other means; its event changes nothing."""
        self._seen[account_id, deal_id] = None
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)

    def _deal_event(self, account: Account, event: DealDone, *, own: bool = False) -> Record:
        symbol = self._book.symbol(event.deal.instrument_id)
        return records.deal_event(
            account.id, event.deal, event.position, symbol, event.received_at, own=own
        )

    def _apply(self, account: Account, event: DealDone) -> None:
        deal, position = event.deal, event.position
        account.dirty = True
        if self.pending.dealt(account, event):
            self._filled.append((account, event))
        if deal.balance is not None and self._latest.of_balance(account.id, deal):
            account.balance = deal.balance
        newest = self._latest.told(account.id, deal)
        if not self._latest.applied(account.id, deal):
            return  # told late: its position has gone on since
        if position is not None:
            account.positions[position.position_id] = position
            if newest:  # else a later one is stored already, with its order, and will be applied
                self._writeback.position(account.id, position, None, event.received_at)
            if deal.effect is not DealEffect.CLOSE:
                self._opened(account, position)
        elif deal.effect is not DealEffect.OPEN:  # an open leaves something, seen or not
            self.position_gone(account, deal.position_id, event.received_at)

    def position_is(self, account: Account, position: Position, now: datetime) -> None:
        account.positions[position.position_id] = position
        self._writeback.position(account.id, position, None, now)

    def position_gone(self, account: Account, position_id: str, now: datetime) -> None:
        gone = account.positions.pop(position_id, None)
        account.results.pop(position_id, None)
        if gone is not None:
            self._writeback.position(account.id, gone, now, now)

    # --- the rest ----------------------------------------------------------------------------
    async def _protections(self, updates: Sequence[PositionUpdate]) -> None:
        """Take over stops. What is held is told by deals alone: an update may be older."""
        changes: list[Record] = []
        for update in updates:
            account = self._book.accounts.get(update.account)
            if account is None:
                continue
            known = account.positions.get(update.position.position_id)
            # One that is not known was closed before this was taken up.
            if known is None or _same_stops(known, update.position):
                continue
            position = account.positions[known.position_id] = _with_terms(known, update.position)
            symbol = self._book.symbol(position.instrument_id)
            changes.append(
                records.protection_event(
                    account.id, position, symbol, update.changed_at, update.received_at
                )
            )
        if changes:
            await self._journal.protections(changes)
        for update in updates:
            account = self._book.accounts.get(update.account)
            known = account.positions.get(update.position.position_id) if account else None
            if account is not None and known is not None:
                position = _with_terms(known, update.position)
                self.position_is(account, position, update.received_at)

    def _order(self, event: OrderUpdate) -> bool:
        """Tell the ticket of an order of ours; answers whether it is one."""
        order = event.order
        ticket = self._tickets.find(event.account, order.client_order_id, order.platform_order_id)
        if ticket is None:
            account = self._book.accounts.get(event.account)
            rests = order.type in PENDING_TYPES and order.state not in FINAL_STATES
            if account is not None and rests and is_ours(order.client_order_id):
                self._tickets.troubled.add(account.id)  # nobody waits for it: look what is there
            return False
        ticket.order(order, event.code, event.received_at)
        self._tickets.index(ticket)
        self._changed(ticket)
        return True

    def compare_resting(self, account: Account, snapshot: Snapshot) -> None:
        """Orders of ours that do not rest as they did are asked for; others of ours noted."""
        self._strays.shown(account, snapshot)
        resting.compare(self._tickets, account.account, snapshot, self._changed)

    def _money(self, event: AccountUpdate) -> None:
        account = self._book.accounts[event.account]
        account.dirty = True
        account.balance = event.state.balance
        account.leverage = event.state.leverage


def _same_position(deal: DealDone, stop: PositionUpdate) -> bool:
    return (deal.account, deal.deal.position_id) == (stop.account, stop.position.position_id)


def _with_terms(known: Position, update: Position) -> Position:
    """A position with what an update tells besides its volume."""
    return replace(update, side=known.side, units=known.units, price=known.price)


def _same_stops(a: Position, b: Position) -> bool:
    return a.stop_loss == b.stop_loss and a.take_profit == b.take_profit
