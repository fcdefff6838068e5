"""What an account was worth at a moment, from the finest record that there is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from apps.analytics import partitions
from apps.analytics.models import EquityDay, EquityHour
from apps.analytics.selectors import money_at
from tests.factories.equity import sampled

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def stretch(equity: int, last_at: datetime) -> dict[str, object]:
    fields = ("margin_used", "lowest", "highest", "most_margin", "deposits", "flows")
    money = {"equity": equity, "balance": equity + 1, "samples": 60, "last_at": last_at}
    return {**dict.fromkeys(fields, 0), **money}


def test_the_finest_record_before_the_moment_is_taken() -> None:
    partitions.ensure(NOON - timedelta(days=40), NOON)
    day, hour = date(2026, 3, 1), NOON - timedelta(days=1)
    EquityDay.objects.create(account_id=7, day=day, **stretch(100, NOON - timedelta(days=3)))
    EquityHour.objects.create(account_id=7, at=hour, **stretch(200, hour + timedelta(minutes=59)))
    sampled(7, {NOON: 300, NOON + timedelta(minutes=1): 400})
    sampled(8, {NOON: 999})

    moments = [
        datetime(2026, 3, 1, 23, 0, tzinfo=UTC),  # the first day is not over
        datetime(2026, 3, 2, 0, 0, tzinfo=UTC),
        hour + timedelta(minutes=30),  # the hour is not over
        hour + timedelta(hours=1),
        NOON + timedelta(seconds=30),
        NOON + timedelta(minutes=5),
    ]
    found = money_at(7, moments)

    assert [money and int(money.equity) for money in found] == [None, 100, 100, 200, 300, 400]
    assert found[1] is not None and found[1].balance == Decimal(101)
    assert money_at(7, []) == [] and money_at(6, moments[:1]) == [None]
