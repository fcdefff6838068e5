"""What copies earned, kept up from look to look, and what of it is told of a master."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from apps.accounts.api import create_customer
from apps.analytics import api
from apps.analytics.copies import FollowerEarnings
from apps.analytics.domain.followers import follower_figures
from apps.analytics.models import SubscriptionDay, SubscriptionFigures
from apps.analytics.selectors import follower_earnings
from apps.copytrading import api as copying
from apps.copytrading.models import CopySubscription, TradeLink
from apps.execution.models import Position
from apps.platforms.models import AccountState, ConnectionState
from tests.factories.copytrading import CopyWorld

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def world() -> CopyWorld:
    made = CopyWorld()
    ConnectionState.objects.filter(connection=made.connection).update(status="live")
    return made


def look(at: datetime) -> None:
    """Look at all copies while every connection is live."""
    ConnectionState.objects.update(live_at=at)
    api.follow_copies(now=at)


def worth(copy: CopySubscription, open_result: int, equity: int) -> None:
    """What the copy's open positions and its account are worth from now on."""
    account_id = copy.follower.account_id
    Position.objects.filter(account_id=account_id, closed_at=None).update(open_result=open_result)
    AccountState.objects.filter(account_id=account_id).update(equity=equity)


def figures(copy: CopySubscription) -> SubscriptionFigures:
    return SubscriptionFigures.objects.get(subscription_id=copy.pk)


def test_the_return_is_what_the_money_at_work_became_day_by_day(world: CopyWorld) -> None:
    copy = world.follow(equity=10_000)
    look(NOON)
    world.trade("p1", 100_000)
    world.run()  # opening costs 0.5
    worth(copy, 500, 10_500)
    look(NOON + timedelta(minutes=1))
    worth(copy, 1_550, 11_550)
    look(NOON + timedelta(days=1))

    first, second = SubscriptionDay.objects.order_by("day")
    assert first.growth == pytest.approx(1 + 499.5 / 10_000.5)
    assert second.growth == pytest.approx(1 + 1_050 / 10_500)
    assert figures(copy).growth == pytest.approx(first.growth * second.growth)
    assert (second.result, second.floating) == (Decimal("1549.5"), Decimal(1_550))


def test_a_deposit_is_no_return(world: CopyWorld) -> None:
    copy = world.follow(equity=10_000)
    look(NOON)
    world.trade("p1", 100_000)
    world.run()
    worth(copy, 100, 10_100)
    look(NOON + timedelta(minutes=1))
    before = figures(copy).growth
    worth(copy, 100, 50_000)
    look(NOON + timedelta(minutes=2))
    assert figures(copy).growth == before
    worth(copy, 600, 50_500)  # 1 % of what is there now
    look(NOON + timedelta(minutes=3))
    assert figures(copy).growth == pytest.approx(before * 1.01)


def test_looking_twice_counts_nothing_twice_and_what_rests_is_not_written(world: CopyWorld) -> None:
    copy = world.follow()
    look(NOON)
    world.trade("p1", 100_000)
    world.run()
    worth(copy, 250, 10_250)
    look(NOON + timedelta(minutes=1))
    known = figures(copy)
    look(NOON + timedelta(minutes=1))
    assert figures(copy).growth == known.growth
    assert SubscriptionDay.objects.get().result == Decimal("249.5")

    world.trade("p1", -100_000)
    world.run()
    worth(copy, 0, 10_009)
    look(NOON + timedelta(minutes=2))
    ended = figures(copy)
    assert ended.realised == Decimal(9)  # 10 earned, two commissions of 0.5
    ConnectionState.objects.update(live_at=NOON + timedelta(minutes=9))
    assert api.follow_copies(now=NOON + timedelta(minutes=9)) == 0


def test_allocated_capital_is_the_money_at_work(world: CopyWorld) -> None:
    copy = world.follow(equity=10_000, allocated_capital=1_000)
    look(NOON)
    world.trade("p1", 100_000)
    world.run()
    worth(copy, 100, 10_100)
    look(NOON + timedelta(minutes=1))

    assert figures(copy).growth == pytest.approx(1 + 99.5 / 1_000)
    assert figures(copy).capital == Decimal("1099.5")


