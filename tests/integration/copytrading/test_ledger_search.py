"""Looking through the ledger: filters, pages, and a bounded effort however long it is."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import User
from apps.copytrading import ledger
from apps.copytrading.ledger import Search, search
from apps.copytrading.models import CopySubscription, Outcome
from apps.execution.models import AccountEvent
from apps.trading.orders import OrderState
from tests.factories.accounts import UserFactory
from tests.factories.copytrading import CopyWorld

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> CopyWorld:
    return CopyWorld()


@pytest.fixture
def owner() -> User:
    return UserFactory()


@pytest.fixture
def copies(world: CopyWorld, owner: User) -> list[CopySubscription]:
    """Two copies of the owner and one of somebody else, with events of several kinds."""
    made = [world.follow(account={"owner": owner}) for _ in range(2)]
    made.append(world.follow(account={"owner": UserFactory()}, status="paused"))
    for number in range(4):
        world.trade(f"m{number}", 100_000)
    world.run()
    world.trade("m0", -100_000)
    world.protect("m1", Decimal("1.05"))
    world.run()
    return made


def events(page: Any) -> list[tuple[int, int]]:
    return [(row.event_id, row.subscription_id) for row in page.rows]


def all_pages(wanted: Search, limit: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    cursor: str | None = None
    for _ in range(100):
        page = search(wanted, cursor=cursor, limit=limit)
        found += events(page)
        cursor = page.next_cursor
        if cursor is None:
            return found
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize("limit", [1, 2, 4, 50])
def test_pages_follow_each_other_without_gap(
    copies: list[CopySubscription], owner: User, limit: int
) -> None:
    everything = list(
        Outcome.objects.order_by("-event_id", "-subscription_id").values_list(
            "event_id", "subscription_id"
        )
    )
    mine = {copy.pk for copy in copies[:2]}
    assert all_pages(Search(), limit) == everything
    assert all_pages(Search(user_id=owner.pk), limit) == [e for e in everything if e[1] in mine]
    assert all_pages(Search(master_account_id=copies[0].master.account_id), limit) == everything
    one = Search(subscription_id=copies[0].pk)
    assert all_pages(one, limit) == [e for e in everything if e[1] == copies[0].pk]


def test_each_filter(copies: list[CopySubscription], world: CopyWorld, owner: User) -> None:
    assert len(search(Search()).rows) == 18
    assert len(search(Search(state="skipped")).rows) == 6
    assert len(search(Search(code="PAUSED")).rows) == 4
    assert len(search(Search(code="NOT_LINKED")).rows) == 2
    assert len(search(Search(kind="closed")).rows) == 3
    assert len(search(Search(symbol="eurusd")).rows) == 18
    assert search(Search(symbol="GBPUSD")).rows == []
    assert len(search(Search(user_id=owner.pk, kind="protection")).rows) == 2
    account = copies[1].follower.account_id
    assert {row.subscription_id for row in search(Search(account_ids=(account,))).rows} == {
        copies[1].pk
    }
    assert {row.position_key for row in search(Search(text="M3")).rows} == {"m3"}
    order = Outcome.objects.exclude(client_order_id="")[0]
    assert [row.id for row in search(Search(text=order.client_order_id)).rows] == [order.pk]
    assert search(Search(text="100%_of")).rows == []
    assert search(Search(user_id=owner.pk, subscription_id=copies[2].pk)).rows == []
    event = Outcome.objects.order_by("event_id")[0].event_id
    assert {e for e, _ in events(search(Search(event_id=event)))} == {event}
    one = Outcome.objects.order_by("event_id")[3]
    assert events(search(Search(outcome_id=one.pk))) == [(one.event_id, one.subscription_id)]
    assert search(Search(outcome_id=one.pk, user_id=UserFactory().pk)).rows == []


def test_a_period_is_of_receipt(world: CopyWorld) -> None:
    world.follow()
    now = timezone.now()
    for days in (9, 6, 3, 1):
        world.trade(f"m{days}", 1_000, ago=timedelta(days=days))
    world.run()
    found = search(
        Search(since=now - timedelta(days=7), until=now - timedelta(days=2)),
    )
    assert [row.position_key for row in found.rows] == ["m3", "m6"]
    assert search(Search(since=now + timedelta(days=1))).rows == []
    assert len(search(Search(until=now + timedelta(days=1))).rows) == 4


def test_nonsense_as_a_cursor_is_the_first_page(copies: list[CopySubscription]) -> None:
    for cursor in ("", "x", "-", "5", "5-", "9" * 30 + "-1", "1-2-3", "٣-٤"):
        assert len(search(Search(), cursor=cursor).rows) in (0, 18)


def test_a_rare_filter_ends_its_search_and_goes_on(
    world: CopyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "LOOKED_THROUGH", 5)
    first, second = world.follow(), world.follow(status="paused")
    for number in range(12):
        world.trade(f"m{number}", 1_000)
    world.run()
    oldest = AccountEvent.objects.order_by("id")[0]
    wanted = Search(text=oldest.position_id)
    page = search(wanted)
    assert page.rows == [] and page.next_cursor is not None
    assert page.looked_back_to is not None and page.looked_back_to > oldest.received_at
    assert all_pages(wanted, 50) == [(oldest.pk, second.pk), (oldest.pk, first.pk)]
    mine = Search(subscription_id=first.pk, text=oldest.position_id)
    assert all_pages(mine, 50) == [(oldest.pk, first.pk)]
    assert len(all_pages(Search(code="PAUSED"), 50)) == 12


def test_what_is_not_at_hand_is_looked_for_further_back(
    world: CopyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "_AT_HAND", 3)
    copy = world.follow()
    for number in range(8):
        world.trade(f"m{number}", 1_000)
    world.run()
    oldest, newest = AccountEvent.objects.order_by("id")[0], AccountEvent.objects.latest("id")
    for event in (oldest, newest):
        found = search(Search(text=event.position_id))
        assert [row.event_id for row in found.rows] == [event.pk]
        assert found.looked_back_to is None and found.rows[0].subscription_id == copy.pk
    filled = search(Search(state="copied"), limit=2)
    assert len(filled.rows) == 2 and filled.next_cursor is not None
    assert len(all_pages(Search(state="copied"), 2)) == 8


def test_rare_states_are_found_by_an_index_of_their_own(world: CopyWorld) -> None:
    world.follow()
    world.trade("m1", 1_000)
    world.run(lambda _: {"state": OrderState.REJECTED, "code": "NOT_ENOUGH_MONEY"})
    with CaptureQueriesContext(connection) as captured:
        (row,) = search(Search(state="rejected")).rows
    assert row.code == "REJECTED" and len(captured) == 1


def test_queries_do_not_grow_with_pages_or_copies(
    copies: list[CopySubscription], owner: User, world: CopyWorld
) -> None:
    for wanted, queries in (
        (Search(), 1),
        (Search(user_id=owner.pk), 1),
        (Search(user_id=owner.pk, code="PAUSED"), 2),
        (Search(since=timezone.now() - timedelta(days=1), state="copied"), 3),
    ):
        with CaptureQueriesContext(connection) as captured:
            search(wanted)
        assert len(captured) == queries
