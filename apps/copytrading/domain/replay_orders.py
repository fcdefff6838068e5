"""Going through events of resting orders again, beside :mod:`apps.copytrading.domain.replay`.

What becomes of a copy of a resting order by the same function as in planning; that it rested, was
changed and ended is taken from the record. One that the record does not have rests at once, and
ends as soon as it shall.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from apps.copytrading.domain.conclude import conclude
from apps.copytrading.domain.events import MasterEvent, link_key
from apps.copytrading.domain.order_events import follow_order
from apps.copytrading.domain.pending import Pending, PendingState, Terms, Told, told
from apps.copytrading.domain.pending_steps import PendingOrder, PendingStep
from apps.copytrading.domain.replay_items import Answer, Answers, OrderNews, Result
from apps.copytrading.domain.rows import Market, Row
from apps.trading.orders import Leg, OrderState
from apps.trading.quantity import ZERO

#: The platform's id of an order that rests; which one says nothing here.
_SOME = "replayed"
_ONE = Decimal(1)
_COUNT = frozenset({PendingState.PLACING, PendingState.RESTING})


class Flying(NamedTuple):
    """A placement or an amendment under way, with the terms that it asks for."""

    order: PendingOrder
    terms: Terms


@dataclass(slots=True)
class Orders:
    """The copies of resting orders of one subscription while its tape is played.

    ``told`` are the orders, by event and leg, of whose end the tape tells, ``ends`` the keys of
    copies whose own end it tells. What they fill is held by links, which are not kept here.
    """

    answers: Answers
    told: set[tuple[int, Leg]]
    ends: set[str]
    pendings: dict[str, Pending] = field(default_factory=dict)
    flying: dict[str, Flying] = field(default_factory=dict)
    waiting: dict[str, tuple[MasterEvent, ...]] = field(default_factory=dict)
    scales: dict[str, Decimal] = field(default_factory=dict)  # volume now by what was recorded
    results: dict[int, Result] = field(default_factory=dict)

    def resting(self) -> int:
        """How many count as positions that may be opened."""
        return sum(
            1
            for p in self.pendings.values()
            if p.state in _COUNT and p.filled <= 0 and not p.position_key
        )

    def by_order(self) -> dict[str, Pending]:
        """Those that are not at their end, by the key of the master's order."""
        return {p.order_key: p for p in self.pendings.values() if not p.over}

    def run(self, key: str, events: Sequence[MasterEvent], row: Row, market: Market) -> PendingStep:
        """Follow events of one order as they were planned together; answers what they made."""
        before = self.waiting.pop(key, ())
        made = follow_order(row, self.pendings.get(key), events, market)
        self.waiting[key] = (*before, *made.waiting)
        self._take(key, made)
        return made

    def adopted(self, pending: Pending) -> None:
        """The master's order was filled, and the copy's goes over to the position."""
        self.pendings[link_key(pending.order_key)] = pending

    def wants_end(self, key: str) -> bool:
        """Whether it is to be cancelled, and no tape tells of its end."""
        pending = self.pendings.get(key)
        wanted = pending is not None and pending.live and bool(pending.cancel_cause)
        return wanted and key not in self.ends and key not in self.flying

    def settled(self, key: str, event_id: int, leg: Leg) -> None:
        """A placement rests, or an amendment has ended, if it is the one of the record."""
        flying = self.flying.get(key)
        if flying and (flying.order.event.id, flying.order.leg) == (event_id, leg):
            self._settle(key, flying)

    def news(self, item: OrderNews) -> tuple[Pending, Pending] | None:
        """The copy as it was, and as it is now; None where there is none to speak of."""
        before = self.pendings.get(item.key)
        if before is None or not before.live:
            return None
        if item.state is not None and not before.cancel_cause:
            before = before._replace(cancel_cause=item.cause)
        filled = item.filled * self.scales.get(item.key, _ONE)
        position = f"of-{item.key}" if filled > 0 else ""
        after = told(before, Told(_SOME, filled, item.price, position, item.state))
        self.pendings[item.key] = after
        return before, after

    def _take(self, key: str, made: PendingStep) -> None:
        for ending in made.endings:
            self.results[ending.event.id] = Result(ending.event.id, ending.state, ending.code)
        if made.pending is None:
            return
        pending = made.pending._replace(pending_id=1)
        self.pendings[key] = pending
        if made.order is not None:
            self._fly(key, pending, made.order)

    def _fly(self, key: str, pending: Pending, order: PendingOrder) -> None:
        name = f"{order.event.id}:{order.leg.value}"
        pending = pending._replace(in_flight=name)
        if order.leg is Leg.OPEN:
            pending = pending._replace(client_order_id=name)
        self.pendings[key] = pending
        self.flying[key] = flying = Flying(order, pending.terms)
        if (order.event.id, order.leg) not in self.told:
            self._settle(key, flying)

    def _settle(self, key: str, flying: Flying) -> None:
        del self.flying[key]
        order, units = flying.order, flying.terms.units
        event = order.event
        found = self.answers.get((event.id, order.leg))
        rests = order.leg is Leg.OPEN and (found is None or found.rested or found.filled > 0)
        if rests and found is not None and found.units not in (ZERO, units):
            self.scales[key] = units / found.units
        answer = found or Answer(OrderState.FILLED, "", "", units, ZERO, None, assumed=True)
        state, code, _ = conclude(
            leg=order.leg,
            state=OrderState.FILLED if rests else answer.state,
            code=answer.code,
            message=answer.message,
            units=units,
            filled=units if rests else ZERO,
            numbers=order.numbers,
        )
        filled = ZERO
        if rests and found is not None:  # as it was placed, or before note was taken of that
            filled = found.filled * self.scales.get(key, _ONE)
        self.results[event.id] = Result(event.id, state, code, units, filled, None, answer.assumed)
        self._answered(key, flying, answer, rests=rests)

    def _answered(self, key: str, flying: Flying, answer: Answer, *, rests: bool) -> None:
        pending = self.pendings[key]
        if rests:
            pending = told(pending, Told(_SOME, ZERO, None, "", None))
        elif flying.order.leg is Leg.OPEN:
            if key not in self.ends:
                pending = told(pending, Told("", ZERO, None, "", answer.state))
        else:
            pending = pending._replace(in_flight="")
            if answer.state is not OrderState.FILLED and flying.order.before is not None:
                pending = pending._replace(terms=flying.order.before)
        self.pendings[key] = pending
