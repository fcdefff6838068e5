"""A master's trades reach its followers: planning and settling on real PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.copytrading.models import (
    CopySubscription,
    Decision,
    LinkLeg,
    Outcome,
    TradeLink,
    WaitingEvent,
)
from apps.execution.models import AccountEvent
from apps.trading.orders import Leg, Side
from tests.factories.copytrading import CopyWorld
from tests.support.copies import codes, only

pytestmark = pytest.mark.django_db(transaction=True)
Mode = CopySubscription.VolumeMode


@pytest.fixture
def world() -> CopyWorld:
    return CopyWorld()


def test_a_trade_from_open_to_close(world: CopyWorld) -> None:
    copy = world.follow(
        equity=Decimal("2431"), volume_mode=Mode.EQUITY_RATIO, risk_multiplier=Decimal(1)
    )
    world.trade("m1", 100_000)
    (sent,) = world.run()
    assert (sent.leg, sent.side, sent.units) == (Leg.OPEN, Side.BUY, Decimal(24_000))
    link = only()
    assert (link.ratio, link.target_units) == (Decimal("0.2431"), Decimal(24_310))
    assert (link.held_units, link.in_flight) == (Decimal(24_000), "")
    world.trade("m1", -50_000)
    (sent,) = world.run()
    assert (sent.leg, sent.side, sent.units) == (Leg.CLOSE, Side.SELL, Decimal(12_000))
    assert sent.position_id == only().position_id
    world.trade("m1", -50_000)
    (sent,) = world.run()
    assert (sent.leg, sent.units) == (Leg.CLOSE, Decimal(12_000))
    link = only()
    assert (link.state, link.held_units, link.target_units) == ("closed", 0, 0)
    assert link.closed_at is not None
    assert link.result == Decimal("18.5")  # two closes of 10, three commissions of 0.5
    copy.refresh_from_db()
    assert copy.result == Decimal("18.5")
    leg = LinkLeg.objects.get()
    assert (leg.units, leg.opened_units) == (0, Decimal(24_000))
    assert codes() == [
        ("opened", "copied", "COPIED"),
        ("reduced", "copied", "COPIED"),
        ("closed", "copied", "COPIED"),
    ]
    assert not AccountEvent.objects.filter(planned_at=None).exists()


def test_stop_changes_follow(world: CopyWorld) -> None:
    world.follow()
    world.trade("m1", 100_000, stops=(Decimal("1.08"), None))
    (opened,) = world.run()
    assert (opened.stop_loss, opened.take_profit) == (Decimal("1.08"), None)
    world.protect("m1", Decimal("1.085"), Decimal("1.2"))
    (sent,) = world.run()
    assert (sent.leg, sent.stop_loss, sent.take_profit) == (
        Leg.PROTECT,
        Decimal("1.085"),
        Decimal("1.2"),
    )
    assert codes()[-1] == ("protection", "copied", "COPIED")


def test_every_volume_mode(world: CopyWorld) -> None:
    copies = {
        Mode.FIXED: world.follow(volume_mode=Mode.FIXED, fixed_volume=Decimal("0.3")),
        Mode.MULTIPLIER: world.follow(risk_multiplier=Decimal(2)),
        Mode.EQUITY_RATIO: world.follow(equity=5_000, volume_mode=Mode.EQUITY_RATIO),
        Mode.BALANCE_RATIO: world.follow(equity=2_500, volume_mode=Mode.BALANCE_RATIO),
        Mode.EQUITY_BASED: world.follow(
            equity=3_000, volume_mode=Mode.EQUITY_BASED, base_equity=Decimal(1_000)
        ),
    }
    world.trade("m1", 10_000)
    world.run()
    held = dict(TradeLink.objects.values_list("subscription_id", "held_units"))
    assert {mode: int(held[copy.pk]) for mode, copy in copies.items()} == {
        Mode.FIXED: 30_000,
        Mode.MULTIPLIER: 20_000,
        Mode.EQUITY_RATIO: 5_000,
        Mode.BALANCE_RATIO: 2_500 // 1000 * 1000,
        Mode.EQUITY_BASED: 30_000,
    }


def test_small_fills_add_up(world: CopyWorld) -> None:
    world.follow(risk_multiplier=Decimal("0.1"))
    for number in range(10):
        world.trade("m1", 3_000)
        world.run()
        if number == 0:
            assert codes() == [("opened", "skipped", "BELOW_MINIMUM")]
    assert only().held_units == Decimal(3_000)


def test_events_wait_for_the_order_in_flight(world: CopyWorld) -> None:
    world.follow()
    world.trade("m1", 100_000)
    world.work()
    world.trade("m1", 50_000)
    world.trade("m1", -75_000)
    world.work()
    assert WaitingEvent.objects.count() == 2
    world.run()
    assert only().held_units == Decimal(75_000)
    assert codes() == [
        ("opened", "copied", "COPIED"),
        ("increased", "superseded", "SUPERSEDED"),
        ("reduced", "copied", "COPIED"),
    ]
    assert not WaitingEvent.objects.exists()


def test_opened_and_closed_before_anybody_looked(world: CopyWorld) -> None:
    world.follow()
    world.trade("m1", 100_000)
    world.trade("m1", -100_000)
    assert world.run() == []
    assert codes() == [
        ("opened", "superseded", "SUPERSEDED"),
        ("closed", "skipped", "NOTHING_TO_CHANGE"),
    ]
    assert not TradeLink.objects.exists()


def test_a_close_takes_back_an_open_that_is_not_sent(world: CopyWorld) -> None:
    world.follow()
    world.trade("m1", 100_000)
    world.work()
    world.trade("m1", -100_000)
    (sent,) = world.run()
    assert sent.leg is Leg.OPEN  # withdrawn: answered as cancelled, never sent
    assert codes() == [
        ("opened", "superseded", "SUPERSEDED"),
        ("closed", "skipped", "NOT_LINKED"),
    ]


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"status": "paused"}, "PAUSED"),
        ({"enabled": False}, "PAUSED"),
        ({"status": "disabled"}, "STOPPED"),
    ],
)
def test_paused_opens_nothing_but_closes(
    world: CopyWorld, settings: dict[str, Any], code: str
) -> None:
    copy = world.follow()
    world.trade("m1", 100_000)
    world.run()
    CopySubscription.objects.filter(pk=copy.pk).update(**settings)
    world.trade("m2", 100_000)
    world.trade("m1", 100_000)
    world.trade("m1", -100_000)
    (sent,) = world.run()
    assert (sent.leg, sent.units) == (Leg.CLOSE, Decimal(50_000))
    assert [c for _, _, c in codes()[1:]].count(code) == 2
    world.trade("m1", -100_000)
    (sent,) = world.run()
    assert (sent.leg, sent.units) == (Leg.CLOSE, Decimal(50_000))


def test_too_old_an_event_opens_nothing(world: CopyWorld) -> None:
    world.follow()
    world.trade("m1", 100_000, ago=timedelta(seconds=11))
    assert world.run() == []
    assert codes() == [("opened", "skipped", "TOO_LATE")]


def test_a_reversal_closes_then_opens(world: CopyWorld) -> None:
    world.follow()
    world.trade("m1", 100_000)
    world.run()
    world.reverse("m1", 40_000)
    sent = world.run()
    assert [(i.leg, i.side, i.units) for i in sent] == [
        (Leg.CLOSE, Side.SELL, Decimal(100_000)),
        (Leg.OPEN, Side.SELL, Decimal(40_000)),
    ]
    assert only(state="open").side == "sell"
    assert codes()[-1] == ("reversed", "copied", "COPIED")
    assert Outcome.objects.count() == 2


def test_one_order_and_one_outcome_for_each_event(world: CopyWorld) -> None:
    for _ in range(3):
        world.follow()
    world.trade("m1", 100_000)
    world.run()
    world.work()
    world.run()
    assert Decision.objects.count() == 3
    assert Outcome.objects.count() == 3


def test_a_position_that_has_ended_makes_room_for_the_next(world: CopyWorld) -> None:
    world.follow(max_positions=1)
    world.trade("m1", 100_000)
    world.run()
    world.trade("m1", -100_000)
    world.trade("m1", 50_000)  # waits for the close
    world.run()
    assert codes()[-1] == ("opened", "copied", "COPIED")
    assert TradeLink.objects.filter(state="open").count() == 1
