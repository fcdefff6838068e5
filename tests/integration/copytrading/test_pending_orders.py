"""Copies of resting orders, from the journal to outcomes, against a scripted gateway."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.copytrading.api import pause, resume, set_master_status, stop
from apps.copytrading.models import CopySubscription, Outcome, PendingLink, TradeLink
from apps.copytrading.models.holdings import SymbolHold
from apps.copytrading.models.ledger import WaitingEvent
from apps.copytrading.services import (
    pending_book,
    pending_following,
    pending_settling,
    planning,
)
from apps.copytrading.services.pending_following import masters_with_pendings_due
from apps.copytrading.tasks import work
from apps.execution.api import set_gate
from apps.execution.models import AccountEvent, Gate, Order, Position
from apps.trading.orders import Leg, OrderState, OrderType, Side
from tests.factories.pending import LIMIT, PendingWorld

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _asleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers are not woken; the world works by hand."""
    monkeypatch.setattr(work, "delay", lambda *_: None)


@pytest.fixture
def world() -> PendingWorld:
    return PendingWorld()


def pending() -> PendingLink:
    return PendingLink.objects.get()


def open_link() -> TradeLink:
    return TradeLink.objects.get(state="open")


def codes() -> list[tuple[str, str, str]]:
    rows = Outcome.objects.order_by("event_id", "id")
    return [(row.event_kind, row.state, row.code) for row in rows]


def held() -> Decimal:
    """What all followers hold on their platform."""
    return sum(Position.objects.filter(closed_at=None).values_list("units", flat=True), Decimal(0))


def at_rest() -> bool:
    """Nothing is under way or waits."""
    return not (
        AccountEvent.objects.filter(planned_at=None).exists()
        or WaitingEvent.objects.exists()
        or Order.objects.filter(settled_at=None).exclude(final_at=None).exists()
        or TradeLink.objects.filter(state="open").exclude(in_flight="").exists()
    )


def test_an_order_rests_and_is_cancelled_with_the_masters(world: PendingWorld) -> None:
    world.follow(risk_multiplier=Decimal("0.5"))
    ends = timezone.now() + timedelta(hours=4)
    world.place("r1", 100_000, stop_loss=Decimal("1.08"), expires_at=ends)
    (sent,) = world.run()
    assert (sent.leg, sent.type, sent.side, sent.units) == (
        Leg.OPEN,
        OrderType.LIMIT,
        Side.BUY,
        Decimal(50_000),
    )
    assert (sent.price, sent.stop_loss, sent.expires_at) == (LIMIT, Decimal("1.08"), ends)
    assert (pending().state, pending().in_flight) == ("resting", "")
    assert codes() == [("placed", "copied", "COPIED")]
    world.cancel("r1")
    (cancel,) = world.run()
    assert (cancel.leg, cancel.platform_order_id) == (Leg.CANCEL, sent_order(world))
    assert (pending().state, pending().closed_at is None) == ("cancelled", False)
    assert codes()[-1] == ("cancelled", "copied", "COPIED")
    assert at_rest() and not TradeLink.objects.exists()


def sent_order(world: PendingWorld) -> str:
    return Order.objects.filter(leg=Leg.OPEN).latest("id").platform_order_id


def test_changes_follow_and_only_the_newest_counts(world: PendingWorld) -> None:
    world.follow()
    world.place("r1", 100_000)
    world.work()
    world.change("r1", price=Decimal("1.0910"))
    world.change("r1", price=Decimal("1.0912"), units=Decimal(60_000))
    sent = world.run()
    assert [intent.leg for intent in sent] == [Leg.OPEN, Leg.PROTECT]
    assert (sent[1].price, sent[1].units) == (Decimal("1.0912"), Decimal(60_000))
    assert pending().units == 60_000
    assert codes() == [
        ("placed", "copied", "COPIED"),
        ("amended", "superseded", "SUPERSEDED"),
        ("amended", "copied", "COPIED"),
    ]
    assert at_rest()


