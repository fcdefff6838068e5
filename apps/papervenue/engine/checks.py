"""What the venue refuses before it accepts an order."""

from __future__ import annotations

from apps.openapi_wire.enums import ErrorCode, OrderType, TimeInForce, TradeSide
from apps.papervenue.engine.book import Book
from apps.papervenue.engine.records import Order, Refused
from apps.papervenue.engine.specs import SymbolSpec

_PRICE_OF = {
    OrderType.LIMIT: ("limit_price",),
    OrderType.STOP: ("stop_price",),
    OrderType.STOP_LIMIT: ("stop_price", "slippage_points"),
    OrderType.MARKET_RANGE: ("base_price", "slippage_points"),
}
_NO_PRICES = (None, None, None, None)
AT_MARKET = frozenset({OrderType.MARKET, OrderType.MARKET_RANGE})


def check_volume(spec: SymbolSpec, volume: int) -> None:
    if volume < spec.min_volume or volume > spec.max_volume or volume % spec.step_volume:
        raise Refused(
            ErrorCode.TRADING_BAD_VOLUME,
            f"{spec.name} trades {spec.min_volume / 100:g} to {spec.max_volume / 100:g} units "
            f"in steps of {spec.step_volume / 100:g}, not {volume / 100:g}",
        )


def check_order(book: Book, order: Order, now: int) -> None:
    """Refused where the order cannot stand, whatever money the account has."""
    check_volume(order.spec, order.volume)
    for name in _PRICE_OF.get(order.type, ()):
        if getattr(order, name) is None:
            raise Refused(
                ErrorCode.INVALID_REQUEST, f"an order of type {order.type.name} needs its {name}"
            )
    if order.type in AT_MARKET and (order.stop_loss or order.take_profit):
        raise Refused(
            ErrorCode.INVALID_REQUEST,
            "a market order takes its stop loss and take profit relative to the fill only",
        )
    check_expiry(order, now)
    check_grid(order)
    if order.type not in AT_MARKET:
        check_pending_price(book, order)


def check_texts(order: Order) -> None:
    for name, text, longest in (
        ("label", order.label, 100),
        ("comment", order.comment, 512),
        ("client order id", order.client_order_id, 50),
    ):
        if len(text) > longest:
            raise Refused(ErrorCode.INVALID_REQUEST, f"the {name} is longer than {longest}")


def check_expiry(order: Order, now: int) -> None:
    if order.time_in_force == TimeInForce.GOOD_TILL_DATE and order.expires_ms <= now:
        raise Refused(
            ErrorCode.TRADING_BAD_EXPIRATION_DATE, "an order good till date expires in the future"
        )


def check_grid(order: Order) -> None:
    """Prices of an order must have no more digits than its symbol."""
    step = order.spec.price_step
    prices = (order.limit_price, order.stop_price, order.stop_loss, order.take_profit)
    relative = (order.relative_stop_loss, order.relative_take_profit)
    if prices == _NO_PRICES and relative == (0, 0):
        return
    if any(price is not None and (price <= 0 or price % step) for price in prices):
        raise Refused(
            ErrorCode.INVALID_REQUEST,
            f"prices of {order.spec.name} are positive and have {order.spec.digits} digits",
        )
    if any(distance < 0 or distance % step for distance in relative):
        raise Refused(
            ErrorCode.INVALID_REQUEST,
            f"relative distances of {order.spec.name} have {order.spec.digits} digits",
        )


def check_pending_price(book: Book, order: Order) -> None:
    """A stop order waits for a worse price, and protection stands around the order's price."""
    now = book.price(order.spec, order.side)
    stop = None if order.type == OrderType.LIMIT else order.stop_price  # None: triggered already
    if stop is not None and (stop - now) * order.sign <= 0:
        raise Refused(
            ErrorCode.TRADING_BAD_PRICES,
            f"a {order.side.name.lower()} stop of {order.spec.name} stands beyond the market",
        )
    price = order.limit_price if order.type == OrderType.LIMIT else order.stop_price
    if price is not None:
        check_stops(order.side, price, order.stop_loss, order.take_profit)


def check_stops(
    side: TradeSide, price: int, stop_loss: int | None, take_profit: int | None
) -> None:
    """Stop loss on the losing and take profit on the winning side of ``price``."""
    sign = 1 if side == TradeSide.BUY else -1
    if stop_loss is not None and (price - stop_loss) * sign <= 0:
        raise Refused(
            ErrorCode.TRADING_BAD_STOPS,
            f"the stop loss of a {side.name.lower()} must be on its losing side",
        )
    if take_profit is not None and (take_profit - price) * sign <= 0:
        raise Refused(
            ErrorCode.TRADING_BAD_STOPS,
            f"the take profit of a {side.name.lower()} must be on its winning side",
        )
