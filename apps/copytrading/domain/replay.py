"""Going through recorded events again: the same planning, with recorded or other settings.

A tape holds what happened to one subscription in the order in which the engine took note of it:
events that were planned together, orders that came to their end, and what others took away.
Each carries what was known at that moment. The events go through :func:`plan` and
:func:`follow` as they did then; the answers of the platform are taken from the record. An order
that the record does not have is filled at once, whole, at the master's price.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from apps.copytrading.domain.adoption import filled_link, follow
from apps.copytrading.domain.codes import OutcomeState
from apps.copytrading.domain.conclude import conclude, position_is_gone
from apps.copytrading.domain.events import EventKind, MasterEvent, link_key
from apps.copytrading.domain.link import (
    BY_HAND,
    REST,
    Link,
    LinkState,
    Reply,
    answered,
    finished,
    taken_away,
)
from apps.copytrading.domain.numbers import of_link
from apps.copytrading.domain.pending import Pending, PendingState, newly_filled
from apps.copytrading.domain.plan import plan
from apps.copytrading.domain.replay_items import (
    Answer,
    Answers,
    Begun,
    Detached,
    Ended,
    Given,
    GoesOn,
    Item,
    OrderNews,
    Reopened,
    Result,
    Run,
    Settled,
    Taken,
)
from apps.copytrading.domain.replay_links import after_answer, as_shown, part_of, with_rest
from apps.copytrading.domain.replay_orders import Orders
from apps.copytrading.domain.rounding import Rounding
from apps.copytrading.domain.rows import Row
from apps.copytrading.domain.steps import Order, Step
from apps.trading.orders import Leg, OrderState
from apps.trading.quantity import ZERO

_ALIVE = (LinkState.OPEN, LinkState.GONE)
_LEADS = (Leg.OPEN, Leg.CLOSE, Leg.PROTECT, Leg.CANCEL)
_ENDS_STOPS = (EventKind.CLOSED, EventKind.REVERSED, EventKind.PROTECTION)


_OWN = "of its own"


def replay(items: Sequence[Item], answers: Answers) -> dict[int, Result]:
    """Results by event. Events that still wait at the end of the tape have none."""
    ends = {i.key for i in items if isinstance(i, OrderNews) and i.state is not None}
    told = {(i.event_id, i.leg) for i in items if isinstance(i, Settled)}
    player = _Player(answers, told, Orders(answers, told, ends))
    for item in items:
        if isinstance(item, Run):
            player.run(item)
        elif isinstance(item, Settled):
            player.settled(item)
        elif isinstance(item, Taken):
            player.taken(item)
        elif isinstance(item, Detached):
            player.detached(item)
        elif isinstance(item, Begun):
            player.begun(item)
        elif isinstance(item, Reopened):
            player.reopened(item)
        elif isinstance(item, Ended):
            player.own_ended(item)
        elif isinstance(item, GoesOn):
            player.goes_on(item)
        else:
            player.news(item)
    return player.results | player.orders.results


class _Own(NamedTuple):
    """An order under way that no event asked for: its leg, units as they are now, and cause."""

    leg: Leg
    units: Decimal
    cause: str


@dataclass(slots=True)
class _Player:
    """The links of one subscription while its tape is played."""

    answers: Answers
    told: set[tuple[int, Leg]]
    orders: Orders
    links: dict[str, Link] = field(default_factory=dict)
    waiting: dict[str, tuple[MasterEvent, ...]] = field(default_factory=dict)
    flying: dict[str, Order] = field(default_factory=dict)
    own: dict[str, _Own] = field(default_factory=dict)
    ended: dict[int, dict[Leg, tuple[Order, Answer]]] = field(default_factory=dict)
    results: dict[int, Result] = field(default_factory=dict)

    def run(self, item: Run) -> None:
        """Plan events as they were planned together."""
        if item.events[0].terms is not None:
            return self._run_order(item.key, item.events, item.given)
        link = self.links.get(item.key)
        if link is not None:
            self.links[item.key] = as_shown(link, item.given)
        made = plan(item.events, [self._row(item.given)], item.given.market)
        order = made.orders[-1].order if made.orders else None
        step = Step(
            tuple(change.link for change in made.changes),
            order,
            tuple(ended.ending for ended in made.endings),
            tuple(waits.event for waits in made.waits),
            tuple(change.pending for change in made.pendings),
        )
        if not made.orders:  # those that wait for an order in flight have others before them
            step = step._replace(waiting=(*self.waiting.get(item.key, ()), *step.waiting))
        return self._take(item.key, step, item.given)

    def _run_order(self, key: str, events: Sequence[MasterEvent], given: Given) -> None:
        """Plan events of a resting order; what its copy has filled may have to go."""
        made = self.orders.run(key, events, self._row(given), given.market)
        if made.link is not None:
            where = made.link.position_key
            waiting = self.waiting.get(where, ())
            self._take(where, Step((made.link,), made.excess, (), waiting), given)
        if self.orders.wants_end(key):
            self.news(OrderNews(key, ZERO, None, OrderState.CANCELLED, ""))
            self.goes_on(GoesOn(key, given))

    def goes_on(self, item: GoesOn) -> None:
        """Events that waited for a resting order are decided on."""
        key = item.key
        if events := self.orders.waiting.pop(key, ()):
            self._run_order(key, events, item.given)
        link, events = self.links.get(key), self.waiting.get(key, ())
        if not events or (link is not None and link.in_flight):
            return
        del self.waiting[key]
        alive = None if link is None else as_shown(link, item.given)
        step = follow(self._row(item.given), alive, events, item.given.market)
        self._take(key, step, item.given)

    def news(self, item: OrderNews) -> None:
        """A copy's resting order was filled or has ended; its link holds what it filled."""
        found = self.orders.news(item)
        if found is None:
            return
        before, after = found
        key = item.key
        if before.position_key and before.state is not PendingState.UNWANTED:
            key = before.position_key
        link = self.links.get(key)
        if link is not None and link.state is not LinkState.OPEN:
            link = None
        units, _ = newly_filled(before, after)
        known = after._replace(state=before.state)
        changed = filled_link(known, link, units, ended=item.state is not None)
        if changed is not None:
            fresh = units > 0 and (link is None or not link.position_id)
            if fresh:
                terms = before.terms
                changed = changed._replace(shown_sl=terms.stop_loss, shown_tp=terms.take_profit)
            self._keep(key, changed)

    def settled(self, item: Settled) -> None:
        """The order in flight ended, if it is the one of the record."""
        self.orders.settled(item.key, item.event_id, item.leg)
        for key, order in list(self.flying.items()):
            if (order.event.id, order.leg) == (item.event_id, item.leg):
                self._settle(key, order, item.given)

    def taken(self, item: Taken) -> None:
        """The link follows a position of which somebody else has taken a part, or all."""
        link = self.links.get(item.key)
        if link is None:
            return
        if link.held > 0:
            link = taken_away(link, part_of(link.held, item.after, item.before))
        elif item.before <= 0 and not link.in_flight:  # given up before anything was held
            link = link._replace(target=ZERO, state=LinkState.GONE)
        over = link.state is LinkState.GONE and link.master_units <= 0
        self._keep(item.key, finished(link) if over else link)

    def detached(self, item: Detached) -> None:
        """The link holds nothing any more that a later event could be about."""
        link = self.links.get(item.key)
        if link is not None and link.held > 0 and not link.in_flight:
            self._keep(item.key, link._replace(state=LinkState.DETACHED))

    def begun(self, item: Begun) -> None:
        """Events wait from now on for a close of another cause."""
        link = self.links.get(item.key)
        if link is not None and link.held > 0 and not link.in_flight:
            rest = item.cause.startswith(REST)  # all other causes want the whole closed
            units = min(item.units, link.held) if rest else link.held
            self.own[item.key] = _Own(Leg.CLOSE, units, item.cause)
            target = link.target if rest else ZERO
            self.links[item.key] = link._replace(in_flight=_OWN, target=target)

    def reopened(self, item: Reopened) -> None:
        """What is missing is opened again; the link holds what is there until then."""
        link = self.links.get(item.key)
        if link is None or link.in_flight:
            return
        units, held = item.units, ZERO
        if link.held > 0 and item.before > 0:
            units = part_of(link.held, item.units, item.before)
            held = part_of(link.held, item.after, item.before)
        self.own[item.key] = _Own(Leg.OPEN, units, "")
        self.links[item.key] = link._replace(
            held=held,
            target=max(link.target, held + units),
            state=LinkState.OPEN,
            in_flight=_OWN,
        )

    def own_ended(self, item: Ended) -> None:
        """The order of another cause ended; what waited for it goes on."""
        link = self.links.get(item.key)
        if link is None or link.in_flight != _OWN:
            return
        leg, units, cause = self.own.pop(item.key)
        answer = item.answer
        filled = part_of(units, answer.filled, answer.units)
        position_id = link.position_id or f"of-{item.key}"
        link = answered(link, Reply(leg, units, filled, position_id))
        if position_is_gone(leg, answer.state, answer.code):
            link = taken_away(link, ZERO)
            link = finished(link) if link.master_units <= 0 else link
        if cause.startswith(BY_HAND) and link.held <= 0 < link.master_units:
            link = link._replace(state=LinkState.GONE)
        link = with_rest(link, leg, answer, cause)
        step = self._go_on(link, self.waiting.pop(item.key, ()), item.given)
        self._keep(item.key, link)
        self._take(item.key, step, item.given)

    def _row(self, given: Given) -> Row:
        open_ones = (link for link in self.links.values() if link.state is LinkState.OPEN)
        count = sum(1 for link in open_ones if link.held > 0 or link.in_flight)
        return given.row._replace(
            links=dict(self.links),
            open_links=count + self.orders.resting(),
            pending=self.orders.by_order(),
        )

    def _keep(self, key: str, link: Link) -> None:
        followed = link.state is LinkState.DETACHED and link.master_units > 0
        if link.state in _ALIVE or followed:
            self.links[key] = link
        else:
            self.links.pop(key, None)

    def _take(self, key: str, step: Step, given: Given) -> None:
        """Take over what a step made; an order of which the record knows nothing ends at once."""
        for link in step.links:
            self._keep(link.position_key, link)
        for pending in step.pendings:
            self._adopt(pending)
        for ending in step.endings:
            self.results[ending.event.id] = Result(ending.event.id, ending.state, ending.code)
        self.waiting[key] = step.waiting
        order = step.order
        if order is None:
            self._end_adopted(step.pendings, given)
            return
        self.flying[key] = order
        self.links[key] = step.links[-1]._replace(in_flight=f"{order.event.id}:{order.leg}")
        if (order.event.id, order.leg) not in self.told:
            self._settle(key, order, given)

    def _adopt(self, pending: Pending) -> None:
        """The copy of an order goes over to the position that the master's order made."""
        self.orders.adopted(pending)
        if pending.position_key and pending.state is not PendingState.UNWANTED:
            self.links.pop(link_key(pending.order_key), None)

    def _end_adopted(self, pendings: Sequence[Pending], given: Given) -> None:
        """Orders of which the record knows nothing have filled with the master's, or end."""
        for pending in pendings:
            place = link_key(pending.order_key)
            if self.orders.wants_end(place):
                units = pending.terms.units
                price = pending.terms.price or pending.terms.stop_price
                self.news(OrderNews(place, units, price, OrderState.FILLED, ""))
            if pending.position_key and place not in self.orders.ends:
                self.goes_on(GoesOn(pending.position_key, given))

    def _settle(self, key: str, order: Order, given: Given) -> None:
        del self.flying[key]
        answer = self._answer(order)
        link = after_answer(self.links[key], order, answer)
        waiting = self.waiting.pop(key, ())
        event = order.event
        if event.kind is EventKind.REVERSED and order.leg is Leg.CLOSE and link.held > 0:
            waiting = tuple(other for other in waiting if other.id != event.id)
        self.ended.setdefault(event.id, {})[order.leg] = (order, answer)
        step = self._next(link, order, waiting, given)
        later = (*step.waiting, *((step.order.event,) if step.order else ()))
        if all(other.id != event.id for other in later):
            self._conclude(event, step)
            step = step._replace(endings=tuple(e for e in step.endings if e.event.id != event.id))
        self._keep(key, link)
        self._take(key, step, given)

    def _answer(self, order: Order) -> Answer:
        """The recorded answer, in proportion where another volume is ordered now."""
        found = self.answers.get((order.event.id, order.leg))
        if found is None:
            filled = ZERO if order.leg is Leg.PROTECT else order.units
            price = order.event.price
            return Answer(OrderState.FILLED, "", "", order.units, filled, price, assumed=True)
        if found.units == order.units or found.units <= 0:
            return found
        filled = found.filled * order.units / found.units
        return found._replace(units=order.units, filled=filled)

    def _next(
        self, link: Link, order: Order, waiting: tuple[MasterEvent, ...], given: Given
    ) -> Step:
        moot = any(event.kind in _ENDS_STOPS for event in waiting)
        exact = order.leg is Leg.OPEN and (order.event.id, Leg.PROTECT) in self.answers
        if exact and not moot and link.held > 0:
            protect = Order(
                order.event, Leg.PROTECT, link.side, link.held, link.position_id, link.stop_loss,
                link.take_profit, None, Rounding.EXACT,
                of_link(order.event, link, given.row, given.market),
            )  # fmt: skip
            return Step((link,), protect, (), waiting)
        return self._go_on(link, waiting, given)

    def _go_on(self, link: Link, waiting: tuple[MasterEvent, ...], given: Given) -> Step:
        """What waited, on the link as it is now."""
        if not waiting:
            return Step((link,), None, (), ())
        link = as_shown(link, given)
        alive = link if link.state in _ALIVE else None
        self._keep(link.position_key, link)
        step = follow(self._row(given), alive, waiting, given.market)
        return step if step.links else step._replace(links=(link,))

    def _conclude(self, event: MasterEvent, step: Step) -> None:
        orders = self.ended[event.id]
        leg = next(leg for leg in _LEADS if leg in orders)
        order, answer = orders[leg]
        state, code, _ = conclude(
            leg=leg,
            state=answer.state,
            code=answer.code,
            message=answer.message,
            units=order.units,
            filled=answer.filled,
            numbers=order.numbers,
        )
        not_opened = next((e for e in step.endings if e.event.id == event.id), None)
        if not_opened is not None:  # the old side was closed, the new one is not opened
            state, code = OutcomeState.PARTIAL, not_opened.code
        self.results[event.id] = Result(
            event.id, state, code, order.units, answer.filled, answer.price, answer.assumed
        )