def test_the_masters_fill_cancels_the_copy_and_buys_at_market(world: PendingWorld) -> None:
    world.follow()
    world.place("r1", 100_000)
    world.run()
    world.master_fills("r1", 100_000)
    cancel, opened = world.run()
    assert (cancel.leg, opened.leg, opened.type) == (Leg.CANCEL, Leg.OPEN, OrderType.MARKET)
    assert opened.units == 100_000
    link = open_link()
    assert (link.position_key, link.held_units, link.target_units) == ("m1", 100_000, 100_000)
    assert (pending().state, pending().closed_at is None) == ("done", False)
    assert codes() == [("placed", "copied", "COPIED"), ("opened", "copied", "COPIED")]
    world.trade("m1", -100_000)
    world.run()
    assert held() == 0 and at_rest()


def test_the_copys_own_fill_is_adopted(world: PendingWorld) -> None:
    world.follow()
    world.place("r1", 100_000)
    world.run()
    world.fills(world.placed()[0])
    assert world.run() == []
    link = open_link()
    assert (link.position_key, link.held_units) == ("order:r1", 100_000)
    assert (pending().state, pending().trade_link_id) == ("filled", link.pk)
    world.master_fills("r1", 100_000)
    assert world.run() == []
    link.refresh_from_db()
    assert (link.position_key, link.held_units, link.state) == ("m1", 100_000, "open")
    assert codes()[-1] == ("opened", "copied", "PENDING_FILLED")
    world.trade("m1", -40_000)
    world.run()
    assert held() == 60_000
    world.trade("m1", -60_000)
    world.run()
    assert held() == 0 and at_rest()


def test_the_cancel_finds_it_filled(world: PendingWorld) -> None:
    world.follow()
    world.place("r1", 100_000)
    world.run()
    order = world.placed()[0]
    world.master_fills("r1", 100_000)
    world.work()
    world.fills(order)
    assert [intent.leg for intent in world.run()] == [Leg.CANCEL]
    assert (open_link().position_key, open_link().held_units) == ("m1", 100_000)
    assert held() == 100_000
    assert codes()[-1] == ("opened", "copied", "PENDING_FILLED")
    assert at_rest()


def test_a_part_of_its_own_and_the_rest_at_market(world: PendingWorld) -> None:
    world.follow()
    world.place("r1", 100_000)
    world.run()
    world.fills(world.placed()[0], 30_000)
    world.run()
    assert open_link().held_units == 30_000
    world.master_fills("r1", 100_000)
    cancel, opened = world.run()
    assert (cancel.leg, opened.units) == (Leg.CANCEL, Decimal(70_000))
    assert opened.position_id == open_link().position_id
    assert held() == 100_000
    assert codes()[-1] == ("opened", "copied", "COPIED")


def test_the_masters_order_fills_in_ten_parts(world: PendingWorld) -> None:
    world.follow(risk_multiplier=Decimal("0.1"))
    world.place("r1", 30_000)
    world.run()
    for _ in range(10):
        world.master_fills("r1", 3_000)
        world.run()
    assert held() == 3_000
    assert (open_link().held_units, pending().state) == (3_000, "done")
    assert at_rest()


def test_filled_before_parts_of_the_masters_and_the_rest_is_cancelled(
    world: PendingWorld,
) -> None:
    world.follow()
    world.place("r1", 100_000)
    world.run()
    world.fills(world.placed()[0])
    world.run()
    world.master_fills("r1", 30_000)
    assert world.run() == []
    assert (held(), open_link().target_units) == (100_000, 30_000)
    world.master_fills("r1", 30_000)
    assert world.run() == []
    world.cancel("r1")
    (closed,) = world.run()
    assert (closed.leg, closed.units) == (Leg.CLOSE, Decimal(40_000))
    assert (held(), open_link().held_units) == (60_000, 60_000)
    assert codes()[-1] == ("cancelled", "copied", "COPIED")
    assert at_rest()


