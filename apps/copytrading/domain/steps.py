"""What taking note of events makes of a link: an order, endings, and events that wait."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from apps.copytrading.domain.codes import Code, OutcomeState
from apps.copytrading.domain.events import MasterEvent
from apps.copytrading.domain.link import Link
from apps.copytrading.domain.numbers import Numbers
from apps.copytrading.domain.pending import Pending
from apps.copytrading.domain.rounding import Rounding
from apps.trading.orders import Leg, Side


class Order(NamedTuple):
    """An order that a link wants. ``not_after`` and ``limit_price`` bound an open's sending,
    ``reference_price`` is where relative stops are counted from."""

    event: MasterEvent
    leg: Leg
    side: Side
    units: Decimal
    position_id: str
    stop_loss: Decimal | None
    take_profit: Decimal | None
    not_after: datetime | None
    rounding: Rounding
    numbers: Numbers
    limit_price: Decimal | None = None
    reference_price: Decimal | None = None


class Ending(NamedTuple):
    """An event that ends without an order."""

    event: MasterEvent
    state: OutcomeState
    code: Code
    numbers: Numbers
    link: Link | None


class Step(NamedTuple):
    """What events made of a link: its new forms (a closed one may be followed by a new
    one), at most one order of the last of them, endings, and events that must wait. Copies
    of resting orders that were filled are in ``pendings``."""

    links: tuple[Link, ...]
    order: Order | None
    endings: tuple[Ending, ...]
    waiting: tuple[MasterEvent, ...]
    pendings: tuple[Pending, ...] = ()

    @property
    def begins(self) -> bool:
        """Whether its order makes a position of a link that holds none."""
        opens = self.order is not None and self.order.leg is Leg.OPEN
        return opens and self.links[-1].held <= 0
