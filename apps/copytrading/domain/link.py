"""A trade link: what a subscription holds for one position of its master.

A link is immutable. Events of the master change what it *should* hold (``target``), replies
of the platform what it *holds* (``held``); between the two there is at most one order in
flight. Everything is in units of the follower's symbol; targets are exact.
"""

from __future__ import annotations

import enum
from decimal import Decimal
from typing import NamedTuple

from apps.copytrading.domain.events import MasterEvent
from apps.copytrading.domain.rounding import Limits, settled_units
from apps.copytrading.domain.volume import Size
from apps.trading.orders import Leg, Side
from apps.trading.quantity import ZERO

#: Causes of the rest of what a master's event closed; all others want the whole position closed.
REST = "rest:"
#: Causes of what its owner closes alone: the copy does not hold it again.
BY_HAND = "hand:"


class LinkState(enum.StrEnum):
    OPEN = "open"
    CLOSED = "closed"
    FAILED = "failed"  # its first order came to nothing
    GONE = "gone"  # ended on the follower's side before the master's
    DETACHED = "detached"  # the customer's from now on; ``master_units``: what its master holds


class Link(NamedTuple):
    """See the module. ``link_id`` is 0 until it is stored.

    ``position_id`` is the follower's position ('' while none is held) and ``shown_sl`` and
    ``shown_tp`` what the platform shows on it. ``close_cause`` says that a person or a guard
    wants it closed. ``lost`` is what others took of it since it was read, and is not noted yet.
    """

    link_id: int
    position_key: str
    side: Side
    symbol: str
    instrument_id: str
    ratio: Decimal
    grows: bool
    master_units: Decimal
    target: Decimal
    held: Decimal
    stop_loss: Decimal | None
    take_profit: Decimal | None
    master_price: Decimal | None
    position_id: str
    shown_sl: Decimal | None
    shown_tp: Decimal | None
    in_flight: str
    close_cause: str
    opened_event_id: int
    last_event_id: int
    state: LinkState = LinkState.OPEN
    lost: Decimal = ZERO

    @property
    def leaving(self) -> bool:
        """The master is out of it, and its close has not got through yet."""
        return self.held > 0 and self.target <= 0 and self.master_units <= 0

    @property
    def unwanted(self) -> bool:
        """A person or a guard wants all of it closed."""
        return bool(self.close_cause) and not self.close_cause.startswith(REST)


class Reply(NamedTuple):
    """The final answer to an order of a link: what was ordered and what was filled."""

    leg: Leg
    units: Decimal
    filled: Decimal
    position_id: str


def opened(
    event: MasterEvent,
    size: Size,
    limits: Limits,
    *,
    side: Side,
    symbol: str,
    instrument_id: str,
    stops: tuple[Decimal | None, Decimal | None],
) -> Link:
    """The link with which a position begins to be copied; nothing is held yet."""
    return Link(
        link_id=0,
        position_key=event.position_key,
        side=side,
        symbol=symbol,
        instrument_id=instrument_id,
        ratio=size.ratio,
        grows=size.grows,
        master_units=event.units_after,
        target=_capped(size.target, limits),
        held=ZERO,
        stop_loss=stops[0],
        take_profit=stops[1],
        master_price=event.price,
        position_id="",
        shown_sl=None,
        shown_tp=None,
        in_flight="",
        close_cause="",
        opened_event_id=event.id,
        last_event_id=event.id,
    )


def increased(link: Link, event: MasterEvent, limits: Limits) -> Link:
    """The master added: as much as the frozen ratio makes of it, where the size grows."""
    target = _capped(link.target + link.ratio * event.units, limits) if link.grows else link.target
    return passed_over(link, event)._replace(target=target)


def passed_over(link: Link, event: MasterEvent) -> Link:
    """An increase that is not followed: only what the master holds, and at which price."""
    return link._replace(
        master_units=event.units_after,
        master_price=_average_price(link, event),
        last_event_id=event.id,
    )