@pytest.mark.parametrize("end", ["cancel", "expire"])
def test_filled_and_the_master_never_was(world: PendingWorld, end: str) -> None:
    world.follow()
    world.place("r1", 100_000)
    world.run()
    world.fills(world.placed()[0])
    world.run()
    getattr(world, end)("r1")
    (closed,) = world.run()
    assert (closed.leg, closed.units) == (Leg.CLOSE, Decimal(100_000))
    assert closed.cause.startswith("pending:")
    assert held() == 0
    assert codes()[-1][1:] == ("skipped", "PENDING_FILLED")
    assert at_rest()


def test_partly_filled_and_the_master_cancels(world: PendingWorld) -> None:
    world.follow()
    world.place("r1", 100_000)
    world.run()
    world.fills(world.placed()[0], 30_000)
    world.run()
    world.cancel("r1")
    assert [intent.leg for intent in world.run()] == [Leg.CANCEL, Leg.CLOSE]
    assert held() == 0 and at_rest()


def test_cancelled_by_hand_is_not_bought(world: PendingWorld) -> None:
    world.follow()
    world.place("r1", 100_000)
    world.run()
    world.ends(world.placed()[0], OrderState.CANCELLED)
    world.run()
    assert (pending().state, pending().closed_at) == ("cancelled", None)
    world.master_fills("r1", 60_000)
    world.master_fills("r1", 40_000)
    assert world.run() == []
    assert codes()[1:] == [
        ("opened", "skipped", "CANCELLED"),
        ("increased", "skipped", "NOT_LINKED"),
    ]
    assert at_rest() and held() == 0


def test_closed_by_hand_before_the_master_fills(world: PendingWorld) -> None:
    world.follow()
    world.place("r1", 100_000)
    world.run()
    world.fills(world.placed()[0])
    world.run()
    Position.objects.update(closed_at=timezone.now(), units=0)
    world.master_fills("r1", 100_000)
    assert world.run() == []
    assert codes()[-1] == ("opened", "skipped", "POSITION_GONE")
    assert at_rest()


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


def test_refused_by_the_platform(world: PendingWorld) -> None:
    world.follow()
    world.place("r1", 100_000)
    world.run(lambda intent: {"state": OrderState.REJECTED, "code": "TRADING_BAD_PRICES"})
    assert pending().state == "failed"
    assert codes() == [("placed", "rejected", "REJECTED")]
    world.cancel("r1")
    assert world.run() == [] and at_rest()


def test_a_refused_change_leaves_the_old_terms(world: PendingWorld) -> None:
    world.follow()
    world.place("r1", 100_000)
    world.run()
    world.change("r1", price=Decimal("1.0910"))
    world.run(lambda i: {"state": OrderState.REJECTED, "code": "X"} if i.leg is Leg.PROTECT else {})
    assert (pending().price, pending().in_flight) == (LIMIT, "")
    assert codes()[-1] == ("amended", "rejected", "REJECTED")


def test_placed_and_cancelled_at_once_is_never_placed(world: PendingWorld) -> None:
    world.follow()
    world.place("r1", 100_000)
    world.change("r1", price=Decimal("1.0910"))
    world.cancel("r1")
    assert world.run() == []
    assert [code for *_, code in codes()] == ["SUPERSEDED", "SUPERSEDED", "NOTHING_TO_CHANGE"]


def test_filled_while_ours_is_being_placed(world: PendingWorld) -> None:
    world.follow()
    world.place("r1", 100_000)
    world.work()
    world.master_fills("r1", 100_000)
    world.trade("m1", -100_000)
    sent = world.run()
    assert [intent.leg for intent in sent][:1] == [Leg.OPEN]
    assert held() == 0 and at_rest()
    assert Outcome.objects.count() == 3
    assert not world.placed()


def test_a_cancel_that_was_lost_is_sent_again(world: PendingWorld) -> None:
    world.follow()
    world.place("r1", 100_000)
    world.run()
    world.cancel("r1")
    lost = {"state": OrderState.NOT_DELIVERED}
    world.run(lambda intent: lost if intent.leg is Leg.CANCEL else {})
    assert (pending().state, pending().in_flight) == ("resting", "")
    assert pending().retry_at > timezone.now()
    PendingLink.objects.update(retry_at=timezone.now())
    (again,) = world.run()
    assert (again.leg, pending().state) == (Leg.CANCEL, "cancelled")
    assert len({intent.client_order_id for intent in world.sent}) == 3
    assert at_rest()


