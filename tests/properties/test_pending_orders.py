"""Resting orders and their copies under any order of fills, changes and cancels on both sides."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from apps.copytrading.domain.adoption import filled_link, follow
from apps.copytrading.domain.codes import Code
from apps.copytrading.domain.events import EventKind, MasterEvent, OrderTerms, link_key
from apps.copytrading.domain.link import Link, LinkState, Reply, answered
from apps.copytrading.domain.order_events import follow_order
from apps.copytrading.domain.pending import Pending, PendingState, Told, newly_filled, told
from apps.copytrading.domain.rounding import holding
from apps.copytrading.domain.rows import Row, Rules
from apps.copytrading.domain.steps import Order, Step
from apps.trading.orders import Leg, OrderState, OrderType, Side
from tests.factories.copying import EURUSD, event, market, row, sizing

STEP = EURUSD.step_units
KEY, POSITION = "r1", "m1"
ZERO = Decimal(0)
lots = st.integers(1, 60).map(lambda n: n * STEP)
ratios = st.sampled_from([Decimal("0.5"), Decimal(1), Decimal("1.7"), Decimal("0.31")])


@dataclass
class Platform:
    """The follower's side: its resting order, and what each order of ours has done."""

    units: Decimal = ZERO
    filled: Decimal = ZERO
    rests: bool = False
    held: Decimal = ZERO


