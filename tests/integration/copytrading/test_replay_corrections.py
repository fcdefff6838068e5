"""What others did to copied positions, and what was done about it, is in the record as well."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from apps.copytrading import api, repairs
from apps.copytrading.domain.codes import Code
from apps.copytrading.models import CopySubscription, LinkCorrection, Outcome, TradeLink
from apps.copytrading.services.foreign import masters_concerned
from apps.copytrading.services.replay import Replayed, replay_subscription, settings_from
from apps.copytrading.services.versions import record_version
from apps.copytrading.services.work import look_after
from apps.execution.intents import Intent
from apps.execution.models import Position
from apps.trading.orders import OrderState
from tests.factories.copytrading import CopyWorld, quote
from tests.integration.copytrading.test_reconcile import Mode, by_hand, copied
from tests.integration.copytrading.test_repair import found, master_holds, missing, refused, repair

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> CopyWorld:
    made = CopyWorld()
    quote(made.connection, "1", "1.0921")
    return made


def followed(world: CopyWorld, *, mode: Mode = Mode.ALL, **settings: Any) -> TradeLink:
    link = copied(world, mode=mode, **settings)
    record_version(CopySubscription.objects.get(pk=link.subscription_id), timezone.now())
    return link


def replayed(link: TradeLink, *settings: str) -> Replayed:
    return replay_subscription(link.subscription_id, settings=settings_from(settings))


def identical(link: TradeLink) -> list[Code]:
    """The codes that were recorded, if all of it comes out the same."""
    told = replayed(link)
    assert [(x.event.kind, x.recorded[1:5], x.replayed) for x in told.differing] == []
    assert len(told.lines) == Outcome.objects.filter(subscription_id=link.subscription_id).count()
    return [line.recorded.code for line in told.lines]


def volumes(told: Replayed) -> list[int]:
    return [int(line.replayed.units) for line in told.lines if line.replayed]


def took_note() -> None:
    for account_id in masters_concerned():
        look_after(account_id)


def corrections() -> list[tuple[str, int, int]]:
    rows = LinkCorrection.objects.order_by("id")
    return [
        (kind, int(before), int(after))
        for kind, before, after in rows.values_list("kind", "held_before", "held_after")
    ]


@pytest.mark.parametrize("left", [0, 40_000])
def test_what_was_opened_again(world: CopyWorld, left: int) -> None:
    link, drift = missing(world, left)
    repair(drift)
    world.run()
    world.trade("m1", 50_000)
    world.run()
    world.trade("m1", -150_000)
    world.run()
    assert corrections() == [("reopened", 100_000, left)]
    assert identical(link) == [Code.COPIED] * 3
    assert volumes(replayed(link, "risk_multiplier=2")) == [200_000, 100_000, 300_000]


def test_what_was_refused_to_be_opened_again(world: CopyWorld) -> None:
    link, drift = missing(world, 40_000)
    repair(drift)
    world.run(refused)
    world.trade("m1", -50_000)
    world.run()
    world.trade("m1", -50_000)
    world.run()
    assert identical(link) == [Code.COPIED] * 3


def test_what_its_owner_may_not_close_is_noted_with_the_next_event(world: CopyWorld) -> None:
    link = followed(world, mode=Mode.OWN_ONLY)
    by_hand(link, 40_000)
    took_note()
    assert corrections() == []
    world.trade("m1", -50_000)
    world.run()
    world.trade("m1", -50_000)
    world.run()
    assert corrections() == [("taken", 100_000, 40_000)]
    assert identical(link) == [Code.COPIED] * 3
    assert volumes(replayed(link, "risk_multiplier=2")) == [200_000, 40_000, 40_000]


@pytest.mark.parametrize("left", [0, 40_000])
def test_events_that_come_before_the_sweep_note_it_themselves(world: CopyWorld, left: int) -> None:
    link = followed(world, copy_sl=False, copy_tp=False)
    by_hand(link, left)
    world.protect("m1", Decimal("1.05"))
    world.run()
    world.trade("m1", 50_000)
    world.run()
    assert corrections() == [("taken", 100_000, left)]
    took_note()
    world.trade("m1", -150_000)
    world.run()
    gone = [Code.POSITION_GONE] * 3
    kept = [Code.STOPS_OFF, Code.COPIED, Code.COPIED]
    assert identical(link)[1:] == (kept if left else gone)
    assert corrections() == [("taken", 100_000, left)]


def test_what_was_accepted(world: CopyWorld) -> None:
    link, drift = missing(world, 40_000)
    repairs.accept_drift(actor=None, drift_ids=[drift.pk])
    world.trade("m1", -100_000)
    world.run()
    assert corrections() == [("taken", 100_000, 40_000)]
    assert identical(link) == [Code.COPIED] * 2


def test_what_its_owner_added_and_took_again_is_no_loss(world: CopyWorld) -> None:
    link = followed(world)
    by_hand(link, 130_000)
    by_hand(link, 100_000)
    took_note()
    world.trade("m1", -100_000)
    world.run()
    assert corrections() == []
    assert identical(link) == [Code.COPIED] * 2


def test_too_much_that_a_repair_closed_is_no_loss(world: CopyWorld) -> None:
    link = followed(world, mode=Mode.OWN_ONLY)
    Position.objects.update(units=Decimal(130_000))
    repair(found(world))
    world.run()
    world.trade("m1", -100_000)
    world.run()
    assert identical(link) == [Code.COPIED] * 2


def test_a_close_that_met_the_followers_own_stop(world: CopyWorld) -> None:
    """The master's close was on its way when the position was gone already."""
    link = followed(world)
    world.trade("m1", -100_000)
    world.work()
    by_hand(link, 0)

    def gone(_: Intent) -> dict[str, Any]:
        return {"state": OrderState.REJECTED, "code": "POSITION_NOT_FOUND"}

    world.run(gone)
    took_note()
    assert identical(link) == [Code.COPIED, Code.POSITION_GONE]


