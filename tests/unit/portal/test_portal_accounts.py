"""What the pages about accounts show of the equity that was sampled."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.analytics.models import EquitySample
from apps.copytrading.models import CopySubscription
from tests.factories.platforms import AccountFactory
from tests.support.queries import queries

pytestmark = pytest.mark.django_db


def sampled(account_id: int, *values: int, minutes_ago: int = 600) -> None:
    start = timezone.now() - timedelta(minutes=minutes_ago)
    EquitySample.objects.bulk_create(
        EquitySample(
            account_id=account_id,
            at=start + timedelta(hours=hour),
            balance=value,
            equity=value,
            margin_used=0,
        )
        for hour, value in enumerate(values)
    )


def test_the_last_day_stands_beside_the_equity(
    as_customer: Client, copied: CopySubscription
) -> None:
    account = copied.follower.account
    sampled(account.pk, 5_000, 5_200, 4_940)

    listed = as_customer.get(reverse("portal:accounts")).content.decode()
    detail = as_customer.get(reverse("portal:account", args=[account.uuid])).content.decode()

    assert "Equity over the last 24 hours, largest fall 5.00 %" in listed
    assert "largest fall 5.00 %" in detail


def test_a_single_sample_draws_no_line(as_customer: Client, copied: CopySubscription) -> None:
    sampled(copied.follower.account.pk, 5_000)
    assert "largest fall" not in as_customer.get(reverse("portal:accounts")).content.decode()


def test_older_than_a_day_is_not_the_last_day(
    as_customer: Client, copied: CopySubscription
) -> None:
    sampled(copied.follower.account.pk, 5_000, 2_500, minutes_ago=3 * 24 * 60)
    assert "largest fall" not in as_customer.get(reverse("portal:accounts")).content.decode()


def test_more_accounts_cost_no_more_queries(as_customer: Client, copied: CopySubscription) -> None:
    owner = copied.follower.account.owner
    before = queries(as_customer, reverse("portal:accounts"))
    for number in range(5):
        account = AccountFactory(owner=owner, connection=copied.follower.account.connection)
        sampled(account.pk, 100 + number, 200)
    assert queries(as_customer, reverse("portal:accounts")) == before
