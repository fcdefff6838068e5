"""Moments in which something else happens meanwhile; what becomes of each is in docs/copying.md."""

from __future__ import annotations

from decimal import Decimal

import pytest

from apps.copytrading import api
from apps.copytrading.models import CopyFollower, CopySubscription, Outcome, TradeLink
from apps.execution.models import AccountEvent
from apps.trading.orders import Leg, OrderState, Side
from tests.factories.copytrading import CopyWorld, MasterFactory, SubscriptionFactory, fund
from tests.factories.platforms import AccountFactory

pytestmark = pytest.mark.django_db(transaction=True)
LOT = 100_000


@pytest.fixture
def world() -> CopyWorld:
    return CopyWorld()


def codes(subscription: CopySubscription) -> list[str]:
    found = Outcome.objects.filter(subscription_id=subscription.pk).order_by("event_id")
    return [outcome.code for outcome in found]


def link_of(subscription: CopySubscription) -> TradeLink:
    return TradeLink.objects.get(subscription_id=subscription.pk)


def test_a_storm_of_trailing_stops(world: CopyWorld) -> None:
    """One change in flight, the newest of the others follows it; each event has its outcome."""
    copy = world.follow()
    world.trade("m1", LOT)
    world.run()
    sent = []
    for point in range(40):
        world.protect("m1", Decimal("1.08") + Decimal(point).scaleb(-5))
        if point % 8 == 0:
            world.work()  # the platform has not answered the one before
        if point == 20:
            sent += world.deliver()
    sent += world.run()
    assert [order.leg for order in sent] == [Leg.PROTECT] * 3
    assert sent[-1].stop_loss == Decimal("1.08039")
    assert (codes(copy).count("COPIED"), codes(copy).count("SUPERSEDED")) == (1 + 3, 37)


def test_partial_fills_on_both_sides(world: CopyWorld) -> None:
    """The master's order fills in three parts, the follower's first order only in part."""
    copy = world.follow(risk_multiplier=Decimal("0.5"))
    world.trade("m1", 40_000)
    world.run(lambda _: {"filled_units": Decimal(12_000), "state": OrderState.CANCELLED})
    world.trade("m1", 30_000)
    world.trade("m1", 30_000)
    world.run()
    # The 8,000 that were not filled are given up; 0.5 x 60,000 are added to the 12,000.
    assert link_of(copy).held_units == Decimal(42_000)
    assert codes(copy) == ["PARTIALLY_FILLED", "SUPERSEDED", "COPIED"]
    world.trade("m1", -50_000)
    world.run()
    assert link_of(copy).held_units == Decimal(21_000)
    world.trade("m1", -50_000)
    world.run()
    assert link_of(copy).held_units == 0


def test_the_open_is_refused_then_the_master_closes(world: CopyWorld) -> None:
    copy = world.follow()
    world.trade("m1", LOT)
    world.work()
    world.trade("m1", -LOT)
    world.run(lambda _: {"state": OrderState.REJECTED, "code": "NOT_ENOUGH_MONEY"})
    assert codes(copy)[-1] == "NOT_LINKED"
    assert link_of(copy).state == "failed"


@pytest.mark.parametrize("way", ["deactivated", "deleted"])
def test_a_master_ends_while_copies_hold_positions(world: CopyWorld, way: str) -> None:
    """Nothing new is copied; what is held follows the master's reductions, stops and closes."""
    copy = world.follow()
    world.trade("m1", LOT)
    world.run()
    if way == "deleted":
        api.delete_master(actor=None, master=world.master, reason="gone")
    else:
        api.set_master_status(actor=None, master=world.master, status="inactive", reason="x")
    world.trade("m2", LOT)
    world.trade("m1", LOT)
    assert world.run() == []
    world.protect("m1", Decimal("1.08"))
    world.trade("m1", -LOT)
    world.trade("m1", -LOT)
    sent = world.run()
    assert {order.leg for order in sent} <= {Leg.PROTECT, Leg.CLOSE}
    assert link_of(copy).held_units == 0
    assert set(codes(copy)[1:3]) <= {"MASTER_PAUSED", "STOPPED"}


def test_settings_change_while_an_order_is_in_flight(world: CopyWorld) -> None:
    """The order in flight stays as it is; ratio and side of its link stay frozen."""
    copy = world.follow()
    world.trade("m1", LOT)
    world.work()
    api.update_subscription(
        actor=None, subscription=copy, risk_multiplier=Decimal(3), reverse_direction=True
    )
    world.trade("m1", LOT)
    world.run()
    link = link_of(copy)
    assert (link.side, link.ratio, link.held_units) == (Side.BUY, 1, 2 * LOT)
    world.trade("m2", LOT)
    (sent,) = world.run()
    assert (sent.side, sent.units) == (Side.SELL, 3 * LOT)


def test_paused_while_an_increase_waits(world: CopyWorld) -> None:
    """What waits is judged when its turn comes: after the pause nothing is added."""
    copy = world.follow()
    world.trade("m1", LOT)
    world.work()
    world.trade("m1", LOT)
    world.work()
    api.pause(actor=None, subscription=copy)
    world.run()
    assert codes(copy) == ["COPIED", "PAUSED"]
    assert link_of(copy).held_units == LOT
    world.trade("m1", -LOT)
    world.run()
    assert link_of(copy).held_units == LOT // 2


def test_partial_closes_switched_on_again(world: CopyWorld) -> None:
    """A part that was ignored is not made up; the next one takes its own fraction."""
    copy = world.follow(copy_partial_close=False)
    world.trade("m1", LOT)
    world.run()
    world.trade("m1", -LOT // 2)
    world.run()
    api.update_subscription(actor=None, subscription=copy, copy_partial_close=True)
    world.trade("m1", -LOT // 4)
    world.run()
    assert link_of(copy).held_units == LOT // 2


class TestChain:
    """A to B to C: the fill of a copy is an event of the account that is followed in turn."""

    def test_trades_travel_on(self, world: CopyWorld) -> None:
        middle = world.follow(risk_multiplier=Decimal("0.5"))
        second = MasterFactory(account=middle.follower.account)
        account = AccountFactory(connection=world.connection)
        fund(account, 10_000)
        last = SubscriptionFactory(
            master=second,
            follower=CopyFollower.objects.create(account=account),
            reverse_direction=True,
            risk_multiplier=Decimal(2),
        )
        chain = CopyWorld.__new__(CopyWorld)
        chain.__dict__ |= world.__dict__ | {"master": second, "positions": {}}
        for change in (LOT, -LOT // 2, -LOT // 2):
            world.trade("m1", change)
            world.run()
            self._journal_of_the_middle(chain, middle)
            chain.run()
        events = AccountEvent.objects.filter(account_id=second.account_id)
        assert [e.payload["effect"] for e in events.order_by("id")] == ["open", "close", "close"]
        assert codes(last) == ["COPIED"] * 3
        link = link_of(last)
        assert (link.side, link.held_units, link.state) == (Side.SELL, 0, "closed")

    def _journal_of_the_middle(self, chain: CopyWorld, middle: CopySubscription) -> None:
        # What the gateway does with the fill of one of our own orders on a watched account.
        link = TradeLink.objects.filter(subscription_id=middle.pk).latest("id")
        change = link.held_units - chain.positions.get("b1", (Side.BUY, Decimal(0)))[1]
        chain.trade("b1", change)
