"""Planner and link driven through random interleavings, as the services around them do it.

A machine plays the master, the platform, the owner of the copy, a hand on the follower's account
and a worker that may be killed between committing an order and storing its link. The platform's
book is kept apart and is the judge.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from apps.copytrading.domain.adoption import follow
from apps.copytrading.domain.codes import Code
from apps.copytrading.domain.events import EventKind, MasterEvent
from apps.copytrading.domain.link import (
    Link,
    LinkState,
    Reply,
    answered,
    finished,
    taken_away,
)
from apps.copytrading.domain.plan import Plan, plan
from apps.copytrading.domain.rounding import holding
from apps.copytrading.domain.rows import Decided, Row
from apps.copytrading.domain.steps import Order, Step
from apps.trading.orders import Leg, Side
from tests.factories.copying import EURUSD, NOW, event, market, row, sizing

STEP = EURUSD.step_units
ZERO = Decimal(0)
HAIR = Decimal("5e-9")
LATE = timedelta(seconds=60)
volumes = st.integers(1, 300).map(lambda n: n * STEP)
multipliers = st.sampled_from([Decimal(t) for t in ("1", "0.37", "0.1", "0.0333", "2.5")])


@dataclass(slots=True)
class Sent:
    """The order under way. ``key`` is (event, leg); a repeated close has an attempt of its own."""

    order: Order | None
    event: MasterEvent | None
    leg: Leg
    units: Decimal
    stored: bool = True  # False: committed, but the worker died before it stored the link


@dataclass
class World:
    """One subscription to one position of a master, and everything that acts on it."""

    row: Row = field(default_factory=lambda: row(sizing=sizing(risk_multiplier=Decimal("0.37"))))
    link: Link | None = None
    decided: Link | None = None
    sent: Sent | None = None
    journal: list[MasterEvent] = field(default_factory=list)
    waiting: list[MasterEvent] = field(default_factory=list)
    ends: Counter[int] = field(default_factory=Counter)
    legs: Counter[tuple[int, Leg]] = field(default_factory=Counter)
    book: Decimal = ZERO  # what the platform shows, without sign
    side: Side = Side.BUY  # on which side it is
    touched: bool = False  # by a hand on the follower's account, since it was last flat
    now_late: bool = False
    number: int = 0

    def market(self):  # type: ignore[no-untyped-def]
        return market(now=NOW + LATE if self.now_late else NOW)

    def view(self) -> Row:
        """The row as loading gives it: what others closed has been taken note of."""
        links = {}
        link = self.link
        if link is not None and link.state in (LinkState.OPEN, LinkState.GONE):
            if not link.in_flight and link.held > 0:
                link = taken_away(link, self.book)
            links[link.position_key] = link
        decided = {}
        if self.decided is not None and self.sent is not None and self.sent.event is not None:
            decided["p1"] = Decided(self.sent.event.id, self.decided)
        return self.row._replace(links=links, decided=decided)

    # --- the worker --------------------------------------------------------------------------
    def plan(self, killed: bool) -> None:
        """Plan the journal; ``killed``: die after the order was committed."""
        events, seen = self.journal, self.view()
        made = plan(events, [seen], self.market())
        assert len(made.orders) <= 1
        if made.orders:
            assert not (self.link and self.link.in_flight), "two orders in flight"
            order = made.orders[0].order
            self._send(order, made.orders[0].link, events)
            if killed:
                assert self.sent is not None
                self.sent.stored = False
                self.decided = made.orders[0].link._replace(in_flight=self._in_flight())
                return
        self._store(made)
        self.journal = []

    def _send(self, order: Order, link: Link, events: list[MasterEvent]) -> None:
        assert self.sent is None, "an order was sent while another was under way"
        self.legs[order.event.id, order.leg] += 1
        assert self.legs[order.event.id, order.leg] == 1, "one leg of an event was sent twice"
        assert order.units > 0
        if order.leg is Leg.OPEN:
            assert order.side is link.side
            assert link.held + order.units <= link.target + HAIR, "more than is wanted"
            grown = sum((_grown(e) for e in events), ZERO)
            assert order.units < link.ratio * grown + STEP, "what was given up is bought after all"
        elif order.leg is Leg.CLOSE:
            assert order.side is link.side.opposite
            assert order.units <= link.held, "more closed than is held"
        self.sent = Sent(order, order.event, order.leg, order.units)

    def _in_flight(self) -> str:
        assert self.sent is not None and self.sent.event is not None
        return f"{self.sent.event.id}:{self.sent.leg}"

    def _store(self, made: Plan) -> None:
        for change in made.changes:
            link = change.link
            self.link = link._replace(in_flight=self._in_flight()) if change.order else link
        for change in made.resumed:
            self.link = change.link
        if made.resumed and self.sent is not None:
            self.sent.stored, self.decided = True, None
        for ended in made.endings:
            self.ends[ended.ending.event.id] += 1
        self.waiting += [wait.event for wait in made.waits]

    # --- the platform --------------------------------------------------------------------------
    def reply(self, share: Decimal, *, gone: bool = False) -> None:
        """The order under way comes to its end; ``share`` of it was filled."""
        sent, link = self.sent, self.link
        assert sent is not None and link is not None
        wanted = min(sent.units, self.book) if sent.leg is Leg.CLOSE else sent.units
        filled = wanted if share == 1 else wanted * share // STEP * STEP
        if sent.leg is Leg.OPEN and filled:
            assert self.book == 0 or self.side is link.side, "an open on the wrong side"
            self.book, self.side = self.book + filled, link.side
        elif sent.leg is Leg.CLOSE:
            self.book -= filled
        else:
            filled = ZERO
        before_gone = gone and sent.leg is not Leg.OPEN and self.book == 0 and not filled
        self._settle(sent, answered(link, Reply(sent.leg, sent.units, filled, "f1")), before_gone)

    def _settle(self, sent: Sent, link: Link, gone: bool) -> None:
        self.sent = None
        if gone:
            link = taken_away(link, ZERO)
            link = finished(link) if link.master_units <= 0 else link
        mine = sent.event
        if mine is not None and sent.leg is Leg.CLOSE and link.held > 0:
            reversed_too = mine.kind is EventKind.REVERSED
            self.waiting = [e for e in self.waiting if e.id != mine.id or not reversed_too]
        self._go_on(mine, link)

    def _go_on(self, mine: MasterEvent | None, link: Link) -> None:
        """Apply what waited for the link as it is now; ``mine`` is the event of its order."""
        waiting, self.waiting = self.waiting, []
        step = Step((link,), None, (), ())
        if waiting:
            alive = link if link.state in (LinkState.OPEN, LinkState.GONE) else None
            step = follow(self.row, alive, waiting, self.market())
            if not any(other.link_id == link.link_id for other in step.links):
                step = step._replace(links=(link, *step.links))
        self._conclude(mine, step)
        made = Plan()
        made.add(self.row, step)
        if step.order is not None:
            self._send(step.order, step.links[-1], waiting)
        self._store(made)

    def _conclude(self, mine: MasterEvent | None, step: Step) -> None:
        """The outcome of the order's event, unless something of it is still to come."""
        if mine is None:
            return
        to_come = [e.id for e in step.waiting]
        if step.order is not None:
            to_come.append(step.order.event.id)
        # The second half of a reversal that ends without an order ends the event.
        if mine.id not in to_come and all(e.event.id != mine.id for e in step.endings):
            self.ends[mine.id] += 1

    def close_again(self) -> None:
        """What a close did not get is sent again, computed from what is held."""
        link = self.view().links["p1"]
        if link.held <= 0:  # somebody else closed it first; what waited for that goes on
            self._go_on(None, finished(link))
            return
        self.sent = Sent(None, None, Leg.CLOSE, link.held)
        self.link = link._replace(in_flight="again", target=ZERO)


