"""What differs between copies and accounts is seen, kept while it lasts, and gone with it."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.copytrading.domain.drift import GRACE
from apps.copytrading.models import CopyFollower, Drift, LinkLeg, TradeLink
from apps.copytrading.services.foreign import masters_concerned
from apps.copytrading.services.reconcile import Look, look_around, look_at
from apps.copytrading.services.work import look_after
from apps.execution.models import Batch, Deal, Gate, Order, Position
from apps.platforms.models import AccountState, Symbol
from apps.trading.orders import Leg, OrderState, Side
from tests.factories.copytrading import CopyWorld

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal
Mode = CopyFollower.ManualTrading


@pytest.fixture
def world() -> CopyWorld:
    return CopyWorld()


def later(seconds: float = 10) -> datetime:
    return timezone.now() + timedelta(seconds=seconds)


def look(seconds: float = 10) -> Look:
    return look_around(later(seconds))


def copied(world: CopyWorld, *, mode: Mode = Mode.ALL, **settings: Any) -> TradeLink:
    """A master's open lot, copied; what its owner may do by hand as ``mode`` says."""
    copy = world.follow(**settings)
    CopyFollower.objects.filter(pk=copy.follower_id).update(manual_trading_mode=mode)
    name = f"m{len(world.positions) + 1}"
    world.trade(name, 100_000)
    world.run()
    return TradeLink.objects.get(subscription_id=copy.pk, position_key=name)


def by_hand(link: TradeLink, left: Decimal | int, *, price: str = "1.1") -> None:
    """Its owner trades the copied position until ``left`` units remain."""
    position = Position.objects.get(account_id=link.account_id, position_id=link.position_id)
    now = timezone.now()
    change = D(left) - position.units
    adds = change > 0
    side = Side(position.side)
    Deal.objects.create(
        account_id=link.account_id,
        deal_id=f"hand{Deal.objects.count()}",
        platform_order_id="",
        position_id=link.position_id,
        instrument_id="1",
        side=side if adds else side.opposite,
        effect="open" if adds else "close",
        units=abs(change),
        price=D(price),
        profit=D(0) if adds else D(-3),
        executed_at=now,
        received_at=now,
    )
    position.units = D(left) if left else position.units
    position.closed_at = None if left else now
    position.updated_at = now
    position.save()


def stray(world: CopyWorld, account_id: int, position_id: str = "s1", **changes: Any) -> Position:
    """A position that nobody's link holds."""
    values: dict[str, Any] = {
        "account_id": account_id,
        "position_id": position_id,
        "instrument_id": "1",
        "side": "buy",
        "units": D(5_000),
        "price": D("1.1"),
        "open_result": D(-7),
        "opened_at": timezone.now(),
        "updated_at": timezone.now(),
    }
    return Position.objects.create(**(values | changes))


def ordered(link: TradeLink, cid: str, **changes: Any) -> Order:
    """An order of ours that no link waits for, ended and taken note of."""
    now = timezone.now()
    values: dict[str, Any] = {
        "client_order_id": cid,
        "account_id": link.account_id,
        "connection_id": 1,
        "source": "copy",
        "relation": f"sub:{link.subscription_id}",
        "wake_key": link.master_account_id,
        "leg": Leg.OPEN,
        "state": OrderState.NOT_DELIVERED,
        "committed_at": now,
        "final_at": now,
        "settled_at": now,
    }
    return Order.objects.create(**(values | changes))


def seen() -> list[tuple[str, Decimal, Decimal]]:
    rows = Drift.objects.filter(resolved_at=None).order_by("id")
    return list(rows.values_list("kind", "expected_units", "actual_units"))


def test_nothing_is_seen_where_all_is_right(world: CopyWorld) -> None:
    copied(world)
    assert look() == Look({}, 0)
    assert not Drift.objects.exists()


