"""The page of a master: for whom it is there, what it shows to whom, and what it costs."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.analytics import api
from apps.copytrading.models import CopyMaster, CopySubscription
from apps.execution.models import Deal, Position
from tests.factories.copytrading import CopyWorld, fund, switch_copying, symbol
from tests.factories.equity import at_hour, closed_days, sampled
from tests.factories.platforms import AccountFactory
from tests.support.queries import queries

pytestmark = pytest.mark.django_db
NOW = timezone.now()
TODAY = NOW.date()


def page(master: CopyMaster) -> str:
    return reverse("portal:discover_master", args=[master.uuid])


def public(world: CopyWorld, **changes: Any) -> CopyMaster:
    values = {"visibility": "public", "show_positions": "everybody", **changes}
    CopyMaster.objects.filter(pk=world.master.pk).update(**values)
    world.master.refresh_from_db()
    return world.master


def traded(world: CopyWorld, count: int, *, hours_ago: float = 30) -> None:
    """Trades of an hour each, won and lost in turn."""
    for number in range(count):
        begin = NOW - timedelta(hours=hours_ago + count - number)
        for effect, side, later in (("open", "buy", 0), ("close", "sell", 1)):
            Deal.objects.create(
                account_id=world.account_id, deal_id=f"{number}{effect}", platform_order_id="1",
                position_id=f"t{number}", instrument_id="1", side=side, effect=effect,
                units=100_000, price=D("1.1"), executed_at=begin + timedelta(minutes=50 * later),
                received_at=begin, profit=0 if effect == "open" else (40 if number % 2 else -30),
            )  # fmt: skip
    api.keep_trades(now=NOW)
    api.keep_habits(now=NOW)


def recorded(world: CopyWorld, days: int = 40) -> None:
    """Closed days up to yesterday, and samples of two days with a deposit between them."""
    first = TODAY - timedelta(days=days)
    closed_days(world.account_id, first, [0.01, -0.004] * (days // 2))
    yesterday = TODAY - timedelta(days=1)
    sampled(
        world.account_id,
        {at_hour(yesterday, 9): 10_000, at_hour(yesterday, 10): 10_500},
        {at_hour(yesterday, 10): 500},
    )
    api.roll_up(now=at_hour(yesterday, 11))
    api.update_figures(yesterday)


def held(world: CopyWorld) -> None:
    Position.objects.create(
        account_id=world.account_id, position_id="p9", instrument_id="1", side="sell",
        units=50_000, price=D("1.0921"), open_result=D("12.5"), opened_at=NOW, updated_at=NOW,
    )  # fmt: skip


def test_a_record_in_curves_months_figures_and_breakdowns(
    world: CopyWorld, as_stranger: Client
) -> None:
    master = public(world, description="Trades the London morning")
    recorded(world)
    traded(world, 24)
    held(world)
    html = as_stranger.get(page(master) + "?period=30").content.decode()
    assert "Trades the London morning" in html
    assert "Deposit +500.00 USD" in html and '"deposit"' in html
    assert "Win rate" in html and "50.00\u00a0%" in html
    assert "won ÷ (won + lost)" in html  # the formula, without any script
    assert "EURUSD" in html and f"{NOW - timedelta(hours=40):%A}" in html
    assert "wash-gain" in html
    assert "There must be at least 10" in html or "Not found" in html
    assert "Too few followers to say" in html
    assert "+12.50" in html  # the open position
    assert html.count('data-label="Close price"') == 20
    older = html.split('rel="next"')[0].rsplit('href="', 1)[1].split("#")[0]
    rest = as_stranger.get(older.replace("&amp;", "&")).content.decode()
    assert rest.count('data-label="Close price"') == 4


def test_an_empty_record_says_so(world: CopyWorld, as_stranger: Client) -> None:
    html = as_stranger.get(page(public(world))).content.decode()
    assert "No data yet" in html and "No month yet" in html and "No figures yet" in html
    assert "No closed trades yet" in html and "Nothing open" in html


def test_few_days_give_no_ratio(world: CopyWorld, as_stranger: Client) -> None:
    master = public(world)
    recorded(world, days=6)
    html = as_stranger.get(page(master)).content.decode()
    assert "Not enough history (fewer than 20 daily returns)" in html


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 200),
        ({"status": "paused"}, 200),
        ({"max_followers": 1}, 200),
        ({"status": "inactive"}, 404),
        ({"status": "pending"}, 404),
        ({"visibility": "private"}, 404),
        ({"archived_at": NOW}, 404),
    ],
)
def test_whom_it_is_there_for(
    world: CopyWorld, as_stranger: Client, changes: dict[str, Any], status: int
) -> None:
    world.follow()
    master = public(world, **changes)
    assert as_stranger.get(page(master)).status_code == status


@pytest.mark.parametrize("status", ["active", "pending", "rejected", "inactive"])
def test_its_owner_sees_it_always(
    world: CopyWorld, stranger: User, as_stranger: Client, status: str
) -> None:
    master = public(world, visibility="private", status=status, show_positions="nobody")
    master.account.owner = stranger
    master.account.save()
    held(world)
    html = as_stranger.get(page(master)).content.decode()
    assert "Yours" in html and "+12.50" in html


def test_switched_off_or_signed_out_there_is_no_page(
    world: CopyWorld, as_stranger: Client, client: Client
) -> None:
    master = public(world)
    assert client.get(page(master)).status_code == 302
    switch_copying(False)
    assert as_stranger.get(page(master)).status_code == 404


@pytest.mark.parametrize("what", ["positions", "trades"])
def test_what_is_for_followers_only(
    world: CopyWorld, copied: CopySubscription, as_customer: Client, as_stranger: Client, what: str
) -> None:
    master = public(world, **{f"show_{what}": "followers"})
    traded(world, 2)
    held(world)
    sign = "+12.50" if what == "positions" else 'data-label="Close price"'
    assert sign in as_customer.get(page(master)).content.decode()
    html = as_stranger.get(page(master)).content.decode()
    assert sign not in html and f"{what} to followers only" in html
    public(world, **{f"show_{what}": "nobody"})
    assert sign not in as_customer.get(page(master)).content.decode()


def test_trades_are_shown_to_others_after_the_delay(
    world: CopyWorld, copied: CopySubscription, as_customer: Client, as_stranger: Client
) -> None:
    master = public(world, trades_delay_h=24)
    traded(world, 4, hours_ago=22.5)
    for client, shown in ((as_customer, 4), (as_stranger, 2)):
        html = client.get(page(master)).content.decode()
        assert html.count('data-label="Close price"') == shown


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "paused"}, "This master is paused"),
        ({"enabled": False}, "switched off by its owner"),
        ({"max_followers": 1}, "has as many"),
        ({"allowed_follower_modes": "real"}, "real accounts follow only"),
    ],
)
def test_why_it_cannot_be_followed(
    world: CopyWorld, copied: CopySubscription, stranger: User, as_stranger: Client,
    changes: dict[str, Any], reason: str,
) -> None:  # fmt: skip
    fund(AccountFactory(owner=stranger, connection=world.connection), 100)
    master = public(world)
    follow = f"{reverse('portal:follow')}?master={master.uuid}"
    assert follow in as_stranger.get(page(master)).content.decode()
    public(world, **changes)
    html = as_stranger.get(page(master)).content.decode()
    assert reason in html and follow not in html


def test_accounts_that_cannot_follow(
    world: CopyWorld, stranger: User, customer: User, as_stranger: Client, as_customer: Client
) -> None:
    master = public(world)
    assert (
        "Add one of your trading accounts first" in as_stranger.get(page(master)).content.decode()
    )
    master.account.owner = stranger
    master.account.save()
    assert "an account cannot copy itself" in as_stranger.get(page(master)).content.decode()
    copy = world.follow(account={"owner": customer})
    html = as_customer.get(page(master)).content.decode()
    assert "already do" in html and reverse("portal:subscription", args=[copy.uuid]) in html
    onward = CopyMaster.objects.create(
        account=copy.follower.account, strategy_name="Onward", status="active", visibility="public"
    )
    assert "round in circles" in as_stranger.get(page(onward)).content.decode()


def test_the_chart_alone_is_a_fragment(world: CopyWorld, as_stranger: Client) -> None:
    master = public(world)
    recorded(world)
    response = as_stranger.get(
        page(master) + "?view=return&period=all",
        headers={"HX-Request": "true", "HX-Target": "curves-card"},
    )
    html = response.content.decode()
    assert html.lstrip().startswith("<section") and "Return and drawdown" in html
    assert "<h1>" not in html and "HX-Target" in response.headers["Vary"]


@pytest.mark.parametrize("before", ["x", "2026-01-01~y", "~"])
def test_a_page_of_trades_that_is_none(world: CopyWorld, as_stranger: Client, before: str) -> None:
    response = as_stranger.get(page(public(world)), {"before": before})
    assert response.status_code == 404


def test_queries_do_not_grow_with_the_record(world: CopyWorld, as_stranger: Client) -> None:
    master = public(world)
    recorded(world)
    traded(world, 22)
    few = queries(as_stranger, page(master))
    for number in range(5):
        world.follow()
        symbol(world.connection, f"SYM{number}AB", instrument_id=f"9{number}")
        held_id = f"q{number}"
        Position.objects.create(
            account_id=world.account_id, position_id=held_id, instrument_id=f"9{number}",
            side="buy", units=1000, price=1, opened_at=NOW, updated_at=NOW,
        )  # fmt: skip
    assert queries(as_stranger, page(master)) == few <= 26
