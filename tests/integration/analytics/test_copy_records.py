"""Copies beside their masters: returns over the same time, and the curve of both."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from apps.analytics.models import EquityDay, SubscriptionDay, SubscriptionFigures
from apps.analytics.selectors import copy_curve, copy_returns
from tests.factories.copytrading import MasterFactory
from tests.factories.equity import closed_days, sampled

pytestmark = pytest.mark.django_db
STARTED = datetime(2026, 3, 2, 12, tzinfo=UTC)


def followed(**changes: object) -> tuple[int, int]:
    """A master, and the figures of a copy of it; the ids of its account and of the copy."""
    master = MasterFactory()
    values: dict[str, object] = {
        "master_id": master.pk,
        "account_id": 1,
        "started_at": STARTED,
        "looked_at": STARTED,
        "realised": 100,
        "floating": 0,
        "capital": 10_100,
        "growth": 1.01,
        "links": [],
        "counts": True,
    }
    SubscriptionFigures.objects.create(subscription_id=7, **(values | changes))
    return master.account_id, 7


def test_the_master_is_measured_over_the_same_time() -> None:
    account_id, copy = followed(master_before=1.02)
    closed_days(account_id, date(2026, 3, 1), [0.5, 0.03, None, -0.01])

    found = copy_returns({copy: Decimal(100)})[copy]

    assert found.own == pytest.approx(0.01)
    assert found.master == pytest.approx(1.03 / 1.02 * 0.99 - 1)
    assert found.ahead == pytest.approx(0.01 - (1.03 / 1.02 * 0.99 - 1))


def test_the_day_that_is_not_over_counts_without_its_deposits() -> None:
    account_id, copy = followed()
    closed_days(account_id, date(2026, 3, 2), [0.0])
    EquityDay.objects.filter(account_id=account_id).update(equity=1_000)
    closed_days(account_id, date(2026, 3, 3), [None])
    EquityDay.objects.filter(account_id=account_id, day=date(2026, 3, 3)).update(
        closed=False, equity=2_200, deposits=1_000
    )

    assert copy_returns({copy: Decimal(100)})[copy].master == pytest.approx(0.1)


def test_a_master_without_a_past_is_measured_from_its_first_sample() -> None:
    account_id, copy = followed()
    sampled(account_id, {STARTED - timedelta(minutes=1): 500, STARTED: 1_000})
    closed_days(account_id, date(2026, 3, 2), [None])
    EquityDay.objects.filter(account_id=account_id).update(closed=False, equity=1_050)

    assert copy_returns({copy: Decimal(100)})[copy].master == pytest.approx(0.05)


def test_the_result_of_now_goes_on_from_the_last_look() -> None:
    _, copy = followed(links=[1], floating=50, capital=10_000)
    assert copy_returns({copy: Decimal(250)})[copy].own == pytest.approx(1.01 * 1.01 - 1)
    assert copy_returns({copy: Decimal(250)})[copy].master is None
    assert copy_returns({8: Decimal(1)}) == {}


def test_both_curves_begin_with_one_and_end_today() -> None:
    account_id, copy = followed()
    closed_days(account_id, date(2026, 3, 1), [0.5, 0.1, 0.0, None])
    for day, growth, result in ((date(2026, 3, 2), 1.05, 500), (date(2026, 3, 5), 0.9, -550)):
        SubscriptionDay.objects.create(
            subscription_id=copy, day=day, growth=growth, result=result, floating=0, capital=1
        )

    curve = copy_curve(copy, master_account_id=account_id, started=STARTED, until=date(2026, 3, 6))

    assert [(p.day.day, round(p.own, 4), round(p.master, 4)) for p in curve] == [
        (2, 1.05, 1.1), (3, 1.05, 1.1), (5, 0.945, 1.1), (6, 0.945, 1.1)
    ]  # fmt: skip
    assert curve[-1].result == -550
