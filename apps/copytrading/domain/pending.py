"""A resting order of a master and the follower's own that stands for it.

A pending link is immutable, like a trade link. What the follower's order fills is held by a
trade link: under :func:`apps.copytrading.domain.events.link_key` until the master's order
fills, from then on under the master's position, see :mod:`apps.copytrading.domain.adoption`.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from apps.copytrading.domain.codes import Code, Labelled
from apps.copytrading.domain.events import MasterEvent
from apps.copytrading.domain.opening import Refusal, side_of
from apps.copytrading.domain.rows import Row
from apps.copytrading.domain.stops import wanted_stops
from apps.trading.orders import OrderState, OrderType, Side
from apps.trading.quantity import ZERO, round_price


class PendingState(Labelled):
    PLACING = "placing", "Being placed"
    RESTING = "resting", "Resting"
    FILLED = "filled", "Filled before the master's"
    DONE = "done", "Handed over to a position"
    CANCELLED = "cancelled", "Cancelled"
    FAILED = "failed", "Could not be placed"
    UNWANTED = "unwanted", "To be taken away with what it filled"


#: The order may still be filled, or is not known to have ended.
LIVE = frozenset({PendingState.PLACING, PendingState.RESTING, PendingState.UNWANTED})

_MIRRORED = {OrderType.LIMIT: OrderType.STOP, OrderType.STOP: OrderType.LIMIT}


class Terms(NamedTuple):
    """What the follower's order waits for, and the stops of what it opens."""

    units: Decimal
    price: Decimal | None
    stop_price: Decimal | None
    stop_loss: Decimal | None
    take_profit: Decimal | None
    expires_at: datetime | None


class Pending(NamedTuple):
    """See the module. ``pending_id`` is 0 until it is stored.

    ``master_units`` is the master's whole order and ``target`` the exact volume that it means
    here. ``position_key`` is the master's position once its order has filled. ``in_flight`` is
    the placement, amendment or cancel under way, ``cancel_cause`` why the order shall be, or
    was, cancelled. ``over``: nothing more is to come of it.
    """

    pending_id: int
    order_key: str
    side: Side
    type: OrderType
    symbol: str
    instrument_id: str
    ratio: Decimal
    grows: bool
    master_units: Decimal
    target: Decimal
    terms: Terms
    state: PendingState
    client_order_id: str
    platform_order_id: str
    in_flight: str
    filled: Decimal
    fill_price: Decimal | None
    position_id: str
    position_key: str
    cancel_cause: str
    opened_event_id: int
    last_event_id: int
    over: bool = False

    @property
    def live(self) -> bool:
        return self.state in LIVE

    @property
    def busy(self) -> bool:
        """Whether events must wait: an order is under way, or is to be cancelled."""
        return bool(self.in_flight) or (self.live and bool(self.cancel_cause))


class Told(NamedTuple):
    """What is known of the follower's order. ``state`` is where it ended, None while it rests."""

    platform_order_id: str
    filled: Decimal
    average_price: Decimal | None
    position_id: str
    state: OrderState | None


def order_refusal(row: Row, event: MasterEvent) -> Refusal | None:
    """What speaks against copying this kind of order at all."""
    if not row.rules.pending_orders:
        return Refusal(Code.PENDING_OFF, {})
    if event.terms is not None and kind_of(row, event.terms.type) is None:
        return Refusal(Code.NOT_REVERSIBLE, {"order_type": event.terms.type.value})
    return None


def kind_of(row: Row, kind: OrderType) -> OrderType | None:
    """The kind of order that stands for the master's; None where no platform has it.

    On the other side a limit waits for the same price as a stop did, and the reverse. What a
    stop-limit does once it is triggered has no opposite.
    """
    return _MIRRORED.get(kind) if row.rules.reverse else kind


def terms_of(row: Row, event: MasterEvent, digits: int, units: Decimal) -> Terms:
    """The master's terms on the follower's price grid; stops as the settings say."""
    wanted = event.terms
    assert wanted is not None
    price, stop_price = wanted.price, wanted.stop_price
    if row.rules.reverse:
        price, stop_price = stop_price, price
    stops = wanted_stops(row, event, digits, None, side_of(row, event))
    return Terms(
        units=units,
        price=None if price is None else round_price(price, digits),
        stop_price=None if stop_price is None else round_price(stop_price, digits),
        stop_loss=stops[0],
        take_profit=stops[1],
        expires_at=wanted.expires_at,
    )


def cancelling(pending: Pending, cause: str) -> Pending:
    """The order shall be cancelled; a cause that it has already stays."""
    return pending._replace(cancel_cause=pending.cancel_cause or cause)


def event_cause(event: MasterEvent) -> str:
    return f"event:{event.id}"


def same_cause(cause: str, event: MasterEvent) -> bool:
    """Whether a cause, with or without the number of an attempt, is this event."""
    return cause.partition("#")[0] == event_cause(event)


def told(pending: Pending, news: Told) -> Pending:
    """The follower's order rests, was filled in part, or has ended.

    What ended without a fill and without our asking stays noted until the master's order ends:
    it is not placed again, nor bought when the master's is filled.
    """
    known = pending._replace(
        platform_order_id=news.platform_order_id or pending.platform_order_id,
        filled=max(pending.filled, news.filled),
        fill_price=news.average_price or pending.fill_price,
        position_id=news.position_id or pending.position_id,
        in_flight="" if pending.in_flight == pending.client_order_id else pending.in_flight,
    )
    if news.state is None:
        resting = pending.state is PendingState.PLACING
        return known._replace(state=PendingState.RESTING) if resting else known
    return _ended(pending, known._replace(in_flight=""), news.state)


def _ended(before: Pending, known: Pending, state: OrderState) -> Pending:
    if before.position_key:
        return known._replace(state=PendingState.DONE, over=True)
    if known.filled > 0:
        unwanted = before.state is PendingState.UNWANTED
        state_then = PendingState.DONE if unwanted else PendingState.FILLED
        return known._replace(state=state_then, over=unwanted)
    if not known.platform_order_id or state is OrderState.REJECTED:
        return known._replace(state=PendingState.FAILED, over=True)
    ours = bool(before.cancel_cause)
    return known._replace(state=PendingState.CANCELLED, over=ours)


def newly_filled(before: Pending, after: Pending) -> tuple[Decimal, Decimal | None]:
    """Units that were filled since, and their average price."""
    units = after.filled - before.filled
    if units <= 0 or after.fill_price is None:
        return max(units, ZERO), after.fill_price
    paid_before = before.filled * (before.fill_price or ZERO)
    return units, (after.filled * after.fill_price - paid_before) / units