@dataclass
class Copy:
    """One subscription with a copy of one order, kept as the services keep it."""

    ratio: Decimal
    reverse: bool
    pending: Pending | None = None
    links: dict[str, Link] = field(default_factory=dict)
    waiting: list[MasterEvent] = field(default_factory=list)
    ended: dict[int, int] = field(default_factory=dict)
    flying: list[tuple[str, Any]] = field(default_factory=list)
    platform: Platform = field(default_factory=Platform)

    def __post_init__(self) -> None:
        rules = Rules(reverse=self.reverse)
        self.plain = row(sizing=sizing(risk_multiplier=self.ratio), rules=rules)
        self.market = market()

    def row(self) -> Row:
        live = self.pending is not None and not self.pending.over
        return self.plain._replace(
            links={k: v for k, v in self.links.items() if v.state is LinkState.OPEN},
            pending={KEY: self.pending} if live else {},
        )

    # --- the engine ---------------------------------------------------------------------------
    def take(self, new: MasterEvent) -> None:
        self.waiting.append(new)
        self.go_on()

    def go_on(self) -> None:
        """Apply what need not wait, in order, until nothing changes any more."""
        while self._once():
            pass
        self._cancel()
        self._close()

    def _once(self) -> bool:
        of_orders = [e for e in self.waiting if e.terms is not None]
        if of_orders and self._free_for_orders():
            step = follow_order(self.row(), self.pending, of_orders, self.market)
            if step.pending or step.order or step.endings or step.link:
                self._drop(of_orders, step.waiting)
                self._ends(step.endings)
                if step.pending is not None:
                    self.pending = step.pending._replace(pending_id=1)
                if step.order is not None:
                    self._send(step.order)
                if step.link is not None:
                    self.links[step.link.position_key] = step.link
                if step.excess is not None:
                    self._fly(step.link, step.excess)
                return True
        deals = [e for e in self.waiting if e.terms is None]
        return bool(deals) and self._deals(deals)

    def _free_for_orders(self) -> bool:
        pending = self.pending
        if pending is not None and pending.busy:
            return False
        link = self.links.get(pending.position_key or link_key(KEY)) if pending else None
        return not (link is not None and link.in_flight)

    def _deals(self, deals: list[MasterEvent]) -> bool:
        current = self.row()
        step: Step = follow(current, current.links.get(POSITION), deals, self.market)
        if not (step.links or step.order or step.endings or step.pendings):
            return False
        self._drop(deals, step.waiting)
        self._ends(step.endings)
        for pending in step.pendings:
            self.pending = pending
            if pending.position_key and pending.state is not PendingState.UNWANTED:
                self.links.pop(link_key(KEY), None)
        for link in step.links:
            self.links[link.position_key] = link
        if step.order is not None:
            self._fly(step.links[-1], step.order)
        return True

    def _drop(self, taken: list[MasterEvent], kept: tuple[MasterEvent, ...]) -> None:
        ids = {e.id for e in taken} - {e.id for e in kept}
        self.waiting = [e for e in self.waiting if e.id not in ids]

    def _ends(self, endings: Any) -> None:
        for ending in endings:
            self.ended[ending.event.id] = self.ended.get(ending.event.id, 0) + 1
            assert ending.code is not Code.ALREADY_LINKED

    def _send(self, order: Any) -> None:
        assert self.pending is not None and not self.pending.in_flight
        name = "place" if order.leg is Leg.OPEN else "amend"
        cid = f"{name}{order.event.id}"
        self.pending = self.pending._replace(in_flight=cid)
        if name == "place":
            self.pending = self.pending._replace(client_order_id=cid)
        self.flying.append((name, order))

    def _fly(self, link: Link | None, order: Order) -> None:
        assert link is not None and not link.in_flight, "one order of a link at a time"
        self.links[link.position_key] = link._replace(in_flight="x")
        self.flying.append(("link", (link.position_key, order)))

    def _cancel(self) -> None:
        p = self.pending
        if p and p.live and p.cancel_cause and not p.in_flight and p.platform_order_id:
            self.pending = p._replace(in_flight="cancel")
            self.flying.append(("cancel", None))

    def _close(self) -> None:
        for key, link in self.links.items():
            if link.close_cause and not link.in_flight and link.held > 0:
                self.links[key] = link._replace(in_flight="x", target=ZERO)
                order = event(EventKind.CLOSED, id=0)
                self.flying.append(("link", (key, (order, Leg.CLOSE, link.held))))

    # --- the platform -------------------------------------------------------------------------
    def answer(self, lost: bool) -> None:
        """The oldest order under way is answered."""
        name, what = self.flying.pop(0)
        p, platform = self.pending, self.platform
        if name == "link":
            self._answer_link(*what)
        elif name == "place":
            self.ended[what.event.id] = self.ended.get(what.event.id, 0) + 1
            assert p is not None
            if lost:
                self._tell(OrderState.REJECTED)
            else:
                platform.units, platform.rests = p.terms.units, True
                self._tell(None)
        elif name == "amend":
            assert p is not None
            self.ended[what.event.id] = self.ended.get(what.event.id, 0) + 1
            ok = platform.rests and p.terms.units > platform.filled and not lost
            platform.units = p.terms.units if ok else platform.units
            self.pending = p._replace(in_flight="", terms=p.terms if ok else what.before)
        elif name == "cancel":
            assert p is not None
            self.pending = p._replace(in_flight="" if p.in_flight == "cancel" else p.in_flight)
            if platform.rests and not lost:
                platform.rests = False
                self._tell(OrderState.CANCELLED)
        self.go_on()

    def _answer_link(self, key: str, order: Any) -> None:
        link = self.links[key]
        of_event = isinstance(order, Order)
        event_, leg, units = (order.event, order.leg, order.units) if of_event else order
        self.platform.held += units if leg is Leg.OPEN else -units
        changed = answered(link, Reply(leg, units, units, "f1"))
        if changed.held <= 0:
            changed = changed._replace(close_cause="")
        self.links[key] = changed
        if changed.state is not LinkState.OPEN:
            del self.links[key]
        if event_.id and not any(e.id == event_.id for e in self.waiting):
            self.ended[event_.id] = self.ended.get(event_.id, 0) + 1

    def fill(self, units: Decimal) -> None:
        """The follower's resting order fills."""
        platform = self.platform
        units = min(units, platform.units - platform.filled)
        platform.filled += units
        platform.held += units
        done = platform.filled >= platform.units
        platform.rests = not done
        self._tell(OrderState.FILLED if done else None)
        self.go_on()

    def _tell(self, state: OrderState | None) -> None:
        before = self.pending
        assert before is not None
        platform = self.platform
        news = Told(
            "" if state is OrderState.REJECTED else "po1",
            platform.filled,
            Decimal("1.09") if platform.filled else None,
            "f1" if platform.filled else "",
            state,
        )
        self.pending = told(before, news)
        units, _ = newly_filled(before, self.pending)
        key = link_key(KEY)
        if before.position_key and before.state is not PendingState.UNWANTED:
            key = before.position_key
        known = self.pending._replace(state=before.state) if before.live else self.pending
        changed = filled_link(known, self.links.get(key), units, ended=state is not None)
        if changed is not None:
            self.links[key] = changed