def test_a_copied_position_that_its_owner_closes_here(world: CopyWorld) -> None:
    link = followed(world)
    master_holds(world)
    api.close_position(actor=None, link_id=link.pk)
    world.run()
    world.trade("m1", 50_000)
    world.run()
    world.trade("m1", -150_000)
    world.run()
    assert identical(link)[1:] == [Code.POSITION_GONE] * 2
    twice = replayed(link, "risk_multiplier=2")
    assert [line.replayed and line.replayed.code for line in twice.lines][1:] == (
        [Code.POSITION_GONE] * 2
    )


def test_one_that_holds_nothing_yet_and_is_given_up(world: CopyWorld) -> None:
    link = followed(world, risk_multiplier=Decimal("0.001"))
    assert link.held_units == 0
    api.close_position(actor=None, link_id=link.pk)
    world.trade("m1", 2_000_000)
    world.run()
    assert identical(link) == [Code.BELOW_MINIMUM, Code.POSITION_GONE]


def test_closed_by_hand_before_a_stop_closes_it(world: CopyWorld) -> None:
    link = followed(world)
    by_hand(link, 0)
    copy = CopySubscription.objects.get(pk=link.subscription_id)
    api.stop(actor=None, subscription=copy, close_positions=True)
    world.run()
    took_note()
    world.trade("m1", -100_000)
    world.run()
    assert identical(link) == [Code.COPIED, Code.POSITION_GONE]


def test_it_is_written_once(world: CopyWorld) -> None:
    link = followed(world)
    by_hand(link, 40_000)
    took_note()
    assert corrections() == [("taken", 100_000, 40_000)]
    with pytest.raises(IntegrityError, match="written once"):
        LinkCorrection.objects.update(held_after=0)


def test_links_of_an_older_release_are_read_from_their_deals(world: CopyWorld) -> None:
    from importlib import import_module

    link = followed(world)
    by_hand(link, 40_000)
    with connection.cursor() as cursor:  # as if nothing had been noted
        cursor.execute(
            import_module("apps.copytrading.migrations.0025_link_corrections").FROM_DEALS
        )
    assert corrections() == [("taken", 100_000, 40_000)]
    assert link.pk == LinkCorrection.objects.get().link_id
