"""A copy beside its master, the exposure of all, and closing everything."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.models import User
from apps.analytics import api as analytics
from apps.analytics.domain.attribution import Cause
from apps.copytrading.models import CopySubscription, MarginAlarm
from apps.copytrading.selectors import subscriptions_of
from apps.execution.models import Position
from apps.platforms.models import AccountState, ConnectionState
from apps.portal.gap_view import PARTS, both_chart, waterfall
from apps.portal.live_copying import lines
from tests.factories.copytrading import CopyWorld, quote
from tests.factories.equity import closed_days
from tests.factories.platforms import AccountFactory
from tests.support.queries import queries

amounts = st.decimals(-10_000, 10_000, places=2)


@given(amounts, st.lists(st.tuples(st.sampled_from(Cause), amounts), max_size=9))
def test_the_waterfall_leads_from_the_perfect_copy_to_the_real_one(
    expected: Decimal, parts: list[tuple[Cause, Decimal]]
) -> None:
    actual = expected + sum(amount for _, amount in parts)
    bars, zero = waterfall(expected, parts, actual)

    assert len(bars) == len(parts) + 2
    for bar in bars:
        assert Decimal(0) <= Decimal(bar.x) <= Decimal(100)
        assert Decimal(bar.x) + Decimal(bar.width) <= Decimal("100.02")
    assert 0 <= Decimal(zero) <= 100
    assert [bar.kind for bar in bars[1:-1]] == [
        "gain" if amount > 0 else "loss" for _, amount in parts
    ]


def test_every_part_has_its_words() -> None:
    assert list(PARTS) == list(Cause)


@pytest.fixture
def traded(world: CopyWorld, copied: CopySubscription) -> CopySubscription:
    """A copy with an open position that is worth more, looked at."""
    now = timezone.now()
    ConnectionState.objects.update(status="live", live_at=now)
    quote(world.connection, "1", "1.0921")
    world.trade("p1", 100_000)
    world.run()
    world.book()
    Position.objects.filter(account_id=copied.follower.account_id).update(open_result=50)
    analytics.follow_copies(now=now)
    return copied


def test_the_copys_page_tells_why_its_result_differs(
    as_customer: Client, world: CopyWorld, traded: CopySubscription
) -> None:
    page = as_customer.get(reverse("portal:against", args=[traded.uuid])).content.decode()

    assert "Why your result differs" in page
    assert "A perfect copy" in page and "Your copy" in page
    assert "Costs" in page
    assert "+1.00" in page  # 49.50 of 4,950.50


def test_an_older_copy_is_drawn_by_the_day_from_nothing(traded: CopySubscription) -> None:
    began = timezone.now() - timedelta(days=10)
    CopySubscription.objects.filter(pk=traded.pk).update(created_at=began)
    closed_days(traded.master.account_id, began.date(), [0.02] * 10)
    (line,) = lines(subscriptions_of(subscription_id=traded.pk))

    chart = both_chart(line.row, line.record)

    mine, theirs = chart.series
    assert not chart.times_of_day
    assert (mine.points[0][1], theirs.points[0][1]) == (0.0, 0.0)
    assert mine.points[-1] == (timezone.now().date(), pytest.approx(49.5 / 4950.5))
    assert len(theirs.points) == 12


def test_the_list_shows_return_beside_the_masters(
    as_customer: Client, traded: CopySubscription
) -> None:
    page = as_customer.get(reverse("portal:copying")).content.decode()
    assert "+1.00" in page
    assert reverse("portal:exposure") in page and reverse("portal:close_everything") in page


def test_queries_do_not_grow_with_what_is_held(
    as_customer: Client, customer: User, world: CopyWorld, traded: CopySubscription
) -> None:
    pages = (
        reverse("portal:exposure"),
        reverse("portal:close_everything"),
        reverse("portal:against", args=[traded.uuid]),
    )
    before = [queries(as_customer, page) for page in pages]
    world.follow(account={"owner": customer})
    world.trade("p2", 100_000)
    world.run()
    assert [queries(as_customer, page) for page in pages] == before
    assert max(before) <= 28


def test_exposure_names_symbols_and_currencies(
    as_customer: Client, traded: CopySubscription
) -> None:
    page = as_customer.get(reverse("portal:exposure")).content.decode()
    assert "EURUSD" in page
    assert "None at present" in page


def test_nothing_followed_says_what_to_do_next(as_customer: Client, world: CopyWorld) -> None:
    assert "You follow nobody yet" in as_customer.get(reverse("portal:exposure")).content.decode()
    page = as_customer.get(reverse("portal:close_everything")).content.decode()
    assert "No copied position is open" in page


def test_everything_closes_after_it_was_said_in_money(
    as_customer: Client, customer: User, world: CopyWorld, traded: CopySubscription
) -> None:
    elsewhere = world.follow(account={"owner": customer})
    strangers = world.follow()
    account = traded.follower.account
    address = reverse("portal:close_everything")

    asked = as_customer.get(address, {"account": account.uuid}).content.decode()
    assert "+50.00" in asked and "Main" in asked
    response = as_customer.post(address, {"account": account.uuid})
    world.run()

    assert response.headers["Location"] == reverse("portal:account", args=[account.uuid])
    assert not Position.objects.filter(account_id=account.pk, closed_at=None).exists()
    found = [
        CopySubscription.objects.get(pk=copy.pk).status for copy in (traded, elsewhere, strangers)
    ]
    assert found == ["paused", "active", "active"]
    as_customer.post(address)
    elsewhere.refresh_from_db()
    assert elsewhere.status == "paused"


@pytest.mark.parametrize("said", ["nonsense", "stranger"])
def test_a_strangers_account_does_not_exist(
    as_customer: Client, as_stranger: Client, traded: CopySubscription, said: str
) -> None:
    account = traded.follower.account.uuid if said == "stranger" else said
    client = as_stranger if said == "stranger" else as_customer
    address = reverse("portal:close_everything")
    assert client.get(address, {"account": account}).status_code == 404
    assert client.post(address, {"account": account}).status_code == 404
    traded.refresh_from_db()
    assert traded.status == "active"


def test_a_stranger_closes_and_sees_nothing_of_others(
    as_stranger: Client, traded: CopySubscription
) -> None:
    as_stranger.post(reverse("portal:close_everything"))
    traded.refresh_from_db()
    assert traded.status == "active"
    assert "EURUSD" not in as_stranger.get(reverse("portal:exposure")).content.decode()


def test_a_margin_warning_stands_on_top_of_my_copying(
    as_customer: Client, as_stranger: Client, traded: CopySubscription
) -> None:
    account_id = traded.follower.account_id
    AccountState.objects.filter(account_id=account_id).update(margin_used=4_250, equity=5_000)
    MarginAlarm.objects.create(
        account_id=account_id, level="critical", used_percent=85, since=timezone.now()
    )
    MarginAlarm.objects.create(
        account_id=AccountFactory().pk, level="warning", used_percent=55, since=timezone.now()
    )
    page = as_customer.get(reverse("portal:copying")).content.decode()
    assert "uses 85.0 % of its equity as margin" in page
    assert "as margin" not in as_stranger.get(reverse("portal:copying")).content.decode()
