"""From deals to closed trades: what each position holds, and what each closing deal ends.

A position is followed deal by deal, so that a new deal costs the same however many the position
has had: :class:`Held` is all that is remembered between two of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, Protocol

from apps.analytics.domain.trades import ClosedTrade
from apps.trading.deals import DealEffect
from apps.trading.orders import Side
from apps.trading.quantity import ZERO

#: Averages are kept as they are stored, or following a position anew would not give the same.
_SMALLEST = Decimal(1).scaleb(-8)


class PositionDeal(Protocol):
    """The part of a deal that matters here; money is in account currency."""

    @property
    def instrument_id(self) -> str: ...
    @property
    def side(self) -> Side: ...
    @property
    def effect(self) -> DealEffect: ...
    @property
    def units(self) -> Decimal: ...
    @property
    def price(self) -> Decimal: ...
    @property
    def commission(self) -> Decimal: ...
    @property
    def swap(self) -> Decimal: ...
    @property
    def profit(self) -> Decimal: ...
    @property
    def executed_at(self) -> datetime: ...


class Held(NamedTuple):
    """What a position holds: units at their average price, since when.

    ``owed`` is the commission of its openings that no close has taken over yet.
    """

    side: Side
    units: Decimal
    price: Decimal
    opened_at: datetime
    owed: Decimal = ZERO


class Known(NamedTuple):
    """What is known of an opening whose deals are not: its average price and its moment."""

    price: Decimal
    opened_at: datetime


def followed(
    held: Held | None, deals: Iterable[PositionDeal], known: Known | None = None
) -> tuple[Held | None, list[ClosedTrade | None]]:
    """What a position holds after these deals, and for each what it closed (None: nothing)."""
    closed: list[ClosedTrade | None] = []
    for deal in deals:
        held, trade = after(held, deal, known)
        closed.append(trade)
    return held, closed


def after(
    held: Held | None, deal: PositionDeal, known: Known | None = None
) -> tuple[Held | None, ClosedTrade | None]:
    """What a position holds after a deal, and the trade that the deal closed.

    An opening adds to the position at the average price. A close is a trade of its own, also
    where it closes a part: from the first opening to this deal, with its share of what the
    openings cost, in proportion to the volume, as the Open API books it. A reversal closes what
    is held and opens the rest on the other side; its commission is split by volume. Where no
    opening is stored, ``known`` stands in; without it the trade counts with its result alone,
    opened when it was closed.
    """
    if deal.effect is DealEffect.OPEN:
        return _added(held, deal, deal.units, deal.commission), None
    before = held or _unknown(deal, known)
    units = min(before.units, deal.units)
    own = _part(deal.commission, units, deal.units)
    share = _part(before.owed, units, before.units)
    trade = ClosedTrade(
        symbol=deal.instrument_id,
        side=before.side,
        volume=units,
        opened_at=before.opened_at,
        closed_at=deal.executed_at,
        open_price=before.price,
        close_price=deal.price,
        profit=deal.profit,
        commission=own + share,
        swap=deal.swap,
    )
    if deal.effect is DealEffect.REVERSE and deal.units > units:
        return _added(None, deal, deal.units - units, deal.commission - own), trade
    left = before.units - units
    if left <= 0:
        return None, trade
    return before._replace(units=left, owed=before.owed - share), trade


def _added(held: Held | None, deal: PositionDeal, units: Decimal, commission: Decimal) -> Held:
    if held is None:
        return Held(deal.side, units, deal.price, deal.executed_at, commission)
    whole = held.units + units
    price = (held.price * held.units + deal.price * units) / whole if whole else held.price
    return held._replace(units=whole, price=price.quantize(_SMALLEST), owed=held.owed + commission)


def _unknown(deal: PositionDeal, known: Known | None) -> Held:
    """A position whose opening is not stored: the deal is taken to close all of it."""
    price, opened_at = known or Known(deal.price, deal.executed_at)
    opened_at = min(opened_at, deal.executed_at)
    return Held(deal.side.opposite, deal.units, price, opened_at)


def _part(money: Decimal, units: Decimal, whole: Decimal) -> Decimal:
    if units == whole or not whole:
        return money
    return (money * units / whole).quantize(_SMALLEST)