def test_a_difference_is_kept_while_it_lasts(world: CopyWorld) -> None:
    link = copied(world, mode=Mode.OWN_ONLY)
    by_hand(link, 40_000)
    look(GRACE.total_seconds() - 1)
    assert seen() == []  # too young to be told from a fill on its way
    look(10)
    drift = Drift.objects.get()
    assert (drift.kind, drift.expected_units, drift.actual_units) == (
        "undersized", D(100_000), D(40_000),
    )  # fmt: skip
    assert (drift.symbol, drift.lot_units, drift.side) == ("EURUSD", D(100_000), "buy")
    assert (drift.subscription_id, drift.master_account_id, drift.link_id) == (
        link.subscription_id, world.account_id, link.pk,
    )  # fmt: skip
    first = drift.first_seen_at
    by_hand(link, 30_000)
    look(20)
    drift.refresh_from_db()
    assert (drift.actual_units, drift.first_seen_at) == (D(30_000), first)
    assert drift.last_seen_at > first
    by_hand(link, 100_000)
    assert look(40).resolved == 1
    drift.refresh_from_db()
    assert (drift.resolution, drift.resolved_at is None) == ("gone", False)


def test_the_account_s_rule_says_whether_a_hand_is_followed_or_reported(world: CopyWorld) -> None:
    follows, reports = copied(world), copied(world, mode=Mode.DISABLED)
    for link in (follows, reports):
        by_hand(link, 0)
    look_after(world.account_id)
    look()
    assert seen() == [("missing", D(100_000), D(0))]
    follows.refresh_from_db()
    reports.refresh_from_db()
    assert (follows.state, reports.state) == ("gone", "open")
    assert masters_concerned() == []


def test_an_owner_closes_by_hand_what_is_only_opened(world: CopyWorld) -> None:
    link = copied(world, mode=Mode.DISABLED, copy_mode="open_only")
    by_hand(link, 40_000)
    look()
    assert seen() == []
    look_after(world.account_id)
    link.refresh_from_db()
    assert link.held_units == D(40_000)


def test_a_stop_that_was_hit_is_followed_in_every_mode(world: CopyWorld) -> None:
    link = copied(world, mode=Mode.DISABLED)
    Position.objects.update(stop_loss=D("1.09"))
    by_hand(link, 0, price="1.0898")
    look()
    assert seen() == []
    assert masters_concerned() == [world.account_id]
    look_after(world.account_id)
    link.refresh_from_db()
    assert (link.state, link.held_units) == ("gone", D(0))


def test_links_that_share_a_position_lose_the_newest_first(world: CopyWorld) -> None:
    first = copied(world, account={"margin_mode": "netting"})
    world.trade("m2", 50_000)
    world.run()
    second = TradeLink.objects.get(position_key="m2")
    LinkLeg.objects.filter(link_id=second.pk).update(position_id=first.position_id)
    TradeLink.objects.filter(pk=second.pk).update(position_id=first.position_id)
    Position.objects.filter(position_id=second.position_id).delete()
    Position.objects.update(units=D(150_000))
    assert look() == Look({}, 0)
    by_hand(first, 120_000)
    look_after(world.account_id)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.held_units, second.held_units) == (D(100_000), D(20_000))


def test_orphans_are_told_from_what_belongs_to_somebody(world: CopyWorld) -> None:
    link = copied(world)
    ours, bots, busy, unknown = (f"c{n}".ljust(25, "0") for n in range(4))
    ordered(link, ours)
    ordered(link, bots, source="bot", relation="bot:3", wake_key=3)
    ordered(link, busy, settled_at=None)
    for position_id, tag in (("a", ours), ("b", bots), ("c", busy), ("d", unknown), ("e", "")):
        stray(world, link.account_id, position_id, tag=tag)
    look()
    drift = Drift.objects.get()
    assert (drift.kind, drift.position_id) == ("orphan", "a")
    assert (drift.subscription_id, drift.master_account_id) == (
        link.subscription_id, world.account_id,
    )  # fmt: skip


def test_a_detached_position_is_its_owner_s(world: CopyWorld) -> None:
    link = copied(world)
    TradeLink.objects.update(state="detached")
    look()
    assert seen() == []
    TradeLink.objects.update(state="failed")
    look()
    assert seen() == [("orphan", D(0), link.held_units)]


def test_trading_by_hand_is_reported_where_it_is_not_wanted(world: CopyWorld) -> None:
    link = copied(world, mode=Mode.OWN_ONLY)
    stray(world, link.account_id)
    look()
    assert seen() == []
    CopyFollower.objects.update(manual_trading_mode=Mode.DISABLED)
    look()
    assert seen() == [("foreign", D(0), D(5_000))]


