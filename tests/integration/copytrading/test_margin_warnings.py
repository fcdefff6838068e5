"""Accounts that use too much of their equity: warned once, and told when it is over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.api import update_product_defaults
from apps.accounts.errors import InvalidDefaults
from apps.accounts.selectors import forget_product_config
from apps.common import events
from apps.copytrading.models import CopySubscription, MarginAlarm
from apps.copytrading.services.margin import MARGIN_EASED, MARGIN_WARNING, watch_margin
from apps.platforms.models import AccountState, ConnectionState
from tests.factories.copytrading import CopyWorld

pytestmark = pytest.mark.django_db
Told = list[tuple[str, Mapping[str, Any]]]


@pytest.fixture
def copy() -> CopySubscription:
    world = CopyWorld()
    ConnectionState.objects.update(status="live", live_at=timezone.now())
    return world.follow(equity=1_000)


@pytest.fixture
def told(django_capture_on_commit_callbacks: Any) -> Iterator[Told]:
    heard: Told = []
    listeners = {
        topic: lambda payload, topic=topic: heard.append((topic, payload))
        for topic in (MARGIN_WARNING, MARGIN_EASED)
    }
    for topic, listener in listeners.items():
        events.listen(topic, listener)
    yield heard
    for topic, listener in listeners.items():
        events._listeners[topic].remove(listener)


@pytest.fixture
def uses(copy: CopySubscription, django_capture_on_commit_callbacks: Any) -> Any:
    def _uses(margin: str, equity: str = "1000") -> int:
        AccountState.objects.filter(account_id=copy.follower.account_id).update(
            margin_used=Decimal(margin), equity=Decimal(equity)
        )
        with django_capture_on_commit_callbacks(execute=True):
            return watch_margin(timezone.now())

    return _uses


def test_each_crossing_is_told_once(copy: CopySubscription, uses: Any, told: Told) -> None:
    assert uses("499") == 0
    assert uses("500") == 1
    assert uses("460") == uses("510") == 0
    assert uses("850") == 1
    assert uses("760") == 0
    assert uses("700") == 1  # no longer critical: said by the page alone
    assert uses("440") == 1

    assert [(topic, p["level"], p["used_percent"]) for topic, p in told] == [
        (MARGIN_WARNING, "warning", "50.0"),
        (MARGIN_WARNING, "critical", "85.0"),
        (MARGIN_EASED, "normal", "44.0"),
    ]
    first = told[0][1]
    assert first["account_id"] == copy.follower.account_id
    assert (first["equity"], first["margin_used"], first["threshold"]) == (
        "1000.00", "500.00", "50.0"
    )  # fmt: skip
    assert not MarginAlarm.objects.exists()


def test_margin_without_equity_is_critical_at_once(uses: Any, told: Told) -> None:
    uses("10", equity="0")
    assert [p["level"] for _, p in told] == ["critical"]


def test_figures_that_are_not_current_say_nothing(copy: CopySubscription, uses: Any) -> None:
    before = timezone.now() - timedelta(minutes=5)
    ConnectionState.objects.update(live_at=before)
    AccountState.objects.update(as_of=before)
    assert uses("900") == 0


def test_thresholds_are_the_products_and_may_be_switched_off(uses: Any, told: Told) -> None:
    update_product_defaults(actor=None, margin_warning=Decimal(20), margin_critical=Decimal(30))
    forget_product_config()
    uses("210")
    assert [p["level"] for _, p in told] == ["warning"]
    with pytest.raises(InvalidDefaults):
        update_product_defaults(actor=None, margin_critical=Decimal(10))
    update_product_defaults(actor=None, margin_warning=Decimal(0), margin_critical=Decimal(0))
    forget_product_config()
    uses("900")
    assert not MarginAlarm.objects.exists()
