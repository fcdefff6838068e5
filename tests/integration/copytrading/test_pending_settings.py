"""Copies of resting orders under settings, guards and netting accounts."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from apps.copytrading.api import pause
from apps.copytrading.models import CopySubscription, Outcome, TradeLink
from apps.copytrading.models.holdings import SymbolHold
from apps.trading.orders import Leg, OrderType, Side
from tests.factories.pending import LIMIT, PendingWorld
from tests.support.pendings import asleep, at_rest, codes, held, open_link, world

__all__ = ["asleep", "world"]
pytestmark = pytest.mark.django_db(transaction=True)
NETTING = {"account": {"margin_mode": "netting"}}


@pytest.mark.parametrize(
    ("kind", "prices", "expected"),
    [
        (OrderType.LIMIT, {"price": LIMIT}, (OrderType.STOP, None, LIMIT)),
        (OrderType.STOP, {"price": None, "stop_price": LIMIT}, (OrderType.LIMIT, LIMIT, None)),
    ],
)
def test_reversed(
    world: PendingWorld,
    kind: OrderType,
    prices: dict[str, Decimal | None],
    expected: tuple[OrderType, Decimal | None, Decimal | None],
) -> None:
    world.follow(reverse_direction=True)
    stops = {"stop_loss": Decimal("1.08"), "take_profit": Decimal("1.12")}
    world.place("r1", 100_000, type=kind, **prices, **stops)
    (sent,) = world.run()
    assert (sent.type, sent.price, sent.stop_price) == expected
    assert (sent.side, sent.stop_loss, sent.take_profit) == (
        Side.SELL,
        Decimal("1.12"),
        Decimal("1.08"),
    )
    world.master_fills("r1", 100_000)
    cancel, opened = world.run()
    assert (cancel.leg, opened.leg, opened.side) == (Leg.CANCEL, Leg.OPEN, Side.SELL)


@pytest.mark.parametrize(
    ("settings", "order", "code"),
    [
        ({"copy_pending_orders": False}, {}, "PENDING_OFF"),
        ({"status": CopySubscription.Status.PAUSED}, {}, "PAUSED"),
        ({"status": CopySubscription.Status.DISABLED}, {}, "STOPPED"),
        ({"copy_mode": CopySubscription.CopyMode.CLOSE_ONLY}, {}, "CLOSES_ONLY"),
        ({"symbols_mode": "exclude", "symbols": "eurusd"}, {}, "SYMBOL_FILTERED"),
        ({"risk_multiplier": Decimal("0.001")}, {}, "BELOW_MINIMUM"),
        ({"min_equity": Decimal(20_000)}, {}, "MIN_EQUITY"),
        (
            {"reverse_direction": True},
            {"type": OrderType.STOP_LIMIT, "stop_price": LIMIT},
            "NOT_REVERSIBLE",
        ),
        ({}, {"expires_at": timezone.now() - timedelta(minutes=1)}, "TOO_LATE"),
    ],
)
def test_what_is_not_placed(
    world: PendingWorld, settings: dict[str, object], order: dict[str, object], code: str
) -> None:
    world.follow(**settings)
    world.place("r1", 100_000, **order)
    assert world.run() == []
    assert codes() == [("placed", "skipped", code)]
    world.change("r1", price=Decimal("1.0880"))
    world.cancel("r1")
    assert world.run() == []
    assert [code for *_, code in codes()[1:]] == ["NOT_LINKED", "NOT_LINKED"]


def test_the_maximum_of_trades_counts_what_rests(world: PendingWorld) -> None:
    world.follow(max_positions=1)
    world.place("r1", 100_000)
    world.place("r2", 100_000)
    assert len(world.run()) == 1
    world.trade("m9", 100_000)
    assert world.run() == []
    assert codes()[1:] == [
        ("placed", "skipped", "MAX_POSITIONS"),
        ("opened", "skipped", "MAX_POSITIONS"),
    ]


def test_an_order_that_is_not_copied_fills_like_any_open(world: PendingWorld) -> None:
    world.follow(copy_pending_orders=False)
    world.place("r1", 100_000)
    world.run()
    world.master_fills("r1", 100_000)
    (opened,) = world.run()
    assert (opened.type, opened.units) == (OrderType.MARKET, Decimal(100_000))
    assert codes() == [("placed", "skipped", "PENDING_OFF"), ("opened", "copied", "COPIED")]


def test_what_is_filled_already_needs_no_guard(world: PendingWorld) -> None:
    """The copy was filled whole before the master's parts; pausing it changes nothing in that."""
    copy = world.follow()
    world.place("r1", 100_000)
    world.run()
    world.fills(world.placed()[0])
    world.run()
    pause(actor=None, subscription=copy)
    world.master_fills("r1", 50_000)
    world.run()
    world.master_fills("r1", 50_000)
    world.run()
    assert [code for *_, code in codes()[1:]] == ["PENDING_FILLED", "PENDING_FILLED"]
    assert (open_link().held_units, open_link().target_units) == (100_000, 100_000)
    world.trade("m1", -50_000)
    world.run()
    assert held() == 50_000


def test_a_netting_account_holds_the_symbol_for_what_rests(world: PendingWorld) -> None:
    copy = world.follow(**NETTING)
    world.place("r1", 100_000)
    world.run()
    hold = SymbolHold.objects.get()
    assert (hold.subscription_id, hold.instrument_id) == (copy.pk, "1")
    world.place("r2", 50_000, side=Side.SELL)
    world.trade("m9", 30_000, side=Side.SELL)
    assert world.run() == []
    assert [code for *_, code in codes()[1:]] == ["SYMBOL_IN_USE", "SYMBOL_IN_USE"]
    world.cancel("r1")
    world.run()
    world.place("r3", 50_000, side=Side.SELL)
    (placed,) = world.run()
    assert placed.side is Side.SELL


def test_a_netting_master_adds_to_a_position(world: PendingWorld) -> None:
    """The increase is followed at market; what the copy of the order filled is closed."""
    world.follow()
    world.trade("m1", 100_000)
    world.run()
    world.place("r1", 50_000)
    world.place("r2", 50_000)
    world.run()
    world.fills(world.placed()[0])
    world.fills(world.placed()[0], 20_000)
    world.run()
    assert held() == 170_000
    world.master_fills("r1", 50_000)
    world.run()
    world.master_fills("r2", 50_000)
    world.run()
    assert (held(), not world.placed()) == (200_000, True)
    links = TradeLink.objects.filter(state="open")
    assert [(link.position_key, link.held_units) for link in links] == [("m1", 200_000)]
    assert at_rest() and Outcome.objects.count() == 5
