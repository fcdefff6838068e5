"""The close of a whole position for many copies.

The plain case alone: a position that is held, nothing in flight, nobody who wants to close it
himself. Whatever is not this case is left to :func:`apps.copytrading.domain.advance.advance`,
which decides the same for it, only later: a test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Sequence

from apps.copytrading.domain.events import EventKind, MasterEvent
from apps.copytrading.domain.link import Link, LinkState
from apps.copytrading.domain.numbers import of_link
from apps.copytrading.domain.ordering import closing
from apps.copytrading.domain.rounding import Rounding
from apps.copytrading.domain.rows import Market, Row
from apps.copytrading.domain.steps import Order
from apps.trading.quantity import ZERO


class Closings:
    """Closes of ``event``'s position; see the module."""

    def __init__(self, event: MasterEvent, market: Market) -> None:
        self._event = event
        self._market = market

    @classmethod
    def among(cls, events: Sequence[MasterEvent], market: Market) -> Closings | None:
        """For events that are nothing but the end of one position; None for others."""
        if len(events) != 1 or events[0].only or events[0].kind is not EventKind.CLOSED:
            return None
        return cls(events[0], market)

    def of(self, row: Row) -> tuple[Link, Order] | None:
        """A row's link and the order that closes it; None where it is not a plain case."""
        event = self._event
        link = row.links.get(event.position_key)
        if link is None or row.decided or row.pending or row.rules.opens_only:
            return None
        if link.in_flight or link.state is not LinkState.OPEN or link.held <= 0 or link.leaving:
            return None
        # As links.closed makes it, several times cheaper.
        link = Link._make(
            (*link[:_MASTER_UNITS], ZERO, ZERO, *link[_HELD:_LAST], event.id, *link[_LAST + 1 :])
        )
        numbers = of_link(event, link, row, self._market)
        return link, closing(link, event, link.held, Rounding.EXACT, numbers)


_MASTER_UNITS = Link._fields.index("master_units")
_HELD = Link._fields.index("held")
_LAST = Link._fields.index("last_event_id")
