"""The venue's engine: requests in, events out through the sink."""

from __future__ import annotations

from collections.abc import Iterable

from apps.openapi_wire.enums import (
    ErrorCode,
    ExecutionType,
    OrderStatus,
    OrderType,
    TimeInForce,
    TradeSide,
)
from apps.papervenue.engine import checks
from apps.papervenue.engine.book import Book
from apps.papervenue.engine.fills import Fills, netted, protection_order
from apps.papervenue.engine.records import Account, CashFlow, Order, Position, Refused, Sink
from apps.papervenue.engine.specs import DEFAULT_SYMBOLS, SymbolSpec
from apps.papervenue.engine.triggers import Triggers, due, order_trigger

_AT_MARKET = frozenset({OrderType.MARKET, OrderType.MARKET_RANGE})
_NOW_OR_NEVER = frozenset({TimeInForce.IMMEDIATE_OR_CANCEL, TimeInForce.FILL_OR_KILL})


class Engine:
    """Places, changes and cancels orders; one instance holds the whole venue."""

    def __init__(self, sink: Sink, specs: Iterable[SymbolSpec] = DEFAULT_SYMBOLS) -> None:
        self.book = Book(specs)
        self._sink = sink
        self._fills = Fills(self.book, sink)
        self._triggers = Triggers(self.book, self._fills, sink)
        self.tick = self._triggers.tick
        self.sweep = self._triggers.sweep
        self.rollover = self._triggers.rollover

    def place(
        self, order: Order, now: int, *, first: int | None = None, reject: str = "", slip: int = 0
    ) -> None:
        """Accept a new order and fill it where its price is there. Refused where it cannot be.

        ``first`` fills only that volume now and leaves the rest to :meth:`complete`;
        ``reject`` accepts and then rejects with that code; ``slip`` worsens the price by
        points of the symbol.
        """
        book = self.book
        price = book.price(order.spec, order.side)
        checks.check_order(book, order, now)
        self._aim(order)
        if order.type in _AT_MARKET:
            book.require_open(order.spec, now)
        at_once = self._fills_now(order, now)
        if at_once:
            self._fills.check_money(order, order.volume)
        if not order.position_id:
            order.position_id = book.counters.take("position")
        self._sink.execution(
            ExecutionType.ORDER_ACCEPTED,
            order.account,
            order=order,
            position=order.account.positions.get(order.position_id),
        )
        if reject:
            self._finish(order, ExecutionType.ORDER_REJECTED, now, reject)
        elif at_once:
            volume = order.volume if first is None else min(first, order.volume)
            if volume < order.volume:
                book.watch_order(order)
            if volume:
                price += order.sign * slip * order.spec.price_step
                self._fills.fill(order, volume, price, now)
        elif order.type is OrderType.MARKET_RANGE or order.time_in_force in _NOW_OR_NEVER:
            self._finish(order, ExecutionType.ORDER_CANCELLED, now)
        else:
            book.watch_order(order)

    def complete(self, order: Order, now: int) -> None:
        """Fill the rest of an order of which :meth:`place` filled the first part."""
        if order.order_id in order.account.orders:
            self._triggers.complete(order, self.book.price(order.spec, order.side), now)

    def abandon(self, order: Order, now: int) -> None:
        """Cancel the rest of an order of which :meth:`place` filled the first part."""
        if order.order_id in order.account.orders:
            self._finish(order, ExecutionType.ORDER_CANCELLED, now)

    def amend(self, order: Order, changed: Order, now: int) -> None:
        """Replace a resting order's terms by those of ``changed``, a copy of it."""
        checks.check_order(self.book, changed, now)
        for name in (
            *("volume", "limit_price", "stop_price", "slippage_points", "expires_ms"),
            *("time_in_force", "stop_loss", "take_profit", "trailing"),
            *("relative_stop_loss", "relative_take_profit"),
        ):
            setattr(order, name, getattr(changed, name))
        order.updated_ms = now
        self.book.watch_order(order)
        self._sink.execution(ExecutionType.ORDER_REPLACED, order.account, order=order)
        if self._fills_now(order, now):
            self._triggers.complete(order, self.book.price(order.spec, order.side), now)

    def cancel(self, order: Order, now: int) -> None:
        self._finish(order, ExecutionType.ORDER_CANCELLED, now)

    def close(self, order: Order, position: Position, now: int, *, slip: int = 0) -> None:
        """Close the order's volume of a position at market."""
        spec = position.spec
        self.book.require_open(spec, now, position_id=position.position_id)
        whole = order.volume == position.volume
        if order.volume > position.volume or order.volume <= 0:
            raise Refused(
                ErrorCode.TRADING_BAD_VOLUME,
                f"the position holds {position.volume / 100:g} units, not {order.volume / 100:g}",
                position_id=position.position_id,
            )
        if not whole:
            checks.check_volume(spec, order.volume)
        price = self.book.price(spec, order.side) + order.sign * slip * spec.price_step
        self._sink.execution(
            ExecutionType.ORDER_ACCEPTED, order.account, order=order, position=position
        )
        self._fills.fill(order, order.volume, price, now)

    def protect(
        self,
        position: Position,
        stop_loss: int | None,
        take_profit: int | None,
        now: int,
        *,
        trailing: bool = False,
    ) -> None:
        """Set a position's stop loss and take profit; None takes one away."""
        exit_side = TradeSide.SELL if position.side == TradeSide.BUY else TradeSide.BUY
        price = self.book.price(position.spec, exit_side)
        step = position.spec.price_step
        for level in (stop_loss, take_profit):
            if level is not None and (level <= 0 or level % step):
                raise Refused(
                    ErrorCode.INVALID_REQUEST,
                    f"prices of {position.spec.name} have {position.spec.digits} digits",
                    position_id=position.position_id,
                )
        checks.check_stops(position.side, price, stop_loss, take_profit)
        position.stop_loss, position.take_profit = stop_loss, take_profit
        position.trail = abs(price - stop_loss) if trailing and stop_loss is not None else 0
        position.updated_ms = now
        self.book.watch_position(position)
        kind = ExecutionType.ORDER_REPLACED
        if not position.protection_id:
            position.protection_id = self.book.counters.take("order")
        order = protection_order(position, now)
        if stop_loss is None and take_profit is None:
            kind = ExecutionType.ORDER_CANCELLED
            order.status = OrderStatus.ORDER_STATUS_CANCELLED
            position.protection_id = 0
        self._sink.execution(kind, position.account, order=order, position=position)

    def change_balance(self, account: Account, delta: int, now: int, note: str = "") -> CashFlow:
        """Deposit (positive) or withdraw; no more than the free margin can be withdrawn."""
        if delta < 0 and -delta > self.book.free_margin(account):
            raise Refused(
                ErrorCode.NOT_ENOUGH_MONEY, "more than the free margin cannot be withdrawn"
            )
        account.balance += delta
        account.balance_version += 1
        flow = CashFlow(
            flow_id=self.book.counters.take("cash"),
            account=account,
            delta=delta,
            balance=account.balance,
            balance_version=account.balance_version,
            at_ms=now,
            note=note,
        )
        self._sink.execution(ExecutionType.DEPOSIT_WITHDRAW, account, cash=flow, server=True)
        self._sink.trader(account)
        return flow

    def change_leverage(self, account: Account, leverage: int) -> None:
        """Change an account's leverage; margin of open positions follows."""
        account.leverage = leverage
        for position in account.positions.values():
            position.margin = self.book.margin(account, position.spec, position.volume)
            self._sink.margin(position)
        self._sink.trader(account)

    def _aim(self, order: Order) -> None:
        """Find the position that an order is for; refuse what does not fit it."""
        account, spec = order.account, order.spec
        if order.position_id:
            position = account.positions.get(order.position_id)
            if position is None:
                raise Refused(
                    ErrorCode.POSITION_NOT_FOUND,
                    f"the account has no open position {order.position_id}",
                    position_id=order.position_id,
                )
            if position.spec is not spec:
                raise Refused(
                    ErrorCode.INVALID_REQUEST,
                    f"position {order.position_id} is in {position.spec.name}, not {spec.name}",
                )
            if position.side != order.side and order.volume > position.volume:
                raise Refused(
                    ErrorCode.TRADING_BAD_VOLUME,
                    f"position {order.position_id} is smaller than the order that reduces it",
                )
        elif account.netting and (position := netted(account, spec)) is not None:
            order.position_id = position.position_id

    def _fills_now(self, order: Order, now: int) -> bool:
        """Whether the market is open, and where an order wants it."""
        if order.type == OrderType.MARKET:
            return True
        if not self.book.is_open(order.spec.symbol_id, now):
            return False
        bid, ask = self.book.quote(order.spec)
        if order.type == OrderType.MARKET_RANGE and order.base_price is not None:
            price = ask if order.side == TradeSide.BUY else bid
            reach = (order.slippage_points or 0) * order.spec.price_step
            return (price - order.base_price) * order.sign <= reach
        trigger = order_trigger(order)
        return order.type == OrderType.LIMIT and trigger is not None and due(trigger, bid, ask)

    def _finish(self, order: Order, kind: ExecutionType, now: int, error: str = "") -> None:
        order.status = (
            OrderStatus.ORDER_STATUS_REJECTED
            if kind == ExecutionType.ORDER_REJECTED
            else OrderStatus.ORDER_STATUS_CANCELLED
        )
        order.updated_ms = now
        self.book.forget_order(order)
        self._sink.execution(kind, order.account, order=order, error=error)
