"""The gap of copies to their master: from what was traded to parts that add up to the cent."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from apps.analytics import api
from apps.analytics.domain.attribution import Cause
from apps.analytics.gap_models import SubscriptionGap, TradeGap
from apps.analytics.gaps import CopyGap, gap_of_copy
from apps.copytrading import api as copying
from apps.copytrading.models import CopySubscription, Outcome, TradeLink
from apps.copytrading.selectors import subscriptions_of
from apps.execution.models import Deal, Position
from apps.platforms.models import ConnectionState, Quote
from apps.trading.orders import OrderState, Side
from tests.factories.copytrading import CopyWorld, quote

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> CopyWorld:
    made = CopyWorld()
    quote(made.connection, "1", "1.0921")
    return made


def price(world: CopyWorld, value: str) -> None:
    world.price = Decimal(value)
    Quote.objects.update(bid=world.price, ask=world.price)


def trade(world: CopyWorld, position: str, units: int, **how: Any) -> None:
    """The master trades, its copies follow, and platforms book real results."""
    world.trade(position, units, **how)
    world.run()
    world.book()


def booked(copy: CopySubscription, **money: Any) -> None:
    """What the platform booked for the copy's newest deal, corrected in link and copy."""
    deal = Deal.objects.filter(account_id=copy.follower.account_id).order_by("-id")[0]
    before = deal.profit + deal.commission + deal.swap
    for name, value in money.items():
        setattr(deal, name, Decimal(value))
    deal.save()
    change = deal.profit + deal.commission + deal.swap - before
    link = TradeLink.objects.filter(subscription_id=copy.pk).order_by("-id")[0]
    link.result += change
    link.save()
    copy.refresh_from_db()
    copy.result += change
    copy.save()


def take_up() -> None:
    api.take_up_gaps(now=timezone.now() + timedelta(minutes=5))


def gap(copy: CopySubscription, released: Decimal = Decimal(0)) -> CopyGap:
    row = subscriptions_of(subscription_id=copy.pk)[0]
    return gap_of_copy(
        copy.pk,
        master_account_id=row.master_account_id,
        currency=row.currency,
        result=row.result + released,
    )


def parts(found: CopyGap) -> dict[Cause, Decimal]:
    assert sum(found.gap.parts.values()) == found.gap.total
    return {cause: amount for cause, amount in found.gap.parts.items() if amount}


def test_slippage_costs_and_rounding_are_told_apart(world: CopyWorld) -> None:
    copy = world.follow(risk_multiplier=Decimal("0.505"))
    world.trade("p1", 100_000)
    world.book(commission=Decimal(-2))
    price(world, "1.0923")  # the copy buys two pips later
    world.run()
    price(world, "1.1021")
    world.trade("p1", -100_000)
    world.book(commission=Decimal(0))
    price(world, "1.1020")
    world.run()
    booked(copy, profit="485")  # (1.1020 - 1.0923) × 50,000
    take_up()

    found = gap(copy)
    assert found.gap.expected == Decimal("503.99")  # 0.505 × (1,000 - 2)
    assert found.gap.actual == Decimal(484)
    assert parts(found) == {
        Cause.ROUNDING: Decimal(-5),
        Cause.ENTRY_SLIPPAGE: Decimal(-10),
        Cause.EXIT_SLIPPAGE: Decimal(-5),
        Cause.COSTS: Decimal("0.01"),
    }
    assert (found.trades, found.copied, found.open) == (1, 1, 0)


def test_what_is_open_counts_at_prices_of_now_and_later_once(world: CopyWorld) -> None:
    copy = world.follow()
    trade(world, "p1", 100_000)
    price(world, "1.0931")
    Position.objects.filter(account_id=copy.follower.account_id).update(open_result=100)

    found = gap(copy)
    assert (found.gap.expected, found.gap.actual) == (Decimal(100), Decimal("99.5"))
    assert parts(found) == {Cause.COSTS: Decimal("-0.5")}
    assert found.open == 1

    trade(world, "p1", -100_000)
    booked(copy, profit="100")
    before = gap(copy)  # ended, and not taken up yet
    take_up()
    take_up()
    assert gap(copy).gap == before.gap
    assert before.gap.actual == Decimal(99)
    assert SubscriptionGap.objects.get().trades == 1


