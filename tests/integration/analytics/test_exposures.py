"""What the copies of a customer hold together."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from apps.accounts.api import create_customer
from apps.accounts.models import User
from apps.analytics.selectors import exposure_of, master_correlations
from apps.trading.orders import Side
from tests.factories.copytrading import CopyWorld, MasterFactory, SubscriptionFactory, fund, quote
from tests.factories.equity import closed_days

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer() -> User:
    return create_customer(actor=None, email="mara@example.org", password="pw", name="Mara")


def test_masters_that_hold_against_each_other_are_named(customer: User) -> None:
    world = CopyWorld()
    quote(world.connection, "1", "1.10")
    first = world.follow(account={"owner": customer})
    world.trade("p1", 100_000)
    world.run()
    buyer = world.master
    world.master = MasterFactory(account__connection=world.connection, account__journaled=True)
    fund(world.master.account, 10_000)
    SubscriptionFactory(master=world.master, follower=first.follower)
    world.trade("p2", 30_000, side=Side.SELL)
    world.run()
    world.follow()  # somebody else's

    (table,) = exposure_of(customer)

    (row,) = table.symbols
    assert (row.symbol, row.long, row.short, row.net, row.hedged) == (
        "EURUSD", 1, Decimal("0.3"), Decimal("0.7"), Decimal("0.3")
    )  # fmt: skip
    assert row.value == Decimal(77_000)
    assert row.masters == {buyer.pk: 1, world.master.pk: Decimal("-0.3")}
    assert table.currencies == [("EUR", Decimal(77_000))]
    assert table.hedges == [("EURUSD", buyer.pk, world.master.pk, Decimal("0.3"))]
    assert table.unknown == []


def test_money_of_two_currencies_stays_apart_and_what_has_no_rate_is_named(customer: User) -> None:
    world = CopyWorld()
    world.follow(account={"owner": customer})
    world.follow(account={"owner": customer, "currency": "CHF"})
    world.trade("p1", 100_000)
    world.run()

    tables = {table.currency: table for table in exposure_of(customer)}

    assert tables["CHF"].unknown == ["USD"]
    assert tables["CHF"].symbols[0].value is None
    assert tables["CHF"].currencies == []
    assert tables["USD"].currencies == [("EUR", Decimal("109210.0000000"))]


def test_correlation_needs_twenty_days_that_both_have() -> None:
    one, other, young = (MasterFactory().account_id for _ in range(3))
    wave = [0.01, -0.02, 0.03, 0.0] * 6
    closed_days(one, date(2026, 2, 1), wave)
    closed_days(other, date(2026, 2, 1), [-value for value in wave])
    closed_days(young, date(2026, 2, 15), wave[:10])

    found = master_correlations([one, other, young], until=date(2026, 3, 1))

    assert found.values[0] == [pytest.approx(1), pytest.approx(-1), None]
    assert found.days[0] == [24, 24, 10]
    assert master_correlations([], until=date(2026, 3, 1)).values == []
