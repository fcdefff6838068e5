"""What the gateway remembers of an order from its claim until its final state is stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from apps.execution.intents import Col, type_of
from apps.platforms.ports import Answer, SubmitResult
from apps.trading.deals import Deal
from apps.trading.orders import FINAL_STATES, Leg, Order, OrderState, OrderType

ZERO = Decimal(0)
_ON_THEIR_WAY = (OrderState.SENT, OrderState.ACCEPTED)

#: What platforms say when a symbol is not traded at the moment.
MARKET_CLOSED = frozenset({"MARKET_CLOSED", "SYMBOL_HAS_HOLIDAY"})


@dataclass(slots=True, eq=False)
class Ticket:
    """An order of ours: its intention as a row of JSON, and what is known of it.

    ``notional`` is the sum of filled units times price. ``deals`` holds the ids of the deals
    that were counted, so that one seen twice counts once.

    A pending order is ``resting`` while the platform shows it waiting for its price: nothing
    need be heard of it for days. ``amended`` is its volume since it was given another one.

    A close that was refused because its market is closed ``waits`` to be sent again.

    ``known``: of these items of its batch, from the first to before the second, each is known to
    be claimed and has a ticket, or is final in its row.
    """

    row: list[Any]
    batch_id: int
    ordinal: int
    committed_at: datetime
    cid: str
    account: str
    leg: str
    state: OrderState = OrderState.SENT
    code: str = ""
    message: str = ""
    platform_order_id: str = ""
    position_id: str = ""
    filled: Decimal = ZERO
    notional: Decimal = ZERO
    sent_at: datetime | None = None
    accepted_at: datetime | None = None
    final_at: datetime | None = None
    told: bool = False
    deals: set[str] = field(default_factory=set)
    resting: bool = False
    rested_at: datetime | None = None
    told_filled: Decimal | None = None  # what was filled when its source was told that it rests
    amended: Decimal | None = None
    waits: bool = False
    known: tuple[int, int] = (0, 0)

    @property
    def final(self) -> bool:
        return self.state in FINAL_STATES

    @property
    def units(self) -> Decimal:
        return Decimal(self.row[Col.UNITS]) if self.amended is None else self.amended

    @property
    def on_its_way(self) -> bool:
        """Whether it was sent and its end is still to come, presently."""
        return not self.resting and self.state in _ON_THEIR_WAY

    @property
    def pending(self) -> bool:
        """Whether it is an order that may rest."""
        return self.leg == Leg.OPEN and type_of(self.row) != OrderType.MARKET

    def finish(self, state: OrderState, at: datetime, code: str = "", message: str = "") -> None:
        """Reach a final state; the first one stays."""
        if not self.final:
            self.state, self.final_at, self.resting, self.waits = state, at, False, False
            self.code, self.message = code[:64], message[:300]

    def answer(self, result: SubmitResult, now: datetime) -> None:
        """Take note of the platform's answer; deals may have come before it."""
        at = result.answered_at or now
        if result.answer is Answer.ACCEPTED:
            self._accept(result.platform_order_id, at)
        elif result.answer is Answer.REJECTED:
            self._refuse(result.code, result.message, at)
        elif not (self.final or self.resting) and self.filled == 0:
            self.state, self.code, self.message = OrderState.UNKNOWN, result.code, result.message

    def _refuse(self, code: str, message: str, at: datetime) -> None:
        if self.leg == Leg.CLOSE and code in MARKET_CLOSED and not (self.final or self.filled):
            self.waits, self.code, self.message = True, code[:64], message[:300]
        else:
            self.finish(OrderState.REJECTED, at, code, message)

    def again(self) -> None:
        """It is sent once more."""
        self.waits, self.state, self.code, self.message = False, OrderState.SENT, "", ""

    def _accept(self, platform_order_id: str, at: datetime) -> None:
        self.platform_order_id = self.platform_order_id or platform_order_id
        self.accepted_at = self.accepted_at or at
        if self.final:
            return
        if self.leg in {Leg.PROTECT, Leg.CANCEL}:
            self.finish(OrderState.FILLED, at)
            return
        if self.filled == 0:
            self.state, self.code, self.message = OrderState.ACCEPTED, "", ""
        self._rest(at)

    def _rest(self, at: datetime) -> None:
        if self.pending:
            self.resting, self.rested_at = True, self.rested_at or at

    def doubt(self) -> None:
        """The platform does not show it resting any more: it must be asked what became of it."""
        self.resting, self.state = False, OrderState.UNKNOWN
        self.code, self.message = "NOT_SHOWN", "the platform shows it resting no more"

    def deal(self, deal: Deal, at: datetime, position_gone: bool) -> None:
        """Count one of its deals. A close is done when it is filled or nothing is left."""
        if deal.deal_id in self.deals:
            return
        self.deals.add(deal.deal_id)
        self.filled += deal.units
        self.notional += deal.units * deal.price
        self.position_id = deal.position_id
        self.platform_order_id = self.platform_order_id or deal.platform_order_id
        self.accepted_at = self.accepted_at or at
        if self.final:
            return
        if self.filled >= self.units or (self.leg == Leg.CLOSE and position_gone):
            self.finish(OrderState.FILLED, at)
        else:
            self.state, self.code, self.message = OrderState.PARTIALLY_FILLED, "", ""

    def order(self, order: Order, code: str, at: datetime) -> None:
        """Take note of what the platform shows of the order itself."""
        self.platform_order_id = self.platform_order_id or order.platform_order_id
        self.position_id = self.position_id or order.position_id or ""
        if order.state in FINAL_STATES and order.state is not OrderState.FILLED:
            self.finish(order.state, at, code)
        elif not self.final and order.state is not OrderState.FILLED:
            self._shown(order, at)

    def _shown(self, order: Order, at: datetime) -> None:
        """It is on the platform and not done."""
        self.accepted_at = self.accepted_at or at
        if self.pending and order.units != self.units:
            self.amended = order.units
        if self.filled == 0:
            self.state, self.code, self.message = OrderState.ACCEPTED, "", ""
        elif self.filled >= self.units:
            self.finish(OrderState.FILLED, at)
            return
        else:
            self.state, self.code, self.message = OrderState.PARTIALLY_FILLED, "", ""
        self._rest(at)

    def tell(self) -> bool:
        """Whether its source has something new to hear; asked once for each piece of news."""
        if self.final:
            news, self.told = not self.told, True
        else:
            news, self.told_filled = self.told_filled != self.filled, self.filled
        return news


