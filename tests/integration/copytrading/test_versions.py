"""Every change of a copy's settings leaves a version that is kept for good."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import IntegrityError
from django.utils import timezone

from apps.accounts.api import update_product_defaults
from apps.copytrading import api
from apps.copytrading.models import CopySubscription, SubscriptionVersion
from apps.copytrading.services.versions import record_versions, versions_of
from tests.factories.copytrading import CopyWorld, FollowerFactory
from tests.factories.platforms import AccountFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> CopyWorld:
    return CopyWorld()


@pytest.fixture
def copy(world: CopyWorld) -> CopySubscription:
    world.master.visibility = "public"
    world.master.save()
    account = AccountFactory(connection=world.connection)
    follower = FollowerFactory(account=account, max_delay_s=4)
    return api.subscribe(actor=None, master=world.master, follower=follower)


def revision(copy: CopySubscription) -> int:
    copy.refresh_from_db()
    return copy.revision


def test_the_first_settings_are_version_one(copy: CopySubscription) -> None:
    (version,) = versions_of(copy.pk).values()
    assert (version.number, revision(copy)) == (1, 1)
    assert version.subscription["volume_mode"] == "equity_ratio"
    assert version.subscription["risk_multiplier"] == Decimal(1)
    assert version.follower["max_delay_s"] == 4 and version.product["max_delay_s"] == 10
    assert version.pairs == {}
    assert "result" not in version.subscription and "status_reason" not in version.subscription


def test_each_change_leaves_a_version(copy: CopySubscription) -> None:
    api.update_subscription(actor=None, subscription=copy, risk_multiplier=Decimal("0.25"))
    api.update_subscription(actor=None, subscription=copy, enabled=False)
    api.pause(actor=None, subscription=copy)
    api.resume(actor=None, subscription=copy)
    api.update_follower(actor=None, follower=copy.follower, max_delay_s=3)
    api.stop(actor=None, subscription=copy, close_positions=False)
    found = versions_of(copy.pk)
    assert list(found) == [1, 2, 3, 4, 5, 6, 7] and revision(copy) == 7
    said = [v.subscription for v in found.values()]
    assert [str(s["risk_multiplier"]) for s in said[:2]] == ["1.0000", "0.2500"]
    assert [s["enabled"] for s in said[1:3]] == [True, False]
    assert [s["status"] for s in said[2:]] == ["active", "paused", "active", "active", "disabled"]
    assert [v.follower["max_delay_s"] for v in found.values()][-3:] == [4, 3, 3]


def test_the_guards_in_effect_are_the_strictest(copy: CopySubscription) -> None:
    api.update_subscription(
        actor=None, subscription=copy, max_delay_s=7, min_equity=Decimal(100), max_positions=2
    )
    guards = versions_of(copy.pk)[2].guards()
    assert (guards.max_delay_s, guards.max_positions) == (4, 2)
    assert (guards.min_equity, guards.min_margin_level) == (Decimal(100), Decimal(150))


def test_one_statement_for_many(
    world: CopyWorld, django_assert_num_queries: Callable[..., object]
) -> None:
    ids = [world.follow().pk for _ in range(5)]
    with django_assert_num_queries(1):  # type: ignore[attr-defined]
        assert record_versions(ids, timezone.now()) == dict.fromkeys(ids, 1)
    assert record_versions(ids[:2], timezone.now()) == dict.fromkeys(ids[:2], 2)
    assert record_versions([], timezone.now()) == {}


def test_a_version_is_never_changed(copy: CopySubscription) -> None:
    with pytest.raises(IntegrityError, match="written once"):
        SubscriptionVersion.objects.update(number=9)


def test_changed_defaults_of_the_product_leave_a_version_with_every_copy(
    copy: CopySubscription,
) -> None:
    update_product_defaults(actor=None, max_positions=3)
    assert revision(copy) == 2
    assert versions_of(copy.pk)[2].guards().max_positions == 3
    update_product_defaults(actor=None, max_positions=3)  # nothing changes
    assert revision(copy) == 2