def reduction_passed_over(link: Link, event: MasterEvent) -> Link:
    """A partial close that is not followed: only what the master still holds."""
    return link._replace(master_units=event.units_after, last_event_id=event.id)


def given_up(link: Link, missing: Decimal) -> Link:
    """``missing`` units that should have been bought are not wanted any more."""
    return link._replace(target=max(link.held, link.target - missing))


def left_alone(link: Link, event: MasterEvent) -> Link:
    """The master closed, and this copy leaves closing to the customer."""
    return link._replace(state=LinkState.DETACHED, master_units=ZERO, last_event_id=event.id)


def over(link: Link) -> Link:
    """The master is out of a position whose copy had ended before; what is detached stays so."""
    if link.state is LinkState.DETACHED:
        return link._replace(master_units=ZERO)
    return finished(link)


def reduced(link: Link, event: MasterEvent) -> Link:
    """The master closed a part: the same fraction of what should be held goes."""
    before = event.units_before
    target = link.target * event.units_after / before if before > 0 else ZERO
    return link._replace(target=target, master_units=event.units_after, last_event_id=event.id)


def closed(link: Link, event: MasterEvent) -> Link:
    """The master closed the rest, or went through to the other side: hold nothing."""
    return link._replace(target=ZERO, master_units=ZERO, last_event_id=event.id)


def protected(link: Link, event: MasterEvent, stops: tuple[Decimal | None, Decimal | None]) -> Link:
    """The master moved stop loss or take profit; ``stops`` are what the copy shall have."""
    return link._replace(stop_loss=stops[0], take_profit=stops[1], last_event_id=event.id)


def answered(link: Link, reply: Reply) -> Link:
    """The order in flight came to its end.

    What an open did not get is not wanted any more: a later increase must not buy the old
    part at a new price. What a close did not get is still held, and still not wanted.
    """
    if reply.leg is Leg.OPEN:
        held = link.held + reply.filled
        missing = max(ZERO, reply.units - reply.filled)
        link = link._replace(
            held=held,
            target=max(held, link.target - missing) if missing else link.target,
            in_flight="",
            position_id=(reply.position_id or link.position_id) if held else "",
        )
    elif reply.leg is Leg.CLOSE:
        link = link._replace(held=max(ZERO, link.held - reply.filled), in_flight="")
    else:
        link = link._replace(in_flight="")
    return _rest(link, reply)


def taken_away(link: Link, held: Decimal) -> Link:
    """Somebody else reduced the copied position to ``held``: follow it, never buy it back."""
    if held >= link.held:
        return link
    lost = link.lost + link.held - max(ZERO, held)
    if held <= 0:
        return link._replace(held=ZERO, target=ZERO, state=LinkState.GONE, lost=lost)
    return link._replace(held=held, target=link.target * held / link.held, lost=lost)


def finished(link: Link) -> Link:
    """Nothing is held and nothing is wanted any more."""
    return link._replace(state=LinkState.CLOSED, target=ZERO)


def _average_price(link: Link, event: MasterEvent) -> Decimal | None:
    if link.master_price is None or event.price is None or event.units_after <= 0:
        return link.master_price
    paid = link.master_price * event.units_before + event.price * event.units
    return settled_units(paid / event.units_after)


def _capped(target: Decimal, limits: Limits) -> Decimal:
    # The cap bites what should be held, so that a partial close halves what *is* held.
    return min(target, limits.maximum) if limits.maximum else target


def _rest(link: Link, reply: Reply) -> Link:
    # A link that holds nothing ends, unless the master still holds a part that was only too
    # small to be held here: that part may grow again.
    if link.held > 0:
        return link
    if reply.leg is Leg.OPEN:
        return link._replace(state=LinkState.FAILED, target=ZERO)
    return finished(link) if link.target <= 0 else link._replace(position_id="")