def test_what_the_owner_added_to_a_copy(world: CopyWorld) -> None:
    link = copied(world)
    by_hand(link, 150_000)
    look()
    assert seen() == []  # the owner may
    Position.objects.update(units=D(170_000))  # nobody's deal explains the rest
    look(20)
    assert seen() == [("oversized", D(150_000), D(170_000))]
    CopyFollower.objects.update(manual_trading_mode=Mode.OWN_ONLY)
    look(20)
    assert seen() == [("oversized", D(100_000), D(170_000))]


def test_a_wrong_side(world: CopyWorld) -> None:
    copied(world)
    Position.objects.update(side="sell", units=D(20_000))
    look()
    assert seen() == [("wrong_side", D(100_000), D(20_000))]


def test_what_is_in_flight_is_not_judged(world: CopyWorld) -> None:
    link = copied(world, mode=Mode.DISABLED)
    by_hand(link, 0)
    TradeLink.objects.update(in_flight="cx")
    look()
    assert seen() == []
    TradeLink.objects.update(in_flight="")
    look()
    assert [kind for kind, _, _ in seen()] == ["missing"]
    TradeLink.objects.update(in_flight="cx")
    assert look().resolved == 0  # what stood keeps standing until it can be judged


def test_accounts_that_are_not_current_are_left_alone(world: CopyWorld) -> None:
    link = copied(world, mode=Mode.DISABLED)
    by_hand(link, 0)
    AccountState.objects.update(synced=False)
    look()
    look_at([link.account_id], later())
    assert seen() == []


def test_a_close_that_a_kill_switch_holds_is_shown(world: CopyWorld) -> None:
    link = copied(world)
    Gate.objects.create(
        scope="account", key=str(link.account_id), state="halted", actor="x", at=timezone.now()
    )
    world.trade("m1", -100_000)
    world.work()
    look(2)
    assert seen() == []
    look(8)
    drift = Drift.objects.get()
    assert (drift.kind, drift.expected_units, drift.actual_units) == (
        "held_close", D(0), D(100_000),
    )  # fmt: skip
    assert drift.note == "The kill switch on this account holds it"
    Gate.objects.all().delete()
    look(8)
    drift.refresh_from_db()
    assert drift.note == "It waits for its platform"
    other_day = (timezone.now().isoweekday() + 2) % 7 * 86_400
    Symbol.objects.update(schedule={"hours": [[other_day, other_day + 3600]]})
    look(8)
    drift.refresh_from_db()
    assert drift.note == "Its market is closed; it is sent when that opens"
    world.run()
    assert look(9).resolved == 1


def test_a_close_that_the_platform_keeps_refusing_is_shown(world: CopyWorld) -> None:
    copied(world)
    TradeLink.objects.update(close_cause="stop:1:a#3")
    look()
    assert seen() == []
    TradeLink.objects.update(close_cause="stop:1:a#4")
    look()
    TradeLink.objects.update(in_flight="cx")
    assert look().resolved == 0
    drift = Drift.objects.get()
    assert (drift.kind, drift.expected_units, drift.actual_units) == (
        "held_close", D(0), D(100_000),
    )  # fmt: skip
    TradeLink.objects.update(close_cause="", in_flight="")
    assert look().resolved == 1


def test_a_look_costs_the_same_for_many_accounts(world: CopyWorld) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            look()
        return len(captured)

    by_hand(copied(world, mode=Mode.DISABLED), 0)
    look()
    few = count()
    for number in range(4):
        copy = world.follow()
        CopyFollower.objects.filter(pk=copy.follower_id).update(manual_trading_mode=Mode.DISABLED)
        world.trade(f"n{number}", 10_000)
    world.run()
    Position.objects.update(closed_at=timezone.now())
    look()
    assert Drift.objects.count() > 8
    assert count() == few <= 17


def test_a_look_goes_on_from_batches_that_are_not_settled(world: CopyWorld) -> None:
    link = copied(world, mode=Mode.DISABLED)
    by_hand(link, 40_000)
    world.trade("m1", -50_000)
    world.work()
    assert Batch.objects.filter(settled=False).exists()
    TradeLink.objects.update(in_flight="")
    look()
    assert [kind for kind, _, _ in seen()] == ["held_close"]