def test_pausing_cancels_what_rests_and_resuming_places_nothing(world: PendingWorld) -> None:
    copy = world.follow()
    world.place("r1", 100_000)
    world.run()
    pause(actor=None, subscription=copy)
    (cancel,) = world.run()
    assert (cancel.leg, pending().state) == (Leg.CANCEL, "cancelled")
    resume(actor=None, subscription=copy)
    world.change("r1", price=Decimal("1.0910"))
    assert world.run() == []
    assert codes()[-1] == ("amended", "skipped", "CANCELLED")
    world.master_fills("r1", 100_000)
    (opened,) = world.run()
    assert (opened.leg, opened.type) == (Leg.OPEN, OrderType.MARKET)
    assert at_rest()


def test_what_a_paused_copy_filled_already_follows_its_master(world: PendingWorld) -> None:
    copy = world.follow()
    world.place("r1", 100_000)
    world.run()
    world.fills(world.placed()[0], 40_000)
    pause(actor=None, subscription=copy)
    (cancel,) = world.run()
    assert (cancel.leg, pending().state) == (Leg.CANCEL, "filled")
    world.master_fills("r1", 100_000)
    assert world.run() == []
    assert codes()[-1] == ("opened", "partial", "PAUSED")
    assert (open_link().held_units, open_link().target_units) == (40_000, 40_000)
    world.trade("m1", -100_000)
    world.run()
    assert held() == 0 and at_rest()


@pytest.mark.parametrize("filled", [0, 30_000, 100_000])
def test_stopping_with_closing_leaves_nothing(world: PendingWorld, filled: int) -> None:
    copy = world.follow()
    world.place("r1", 100_000)
    world.run()
    if filled:
        world.fills(world.placed()[0], filled)
        world.run()
    stop(actor=None, subscription=copy, close_positions=True)
    world.run()
    assert held() == 0 and not world.placed()
    world.master_fills("r1", 100_000)
    world.cancel("r1")
    world.run()
    assert held() == 0 and at_rest()
    assert Outcome.objects.count() == 3


def test_what_fills_while_it_is_stopped_is_closed_with_the_rest(world: PendingWorld) -> None:
    copy = world.follow()
    world.place("r1", 100_000)
    world.run()
    stop(actor=None, subscription=copy, close_positions=True)
    assert pending().state == "unwanted"
    world.fills(world.placed()[0], 30_000)  # before the cancel arrives
    world.run()
    assert held() == 0 and not world.placed() and at_rest()
    assert TradeLink.objects.get().state == "closed"
    assert (pending().state, pending().closed_at is None) == ("done", False)
    world.cancel("r1")
    world.run()
    assert codes()[-1] == ("cancelled", "skipped", "PENDING_FILLED")


def test_what_fills_while_its_first_part_is_being_closed(world: PendingWorld) -> None:
    copy = world.follow()
    world.place("r1", 100_000)
    world.run()
    world.fills(world.placed()[0], 30_000)
    world.work()
    stop(actor=None, subscription=copy, close_positions=True)  # its close is under way
    world.fills(world.placed()[0], 20_000)
    world.work()
    assert (open_link().held_units, open_link().in_flight != "") == (50_000, True)
    world.run()
    assert held() == 0 and not world.placed() and at_rest()


@pytest.mark.parametrize("filled", [0, 40_000])
def test_the_master_fills_what_is_being_taken_away(world: PendingWorld, filled: int) -> None:
    copy = world.follow()
    world.place("r1", 100_000)
    world.run()
    stop(actor=None, subscription=copy, close_positions=True)
    world.master_fills("r1", 100_000)
    world.work()
    if filled:
        world.fills(world.placed()[0], filled)
    world.run()
    assert held() == 0 and not world.placed() and at_rest()
    assert codes()[-1] == ("opened", "skipped", "STOPPED")
    assert not TradeLink.objects.filter(state="open").exists()