class PendingMachine(RuleBasedStateMachine):
    """A master's limit order and one copy of it; at the end everything is flat."""

    def __init__(self) -> None:
        super().__init__()
        self.copy: Copy | None = None
        self.ids = 0
        self.units = self.filled = self.held = ZERO
        self.rests = False
        self.price = Decimal("1.09")

    def _event(self, kind: EventKind, **changes: Any) -> MasterEvent:
        self.ids += 1
        terms = OrderTerms(OrderType.LIMIT, self.units, self.filled, self.price, None, None)
        return event(
            kind,
            self.filled,
            self.units,
            id=self.ids,
            position_key=link_key(KEY),
            order_key=KEY,
            price=self.price,
            terms=terms,
            **changes,
        )

    @rule(ratio=ratios, reverse=st.booleans(), units=lots)
    @precondition(lambda self: self.copy is None)
    def place(self, ratio: Decimal, reverse: bool, units: Decimal) -> None:
        self.copy = Copy(ratio, reverse)
        self.units, self.rests = units, True
        self.copy.take(self._event(EventKind.PLACED))

    @rule(units=lots, move=st.integers(-5, 5))
    @precondition(lambda self: self.rests)
    def amend(self, units: Decimal, move: int) -> None:
        assert self.copy is not None
        self.units = max(units, self.filled + STEP)
        self.price += Decimal(move).scaleb(-4)
        self.copy.take(self._event(EventKind.AMENDED))

    @rule()
    @precondition(lambda self: self.rests)
    def cancel(self) -> None:
        assert self.copy is not None
        self.rests = False
        self.copy.take(self._event(EventKind.CANCELLED))

    @rule(units=lots)
    @precondition(lambda self: self.rests)
    def master_fills(self, units: Decimal) -> None:
        assert self.copy is not None
        units = min(units, self.units - self.filled)
        kind = EventKind.INCREASED if self.held else EventKind.OPENED
        self.ids += 1
        deal = event(
            kind, self.held, self.held + units, id=self.ids, position_key=POSITION, order_key=KEY
        )
        self.filled += units
        self.held += units
        self.rests = self.filled < self.units
        self.copy.take(deal)

    @rule()
    def nothing_happens(self) -> None:
        """For when all is over."""

    @rule(share=st.integers(1, 4))
    @precondition(lambda self: self.held > 0)
    def master_closes(self, share: int) -> None:
        assert self.copy is not None
        left = (self.held * (4 - share) / 4 // STEP) * STEP
        kind = EventKind.REDUCED if left else EventKind.CLOSED
        self.ids += 1
        closed = event(kind, self.held, left, id=self.ids, position_key=POSITION)
        self.held = left
        self.copy.take(closed)

    @rule(lost=st.integers(0, 5).map(lambda n: n == 0))
    @precondition(lambda self: self.copy is not None and self.copy.flying)
    def answer(self, lost: bool) -> None:
        assert self.copy is not None
        self.copy.answer(lost)

    @rule(units=lots)
    @precondition(lambda self: self.copy is not None and self.copy.platform.rests)
    def copy_fills(self, units: Decimal) -> None:
        assert self.copy is not None
        self.copy.fill(units)

    @invariant()
    def never_more_than_the_order_or_the_position(self) -> None:
        copy = self.copy
        if copy is None or copy.pending is None:
            return
        links = [link for link in copy.links.values() if link.state is LinkState.OPEN]
        assert copy.platform.held >= 0
        opens = sum(
            (w[1].units for n, w in copy.flying if n == "link" and isinstance(w[1], Order)
             and w[1].leg is Leg.OPEN),
            ZERO,
        )  # fmt: skip
        assert not (opens and copy.platform.rests), "never bought while its own order rests"
        assert sum((link.held for link in links), ZERO) == copy.platform.held
        side = Side.SELL if copy.reverse else Side.BUY
        assert all(link.side is side for link in links)

    def teardown(self) -> None:
        copy = self.copy
        if copy is None:
            return
        self.come_to_rest(copy)
        limits = copy.market.limits(copy.plain, EURUSD)
        if not self.rests:
            most, _ = holding(copy.ratio * self.held, limits, opening=False)
            assert copy.platform.held <= most + STEP  # what is left of a part is rounded down
        if self.held:
            self.ids += 1
            closed = event(EventKind.CLOSED, self.held, 0, id=self.ids, position_key=POSITION)
            self.held = ZERO
            copy.take(closed)
        if self.rests:
            self.cancel()
        self.come_to_rest(copy)
        assert copy.platform.held == 0 and not copy.platform.rests
        assert not copy.waiting and not copy.flying
        assert copy.ended == dict.fromkeys(range(1, self.ids + 1), 1)

    def come_to_rest(self, copy: Copy) -> None:
        for _ in range(200):
            if not copy.flying:
                return
            copy.answer(lost=False)
        raise AssertionError("it does not come to rest")


PendingMachine.TestCase.settings = settings(max_examples=300, stateful_step_count=25, deadline=None)
test_a_copy_never_doubles_and_ends_flat = PendingMachine.TestCase
