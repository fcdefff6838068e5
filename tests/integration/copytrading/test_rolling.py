"""Execution quality: each outcome is rolled up once, and pages read figures alone."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.roles import Role
from apps.copytrading.models import ExecutionFigures, ExecutionRollup, Outcome, WorstOutcome
from apps.copytrading.quality import quality, totals
from apps.copytrading.services import rolling
from apps.copytrading.services.rolling import roll_up
from tests.factories.accounts import staff
from tests.factories.copytrading import CopyWorld
from tests.support.queries import queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> CopyWorld:
    world = CopyWorld()
    for _ in range(3):
        world.follow()
    return world


def outcomes(world: CopyWorld, count: int, *, ms: float = 20.0, **changes: object) -> None:
    """Outcomes of the first copy, as if orders had been filled after so many milliseconds."""
    copy = world.master.subscriptions.earliest("id")
    begin = Outcome.objects.count() + 1
    now = timezone.now()
    values = {
        "state": "copied",
        "code": "COPIED",
        "symbol": "EURUSD",
        "event_kind": "opened",
        "master_price": Decimal("1.10"),
        "fill_price": Decimal("1.1011"),
        "slippage": Decimal("0.0011"),
        "slippage_money": Decimal("1.5"),
    }
    Outcome.objects.bulk_create(
        Outcome(
            event_id=begin + i,
            subscription_id=copy.pk,
            master_account_id=world.account_id,
            account_id=copy.follower.account_id,
            master_deal_at=now,
            received_at=now,
            planned_at=now + timedelta(milliseconds=ms / 4),
            sent_at=now + timedelta(milliseconds=ms / 2),
            accepted_at=now + timedelta(milliseconds=ms),
            filled_at=now + timedelta(milliseconds=ms),
            final_at=now,
            **{**values, **changes},
        )
        for i in range(count)
    )


def settle() -> int:
    """Roll up what there is, as if a minute had passed since it was first seen."""
    roll_up()
    ExecutionRollup.objects.update(seen_at=timezone.now() - rolling.SETTLED)
    return roll_up()


def test_figures_hold_every_outcome_once(world: CopyWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolling, "SLICE", 4)
    outcomes(world, 9)
    assert settle() == 9
    assert settle() == 0
    outcomes(world, 3, ms=2000.0, symbol="GBPUSD", slippage=Decimal("-0.0011"), state="partial")
    assert settle() == 3

    for span in ("hour", "day"):
        rows = ExecutionFigures.objects.filter(span=span)
        assert sum(row.outcomes for row in rows) == 12
        assert {row.symbol: row.outcomes for row in rows} == {"EURUSD": 9, "GBPUSD": 3}
    assert totals() == {"copied": 9, "partial": 3}
    found = quality("day")
    assert found.total.hops.sent.p50 == pytest.approx(10, rel=0.05)
    assert found.total.hops.filled.p99 == pytest.approx(2000, rel=0.05)
    assert found.total.bps == pytest.approx(10 * (9 - 3) / 12)
    assert found.total.worse == 75
    assert found.total.cost == (("USD", Decimal("18.0")),)
    assert found.total.troubled == 3
    assert [line.label for line in found.symbols] == ["EURUSD", "GBPUSD"]
    assert quality("month").total.outcomes == 12
    assert quality("day", platform="ctrader").total.outcomes == 0


def test_what_may_not_be_committed_yet_waits_a_minute(world: CopyWorld) -> None:
    outcomes(world, 2)
    assert roll_up() == 0
    outcomes(world, 1)
    assert roll_up() == 0
    ExecutionRollup.objects.update(seen_at=timezone.now() - rolling.SETTLED)
    assert roll_up() == 2


def test_skipped_outcomes_count_without_times(world: CopyWorld) -> None:
    world.follow(min_volume=5)
    world.trade("p1", 100_000)
    world.run()
    settle()
    found = quality("day").total
    assert found.outcomes == Outcome.objects.count() == 4
    assert found.hops.count == 3


def test_the_worst_of_a_day_are_kept(world: CopyWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolling, "WORST_KEPT", 3)
    for ms in (10.0, 50.0, 30.0):
        outcomes(world, 2, ms=ms)
        settle()
    outcomes(world, 1, ms=999.0)
    settle()

    kept = WorstOutcome.objects.filter(kind="latency").order_by("-value")
    assert [row.value for row in kept] == [999.0, 50.0, 50.0]
    assert [value for value, _ in quality("day").slowest] == [999.0, 50.0, 50.0]


def test_the_page_scans_no_outcomes(world: CopyWorld) -> None:
    client = Client()
    client.force_login(staff(Role.SUPPORT))
    address = reverse("console:quality")
    assert "Nothing was copied in this period" in client.get(address).content.decode()
    outcomes(world, 3)
    settle()
    before = queries(client, address)
    outcomes(world, 200)
    settle()
    assert queries(client, address) == before <= 10
    page = client.get(address, {"period": "week", "platform": "nonsense"}).content.decode()
    assert "By symbol" in page and "203" in page
