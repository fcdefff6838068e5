"""Executions: what a fill does to positions, balance and margin."""

from __future__ import annotations

from apps.openapi_wire.enums import (
    DealStatus,
    ErrorCode,
    ExecutionType,
    OrderStatus,
    OrderType,
    TradeSide,
)
from apps.papervenue.engine.book import Book, share
from apps.papervenue.engine.records import (
    ENTRY_SCALE,
    Account,
    CloseDetail,
    Deal,
    Order,
    Position,
    Refused,
    Sink,
)
from apps.papervenue.engine.specs import SymbolSpec


def target(order: Order) -> Position | None:
    """The open position that an order changes; None where it opens a new one."""
    account = order.account
    if account.netting and not order.closing:
        return netted(account, order.spec)
    return account.positions.get(order.position_id)


def netted(account: Account, spec: SymbolSpec) -> Position | None:
    """A netting account's one position in a symbol."""
    for position in account.positions.values():
        if position.spec is spec:
            return position
    return None


class Fills:
    """Fills orders; the order itself and all that follows is told to the sink."""

    def __init__(self, book: Book, sink: Sink) -> None:
        self._book = book
        self._sink = sink

    def check_money(self, order: Order, volume: int) -> None:
        """NOT_ENOUGH_MONEY unless free margin carries what ``volume`` of the order opens."""
        position, account, book = target(order), order.account, self._book
        opening, released = volume, 0
        if position is not None and position.side != order.side:
            opening -= min(volume, position.volume)
            released = position.margin
        if not opening:
            return
        need = book.margin(account, order.spec, opening)
        need -= book.commission(account, order.spec, opening)
        free = book.free_margin(account) + released
        if need > free:
            scale = 10**account.money_digits
            raise Refused(
                ErrorCode.NOT_ENOUGH_MONEY,
                f"the order needs {need / scale:,.2f} {account.currency} of margin, "
                f"{free / scale:,.2f} are free",
                order_id=order.order_id,
            )

    def fill(
        self, order: Order, volume: int, price: int, now: int, *, server: bool = False
    ) -> None:
        """Execute ``volume`` of an order at ``price``.

        On a netting account a volume beyond the opposite position closes that one and opens
        the rest as a new position: two deals of one order.
        """
        position = target(order)
        if position is not None and position.side != order.side:
            closing = min(volume, position.volume)
            volume -= closing
            self._reduce(order, position, closing, price, now, server=server)
            position = None
        if volume:
            self._add(order, position, volume, price, now, server=server)

    def _advance(self, order: Order, volume: int, price: int, now: int) -> ExecutionType:
        """Book a fill on its order; the execution type that tells of it."""
        order.executed += volume
        order.execution_price = price
        order.updated_ms = now
        if order.remaining:
            return ExecutionType.ORDER_PARTIAL_FILL
        order.status = OrderStatus.ORDER_STATUS_FILLED
        self._book.forget_order(order)
        return ExecutionType.ORDER_FILLED

    def _add(
        self,
        order: Order,
        position: Position | None,
        volume: int,
        price: int,
        now: int,
        *,
        server: bool,
    ) -> None:
        book, account, spec = self._book, order.account, order.spec
        commission = book.commission(account, spec, volume)
        margin = book.margin(account, spec, volume)
        if position is None:
            position = self._new_position(order, price, now)
        total = position.volume + volume
        paid = position.entry * position.volume + price * ENTRY_SCALE * volume
        position.entry = (2 * paid + total) // (2 * total)
        position.volume = total
        position.commission += commission
        position.margin += margin
        position.margin_rate = float(book.rate(spec.base, account.currency))
        position.updated_ms = now
        order.position_id = position.position_id
        self._protect(order, position, price)
        kind = self._advance(order, volume, price, now)
        deal = self._deal(order, position, volume, price, now, commission, None)
        self._sink.execution(
            kind, account, order=order, position=position, deal=deal, server=server
        )

    def _new_position(self, order: Order, price: int, now: int) -> Position:
        reserved = order.position_id
        if not reserved or order.executed:  # the rest of a reversal has no position yet
            reserved = self._book.counters.take("position")
        position = Position(
            position_id=reserved,
            account=order.account,
            spec=order.spec,
            side=order.side,
            volume=0,
            entry=price * ENTRY_SCALE,
            opened_ms=now,
            updated_ms=now,
            label=order.label,
            comment=order.comment,
        )
        order.account.positions[reserved] = position
        return position

    def _protect(self, order: Order, position: Position, price: int) -> None:
        """Carry the stops of an order over to its position."""
        sign = position.sign
        stop, limit = order.stop_loss, order.take_profit
        if order.relative_stop_loss:
            stop = price - sign * order.relative_stop_loss
        if order.relative_take_profit:
            limit = price + sign * order.relative_take_profit
        if stop is None and limit is None:
            return
        position.stop_loss = stop if stop is not None else position.stop_loss
        position.take_profit = limit if limit is not None else position.take_profit
        if order.trailing and stop is not None:
            position.trail = abs(price - stop)
        if not position.protection_id:
            position.protection_id = self._book.counters.take("order")
        self._book.watch_position(position)

    def _reduce(
        self, order: Order, position: Position, volume: int, price: int, now: int, *, server: bool
    ) -> None:
        book, account, spec = self._book, order.account, order.spec
        own_commission = book.commission(account, spec, volume)
        detail = self._settle(position, volume, price, own_commission)
        position.volume -= volume
        position.updated_ms = now
        order.position_id = position.position_id
        if not position.volume:
            del account.positions[position.position_id]
        book.watch_position(position)
        kind = self._advance(order, volume, price, now)
        deal = self._deal(order, position, volume, price, now, own_commission, detail)
        self._sink.execution(
            kind, account, order=order, position=position, deal=deal, server=server
        )
        if not position.volume:
            self._end_protection(position, order, now)
            self._release_orders(position)

    def _settle(
        self, position: Position, volume: int, price: int, own_commission: int
    ) -> CloseDetail:
        """Book the result of closing a volume on the account's balance."""
        book, account, whole = self._book, position.account, position.volume
        gross = book.gross(position, volume, price)
        swap = share(position.swap, volume, whole)
        opening = share(position.commission, volume, whole)
        position.swap -= swap
        position.commission -= opening
        position.margin -= share(position.margin, volume, whole)
        account.balance += gross + swap + opening + own_commission
        account.balance_version += 1
        return CloseDetail(
            entry=position.entry,
            gross=gross,
            swap=swap,
            commission=opening + own_commission,
            balance=account.balance,
            balance_version=account.balance_version,
            volume=volume,
            rate=book.rate(position.spec.quote, account.currency),
        )

    def _deal(
        self,
        order: Order,
        position: Position,
        volume: int,
        price: int,
        now: int,
        commission: int,
        close: CloseDetail | None,
    ) -> Deal:
        return Deal(
            deal_id=self._book.counters.take("deal"),
            order_id=order.order_id,
            position_id=position.position_id,
            account=order.account,
            spec=order.spec,
            side=order.side,
            volume=volume,
            price=price,
            created_ms=order.created_ms,
            executed_ms=now,
            commission=commission,
            margin_rate=position.margin_rate,
            status=DealStatus.PARTIALLY_FILLED if order.remaining else DealStatus.FILLED,
            close=close,
        )

    def _end_protection(self, position: Position, by: Order, now: int) -> None:
        """The stop loss and take profit of a position that is gone are cancelled in silence."""
        if position.protection_id and position.protection_id != by.order_id:
            order = protection_order(position, now)
            order.status = OrderStatus.ORDER_STATUS_CANCELLED
            self._sink.record(order)

    def _release_orders(self, position: Position) -> None:
        """Orders that were to change a position that is gone will open one of their own."""
        for order in position.account.orders.values():
            if order.position_id == position.position_id:
                order.position_id = 0
                self._sink.record(order)


def protection_order(position: Position, now: int) -> Order:
    """The order by which the venue holds a position's stop loss and take profit."""
    return Order(
        order_id=position.protection_id,
        account=position.account,
        spec=position.spec,
        type=OrderType.STOP_LOSS_TAKE_PROFIT,
        side=TradeSide.SELL if position.side == TradeSide.BUY else TradeSide.BUY,
        volume=position.volume,
        created_ms=position.updated_ms,
        updated_ms=now,
        stop_price=position.stop_loss,
        limit_price=position.take_profit,
        trailing=bool(position.trail),
        position_id=position.position_id,
        closing=True,
    )