def test_an_account_that_is_not_current_is_taken_up_when_it_is_back(world: CopyWorld) -> None:
    copy = world.follow()
    look(NOON)
    world.trade("p1", 100_000)
    world.run()
    worth(copy, 100, 10_100)
    assert api.follow_copies(now=NOON + timedelta(minutes=5)) == 0
    look(NOON + timedelta(minutes=6))
    assert figures(copy).floating == 100


def test_a_position_that_leaves_open_leaves_with_what_it_is_worth(world: CopyWorld) -> None:
    copy = world.follow()
    world.trade("p1", 100_000)
    world.run()
    worth(copy, 100, 10_100)
    look(NOON)
    copying.detach_position(actor=None, link_id=TradeLink.objects.get().pk)
    worth(copy, 150, 10_150)
    look(NOON + timedelta(minutes=1))
    worth(copy, -5_000, 5_000)  # its owner's from now on
    look(NOON + timedelta(minutes=2))

    known = figures(copy)
    assert (known.realised, known.floating, known.released) == (Decimal("-0.5"), 0, 150)
    assert known.growth == pytest.approx((1 + 99.5 / 10_000.5) * (1 + 50 / 10_100))


def test_followers_earnings_need_five_and_leave_the_masters_own_copies_out(
    world: CopyWorld,
) -> None:
    owner = create_customer(actor=None, email="m@example.org", password="pw", name="M")
    world.master.account.owner = owner
    world.master.account.save()
    copies = [world.follow() for _ in range(5)]
    idle = world.follow(status="paused")
    own = world.follow(account={"owner": owner})
    look(NOON)
    world.trade("p1", 100_000)
    world.run()
    for number, copy in enumerate(copies):
        worth(copy, 1_000 - 400 * number, 11_000 - 400 * number)
    look(NOON + timedelta(minutes=1))

    assert idle.pk and own.pk
    found = follower_earnings([world.master.pk, 0])
    assert found[0] == FollowerEarnings(None, None, 0)
    assert found[world.master.pk].sample == 5
    assert found[world.master.pk].median == pytest.approx(199.5 / 10_000.5)
    assert found[world.master.pk].in_profit == pytest.approx(3 / 5)

    SubscriptionFigures.objects.filter(subscription_id=copies[0].pk).delete()
    assert follower_earnings([world.master.pk])[world.master.pk] == FollowerEarnings(None, None, 4)


def test_a_copy_that_ended_still_counts(world: CopyWorld) -> None:
    copy = world.follow()
    look(NOON)
    world.trade("p1", 100_000)
    world.run()
    world.trade("p1", -100_000)
    world.run()
    copying.delete_subscription(actor=None, subscription=copy)
    look(NOON + timedelta(minutes=1))
    assert figures(copy).growth == pytest.approx(1 + 9 / 9_991)
    assert figures(copy).counts


def test_what_is_told_of_followers_is_what_the_definition_says() -> None:
    chance = random.Random(7)
    rows = [
        SubscriptionFigures(
            subscription_id=number, master_id=chance.randrange(40), account_id=number,
            started_at=NOON, looked_at=NOON, realised=0, floating=0, capital=1, counts=True,
            growth=1 + round(chance.uniform(-0.3, 0.4), 2),
        )
        for number in range(300)
    ]  # fmt: skip
    SubscriptionFigures.objects.bulk_create(rows)
    master = np.array([row.master_id for row in rows], dtype=np.int64)
    table = follower_figures(master, np.array([row.growth - 1 for row in rows]), 40)

    found = follower_earnings(range(40))

    for number in range(40):
        expected = table.row(number)
        assert found[number].sample == expected["followers"].value
        for name, value in (
            ("followers_median", found[number].median),
            ("followers_in_profit", found[number].in_profit),
        ):
            assert value == pytest.approx(expected[name].value)