def ticket_of(row: list[Any], batch_id: int, ordinal: int, committed_at: datetime) -> Ticket:
    known = (ordinal, ordinal + 1)
    return Ticket(row, batch_id, ordinal, committed_at, row[0], row[2], row[3], known=known)


_TROUBLE = frozenset({OrderState.REJECTED, OrderState.NOT_DELIVERED})


class Tickets:
    """Tickets of one connection by each of the ids under which something is heard of them.

    ``by_client_id`` holds those on their way, ``resting`` per account those that rest and
    whose rows say so, ``opens`` per account the opens at market on their way. ``troubled`` are
    accounts, by our id, on which orders came to nothing.
    """

    def __init__(self) -> None:
        self.by_client_id: dict[str, Ticket] = {}
        self.resting: dict[str, dict[str, Ticket]] = defaultdict(dict)
        self.opens: dict[str, dict[str, Ticket]] = {}
        self.by_platform_id: dict[tuple[str, str], Ticket] = {}
        self.of_batch: dict[int, set[Ticket]] = defaultdict(set)
        self._known_to: dict[int, int] = {}
        self.troubled: set[int] = set()

    def add(self, ticket: Ticket) -> None:
        self.resting.get(ticket.account, {}).pop(ticket.cid, None)
        self.by_client_id[ticket.cid] = ticket
        if ticket.leg == Leg.OPEN and not ticket.pending:
            self.opens.setdefault(ticket.account, {})[ticket.cid] = ticket
        self.of_batch[ticket.batch_id].add(ticket)
        self.know(ticket.batch_id, *ticket.known)

    def know(self, batch_id: int, first: int, to: int) -> None:
        """Items of a batch are known; of those behind a gap nothing is concluded."""
        known_to = self._known_to.get(batch_id, 0)
        if first <= known_to:
            self._known_to[batch_id] = max(known_to, to)

    def rest(self, ticket: Ticket) -> None:
        """Keep one whose row says that it rests."""
        self.resting[ticket.account][ticket.cid] = ticket
        self.index(ticket)

    def doubt_target(self, ticket: Ticket) -> Ticket | None:
        """Our order that a refused cancellation was for, if it still seems to rest."""
        key = (ticket.account, ticket.row[Col.PLATFORM_ORDER_ID])
        target = self.by_platform_id.get(key)
        if target is None or not target.resting:
            return None
        target.doubt()
        self.add(target)
        return target

    def knows(self, account: str, client_order_id: str) -> bool:
        resting = self.resting.get(account)
        return client_order_id in self.by_client_id or bool(resting and client_order_id in resting)

    def index(self, ticket: Ticket) -> None:
        """Make it findable by the platform's order id, once that is known.

        What amends or cancels an order is answered with that order's id, which is not its own.
        """
        if ticket.platform_order_id and ticket.leg in {Leg.OPEN, Leg.CLOSE}:
            self.by_platform_id[ticket.account, ticket.platform_order_id] = ticket

    def of_deal(self, account: str, deal: Deal) -> Ticket | None:
        """The ticket whose order made this deal."""
        return self.find(account, deal.client_order_id, deal.platform_order_id)

    def find(self, account: str, client_order_id: str, platform_order_id: str) -> Ticket | None:
        """The ticket of an order by either of its ids."""
        ticket = self.by_client_id.get(client_order_id) if client_order_id else None
        return ticket or self.by_platform_id.get((account, platform_order_id))

    def take_troubled(self) -> set[int]:
        """The accounts with orders that came to nothing since the last time."""
        troubled, self.troubled = self.troubled, set()
        return troubled

    def stored(self, tickets: Iterable[Ticket]) -> dict[int, int]:
        """Forget tickets whose final state is stored, put aside those that rest.

        Answers the batches of which none is on its way any more, and of how many of their items,
        from the first, that is said: others may be claimed whose tickets are still to come.
        """
        done: dict[int, int] = {}
        for ticket in tickets:
            self.by_client_id.pop(ticket.cid, None)
            self._forget_open(ticket)
            if ticket.final:
                if ticket.state in _TROUBLE:
                    self.troubled.add(ticket.row[Col.ACCOUNT_ID])
                key = (ticket.account, ticket.platform_order_id)
                if self.by_platform_id.get(key) is ticket:
                    del self.by_platform_id[key]
                self.resting.get(ticket.account, {}).pop(ticket.cid, None)
            else:
                self.rest(ticket)
            left = self.of_batch.get(ticket.batch_id)
            if left is not None:
                left.discard(ticket)
                if not left:
                    del self.of_batch[ticket.batch_id]
                    done[ticket.batch_id] = self._known_to.get(ticket.batch_id, 0)
        return done

    def settled(self, batch_ids: Iterable[int]) -> None:
        """These batches are settled, in the database as well."""
        for batch_id in batch_ids:
            if batch_id not in self.of_batch:
                self._known_to.pop(batch_id, None)

    def _forget_open(self, ticket: Ticket) -> None:
        opens = self.opens.get(ticket.account)
        if opens is not None:
            opens.pop(ticket.cid, None)
            if not opens:
                del self.opens[ticket.account]

    def unknown(self) -> list[Ticket]:
        return [t for t in self.by_client_id.values() if t.state is OrderState.UNKNOWN]


def utc_now() -> datetime:
    return datetime.now(UTC)
