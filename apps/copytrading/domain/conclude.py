"""What a final order means for the event that it was for."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from apps.copytrading.domain.codes import Code, OutcomeState
from apps.copytrading.domain.numbers import Number
from apps.copytrading.domain.rounding import Rounding
from apps.trading.orders import Leg, OrderState, Side

WITHDRAWN = "WITHDRAWN"
NOT_CONNECTED = "NOT_CONNECTED"

# What platforms say when a position does not exist (any more).
_GONE = ("POSITION_NOT_FOUND", "POSITION_NOT_OPEN", "POSITION_GONE")

# What they say when a symbol is not traded at the moment.
_MARKET_CLOSED = ("MARKET_CLOSED", "SYMBOL_HAS_HOLIDAY")


class Conclusion(NamedTuple):
    state: OutcomeState
    code: Code
    message: str = ""


def position_is_gone(leg: Leg, state: OrderState, code: str) -> bool:
    """Whether a platform refused to close or protect because there is no such position."""
    return leg is not Leg.OPEN and state is OrderState.REJECTED and code in _GONE


def never_arrived(state: OrderState, code: str) -> bool:
    """Whether the platform has not had the order at all, so that a close is made anew."""
    return state is OrderState.NOT_DELIVERED or code == NOT_CONNECTED


def conclude(
    *,
    leg: Leg,
    state: OrderState,
    code: str,
    message: str,
    units: Decimal,
    filled: Decimal,
    numbers: Mapping[str, Number],
) -> Conclusion:
    """State and reason code of an order that has come to its end."""
    if leg is not Leg.PROTECT and filled > 0:
        if filled < units:
            return Conclusion(OutcomeState.PARTIAL, Code.PARTIALLY_FILLED, _said(code, message))
        return Conclusion(OutcomeState.COPIED, _copied(leg, numbers))
    if state is OrderState.FILLED:
        return Conclusion(OutcomeState.COPIED, Code.COPIED)
    if position_is_gone(leg, state, code):
        return Conclusion(OutcomeState.SKIPPED, Code.POSITION_GONE, _said(code, message))
    if leg is Leg.OPEN and state is OrderState.REJECTED and code in _MARKET_CLOSED:
        return Conclusion(OutcomeState.REJECTED, Code.MARKET_CLOSED, _said(code, message))
    if state is OrderState.CANCELLED and code == WITHDRAWN:
        return Conclusion(OutcomeState.SUPERSEDED, Code.SUPERSEDED)
    if state is OrderState.WITHHELD and code in _GUARDS:
        return Conclusion(OutcomeState.SKIPPED, _GUARDS[code], message[:300])
    if never_arrived(state, code):
        return Conclusion(OutcomeState.FAILED, Code.NOT_DELIVERED, _said(code, message))
    found = _ENDS.get(state, (OutcomeState.FAILED, Code.NOT_DELIVERED))
    return Conclusion(*found, _said(code, message))


def slippage(side: Side, master_price: Decimal | None, price: Decimal | None) -> Decimal | None:
    """How much worse than the master's the follower's price was; negative is better."""
    if master_price is None or price is None:
        return None
    return (price - master_price) * side.sign


_ENDS = {
    OrderState.REJECTED: (OutcomeState.REJECTED, Code.REJECTED),
    OrderState.CANCELLED: (OutcomeState.REJECTED, Code.CANCELLED),
    OrderState.EXPIRED: (OutcomeState.SKIPPED, Code.TOO_LATE),
    OrderState.WITHHELD: (OutcomeState.SKIPPED, Code.WITHHELD),
}

# What held an order back at the moment of sending; its message has the numbers.
_GUARDS = {
    code.value: code
    for code in (
        Code.KILL_SWITCH,
        Code.LOSS_LIMIT,
        Code.MARGIN,
        Code.MARKET_CLOSED,
        Code.MAX_POSITIONS,
        Code.MIN_EQUITY,
        Code.SLIPPAGE,
    )
}

_ROUNDED = {Rounding.CAPPED.value: Code.CAPPED, Rounding.UP.value: Code.ROUNDED_UP}


def _copied(leg: Leg, numbers: Mapping[str, Number]) -> Code:
    if leg is not Leg.OPEN:
        return Code.COPIED
    return _ROUNDED.get(str(numbers.get("rounding")), Code.COPIED)


def _said(code: str, message: str) -> str:
    return ": ".join(part for part in (code, message) if part)[:300]
