"""Reasons that follow from money, volumes and switches, each from the moment that makes it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from apps.copytrading.models import CopySubscription, Outcome
from apps.platforms.models import AccountState, TradingAccount
from apps.trading.orders import Leg
from tests.factories.copytrading import CopyWorld, switch_copying

pytestmark = pytest.mark.django_db(transaction=True)
LOT = 100_000


@pytest.fixture
def world() -> CopyWorld:
    return CopyWorld()


def codes(copy: CopySubscription) -> list[str]:
    found = Outcome.objects.filter(subscription_id=copy.pk).order_by("event_id")
    return [outcome.code for outcome in found]


def test_a_volume_below_the_minimum_is_rounded_up_where_that_is_wished(world: CopyWorld) -> None:
    copy = world.follow(below_minimum="round_up", risk_multiplier=Decimal("0.001"))
    world.trade("m1", LOT)
    (order,) = world.run()
    assert (order.units, codes(copy)) == (1_000, ["ROUNDED_UP"])


def test_the_switch_of_the_module_holds_opens_and_no_closes(world: CopyWorld) -> None:
    copy = world.follow()
    world.trade("m1", LOT)
    world.run()
    switch_copying(False)
    world.trade("m1", LOT)
    world.trade("m2", LOT)
    assert world.run() == []
    world.trade("m1", -2 * LOT)
    (order,) = world.run()
    assert (order.leg, order.units) == (Leg.CLOSE, LOT)
    assert codes(copy) == ["COPIED", "MODULE_DISABLED", "MODULE_DISABLED", "COPIED"]


@pytest.mark.parametrize("whose", ["master", "follower"])
def test_nothing_is_sized_on_an_old_equity(world: CopyWorld, whose: str) -> None:
    copy = world.follow(volume_mode="equity_ratio")
    account = world.master.account if whose == "master" else copy.follower.account
    long_ago = timezone.now() - timedelta(hours=1)
    AccountState.objects.filter(account=account).update(synced=False, as_of=long_ago)
    world.trade("m1", LOT)
    assert world.run() == []
    assert codes(copy) == ["STALE_ACCOUNT"]


def test_nothing_is_sized_without_a_rate(world: CopyWorld) -> None:
    copy = world.follow(volume_mode="equity_ratio")
    TradingAccount.objects.filter(pk=copy.follower.account_id).update(currency="JPY")
    world.trade("m1", LOT)
    assert world.run() == []
    assert codes(copy) == ["NO_RATE"]


def test_stops_that_are_not_copied_are_said_so(world: CopyWorld) -> None:
    copy = world.follow(copy_sl=False, copy_tp=False)
    world.trade("m1", LOT, stops=(Decimal("1.08"), Decimal("1.10")))
    (order,) = world.run()
    assert (order.stop_loss, order.take_profit) == (None, None)
    world.protect("m1", Decimal("1.085"))
    assert world.run() == []
    assert codes(copy) == ["COPIED", "STOPS_OFF"]