def test_a_placement_on_its_way_is_taken_away_when_it_rests(world: PendingWorld) -> None:
    copy = world.follow()
    world.place("r1", 100_000)
    world.work()
    stop(actor=None, subscription=copy, close_positions=True)
    world.run()  # as if the gateway had sent it a moment before the gate
    assert not world.placed() and at_rest()
    assert (pending().state, pending().closed_at is None) == ("cancelled", False)


def test_a_paused_master_and_a_kill_switch_cancel_what_rests(world: PendingWorld) -> None:
    world.follow()
    world.follow()
    world.place("r1", 100_000)
    world.run()
    set_master_status(actor=None, master=world.master, status="paused")
    assert [intent.leg for intent in world.run()] == [Leg.CANCEL] * 2
    set_master_status(actor=None, master=world.master, status="active")
    world.place("r2", 100_000)
    world.run()
    now = timezone.now()
    set_gate(scope=Gate.Scope.GLOBAL, state=Gate.State.REDUCING, actor="staff", now=now)
    assert masters_with_pendings_due() == [world.account_id]
    assert [intent.leg for intent in world.run()] == [Leg.CANCEL] * 2
    assert masters_with_pendings_due() == []
    assert at_rest()


NETTING = {"account": {"margin_mode": "netting"}}


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


@pytest.mark.parametrize("step", ["place", "amend", "cancel", "fill", "own fill"])
def test_a_worker_that_is_killed_leaves_all_or_nothing(
    world: PendingWorld, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at each of its writes in turn, it goes on to the same end."""
    world.follow()
    world.follow(risk_multiplier=Decimal("0.5"))
    if step != "place":
        world.place("r1", 100_000)
        world.run()
    if step == "place":
        world.place("r1", 100_000)
    elif step == "amend":
        world.change("r1", price=Decimal("1.0910"))
    elif step == "cancel":
        world.cancel("r1")
    else:
        if step == "own fill":
            world.fills(world.placed()[0])
        world.master_fills("r1", 100_000)
    for victim in (pending_book, pending_settling, planning, pending_following):
        with monkeypatch.context() as patch:
            kill_once(patch, victim)
            while True:
                try:
                    world.run()
                    break
                except Killed:
                    continue
    wanted = {"place": 0, "amend": 0, "cancel": 0, "fill": 150_000, "own fill": 150_000}
    assert (held(), at_rest()) == (wanted[step], True)
    told = AccountEvent.objects.count()
    assert Outcome.objects.count() == 2 * told
    assert len(world.placed()) == (2 if step in ("place", "amend") else 0)


class Killed(Exception):
    """The worker died."""


def kill_once(patch: pytest.MonkeyPatch, victim: ModuleType) -> None:
    """Die at the first use of each function that writes."""
    for name in ("store_pendings", "insert_outcomes", "store_links", "forget_waits"):
        if not hasattr(victim, name):
            continue
        real, left = getattr(victim, name), [1]

        def dying(*args: Any, real: Any = real, left: list[int] = left, **more: Any) -> Any:
            if left.pop() if left else 0:
                raise Killed
            return real(*args, **more)

        patch.setattr(victim, name, dying)


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


def test_more_followers_cost_no_more_queries(world: PendingWorld) -> None:
    """Placing, noting that they rest, the master's fill, the cancels, and what is made up."""

    def queries(key: str) -> list[int]:
        counts = []
        for step in (world.place, world.master_fills):
            step(key, 100_000, **({} if step == world.place else {"position": f"m-{key}"}))
            for _ in range(3):
                with CaptureQueriesContext(connection) as seen:
                    world.work()
                counts.append(len(seen))
                world.deliver()
        world.run()
        return counts

    for _ in range(2):
        world.follow()
    queries("r1")
    before = queries("r2")
    for _ in range(5):
        world.follow()
    after = queries("r3")
    # The product's configuration is cached for a moment and may be read once more.
    assert all(now <= then + 1 for now, then in zip(after, before, strict=True))
    assert at_rest() and len(TradeLink.objects.filter(position_key="m-r3")) == 7