def _grown(event: MasterEvent) -> Decimal:
    """What an event adds to the master's position, or what a new one begins with."""
    if event.kind in (EventKind.OPENED, EventKind.REVERSED):
        return event.units_after
    return max(ZERO, event.units_after - event.units_before)


class LinkMachine(RuleBasedStateMachine):
    """Master, platform, owner, stranger and worker take turns."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.units = ZERO
        self.side = Side.BUY
        self.turned = False

    def _happens(self, kind: EventKind, after: Decimal, **changes: object) -> None:
        world = self.world
        world.number += 1
        before, self.units = self.units, after
        world.journal.append(event(kind, before, after, id=world.number, side=self.side, **changes))

    # --- the master ------------------------------------------------------------------------------
    @precondition(lambda self: self.units == 0)
    @rule(units=volumes, side=st.sampled_from(Side))
    def opens(self, units: Decimal, side: Side) -> None:
        self.side = side
        self._happens(EventKind.OPENED, units)

    @precondition(lambda self: self.units > 0)
    @rule(units=volumes)
    def increases(self, units: Decimal) -> None:
        self._happens(EventKind.INCREASED, self.units + units)

    @precondition(lambda self: self.units > STEP)
    @rule(share=st.integers(1, 99))
    def reduces(self, share: int) -> None:
        after = max(STEP, self.units * share / 100 // STEP * STEP)
        if after < self.units:
            self._happens(EventKind.REDUCED, after)

    @precondition(lambda self: self.units > 0)
    @rule()
    def closes(self) -> None:
        self._happens(EventKind.CLOSED, ZERO)

    # A position that turns under a hand on the follower's account is a case for another test.
    @precondition(lambda self: self.units > 0 and not self.world.touched)
    @rule(units=volumes)
    def reverses(self, units: Decimal) -> None:
        self.turned = True
        self.side = self.side.opposite
        self._happens(EventKind.REVERSED, units)

    @precondition(lambda self: self.units > 0)
    @rule(pips=st.integers(1, 50))
    def moves_stops(self, pips: int) -> None:
        stop = Decimal("1.05") + pips * Decimal("0.0001")
        self._happens(EventKind.PROTECTION, self.units, stop_loss=stop)

    # --- the worker ------------------------------------------------------------------------------
    @precondition(lambda self: self.world.journal)
    @rule(killed=st.booleans())
    def plans(self, killed: bool) -> None:
        self.world.plan(killed)

    @precondition(lambda self: self.unfinished_close)
    @rule()
    def closes_again(self) -> None:
        self.world.close_again()

    @property
    def unfinished_close(self) -> bool:
        """A close that did not get through: held, not wanted, and nothing under way."""
        world, link = self.world, self.world.link
        return bool(
            world.sent is None
            and link is not None
            and link.state is LinkState.OPEN
            and link.held > 0
            and link.target <= 0
        )

    # --- the platform ----------------------------------------------------------------------------
    @precondition(lambda self: self.world.sent is not None and self.world.sent.stored)
    @rule(share=st.sampled_from([Decimal(t) for t in ("1", "1", "1", "1", "0.5", "0.3", "0")]))
    def answers(self, share: Decimal) -> None:
        self.world.reply(share, gone=self.world.book == 0)

    # --- the owner and a hand on the account -----------------------------------------------------
    @rule(hold=st.sampled_from([None, None, Code.PAUSED, Code.STOPPED]))
    def pauses_or_resumes(self, hold: Code | None) -> None:
        self.world.row = self.world.row._replace(hold=hold)

    @rule(multiplier=multipliers, copy_sl=st.booleans(), parts=st.booleans())
    def changes_settings(self, multiplier: Decimal, copy_sl: bool, parts: bool) -> None:
        rules = replace(self.world.row.rules, partial_close=parts)
        self.world.row = self.world.row._replace(
            sizing=sizing(risk_multiplier=multiplier), copy_sl=copy_sl, rules=rules
        )

    @precondition(lambda self: self.world.link is None and self.world.sent is None)
    @rule(reverse=st.booleans())
    def turns_around(self, reverse: bool) -> None:
        self.world.row = self.world.row._replace(
            rules=replace(self.world.row.rules, reverse=reverse)
        )

    @precondition(lambda self: self.world.book > 0 and not (self.turned or self.unfinished_close))
    @rule(share=st.sampled_from([Decimal(1), Decimal("0.5")]))
    def closed_by_hand(self, share: Decimal) -> None:
        taken = self.world.book if share == 1 else self.world.book * share // STEP * STEP
        self.world.book -= taken
        self.world.touched = True

    @rule(late=st.booleans())
    def time_passes(self, late: bool) -> None:
        self.world.now_late = late

    # --- what always holds -----------------------------------------------------------------------
    @invariant()
    def never_on_both_sides(self) -> None:
        assert self.world.book >= 0

    @invariant()
    def one_order_under_way(self) -> None:
        world = self.world
        if world.link is not None and world.link.in_flight:
            assert world.sent is not None
        if world.sent is not None and world.sent.stored:
            assert world.link is not None and world.link.in_flight

    @invariant()
    def our_record_is_never_below_the_book(self) -> None:
        """Others may take away what we think to hold; more than we know of is never there."""
        world = self.world
        held = world.link.held if world.link is not None else ZERO
        assert world.book <= held
        if not world.touched:
            assert world.book == held
        elif held == 0:
            world.touched = False

    @invariant()
    def no_event_ends_twice(self) -> None:
        assert all(count == 1 for count in self.world.ends.values())

    @invariant()
    def waiting_means_under_way(self) -> None:
        world = self.world
        if world.waiting:
            assert world.sent is not None or (world.link is not None and world.link.leaving)

    def teardown(self) -> None:
        """Let all come to rest with a master that is out: nothing held, nothing left open."""
        world = self.world
        if self.units > 0:
            self._happens(EventKind.CLOSED, ZERO)
        for _ in range(60):
            if world.sent is not None and world.sent.stored:
                world.reply(Decimal(1), gone=world.book == 0)
            elif world.journal:
                world.plan(killed=False)
            elif self.unfinished_close:
                world.close_again()
            else:
                break
        assert world.sent is None and not world.journal and not world.waiting
        assert world.book == 0, "held without a master"
        assert set(world.ends) == set(range(1, world.number + 1)), "an event without its end"


LinkMachine.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestLinkMachine = LinkMachine.TestCase


class SteadyMachine(RuleBasedStateMachine):
    """Without refusals, hands and pauses sums are exact: the copy is what the ratio says."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(row=row(sizing=sizing(risk_multiplier=Decimal("0.37"))))
        self.units = ZERO
        self.exact = ZERO

    def _happens(self, kind: EventKind, after: Decimal) -> None:
        world = self.world
        world.number += 1
        before, self.units = self.units, after
        if after == 0:
            self.exact = ZERO
        elif after > before:
            self.exact += (after - before) * Decimal("0.37")
        else:
            self.exact = self.exact * after / before
        world.journal.append(event(kind, before, after, id=world.number))

    @rule(units=volumes)
    def buys(self, units: Decimal) -> None:
        kind = EventKind.INCREASED if self.units else EventKind.OPENED
        self._happens(kind, self.units + units)

    @precondition(lambda self: self.units > 0)
    @rule(share=st.integers(0, 99))
    def sells(self, share: int) -> None:
        after = self.units * share / 100 // STEP * STEP
        if after < self.units:
            kind = EventKind.REDUCED if after else EventKind.CLOSED
            self._happens(kind, after)

    @precondition(lambda self: self.world.journal)
    @rule(killed=st.booleans())
    def plans(self, killed: bool) -> None:
        self.world.plan(killed)

    @precondition(lambda self: self.world.sent is not None and self.world.sent.stored)
    @rule()
    def fills(self) -> None:
        self.world.reply(Decimal(1))

    @invariant()
    def quiet_means_exact(self) -> None:
        world = self.world
        if world.sent is None and not world.journal:
            limits = world.market().limits(world.row, EURUSD)
            assert world.book == holding(self.exact, limits, opening=False)[0]


SteadyMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestSteadyMachine = SteadyMachine.TestCase
