"""What pages read: rows with everything on them, in a constant number of queries."""

from __future__ import annotations

from decimal import Decimal

import pytest

from apps.copytrading import selectors
from apps.copytrading.errors import NotFound
from apps.copytrading.models import Outcome
from apps.execution.models import Position
from tests.factories.accounts import UserFactory
from tests.factories.copytrading import CopyWorld

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> CopyWorld:
    return CopyWorld()


def test_copies_with_their_result(world: CopyWorld, django_assert_num_queries: object) -> None:
    owner = UserFactory()
    copy = world.follow(account={"owner": owner})
    world.follow()
    world.trade("m1", 100_000)
    world.run()
    world.trade("m1", -50_000)
    world.run()
    Position.objects.update(open_result=Decimal("7.25"))
    (row,) = selectors.subscriptions_of(user=owner)
    assert (row.uuid, row.open_links, row.copying) == (copy.uuid, 1, True)
    assert (row.realised, row.floating, row.result) == (
        Decimal(9),
        Decimal("7.25"),
        Decimal("16.25"),
    )
    assert row.sizing == "The master's volume times 1"
    assert len(selectors.subscriptions_of(master_id=world.master.pk)) == 2
    assert selectors.subscriptions_of() == []


def test_open_copies_beside_the_master(world: CopyWorld) -> None:
    owner = UserFactory()
    world.follow(account={"owner": owner}, risk_multiplier=Decimal("0.5"))
    world.trade("m1", 100_000, stops=(Decimal("1.08"), None))
    world.run()
    (row,) = selectors.open_copies(user=owner)
    assert (row.lots, row.master_lots, row.symbol, row.side) == (
        Decimal("0.5"),
        1,
        "EURUSD",
        "buy",
    )
    assert (row.stop_loss, row.moving, row.floating) == (Decimal("1.08"), False, 0)


def test_outcomes_by_page_and_owner(world: CopyWorld) -> None:
    owner = UserFactory()
    copy = world.follow(account={"owner": owner})
    world.follow()
    for number in range(5):
        world.trade(f"m{number}", 100_000)
    world.run()
    page = selectors.outcomes_of(user=owner, limit=3)
    assert len(page.rows) == 3
    assert page.next_cursor == f"{page.rows[-1].event_id}-{copy.pk}"
    rest = selectors.outcomes_of(user=owner, limit=3, cursor=page.next_cursor)
    assert (len(rest.rows), rest.next_cursor) == (2, None)
    row = page.rows[0]
    assert row.subscription_uuid == copy.uuid
    assert row.story.startswith("Master bought 1.00 EURUSD at 1.09210; your multiplier 1 gives")
    assert row.to_sent_ms is not None and row.lots == 1
    assert len(selectors.outcomes_of(master_account_id=world.account_id).rows) == 10


def test_the_live_feed_counts_what_became_of_events(world: CopyWorld) -> None:
    for status in ("active", "paused"):
        world.follow(status=status)
    first = world.trade("m1", 100_000)
    world.run()
    second = world.trade("m2", 50_000)
    world.work()
    later, earlier = selectors.live_feed()
    assert (later.event_id, later.moving, later.counts) == (second, 1, {"skipped": 1})
    assert (earlier.event_id, earlier.moving) == (first, 0)
    assert earlier.counts == {"copied": 1, "skipped": 1}
    assert earlier.lots == 1 and earlier.total == 2
    assert earlier.to_filled_ms is not None and later.to_sent_ms is None
    figures = selectors.latency()
    assert figures.count == 1 and figures.sent.p50 is not None


def test_what_came_of_an_event_is_summed_up_again_as_soon_as_there_is_more(
    world: CopyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.copytrading.live_feed._MANY", 1)
    first, second = world.follow(), world.follow()
    world.trade("m1", 100_000)
    world.run()
    (before,) = selectors.live_feed()
    assert before.counts == {"copied": 2}
    (again,) = selectors.live_feed()
    assert again == before
    kept = Outcome.objects.filter(subscription_id=second.pk).get()
    kept.pk, kept.subscription_id, kept.state = None, first.pk + second.pk, "failed"
    kept.save(force_insert=True)
    (more,) = selectors.live_feed()
    assert more.counts == {"copied": 2, "failed": 1}


def test_query_counts_do_not_grow(world: CopyWorld, django_assert_num_queries: object) -> None:
    owner = UserFactory()
    for _ in range(4):
        world.follow(account={"owner": owner})
    world.trade("m1", 100_000)
    world.run()
    selectors.subscriptions_of(user=owner)
    for queries, read in (
        (1, lambda: selectors.subscriptions_of(user=owner)),
        (1, lambda: selectors.open_copies(user=owner)),
        (1, lambda: selectors.outcomes_of(user=owner)),
        (2, lambda: selectors.live_feed()),
    ):
        with django_assert_num_queries(queries):  # type: ignore[operator]
            read()


def test_strangers_find_nothing(world: CopyWorld) -> None:
    copy = world.follow(account={"owner": UserFactory()})
    stranger = UserFactory()
    with pytest.raises(NotFound):
        selectors.subscription_by_uuid(copy.uuid, owner=stranger)
    assert selectors.outcomes_of(user=stranger).rows == []
    assert selectors.masters_for(stranger) == []
