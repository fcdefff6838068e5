"""May a copy open, or grow? Each guard answers None, or its code with the numbers behind it.

Guards hold opens back and nothing else. Those that depend on the market are judged once more
by the gateway at the moment of sending.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from apps.copytrading.domain.codes import Code
from apps.copytrading.domain.events import EventKind, MasterEvent
from apps.copytrading.domain.mapping import Symbol
from apps.copytrading.domain.numbers import Numbers
from apps.copytrading.domain.rows import Market, Row
from apps.trading.orders import Side

_PERCENT = Decimal(100)


class Refusal(NamedTuple):
    """Why nothing is opened, and what was compared."""

    code: Code
    numbers: Numbers


def refusal(row: Row, event: MasterEvent, market: Market) -> Refusal | None:
    """What speaks against any open of this subscription for this event, before its size."""
    rules = row.rules
    if row.hold is not None:
        return Refusal(row.hold, {})
    if not rules.admits(event.symbol):
        return Refusal(Code.SYMBOL_FILTERED, {"symbol": event.symbol})
    late = market.now > event.happened_at + row.max_delay
    if late and event.kind is not EventKind.EXISTING:
        numbers: Numbers = {
            "max_delay_s": row.max_delay.total_seconds(),
            "late_s": (market.now - event.happened_at).total_seconds(),
        }
        return Refusal(Code.TOO_LATE, numbers)
    if rules.min_equity:
        return _equity_refusal(row)
    return None


def _equity_refusal(row: Row) -> Refusal | None:
    numbers: Numbers = {"equity": str(row.funds.equity), "min_equity": str(row.rules.min_equity)}
    if row.funds.age_s is None:
        return Refusal(Code.STALE_ACCOUNT, numbers)
    if row.funds.equity < row.rules.min_equity:
        return Refusal(Code.MIN_EQUITY, numbers)
    return None


def count_refusal(row: Row) -> Refusal | None:
    """Whether one more position would be one too many."""
    most = row.rules.max_positions
    if most and row.open_links >= most:
        return Refusal(Code.MAX_POSITIONS, {"open_links": row.open_links, "max_positions": most})
    return None


def side_of(row: Row, event: MasterEvent) -> Side:
    """The side on which the follower holds what the master holds after ``event``."""
    return event.side.opposite if row.rules.reverse else event.side


def symbol_taken(row: Row, market: Market, instrument_id: str, side: Side) -> bool:
    """Whether a netting account's one position in a symbol is another copy's, or on the other
    side."""
    if row.taking.get(instrument_id, side) is not side:
        return True
    holders = market.in_use.get((row.account_id, instrument_id), ())
    return any(
        subscription != row.subscription_id or held not in (side, None)
        for subscription, held in holders
    )


def limit_price(price: Decimal, side: Side, max_slippage: Decimal) -> Decimal:
    """The worst price at which an open may still leave; ``max_slippage`` in percent."""
    return price * (_PERCENT + side.sign * max_slippage) / _PERCENT


def market_refusal(
    row: Row, event: MasterEvent, market: Market, symbol: Symbol, side: Side
) -> Refusal | None:
    """Whether the market is closed, or its price has moved too far in the worse direction.

    A position that is taken over is opened at the current price, whatever it is. Where the
    follower's platform has told no price since the event the gateway judges alone.
    """
    if not symbol.market_open:
        return Refusal(Code.MARKET_CLOSED, {})
    tolerance = row.rules.max_slippage
    if not tolerance or event.price is None or event.kind is EventKind.EXISTING:
        return None
    quote = market.quote(row, symbol.instrument_id, event)
    if quote is None:
        return None
    price, worst = quote.against(side), limit_price(event.price, side, tolerance)
    if (price - worst) * side.sign <= 0:
        return None
    numbers: Numbers = {
        "price": str(event.price),
        "quote": str(price),
        "limit_price": str(worst),
        "max_slippage": str(tolerance),
    }
    return Refusal(Code.SLIPPAGE, numbers)


def margin_refusal(row: Row, market: Market, symbol: Symbol, units: Decimal) -> Refusal | None:
    """Whether too little margin would remain after opening ``units``.

    Equity / (used margin + units x base rate / leverage) in percent against the minimum. What
    cannot be converted, or an account that was never read, is left to the gateway.
    """
    lowest = row.rules.min_margin_level
    if not lowest or row.leverage <= 0 or row.funds.age_s is None:
        return None
    rate = market.base_rate(row, symbol)
    if rate is None:
        return None
    needed = units * rate / row.leverage
    used = row.margin_used + needed
    if margin_suffices(row, used):
        return None
    numbers: Numbers = {
        "equity": str(row.funds.equity),
        "margin_used": str(row.margin_used),
        "margin_needed": str(round(needed, 2)),
        "base_rate": str(rate),
        "margin_level": str(round(row.funds.equity * _PERCENT / used, 2)),
        "min_margin_level": str(lowest),
    }
    return Refusal(Code.MARGIN, numbers)


def margin_suffices(row: Row, used: Decimal) -> bool:
    """Whether a row's equity bears so much used margin."""
    return row.funds.equity * _PERCENT >= row.rules.min_margin_level * used
