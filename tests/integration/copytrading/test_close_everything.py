"""Everything closed at once: what copies hold, what rests, and nothing new after it."""

from __future__ import annotations

import pytest

from apps.accounts.api import create_customer
from apps.accounts.models import AuditEntry
from apps.copytrading.api import close_everything, stop
from apps.copytrading.errors import NotPermitted
from apps.copytrading.models import TradeLink
from apps.execution.models import Position
from tests.factories.copytrading import CopyWorld

pytestmark = pytest.mark.django_db


def test_all_positions_close_and_nothing_new_is_opened() -> None:
    world = CopyWorld()
    copies = [world.follow() for _ in range(3)]
    world.trade("p1", 100_000)
    world.trade("p2", 50_000)
    world.run()
    stop(actor=None, subscription=copies[1], close_positions=False)

    assert close_everything(actor=None, subscription_ids=[c.pk for c in copies[:2]]) == 2
    world.run()

    held = Position.objects.filter(closed_at=None).values_list("account_id", flat=True)
    assert set(held) == {copies[2].follower.account_id}
    for copy in copies:
        copy.refresh_from_db()
    assert [copy.status for copy in copies] == ["paused", "disabled", "active"]
    world.trade("p3", 100_000)
    world.trade("p1", 100_000)
    world.run()
    assert TradeLink.objects.filter(subscription_id=copies[0].pk, held_units__gt=0).count() == 0
    told = AuditEntry.objects.filter(action="subscription.close_everything")
    assert told.count() == 2


def test_a_strangers_copies_stay_untouched() -> None:
    world = CopyWorld()
    owner = create_customer(actor=None, email="o@example.org", password="pw", name="O")
    stranger = create_customer(actor=None, email="s@example.org", password="pw", name="S")
    copy = world.follow(account={"owner": owner})
    world.trade("p1", 100_000)
    world.run()

    with pytest.raises(NotPermitted):
        close_everything(actor=stranger, subscription_ids=[copy.pk])

    copy.refresh_from_db()
    assert copy.status == "active"
    assert close_everything(actor=owner, subscription_ids=[copy.pk]) == 1
