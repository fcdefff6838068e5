"""The stored past: what a real account would have left, and the product's own pipeline agrees."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from apps.analytics import api as analytics
from apps.analytics.domain.attribution import Cause
from apps.analytics.domain.deposits import Reading, bookings, unexplained
from apps.analytics.models import (
    AccountFigures,
    EquityDay,
    EquityHour,
    EquitySample,
    SubscriptionDay,
    SubscriptionFigures,
)
from apps.analytics.selectors import gap_of_copy
from apps.copytrading.models import CopyMaster, CopySubscription, LinkLeg, TradeLink
from apps.copytrading.selectors import accounts_of_masters
from apps.demo import plan, seed
from apps.demo.venue import VenueSide
from apps.execution.booked import deals_booked
from apps.execution.models import AccountEvent, Deal, Position
from apps.execution.selectors import events_by_id, unplanned_events

pytestmark = pytest.mark.django_db

DAYS = 30


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> dict[str, Decimal]:
    """A filled demo; what each account was opened with at a venue that is only thought of."""
    deposits: dict[str, Decimal] = {}

    def open_accounts(*, host: str, port: int, accounts: list[plan.Account], **_: object) -> object:
        deposits.update({account.key: account.deposit for account in accounts})
        numbers = {key: 1_001 + number for number, key in enumerate(deposits)}
        return VenueSide(host, port, "token", "again", numbers, numbers)

    monkeypatch.setattr(seed, "open_accounts", open_accounts)
    assert seed.fill(host="127.0.0.1", port=1, admin_port=2, days=DAYS)
    return deposits


def accounts() -> dict[str, int]:
    """Our ids of the accounts by their key in the plan, by the number that they were given."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT login::int - 1001, id FROM platforms_tradingaccount")
        ids = dict(cursor.fetchall())
    return {account.key: ids[number] for number, account in enumerate(plan.accounts())}


def test_a_past_as_a_real_account_would_have_left_it(opened: dict[str, Decimal]) -> None:
    assert_the_books_are_consistent(opened)
    assert_deposits_are_found_by_the_product()
    assert_links_tell_what_deals_booked()
    assert_copies_begin_behind_the_journal()
    assert_copies_are_explained()
    assert_the_products_pipeline_has_nothing_to_add()


def assert_the_books_are_consistent(opened: dict[str, Decimal]) -> None:
    """To the cent: paid in, booked, and what the venue's accounts begin with."""
    booked: dict[int, Decimal] = defaultdict(Decimal)
    for deal in Deal.objects.all():
        booked[deal.account_id] += deal.profit + deal.commission + deal.swap
    paid: dict[int, Decimal] = defaultdict(Decimal)
    last: dict[int, Decimal] = {}
    for sample in EquitySample.objects.order_by("at"):
        paid[sample.account_id] += sample.deposits
        last[sample.account_id] = sample.balance
    for key, account_id in accounts().items():
        assert paid[account_id] + booked[account_id] == last[account_id] == opened[key], key
    assert not Position.objects.filter(closed_at=None).exists()
    assert not unplanned_events(accounts()["master-harbour"])


def assert_deposits_are_found_by_the_product() -> None:
    """What no deal explains of a balance is what the samples have as deposits."""
    for key, account_id in accounts().items():
        samples = list(EquitySample.objects.filter(account_id=account_id).order_by("at"))
        readings = [Reading(s.at, s.known_at or s.at, s.balance) for s in samples]
        deals = deals_booked([account_id], samples[0].at - timedelta(days=1))
        told = {s.at: s.deposits for s in samples[1:] if s.deposits}
        assert unexplained(readings, bookings(deals)) == told, key


