"""What happened while the gateway was dead: closes are caught up, late opens are not."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import timezone

from apps.benchmarks.field import Field, build, field_is_live
from apps.benchmarks.hand import Hand
from apps.benchmarks.rig import Rig
from apps.copytrading import repairs
from apps.copytrading.models import CopyFollower, CopySubscription, Drift, Outcome, TradeLink
from apps.copytrading.services.reconcile import look_around
from apps.copytrading.services.repairing import repair_due
from apps.execution.models import Order, Position

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rig(process_env: dict[str, str], tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path, process_env) as rig:
        yield rig


@pytest.fixture
def field(rig: Rig) -> Field:
    rig.venue("--no-rate-limits")
    field = build(rig, [2], max_delay_s=60)
    CopyFollower.objects.update(manual_trading_mode="own_only")
    rig.gateway()
    rig.workers()
    rig.wait_until(lambda: field_is_live(field), "reading all accounts", 60)
    return field


def by_hand(field: Field, account: int, *trades: tuple[str, int, int]) -> list[int]:
    """Trade on an account from outside; ids of the positions that were opened."""

    async def work() -> list[int]:
        hand = await Hand.sit_down(field.endpoint, account)
        opened: list[int] = []
        try:
            for what, position, lots in trades:
                if what == "open":
                    opened.append(await hand.open(lots))
                elif what == "add":
                    await hand.add(position, lots)
                else:
                    await hand.close(position, lots)
        finally:
            await hand.leave()
        return opened

    return asyncio.run(work())


def outcomes() -> Counter[tuple[str, str]]:
    return Counter(Outcome.objects.values_list("event_kind", "code"))


def holdings(field: Field) -> list[tuple[int, int]]:
    """Open positions of the followers, their accounts and lots."""
    rows = Position.objects.filter(account_id__in=field.crews[0].follower_ids, closed_at=None)
    return sorted((row.account_id, int(row.units / 1000)) for row in rows)


def test_closes_are_caught_up_and_late_opens_are_not(rig: Rig, field: Field) -> None:
    crew = field.crews[0]
    first, second = by_hand(field, crew.master, ("open", 0, 10), ("open", 0, 20))
    rig.wait_until(lambda: len(holdings(field)) == 4, "copying", 20)
    CopySubscription.objects.update(max_delay_s=1)

    rig.kill("gateway")
    (late,) = by_hand(
        field, crew.master, ("close", first, 10), ("close", second, 10), ("open", 0, 10)
    )
    time.sleep(1.5)  # longer than the maximum delay: that is what the test is about
    rig.gateway("again")

    expected = [(account, 100) for account in crew.follower_ids]
    rig.wait_until(lambda: holdings(field) == expected, "catching up", 30)
    rig.wait_until(lambda: Outcome.objects.count() == 10, "outcomes", 20)
    assert outcomes() == {
        ("opened", "COPIED"): 4,
        ("closed", "COPIED"): 2,
        ("reduced", "COPIED"): 2,
        ("opened", "TOO_LATE"): 2,
    }
    assert not TradeLink.objects.filter(position_key=str(late)).exists()
    rig.wait_until(at_rest, "coming to rest", 20)
    assert settled_look(rig) == []


def at_rest() -> bool:
    return not Order.objects.filter(settled_at=None).exists()


def settled_look(rig: Rig) -> list[tuple[str, int, int]]:
    """What differs once everything has stood still for the grace."""
    time.sleep(3.2)
    look_around()
    rows = Drift.objects.filter(resolved_at=None).order_by("kind")
    return [(d.kind, int(d.expected_units / 1000), int(d.actual_units / 1000)) for d in rows]


def test_what_others_did_meanwhile_is_found_and_repaired(rig: Rig, field: Field) -> None:
    crew = field.crews[0]
    by_hand(field, crew.master, ("open", 0, 10), ("open", 0, 20))
    rig.wait_until(lambda: len(holdings(field)) == 4 and at_rest(), "copying", 20)
    links = list(TradeLink.objects.filter(account_id=crew.follower_ids[0]).order_by("id"))

    rig.kill("gateway")
    small, large = (int(link.position_id) for link in links)
    by_hand(field, crew.followers[0], ("close", small, 1), ("add", large, 3))
    rig.gateway("again")
    rig.wait_until(lambda: field_is_live(field), "reading all accounts", 30)

    before = [("oversized", 200, 500), ("missing", 100, 0)]
    rig.wait_until(lambda: Position.objects.filter(units=500_000).exists(), "reading", 20)
    assert settled_look(rig) == sorted(before)
    ids = list(Drift.objects.values_list("pk", flat=True))
    shown = repairs.preview_repair(actor=None, drift_ids=ids)
    assert sorted((o.closes, int(o.units / 1000)) for o in shown.orders) == [
        (False, 100),
        (True, 300),
    ]
    repairs.repair(actor=None, drift_ids=ids, confirm=shown.confirm)
    rig.wait_until(
        lambda: holdings(field) == [(a, lots) for a in crew.follower_ids for lots in (100, 200)],
        "repairing",
        20,
    )
    rig.wait_until(at_rest, "coming to rest", 20)
    assert settled_look(rig) == []
    assert set(Drift.objects.values_list("resolution", flat=True)) == {"repaired"}
    assert repair_due(timezone.now()) == set()
