"""What happens by price and by time: pending orders, protection, stop-out, expiry, swap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from apps.openapi_wire.enums import (
    ErrorCode,
    ExecutionType,
    OrderStatus,
    OrderType,
    TimeInForce,
    TradeSide,
)
from apps.papervenue.engine.book import Book
from apps.papervenue.engine.fills import Fills, protection_order
from apps.papervenue.engine.records import Account, Order, Position, Refused, Sink

STOP_OUT_PERCENT = 50
DAY_MS = 86_400_000
ROLLOVER_MS = 22 * 3_600_000  # 22:00 UTC, when New York's day ends
_WEDNESDAY = 2
_FAR = 1 << 62

Trigger = tuple[bool, bool, int]
"""Looks at the bid (else the ask), fires below (else above), and the level itself."""


def order_trigger(order: Order) -> Trigger | None:
    """When a resting order is due; None for one that waits for no price."""
    buy = order.side == TradeSide.BUY
    if order.type == OrderType.LIMIT and order.limit_price is not None:
        return (not buy, buy, order.limit_price)
    if order.type in (OrderType.STOP, OrderType.STOP_LIMIT) and order.stop_price is not None:
        return (not buy, not buy, order.stop_price)
    return None


def position_triggers(position: Position) -> Iterator[Trigger]:
    """When a position's stop loss and take profit are due, the stop loss first."""
    buy = position.side == TradeSide.BUY
    if position.stop_loss is not None:
        yield (buy, buy, position.stop_loss)
    if position.take_profit is not None:
        yield (buy, not buy, position.take_profit)


def due(trigger: Trigger, bid: int, ask: int) -> bool:
    on_bid, below, level = trigger
    price = bid if on_bid else ask
    return price <= level if below else price >= level