def test_a_skipped_trade_costs_what_it_would_have_brought(world: CopyWorld) -> None:
    copy = world.follow()
    trade(world, "p1", 100_000)
    price(world, "1.0931")
    trade(world, "p1", -100_000)
    booked(copy, profit="100")
    copying.pause(actor=None, subscription=copy)
    trade(world, "p2", 200_000)
    price(world, "1.0951")
    trade(world, "p2", -200_000)
    take_up()

    found = gap(copy)
    assert parts(found) == {Cause.SKIPPED: Decimal(-400), Cause.COSTS: Decimal(-1)}
    assert [(r.code, r.trades, r.amount) for r in found.reasons] == [("PAUSED", 1, Decimal(-400))]
    assert (found.largest[0].code, found.largest[0].gap) == ("PAUSED", Decimal(-400))


def test_what_was_open_before_the_copy_began_is_a_late_start(world: CopyWorld) -> None:
    first = world.follow()
    trade(world, "p1", 100_000)
    late = world.follow()
    price(world, "1.0941")
    trade(world, "p1", -100_000)
    booked(first, profit="200")
    take_up()

    assert parts(gap(late)) == {Cause.LATE_START: Decimal(-200)}
    assert parts(gap(first)) == {Cause.COSTS: Decimal(-1)}


def test_a_stopped_copy_misses_nothing(world: CopyWorld) -> None:
    copy = world.follow()
    trade(world, "p0", 100_000)
    copying.stop(actor=None, subscription=copy, close_positions=False)
    trade(world, "p1", 100_000)
    price(world, "1.0941")
    trade(world, "p1", -100_000)
    take_up()

    assert Outcome.objects.filter(position_key="p1", subscription_id=copy.pk).exists()
    assert not TradeGap.objects.filter(subscription_id=copy.pk).exists()
    assert Cause.SKIPPED not in parts(gap(copy))


def test_what_is_closed_by_hand_is_told_from_slippage(world: CopyWorld) -> None:
    copy = world.follow()
    trade(world, "p1", 100_000)
    price(world, "1.0931")
    copying.close_position(actor=None, link_id=TradeLink.objects.get().pk)
    world.run()
    booked(copy, profit="100")
    price(world, "1.0971")
    trade(world, "p1", -100_000)
    take_up()

    found = gap(copy)
    assert found.gap.expected == Decimal(500)
    assert parts(found) == {Cause.MANUAL: Decimal(-400), Cause.COSTS: Decimal(-1)}


def test_a_detached_position_counts_until_it_leaves(world: CopyWorld) -> None:
    copy = world.follow()
    now = timezone.now()
    ConnectionState.objects.update(status="live", live_at=now)
    trade(world, "p1", 100_000)
    price(world, "1.0931")
    Position.objects.filter(account_id=copy.follower.account_id).update(open_result=100)
    api.follow_copies(now=now)
    copying.detach_position(actor=None, link_id=TradeLink.objects.get().pk)
    api.follow_copies(now=now)
    price(world, "1.0971")
    trade(world, "p1", -100_000)
    take_up()

    found = gap(copy, released=Decimal(100))
    assert found.gap.expected == Decimal(500)
    assert parts(found) == {Cause.MANUAL: Decimal(-400), Cause.COSTS: Decimal("-0.5")}


def test_an_increase_that_was_refused_is_skipped_and_partial_closes_count_once(
    world: CopyWorld,
) -> None:
    copy = world.follow()
    trade(world, "p1", 100_000)
    world.trade("p1", 100_000)
    world.run(lambda _: {"state": OrderState.REJECTED, "code": "NO"})
    price(world, "1.0941")
    trade(world, "p1", -100_000)
    booked(copy, profit="100")
    trade(world, "p1", -100_000)
    booked(copy, profit="100")
    take_up()

    found = gap(copy)
    assert found.gap.expected == Decimal(400)
    assert parts(found)[Cause.SKIPPED] == Decimal(-200)
    assert found.gap.parts[Cause.RESIDUAL] == 0


def test_a_reversed_copy_is_measured_by_its_own_direction(world: CopyWorld) -> None:
    copy = world.follow(reverse_direction=True)
    trade(world, "p1", 100_000)
    price(world, "1.0941")
    trade(world, "p1", -100_000)
    booked(copy, profit="-200")
    take_up()

    found = gap(copy)
    assert found.gap.expected == Decimal(-200)
    assert parts(found) == {Cause.COSTS: Decimal(-1)}
    assert TradeGap.objects.get().side == Side.SELL


def test_a_result_without_a_trade_is_the_residual(world: CopyWorld) -> None:
    copy = world.follow()
    CopySubscription.objects.filter(pk=copy.pk).update(result=Decimal("3.21"))
    assert parts(gap(copy)) == {Cause.RESIDUAL: Decimal("3.21")}
