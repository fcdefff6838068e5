"""The open of a new position for many copies that are set alike.

What does not depend on a copy's own money (symbol, side, stops, guards, the worst price) is
worked out once for all of them; what remains for each is its size and its margin. Whatever is
not this plain case is left to :func:`apps.copytrading.domain.advance.advance`, which decides the
same for it, only later: a test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from apps.copytrading.domain.events import EventKind, MasterEvent
from apps.copytrading.domain.link import Link, LinkState
from apps.copytrading.domain.numbers import Numbers, shared_of_size, with_size
from apps.copytrading.domain.offers import Offer, offer_of
from apps.copytrading.domain.opening import margin_suffices, refusal, side_of
from apps.copytrading.domain.ordering import not_after
from apps.copytrading.domain.rounding import Rounding, holding
from apps.copytrading.domain.rows import Market, Row
from apps.copytrading.domain.steps import Order
from apps.copytrading.domain.volume import Size, Sizer, sizer
from apps.trading.orders import Leg
from apps.trading.quantity import ZERO


class _Alike(NamedTuple):
    """What the opens of copies with the same settings have in common.

    ``link`` and ``order`` are those of any of them, without size. ``base_rate`` is what a unit
    takes of margin before leverage, None where margin is not judged here.
    """

    sized: Sizer
    offer: Offer
    numbers: Numbers
    link: Link
    order: Order
    base_rate: Decimal | None


class Openings:
    """Opens of ``event``'s position; see the module."""

    def __init__(self, event: MasterEvent, market: Market) -> None:
        self._event = event
        self._market = market
        # Settings are told apart by identity, which is quick; the row keeps them alive.
        self._alike: dict[tuple[object, ...], tuple[_Alike | None, Row]] = {}

    @classmethod
    def among(cls, events: Sequence[MasterEvent], market: Market) -> Openings | None:
        """For events that are nothing but one new position; None for others."""
        if len(events) != 1:
            return None
        event = events[0]
        plain = event.kind is EventKind.OPENED and not event.only and event.units_after > 0
        return cls(event, market) if plain else None

    def of(self, row: Row) -> tuple[Link, Order] | None:
        """A row's new link and its order; None where it is not a plain case."""
        if row.links or row.decided or row.pending or row.netting:
            return None
        pairs = self._market.pairs
        if pairs and (row.subscription_id, self._event.instrument_id) in pairs:
            return None
        key = (
            row.connection_id, row.hold, id(row.sizing), id(row.rules), row.min_volume,
            row.max_volume, row.round_up, row.copy_sl, row.copy_tp, row.max_delay,
            row.funds.currency,
        )  # fmt: skip
        found = self._alike.get(key)
        if found is None:
            found = self._alike[key] = (self._terms(row), row)
        return None if found[0] is None else _opened(row, found[0])

    def _terms(self, row: Row) -> _Alike | None:
        event, market, rules = self._event, self._market, row.rules
        if rules.max_positions or rules.min_equity or refusal(row, event, market) is not None:
            return None
        symbol = market.symbol(row, event.instrument_id)
        if symbol is None:
            return None
        side = side_of(row, event)
        offer = offer_of(row, event, market, symbol, side)
        if offer.refused is not None:
            return None
        stops = offer.stops
        link = Link(
            0, event.position_key, side, symbol.name, symbol.instrument_id, ZERO, False,
            event.units_after, ZERO, ZERO, *stops, event.price, "", None, None, "", "",
            event.id, event.id, LinkState.OPEN,
        )  # fmt: skip
        order = Order(
            event, Leg.OPEN, side, ZERO, "", *stops, not_after(row, event, market),
            Rounding.EXACT, {}, offer.limit_price, offer.reference_price,
        )  # fmt: skip
        sized = sizer(
            row.sizing,
            units=event.units_after,
            lot_units=symbol.lot_units,
            master=market.master,
            currency=row.funds.currency,
            stale_after_s=market.stale_after_s,
            rates=market.rates,
        )
        base_rate = market.base_rate(row, symbol) if rules.min_margin_level else None
        numbers = shared_of_size(event, row, market, symbol)
        return _Alike(sized, offer, numbers, link, order, base_rate)


def _opened(row: Row, alike: _Alike) -> tuple[Link, Order] | None:
    size = alike.sized(row.funds, row.own_result)
    if not isinstance(size, Size):
        return None
    limits = alike.offer.limits
    target, maximum = size.target, limits.maximum
    if maximum and target > maximum:
        target = maximum
    units, rounding = holding(target, limits, opening=True)
    if rounding is Rounding.NONE or units < limits.minimum:
        return None
    if target < size.target:
        rounding = Rounding.CAPPED
    if alike.base_rate is not None and row.leverage > 0 and row.funds.age_s is not None:
        used = row.margin_used + units * alike.base_rate / row.leverage
        if not margin_suffices(row, used):
            return None
    numbers = with_size(alike.numbers, row, size)
    numbers["rounding"] = rounding.value
    link, order = alike.link, alike.order
    # Named in the middle of two templates, several times cheaper than _replace.
    return (
        Link._make((*link[:5], size.ratio, size.grows, link[7], target, *link[9:])),
        Order._make((*order[:3], units, *order[4:8], rounding, numbers, *order[10:])),
    )