class Triggers:
    def __init__(self, book: Book, fills: Fills, sink: Sink) -> None:
        self._book = book
        self._fills = fills
        self._sink = sink

    def tick(self, symbol_id: int, bid: int, ask: int, now: int) -> None:
        """A new price: fill what it reaches, move trailing stops."""
        book = self._book
        book.set_quote(symbol_id, bid, ask)
        if not book.resting[symbol_id] and not book.protected[symbol_id]:
            return
        low_bid, high_bid, low_ask, high_ask = self._bounds(symbol_id)
        if low_bid < bid < high_bid and low_ask < ask < high_ask:
            return
        for position in list(book.protected[symbol_id].values()):
            if position.volume and any(due(t, bid, ask) for t in position_triggers(position)):
                self._protect(position, bid, ask, now)
            elif position.trail:
                self._trail(position, bid, ask, now)
        for order in list(book.resting[symbol_id].values()):
            trigger = order_trigger(order)
            if trigger is not None and due(trigger, bid, ask):
                self._activate(order, now)

    def sweep(self, now: int, accounts: Iterable[Account] | None = None) -> None:
        """What time does to accounts (None: to all): expiry of orders, stop-out."""
        for account in list(self._book.accounts.values()) if accounts is None else accounts:
            if account.orders:
                for order in list(account.orders.values()):
                    expires = order.time_in_force == TimeInForce.GOOD_TILL_DATE
                    if expires and 0 < order.expires_ms <= now:
                        self._end(order, ExecutionType.ORDER_EXPIRED, now)
            if account.positions:
                self._stop_out(account, now)

    def rollover(self, last_ms: int, now: int) -> bool:
        """Charge swap for every 22:00 UTC passed since; Wednesday's counts three nights."""
        day, today = ((moment - ROLLOVER_MS) // DAY_MS for moment in (last_ms, now))
        nights = 0
        while day < today:
            day += 1
            weekday = (day + 3) % 7  # day 0 of 1970 was a Thursday
            nights += 3 if weekday == _WEDNESDAY else int(weekday < 5)
        if nights:
            self._charge(nights, now)
        return nights > 0

    def _charge(self, nights: int, now: int) -> None:
        for account in self._book.accounts.values():
            for position in account.positions.values():
                position.swap += nights * self._book.night(position)
                position.updated_ms = now
                self._sink.execution(ExecutionType.SWAP, account, position=position, server=True)

    def _bounds(self, symbol_id: int) -> tuple[int, int, int, int]:
        """Prices between which nothing of a symbol is due, kept until something changes."""
        found = self._book.bounds.get(symbol_id)
        if found is None:
            low, high = {True: -_FAR, False: -_FAR}, {True: _FAR, False: _FAR}
            for on_bid, below, level in self._all_triggers(symbol_id):
                if below:
                    low[on_bid] = max(low[on_bid], level)
                else:
                    high[on_bid] = min(high[on_bid], level)
            found = (low[True], high[True], low[False], high[False])
            self._book.bounds[symbol_id] = found
        return found

    def _all_triggers(self, symbol_id: int) -> Iterator[Trigger]:
        for position in self._book.protected[symbol_id].values():
            yield from position_triggers(position)
            if position.trail:  # must be looked at with every price
                yield (True, True, _FAR)
        for order in self._book.resting[symbol_id].values():
            if (trigger := order_trigger(order)) is not None:
                yield trigger

    def _protect(self, position: Position, bid: int, ask: int, now: int) -> None:
        order = protection_order(position, now)
        price = bid if position.side == TradeSide.BUY else ask
        self._fills.fill(order, position.volume, price, now, server=True)

    def _trail(self, position: Position, bid: int, ask: int, now: int) -> None:
        price = bid if position.side == TradeSide.BUY else ask
        stop = price - position.sign * position.trail
        if position.stop_loss is None or (stop - position.stop_loss) * position.sign <= 0:
            return
        position.stop_loss = stop
        position.updated_ms = now
        self._book.watch_position(position)
        self._sink.trailing(position)

    def _activate(self, order: Order, now: int) -> None:
        """A resting order's price has come: fill it, or turn a stop-limit into its limit."""
        price = self._book.price(order.spec, order.side)
        if order.type == OrderType.STOP_LIMIT and order.stop_price is not None:
            reach = (order.slippage_points or 0) * order.spec.price_step
            order.type = OrderType.LIMIT
            order.limit_price = order.stop_price + order.sign * reach
            order.updated_ms = now
            self._book.watch_order(order)
            self._sink.execution(
                ExecutionType.ORDER_REPLACED, order.account, order=order, server=True
            )
            trigger = order_trigger(order)
            if trigger is None or not due(trigger, *self._book.quote(order.spec)):
                return
        self.complete(order, price, now)

    def complete(self, order: Order, price: int, now: int) -> None:
        """Fill what is left of a resting order, or reject it where the money is missing.

        One that comes in portions is filled by one of them; the next price brings another.
        """
        volume = min(order.portion or order.remaining, order.remaining)
        try:
            self._fills.check_money(order, volume)
        except Refused as refused:
            self._end(order, ExecutionType.ORDER_REJECTED, now, refused.code)
        else:
            self._fills.fill(order, volume, price, now, server=True)
            if order.gives_up and order.remaining:
                self._end(order, ExecutionType.ORDER_CANCELLED, now)

    def _end(self, order: Order, kind: ExecutionType, now: int, error: str = "") -> None:
        order.status = {
            ExecutionType.ORDER_EXPIRED: OrderStatus.ORDER_STATUS_EXPIRED,
            ExecutionType.ORDER_REJECTED: OrderStatus.ORDER_STATUS_REJECTED,
        }.get(kind, OrderStatus.ORDER_STATUS_CANCELLED)
        order.updated_ms = now
        self._book.forget_order(order)
        self._sink.execution(kind, order.account, order=order, error=error, server=True)

    def _stop_out(self, account: Account, now: int) -> None:
        """Close positions, the most expensive in margin first, until the level is above 50 %."""
        book = self._book
        try:
            while account.positions:
                used = book.used_margin(account)
                if not used or book.equity(account) * 100 > used * STOP_OUT_PERCENT:
                    return
                tradable = (
                    position
                    for position in account.positions.values()
                    if book.is_open(position.spec.symbol_id, now)
                )
                worst = max(tradable, key=_margin_of, default=None)
                if worst is None:
                    return
                order = protection_order(worst, now)
                order.order_id = book.counters.take("order")
                order.type, order.stop_out = OrderType.MARKET, True
                order.stop_price = order.limit_price = None
                price = book.price(worst.spec, order.side)
                self._fills.fill(order, worst.volume, price, now, server=True)
        except Refused as refused:
            if refused.code != ErrorCode.NO_QUOTES:
                raise


def _margin_of(position: Position) -> int:
    return position.margin