def assert_links_tell_what_deals_booked() -> None:
    """Results of links add up to their subscription's and to the deals of their positions."""
    results: dict[int, Decimal] = defaultdict(Decimal)
    legs = {leg.link_id: leg for leg in LinkLeg.objects.all()}
    money: dict[tuple[int, str], Decimal] = defaultdict(Decimal)
    orders: dict[tuple[int, str], set[str]] = defaultdict(set)
    for deal in Deal.objects.all():
        place = deal.account_id, deal.position_id
        money[place] += deal.profit + deal.commission + deal.swap
        orders[place].add(deal.client_order_id)
    events = set(AccountEvent.objects.values_list("id", flat=True))
    masters_deals = {(d.account_id, d.position_id) for d in Deal.objects.filter(client_order_id="")}
    for link in TradeLink.objects.all():
        results[link.subscription_id] += link.result
        leg = legs.pop(link.id)
        assert money[leg.account_id, leg.position_id] == link.result
        assert "" not in orders[leg.account_id, leg.position_id], "every copied deal is ours"
        assert {link.opened_event_id, link.last_event_id} <= events
        assert (link.master_account_id, link.position_key) in masters_deals
        assert link.state == "closed" and link.closed_at is not None
    assert not legs
    for copy in CopySubscription.objects.all():
        assert copy.result == results[copy.pk]


def assert_copies_are_explained() -> None:
    """Every copy has its days, and its gap to the master is explained but for a few percent."""
    assert SubscriptionDay.objects.count() > CopySubscription.objects.count()
    residual = moved = Decimal(0)
    for copy in CopySubscription.objects.select_related("follower__account", "master__account"):
        (figures,) = SubscriptionFigures.objects.filter(pk=copy.pk)
        days = SubscriptionDay.objects.filter(subscription_id=copy.pk).order_by("day")
        assert math.isclose(math.prod(day.growth for day in days), figures.growth)
        assert figures.realised == copy.result
        assert not days or days[len(days) - 1].result == copy.result
        assert 0 < figures.master_before < 2
        found = gap_of_copy(
            copy.pk,
            master_account_id=copy.master.account_id,
            currency=copy.follower.account.currency,
            result=copy.result,
        )
        assert (
            found.trades
            == found.copied
            == TradeLink.objects.filter(subscription_id=copy.pk).count()
        )
        gap = found.gap
        assert sum(gap.parts.values(), Decimal(0)) == gap.actual - gap.expected
        assert gap.parts[Cause.MANUAL] == gap.parts[Cause.LATE_START] == 0
        residual += abs(gap.parts[Cause.RESIDUAL])
        moved += sum(abs(amount) for amount in gap.parts.values())
    assert residual < moved / 50


def assert_the_products_pipeline_has_nothing_to_add() -> None:
    """Rolled up again from all samples, hours, days and figures stay as they are."""

    def kept() -> list[list[tuple]]:
        return [
            list(model.objects.order_by("pk").values_list())
            for model in (EquityHour, EquityDay, AccountFigures)
        ]

    before = kept()
    first = EquitySample.objects.order_by("at").values_list("at", flat=True)[0]
    now: datetime = timezone.now()
    analytics.roll_up(now=now, since=first)
    analytics.keep_up(now=now)
    assert kept() == before
    assert {figures.account_id for figures in AccountFigures.objects.all()} == set(
        accounts_of_masters()
    )
    days = {figures.account_id: figures.days for figures in AccountFigures.objects.all()}
    young = accounts()["master-flashpoint"]
    assert days.pop(young) < 20 <= min(days.values())


def assert_copies_begin_behind_the_journal() -> None:
    """No event of the past waits for an outcome; what is journaled is what was dealt."""
    last = {event.account_id: event.id for event in AccountEvent.objects.order_by("id")}
    for copy in CopySubscription.objects.select_related("master"):
        assert copy.started_after_event == last[copy.master.account_id]
        assert copy.created_at < timezone.now() - timedelta(days=7)
    master = CopyMaster.objects.get(strategy_name="Harbour Swing")
    assert master.created_at < timezone.now() - timedelta(days=DAYS)
    told = events_by_id([last[master.account_id]])[last[master.account_id]]
    deal = Deal.objects.get(account_id=master.account_id, deal_id=told.payload.deal_id)
    assert (deal.units, deal.price) == (told.payload.units, told.payload.price)
    assert deal.executed_at == told.ts_event and told.payload.position_units == 0
