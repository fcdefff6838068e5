"""What planning keeps in memory of subscriptions holds for as long as nobody changes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from apps.accounts.selectors import ProductSettings
from apps.copytrading.domain.codes import Code
from apps.copytrading.domain.rows import Row
from apps.copytrading.models import CopyFollower, CopySubscription
from apps.copytrading.services import load, remembered
from apps.platforms.models import Connection, TradingAccount
from tests.factories.copytrading import CopyWorld, quote, symbol
from tests.factories.platforms import ConnectionFactory
from tests.support.copies import codes

pytestmark = pytest.mark.django_db
Copies, Accounts = CopySubscription.objects, TradingAccount.objects


@pytest.fixture
def world() -> CopyWorld:
    world = CopyWorld()
    world.follow()
    return world


def row(world: CopyWorld) -> Row:
    """The one copy as planning would see it now."""
    now = timezone.now()
    master = load.load_master(world.master.account_id, now)
    assert master is not None
    (page,) = load.Pages(master, [], now).all()
    (found,) = page
    return found


def test_a_change_of_any_column_is_counted_but_that_of_the_result() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns "
            "WHERE table_name = 'copytrading_copysubscription' EXCEPT "
            "SELECT event_object_column FROM information_schema.triggered_update_columns "
            "WHERE trigger_name = 'next_row_version'"
        )
        assert {name for (name,) in cursor.fetchall()} == {"id", "result", "row_version"}


Change = Callable[[], Any]
CHANGES: dict[str, tuple[Change, Callable[[Row], object], object]] = {
    "paused": (lambda: Copies.update(status="paused"), lambda r: r.hold, Code.PAUSED),
    "disabled": (lambda: Copies.update(status="disabled"), lambda r: r.hold, Code.STOPPED),
    "off": (lambda: Copies.update(enabled=False), lambda r: r.hold, Code.PAUSED),
    "closes only": (
        lambda: Copies.update(copy_mode="close_only"), lambda r: r.hold, Code.CLOSES_ONLY
    ),
    "size": (
        lambda: Copies.update(risk_multiplier=3), lambda r: r.sizing.risk_multiplier, Decimal(3)
    ),
    "guard": (lambda: Copies.update(max_positions=4), lambda r: r.rules.max_positions, 4),
    "follower off": (
        lambda: CopyFollower.objects.update(enabled=False), lambda r: r.hold, Code.PAUSED
    ),
    "guard of the follower": (
        lambda: CopyFollower.objects.update(min_equity=50),
        lambda r: r.rules.min_equity,
        Decimal(50),
    ),
    "leverage": (lambda: Accounts.update(leverage=7), lambda r: r.leverage, Decimal(7)),
    "account": (
        lambda: Accounts.filter(follower__isnull=False).update(platform_account_id="moved"),
        lambda r: r.platform_account,
        "moved",
    ),
    "result": (lambda: Copies.update(result=12), lambda r: r.own_result, Decimal(12)),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_seen_by_the_next_planning(world: CopyWorld, name: str) -> None:
    change, shows, expected = CHANGES[name]
    assert shows(row(world)) != expected
    change()
    assert shows(row(world)) == expected


def test_a_saved_model_does_not_set_the_count_back(world: CopyWorld) -> None:
    stale = CopySubscription.objects.get()
    CopySubscription.objects.update(status="paused")
    assert row(world).hold is Code.PAUSED
    stale.save()
    assert row(world).hold is None


def test_what_was_rolled_back_is_not_taken_for_what_came_after(world: CopyWorld) -> None:
    assert row(world).hold is None
    with transaction.atomic():
        CopySubscription.objects.update(status="disabled")
        assert row(world).hold is Code.STOPPED
        transaction.set_rollback(True)
    CopySubscription.objects.update(risk_multiplier=3)
    found = row(world)
    assert (found.hold, found.sizing.risk_multiplier) == (None, Decimal(3))


def test_other_product_settings_are_understood_anew(world: CopyWorld) -> None:
    now = timezone.now()
    master = load.load_master(world.master.account_id, now)
    assert master is not None
    for most in (5, 2):
        limited = replace(master, settings=replace(master.settings, max_positions=most))
        ((found,),) = load.Pages(limited, [], now).all()
        assert found.rules.max_positions == most


def test_what_is_known_is_not_read_again(world: CopyWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered.forget()
    calls: list[int] = []
    real = remembered._read

    def counted(ids: Sequence[int], settings: ProductSettings) -> dict[int, remembered.Kept]:
        calls.append(len(ids))
        return real(ids, settings)

    monkeypatch.setattr(remembered, "_read", counted)
    row(world)
    row(world)
    CopySubscription.objects.update(result=5)
    row(world)
    assert calls == [1]
    CopySubscription.objects.update(copy_sl=False)
    row(world)
    assert calls == [1, 1]


def test_too_many_are_forgotten_and_read_again(
    world: CopyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.follow()
    monkeypatch.setattr(remembered, "MOST", 2)
    monkeypatch.setattr(load, "FIRST_PAGE", 2)
    monkeypatch.setattr(load, "SECOND_PAGE", 2)
    world.follow()
    now = timezone.now()
    master = load.load_master(world.master.account_id, now)
    assert master is not None
    for _ in range(2):
        pages = list(load.Pages(master, [], now).all())
        assert sum(map(len, pages)) == 3
        assert len(remembered._kept) <= 2


@pytest.mark.django_db(transaction=True)
def test_rates_are_read_while_the_next_page_is_on_its_way(
    world: CopyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "FIRST_PAGE", 1)
    monkeypatch.setattr(load, "SECOND_PAGE", 2)
    monkeypatch.setattr(load, "PAGE", 2)
    abroad: Connection = ConnectionFactory()
    symbol(abroad)
    symbol(abroad, "USDJPY", instrument_id="2")
    quote(abroad, "2", "150")
    for _ in range(5):
        world.follow(
            equity=1_500_000,
            account={"connection": abroad, "currency": "JPY"},
            volume_mode="equity_ratio",
        )
    world.trade("m1", 100_000)
    sent = world.run()
    assert len({intent.client_order_id for intent in sent}) == 6
    assert codes() == [("opened", "copied", "COPIED")] * 6
    assert len({intent.units for intent in sent[1:]}) == 1
