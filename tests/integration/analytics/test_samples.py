from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from apps.analytics import api, selectors
from apps.analytics.models import EquitySample, RollUp
from apps.execution.models import Deal
from apps.platforms.models import (
    AccountGroup,
    AccountState,
    Connection,
    ConnectionState,
    TradingAccount,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 10, 30, 20, tzinfo=UTC)


@pytest.fixture
def connection() -> Connection:
    made = Connection.objects.create(
        name="Venue", platform="paper", server="paper", host="127.0.0.1", port=5035
    )
    ConnectionState.objects.create(connection=made, status="live", live_at=NOW)
    return made


def account(connection: Connection, login: str, equity: str, synced: bool = True) -> int:
    group, _ = AccountGroup.objects.get_or_create(
        name="Demo", defaults={"mode": "demo", "leverage": 100, "currency": "USD"}
    )
    made = TradingAccount.objects.create(
        connection=connection,
        group=group,
        platform="paper",
        server="paper",
        login=login,
        platform_account_id=login,
        currency="USD",
        leverage=100,
        margin_mode="hedging",
    )
    AccountState.objects.create(
        account=made, balance=1000, equity=Decimal(equity), synced=synced, as_of=NOW
    )
    return int(made.pk)


def test_one_sample_a_minute_however_often_it_is_asked(connection: Connection) -> None:
    account(connection, "1", "1000.50")
    assert api.sample_equity(now=NOW) == 1
    assert api.sample_equity(now=NOW + timedelta(seconds=20)) == 0
    assert api.sample_equity(now=NOW + timedelta(minutes=1), fresh=timedelta(minutes=5)) == 1


def test_no_sample_while_the_account_is_not_known_to_be_current(connection: Connection) -> None:
    account(connection, "1", "1000", synced=False)
    assert api.sample_equity(now=NOW) == 0
    account(connection, "2", "1000")
    assert api.sample_equity(now=NOW + timedelta(minutes=2)) == 0


def test_history_is_thinned_to_the_last_sample_of_each_stretch(
    connection: Connection, django_assert_num_queries: object
) -> None:
    key = account(connection, "1", "1000")
    other = account(connection, "2", "500")
    state = AccountState.objects.get(account_id=key)
    for minute in range(60):
        state.equity = Decimal(1000 + minute)
        state.save()
        api.sample_equity(now=NOW + timedelta(minutes=minute), fresh=timedelta(hours=2))
    with django_assert_num_queries(1):  # type: ignore[operator]
        curves = selectors.equity_history(
            [key, other],
            since=NOW - timedelta(minutes=1),
            until=NOW + timedelta(minutes=59),
            points=6,
        )
    assert [int(p.equity) for p in curves[key]][-1] == 1059
    assert 6 <= len(curves[key]) <= 7
    assert {int(p.equity) for p in curves[other]} == {500}


def test_no_accounts_and_no_time_give_no_curve() -> None:
    assert selectors.equity_history([], since=NOW, until=NOW) == {}
    assert selectors.equity_history([1], since=NOW, until=NOW) == {}


def dealt(account_id: int, at: datetime) -> None:
    number = Deal.objects.count()
    Deal.objects.create(
        account_id=account_id, deal_id=str(number), platform_order_id="", position_id="1",
        instrument_id="1", side="buy", effect="open", units=100, price=1,
        executed_at=at, received_at=at,
    )  # fmt: skip


def test_an_account_that_traded_is_sampled_as_it_was_after_its_deals(
    connection: Connection,
) -> None:
    key, other = account(connection, "1", "1000.50"), account(connection, "2", "500")
    moment = NOW + timedelta(seconds=1.25)
    dealt(key, moment - timedelta(seconds=1))
    dealt(key, moment - timedelta(milliseconds=10))
    assert api.sample_deals(now=moment) == 0  # the state is still that of before
    AccountState.objects.filter(account_id=key).update(as_of=moment, equity=Decimal("990"))

    assert api.sample_deals(now=moment + timedelta(seconds=2)) == 1
    AccountState.objects.filter(account_id=key).update(as_of=moment + timedelta(seconds=1))
    assert api.sample_deals(now=moment + timedelta(seconds=4)) == 0

    (sample,) = EquitySample.objects.all()
    assert (sample.account_id, sample.at, sample.equity) == (key, moment, 990)
    dealt(other, moment + timedelta(seconds=20))
    AccountState.objects.filter(account_id=other).update(as_of=moment + timedelta(seconds=21))
    assert api.sample_deals(now=moment + timedelta(seconds=25)) == 1
    assert RollUp.objects.get().deals_to == Deal.objects.order_by("id")[1].pk


def test_the_sample_of_the_minute_will_do_for_a_deal_before_it(connection: Connection) -> None:
    key = account(connection, "1", "1000")
    dealt(key, NOW.replace(second=0) - timedelta(seconds=2))
    assert api.sample_equity(now=NOW) == 1
    assert api.sample_deals(now=NOW) == 0
