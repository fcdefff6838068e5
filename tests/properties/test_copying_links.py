"""Links and planning under any order of events and fills."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from apps.copytrading.domain.advance import advance
from apps.copytrading.domain.events import EventKind, MasterEvent
from apps.copytrading.domain.link import Link, LinkState, Reply, answered
from apps.copytrading.domain.plan import plan
from apps.copytrading.domain.rounding import holding
from apps.copytrading.domain.steps import Order
from apps.copytrading.domain.volume import VolumeMode
from apps.trading.orders import Leg, Side
from tests.factories.copying import EURUSD, event, funds, market, opened, row, sizing

STEP = EURUSD.step_units
ratios = st.decimals("0.001", "3", places=4)
lots = st.integers(1, 200).map(lambda n: n * STEP)


@dataclass
class Copy:
    """A subscription and its link, driven by hand."""

    ratio: Decimal = Decimal(1)
    link: Link | None = None
    order: Order | None = None
    waiting: list[MasterEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.row = row(sizing=sizing(risk_multiplier=self.ratio))
        self.market = market()

    def take(self, events: list[MasterEvent]) -> None:
        if self.order is not None:
            self.waiting.extend(events)
            return
        step = advance(self.row, self.link, events, self.market)
        if step.links:
            self.link = step.links[-1]
        self.waiting = list(step.waiting)
        self.order = step.order
        if step.order is not None:
            assert self.link is not None
            self.link = self.link._replace(in_flight="c")
        elif self.link is not None and self.link.state is not LinkState.OPEN:
            self.link = None

    def answer(self, filled: Decimal) -> None:
        assert self.order is not None and self.link is not None
        reply = Reply(self.order.leg, self.order.units, filled, "f1")
        self.link, self.order = answered(self.link, reply), None
        if self.link.state is not LinkState.OPEN:
            self.link = None
        waiting, self.waiting = self.waiting, []
        if waiting:
            self.take(waiting)

    def fill_all(self) -> None:
        while self.order is not None:
            self.answer(self.order.units)


@given(ratios, st.lists(lots, min_size=10, max_size=10))
def test_ten_small_parts_add_up_to_the_whole(ratio: Decimal, parts: list[Decimal]) -> None:
    copy, held = Copy(ratio), Decimal(0)
    for number, part in enumerate(parts):
        kind = EventKind.INCREASED if number else EventKind.OPENED
        copy.take([event(kind, held, held + part, id=number + 1)])
        copy.fill_all()
        held += part
    assert copy.link is not None
    expected, _ = holding(ratio * held, copy.market.limits(copy.row, EURUSD), opening=True)
    assert copy.link.held == expected


@given(ratios, lots, st.lists(lots, max_size=3), st.data())
def test_a_close_always_ends_at_zero(
    ratio: Decimal, first: Decimal, more: list[Decimal], data: st.DataObject
) -> None:
    copy, held = Copy(ratio), first
    copy.take([opened(first)])
    for number, part in enumerate(more, 2):
        copy.take([event(EventKind.INCREASED, held, held + part, id=number)])
        held += part
        if copy.order and data.draw(st.booleans()):
            copy.answer(copy.order.units)
    copy.take([event(EventKind.CLOSED, held, 0, id=99)])
    copy.fill_all()
    assert copy.link is None or copy.link.held == 0
    assert not copy.waiting


@given(
    st.sampled_from(VolumeMode),
    st.sampled_from(list(Side)),
    lots,
    st.integers(1, 50_000),
)
def test_never_the_opposite_side(mode: VolumeMode, side: Side, units: Decimal, equity: int) -> None:
    settings = sizing(mode, fixed_volume=Decimal("0.5"), base_equity=Decimal(1_000))
    mine = row(sizing=settings, funds=funds(equity))
    for made in plan([opened(units, side=side)], [mine], market()).orders:
        assert (made.order.side, made.order.leg) == (side, Leg.OPEN)


@given(st.lists(st.tuples(ratios, st.integers(0, 20_000)), min_size=1, max_size=8), lots)
def test_planning_is_repeatable_and_rows_are_independent(
    followers: list[tuple[Decimal, int]], units: Decimal
) -> None:
    rows = [
        row(
            subscription_id=number,
            sizing=sizing(VolumeMode.EQUITY_RATIO, risk_multiplier=ratio),
            funds=funds(equity),
        )
        for number, (ratio, equity) in enumerate(followers)
    ]
    events = [opened(units), event(EventKind.REDUCED, units, units / 2, id=2)]
    whole = plan(events, rows, market())
    assert whole == plan(events, rows, market())
    sliced = [made for one in rows for made in plan(events, [one], market()).orders]
    assert sliced == whole.orders
    for one in rows:
        ends = [e for e in whole.endings if e.row is one]
        orders = [o for o in whole.orders if o.row is one]
        assert len(ends) + len(orders) == len(events)


class LinkUnderAnyInterleaving(RuleBasedStateMachine):
    """Master events and replies in any order; a book keeps what the platform really did."""

    def __init__(self) -> None:
        super().__init__()
        self.copy = Copy(Decimal("0.37"))
        self.master = Decimal(0)
        self.number = 0
        self.book = Decimal(0)
        self.all_filled = True

    def _happens(self, kind: EventKind, after: Decimal) -> None:
        self.number += 1
        before, self.master = self.master, after
        self.copy.take([event(kind, before, after, id=self.number)])

    @precondition(lambda self: self.master == 0)
    @rule(units=lots)
    def opens(self, units: Decimal) -> None:
        if self.copy.link is None and not self.copy.waiting:
            self.all_filled = True
        self._happens(EventKind.OPENED, units)

    @precondition(lambda self: self.master > 0)
    @rule(units=lots)
    def increases(self, units: Decimal) -> None:
        self._happens(EventKind.INCREASED, self.master + units)

    @precondition(lambda self: self.master > STEP)
    @rule(share=st.integers(1, 99))
    def reduces(self, share: int) -> None:
        after = max(STEP, (self.master * share / 100 // STEP) * STEP)
        if after < self.master:
            self._happens(EventKind.REDUCED, after)

    @precondition(lambda self: self.master > 0)
    @rule()
    def closes(self) -> None:
        self._happens(EventKind.CLOSED, Decimal(0))

    @precondition(lambda self: self.copy.order is not None)
    @rule(part=st.sampled_from([Decimal(1)] * 8 + [Decimal("0.5"), Decimal(0)]))
    def answers(self, part: Decimal) -> None:
        order = self.copy.order
        assert order is not None
        filled = order.units if order.leg is Leg.CLOSE else order.units * part // STEP * STEP
        self.all_filled = self.all_filled and filled == order.units
        self.book += filled if order.leg is Leg.OPEN else -filled
        self.copy.answer(filled)

    @invariant()
    def never_short_of_nothing(self) -> None:
        assert self.book >= 0

    @invariant()
    def our_record_is_the_book(self) -> None:
        held = self.copy.link.held if self.copy.link else Decimal(0)
        assert held == self.book

    @invariant()
    def orders_never_exceed_what_is_wanted(self) -> None:
        link, order = self.copy.link, self.copy.order
        if link is not None and order is not None and order.leg is Leg.OPEN:
            assert link.held + order.units <= link.target + Decimal("5e-9")
        if link is not None and order is not None and order.leg is Leg.CLOSE:
            assert order.units <= link.held

    @invariant()
    def quiet_means_right(self) -> None:
        copy = self.copy
        if copy.order is None and not copy.waiting:
            if self.master == 0:
                assert self.book == 0
            elif self.all_filled and copy.link is not None:
                limits = copy.market.limits(copy.row, EURUSD)
                assert self.book == holding(copy.link.target, limits, opening=True)[0]

    def teardown(self) -> None:
        if self.master:
            self._happens(EventKind.CLOSED, Decimal(0))
        while (order := self.copy.order) is not None:
            self.book += order.units if order.leg is Leg.OPEN else -order.units
            self.copy.answer(order.units)
        assert not self.copy.waiting and self.book == 0


TestLinkUnderAnyInterleaving = LinkUnderAnyInterleaving.TestCase
