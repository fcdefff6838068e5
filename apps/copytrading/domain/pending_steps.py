"""What events of a resting order make of a pending link, and the numbers behind it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from apps.copytrading.domain.events import MasterEvent
from apps.copytrading.domain.link import Link
from apps.copytrading.domain.mapping import Symbol
from apps.copytrading.domain.numbers import Numbers
from apps.copytrading.domain.pending import Pending, Terms
from apps.copytrading.domain.rounding import Rounding
from apps.copytrading.domain.rows import Market
from apps.copytrading.domain.steps import Ending, Order
from apps.trading.orders import Leg


class PendingOrder(NamedTuple):
    """A placement (OPEN) or amendment (PROTECT) that the pending link of its step wants.

    ``before`` are the terms that an amendment replaces.
    """

    event: MasterEvent
    leg: Leg
    not_after: datetime | None
    before: Terms | None
    numbers: Numbers


class PendingStep(NamedTuple):
    """What events made of a pending link: its new form, at most one order of it, endings, and
    events that must wait. ``link`` is the trade link of what it filled, changed; with
    ``excess`` a part of that is closed."""

    pending: Pending | None
    order: PendingOrder | None
    endings: tuple[Ending, ...]
    waiting: tuple[MasterEvent, ...]
    link: Link | None = None
    excess: Order | None = None


def closing_excess(link: Link, event: MasterEvent, units: Decimal) -> Order:
    """Closing what a link holds beyond what its master's order stands for."""
    return Order(
        event=event,
        leg=Leg.CLOSE,
        side=link.side.opposite,
        units=units,
        position_id=link.position_id,
        stop_loss=None,
        take_profit=None,
        not_after=None,
        rounding=Rounding.EXACT,
        numbers={"held_units": str(link.held), "raw_units": str(link.target)},
    )


def numbers_of_change(
    pending: Pending, event: MasterEvent, symbol: Symbol, market: Market
) -> Numbers:
    """What an amendment was computed from."""
    master = market.master_symbols.get(event.instrument_id)
    numbers: Numbers = {
        "kind": event.kind.value,
        "master_side": event.order_side.value,
        "master_units": str(event.units_after),
        "master_lot_units": str(master.lot_units if master is not None else 1),
        "lot_units": str(symbol.lot_units),
        "step_units": str(symbol.step_units),
        "min_units": str(symbol.min_units),
        "digits": symbol.digits,
        "ratio": str(pending.ratio),
        "raw_units": str(pending.target),
        "held_units": str(pending.filled),
    }
    return numbers | numbers_of_terms(event)


def numbers_of_terms(event: MasterEvent) -> Numbers:
    """What the master's order waits for."""
    terms = event.terms
    if terms is None:
        return {}
    numbers: Numbers = {"order_type": terms.type.value}
    for name, value in (("order_price", terms.price), ("stop_price", terms.stop_price)):
        if value is not None:
            numbers[name] = str(value)
    if terms.expires_at is not None:
        numbers["expires_at"] = terms.expires_at.isoformat()
    return numbers
