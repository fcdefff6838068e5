"""A symbol of a netting account, and a place among the open trades, are free again at the end."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from apps.copytrading import api
from apps.copytrading.models import CopySubscription, Outcome, SymbolHold, TradeLink
from apps.execution.intents import Intent
from apps.trading.orders import Leg, OrderState
from tests.factories.accounts import UserFactory
from tests.factories.pending import PendingWorld

pytestmark = pytest.mark.django_db(transaction=True)
LOT = 100_000


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.copytrading.tasks.work.delay", lambda account_id: None)


@pytest.fixture
def world() -> PendingWorld:
    return PendingWorld()


def netting(world: PendingWorld, **settings: Any) -> CopySubscription:
    account = {"margin_mode": "netting", "owner": UserFactory()}
    return world.follow(account=account, **settings)


def codes(copy: CopySubscription) -> list[str]:
    found = Outcome.objects.filter(subscription_id=copy.pk).order_by("event_id")
    return [outcome.code for outcome in found]


def test_a_cancelled_order_gives_its_symbol_back(world: PendingWorld) -> None:
    netting(world)
    world.place("o1")
    world.run()
    assert SymbolHold.objects.exists()
    world.cancel("o1")
    world.run()
    assert not SymbolHold.objects.exists()


def test_a_refused_placement_gives_its_symbol_back(world: PendingWorld) -> None:
    netting(world)
    world.place("o1")
    world.run(lambda intent: {"state": OrderState.REJECTED, "code": "TRADING_DISABLED"})
    assert not SymbolHold.objects.exists()


@pytest.mark.parametrize("way", ["stop", "by hand"])
def test_a_copy_that_holds_nothing_gives_its_symbol_back(world: PendingWorld, way: str) -> None:
    """A part below the minimum is counted, but not held; it must not block others for ever."""
    copy = netting(world, risk_multiplier=Decimal("0.01"))
    world.trade("m1", LOT)
    world.run()
    world.trade("m1", -LOT // 2)
    world.run()
    link = TradeLink.objects.get(subscription_id=copy.pk)
    assert (link.state, link.held_units) == ("open", 0)
    assert SymbolHold.objects.exists()
    owner = copy.follower.account.owner
    if way == "stop":
        api.stop(actor=owner, subscription=copy, close_positions=True)
    else:
        api.close_position(actor=owner, link_id=link.pk)
    assert not SymbolHold.objects.exists()


def test_what_was_too_small_to_be_opened_takes_no_place(world: PendingWorld) -> None:
    copy = world.follow(max_positions=1, risk_multiplier=Decimal("0.01"))
    world.trade("small", 50_000)
    world.run()
    world.trade("m1", LOT)
    world.run()
    assert codes(copy) == ["BELOW_MINIMUM", "COPIED"]
    # When it has grown there is no place for it any more.
    world.trade("small", LOT)
    world.run()
    assert codes(copy)[2:] == ["MAX_POSITIONS"]
    world.trade("m1", -LOT)
    world.run()
    world.trade("small", LOT)
    world.run()
    assert codes(copy)[3:] == ["COPIED", "COPIED"]


def test_two_that_grow_at_once_never_share_a_netting_symbol(world: PendingWorld) -> None:
    """The first order of a link that counted small parts takes the symbol as an open does."""
    copy = netting(world, risk_multiplier=Decimal("0.01"))
    world.trade("m1", 50_000)
    world.run()
    SymbolHold.objects.create(
        account_id=copy.follower.account_id, instrument_id="1", subscription_id=copy.pk + 1
    )
    world.trade("m1", LOT)
    sent: list[Intent] = world.run()
    assert Leg.OPEN not in [intent.leg for intent in sent]
    assert codes(copy) == ["BELOW_MINIMUM", "SYMBOL_IN_USE"]
    world.trade("m1", -150_000)
    world.run()
    assert codes(copy)[2:] == ["NOT_LINKED"]
