"""What lists of masters show besides figures, kept up by the minute."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.analytics import api, tasks
from apps.analytics.list_query import Sort, Wanted
from apps.analytics.listing import all_masters
from apps.analytics.models import EquityDay
from apps.analytics.selectors import drawdown_curves, return_lines
from apps.analytics.summary_models import MasterSummary, UsualTrades
from apps.copytrading.models import CopyMaster, CopySubscription
from apps.execution.models import Deal
from apps.platforms.models import AccountState
from tests.factories.accounts import UserFactory
from tests.factories.copytrading import fund, quote, symbol
from tests.factories.discover import followed, listed, opens
from tests.factories.equity import closed_days, master_account
from tests.factories.platforms import AccountFactory

pytestmark = pytest.mark.django_db


def kept(master: CopyMaster) -> MasterSummary:
    assert api.keep_summaries(now=timezone.now())
    return MasterSummary.objects.get(pk=master.account_id)


def openings(master: CopyMaster) -> list[list[object]]:
    return list(UsualTrades.objects.get(pk=master.account_id).openings)


def test_running_copies_are_counted_with_the_money_that_they_size_on() -> None:
    owner = UserFactory()
    master = listed("Master", account={"owner": owner})
    followed(master, 2)  # 1,000 each
    followed(master, allocated_capital=Decimal(250), result=Decimal(-50))
    own = AccountFactory(owner=owner)
    fund(own, 400)
    followed(master, account=own, status="paused")
    followed(master, status="disabled")
    followed(master, archived_at=timezone.now())

    found = kept(master)
    assert (found.followers, found.strangers) == (4, 3)
    assert found.following == Decimal(2_600)

    CopySubscription.objects.update(status="disabled")
    assert (kept(master).followers, kept(master).following) == (0, 0)


def test_money_that_follows_is_in_the_masters_currency() -> None:
    master = listed("Master", account={"currency": "USD"})
    symbol(master.account.connection)
    quote(master.account.connection, "1", "1.25")
    for currency, equity in (("EUR", 1_000), ("CHF", 7_000)):  # no rate for the second
        account = AccountFactory(currency=currency)
        fund(account, equity)
        followed(master, account=account)

    found = kept(master)
    assert (found.followers, found.following) == (2, Decimal(1_250))
    AccountState.objects.update(equity=2_000)
    assert kept(master).following == Decimal(2_500)


def test_usual_trades_are_the_last_that_were_opened() -> None:
    master = listed("Master")
    symbol(master.account.connection, "EUR/USD", folded="EURUSD")
    opens(master, *[7_000] * 30, *[10_000] * 60, *[20_000] * 40)

    assert kept(master).symbols == ["EURUSD"]
    assert openings(master) == [["EURUSD", "10000", 60], ["EURUSD", "20000", 40]]
    opens(master, 30_000, instrument_id="gone")
    assert kept(master).symbols == ["EURUSD", "gone"]
    assert ["gone", "30000", 1] in openings(master) and ["EURUSD", "10000", 59] in openings(master)


def test_an_order_that_was_filled_in_parts_opened_one_trade() -> None:
    master = listed("Master")
    symbol(master.account.connection)
    opens(master, 4_000, 6_000)
    Deal.objects.update(platform_order_id="same")
    kept(master)
    assert openings(master) == [["EURUSD", "10000", 1]]


def test_a_deal_that_appears_late_is_taken_up() -> None:
    master = listed("Master")
    symbol(master.account.connection)
    opens(master, 4_000, 6_000)
    late = Deal.objects.earliest("id")
    Deal.objects.filter(pk=late.pk).delete()
    kept(master)
    assert openings(master) == [["EURUSD", "6000", 1]]
    late.save(force_insert=True)  # under its own, lower number
    kept(master)
    assert openings(master) == [["EURUSD", "4000", 1], ["EURUSD", "6000", 1]]


def test_deals_that_are_known_are_not_read_again(django_assert_max_num_queries: object) -> None:
    master, other = listed("Master"), listed("Other")
    symbol(master.account.connection)
    opens(master, 4_000)
    Deal.objects.update(received_at=timezone.now() - timedelta(minutes=6))
    kept(master)
    UsualTrades.objects.update(openings=[["kept", "1", 1]])
    opens(other, 1_000)
    kept(master)
    assert openings(master) == [["kept", "1", 1]]


def test_the_record_begins_with_its_first_day_and_earnings_need_five() -> None:
    master = listed("Master", days=40)
    first = EquityDay.objects.earliest("day").day
    followed(master, 4, growth=[1.1, 1.2, 1.3, 0.9])
    found = kept(master)
    assert (found.since, found.sample, found.earned) == (first, 4, None)

    followed(master, growth=[0.8])
    found = kept(master)
    assert found.sample == 5
    assert found.earned == pytest.approx(0.1) and found.in_profit == pytest.approx(0.6)


def test_a_deleted_master_is_not_summed_up() -> None:
    master = listed("Master", archived_at=timezone.now())
    tasks.keep_summaries()
    assert not MasterSummary.objects.filter(pk=master.account_id).exists()


def test_staff_list_masters_of_every_status() -> None:
    small, large = listed("Small", status="pending", visibility="private"), listed("Large")
    followed(small, 1)
    followed(large, 3)
    kept(small)
    today = timezone.now().date()

    page = all_masters(Wanted(sort=Sort.FOLLOWING), today=today)
    assert [(e.name, e.followers, e.following) for e in page.entries] == [
        ("Large", 3, Decimal(3_000)),
        ("Small", 1, Decimal(1_000)),
    ]
    pending = all_masters(Wanted(statuses=("pending",)), today=today)
    assert [entry.name for entry in pending.entries] == ["Small"]
    assert isinstance(UserFactory(), User)


def test_a_thinned_line_ends_where_the_curve_does() -> None:
    account = master_account()
    last = timezone.now().date()
    returns = [0.01 * (-1) ** number * (number % 7) for number in range(200)]
    closed_days(account, last - timedelta(days=199), returns)

    for days in (7, 90, 400):
        line = return_lines([account], until=last, days=days)[account]
        curve = drawdown_curves([account], until=last, days=days)[account]
        assert line[0] == 1.0 and line[-1] == pytest.approx(curve[-1].index)
        assert len(line) <= 50
    assert return_lines([], until=last, days=7) == {}
