"""The ledger's hash chain: sealed in the order of events, and tampering is found and named."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.utils import timezone

from apps.copytrading.domain.sealing import SEALED_COLUMNS, digest
from apps.copytrading.models import (
    CopySubscription,
    LedgerHead,
    Outcome,
    OutcomeSeal,
    PendingLink,
    TradeLink,
)
from apps.copytrading.services.sealing import seal_all
from apps.copytrading.services.verifying import Checked, verify
from apps.copytrading.tasks import seal as seal_task
from apps.copytrading.tasks import work as work_task
from apps.execution.intents import Intent
from apps.trading.orders import OrderState, OrderType
from tests.factories.copytrading import CopyWorld
from tests.factories.pending import PendingWorld
from tests.support.database import close_idle_connections

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> CopyWorld:
    return CopyWorld()


@pytest.fixture
def sealed(world: CopyWorld) -> CopySubscription:
    """A copy with six sealed outcomes."""
    copy = world.follow()
    for number in range(6):
        world.trade(f"m{number}", 100_000)
    world.run()
    assert seal_all(seconds=5) == 6
    return copy


@contextmanager
def unguarded() -> Iterator[None]:
    """What somebody with the rights of the database's owner can do: without triggers."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            yield
        finally:
            cursor.execute("SET session_replication_role = origin")


def checked(copy: CopySubscription) -> Checked:
    *_, last = verify(copy.pk)
    return last


def outcomes(copy: CopySubscription) -> list[Outcome]:
    return list(Outcome.objects.filter(subscription_id=copy.pk).order_by("event_id"))


def seals(copy: CopySubscription) -> list[OutcomeSeal]:
    return list(OutcomeSeal.objects.filter(subscription_id=copy.pk).order_by("number"))


def test_every_outcome_has_its_place_in_the_order_of_events(sealed: CopySubscription) -> None:
    rows = outcomes(sealed)
    assert [seal.outcome_id for seal in seals(sealed)] == [row.pk for row in rows]
    mark = ""
    for row, seal in zip(rows, seals(sealed), strict=True):
        mark = digest(mark, [getattr(row, name) for name in SEALED_COLUMNS])
        assert seal.digest == mark
    head = LedgerHead.objects.get(subscription_id=sealed.pk)
    assert (head.count, head.digest, head.last_event_id) == (6, mark, rows[-1].event_id)
    assert checked(sealed) == Checked(6, 6, mark, None)


def test_all_columns_of_an_outcome_are_sealed() -> None:
    assert set(SEALED_COLUMNS) == {field.attname for field in Outcome._meta.concrete_fields}


def test_sealing_goes_on_where_it_ended(world: CopyWorld, sealed: CopySubscription) -> None:
    assert seal_all(seconds=5) == 0
    world.trade("m0", -100_000)
    world.run()
    seal_task()
    assert [seal.number for seal in seals(sealed)] == [1, 2, 3, 4, 5, 6, 7]
    assert checked(sealed).finding is None


def test_an_order_under_way_holds_later_events_back(world: CopyWorld) -> None:
    copy = world.follow()
    first = world.trade("m1", 100_000)
    world.work()  # its order waits for the platform
    world.follow(status="paused")
    second = world.trade("m2", 1)  # too small: final at once
    world.work()
    assert list(outcomes(copy)) and outcomes(copy)[0].event_id == second
    seal_all(seconds=5)
    assert seals(copy) == []

    world.run()
    seal_all(seconds=5)
    assert [row.event_id for row in outcomes(copy)] == [first, second]
    assert [seal.number for seal in seals(copy)] == [1, 2]
    assert checked(copy).finding is None


def test_an_event_that_waits_holds_later_ones_back(world: CopyWorld) -> None:
    copy = world.follow()
    world.trade("m1", 100_000)
    world.work()
    world.trade("m1", -50_000)  # waits for the open
    world.trade("m2", 1)
    world.work()
    world.deliver(lambda intent: {})
    seal_all(seconds=5)
    assert seals(copy) == []
    world.run()
    seal_all(seconds=5)
    assert len(seals(copy)) == 3


def test_an_event_that_is_not_planned_yet_holds_back(world: CopyWorld) -> None:
    copy = world.follow()
    world.trade("m1", 100_000)
    world.run()
    world.trade("m2", 100_000)
    seal_all(seconds=5)
    assert len(seals(copy)) == 1


def test_two_sweeps_at_once_make_one_chain(world: CopyWorld) -> None:
    copies = [world.follow() for _ in range(3)]
    for number in range(20):
        world.trade(f"m{number}", 1_000)
    world.run()
    done: list[int] = []

    def sweep() -> None:
        try:
            done.append(seal_all(seconds=10))
        finally:
            connection.close()

    threads = [threading.Thread(target=sweep) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    close_idle_connections()
    seal_all(seconds=5)
    assert OutcomeSeal.objects.count() == 60 and sum(done) <= 60
    assert all(checked(copy).finding is None for copy in copies)


def test_the_number_of_queries_does_not_grow(
    world: CopyWorld, django_assert_max_num_queries: Callable[..., object]
) -> None:
    for _ in range(8):
        world.follow()
    for number in range(5):
        world.trade(f"m{number}", 1_000)
    world.run()
    with django_assert_max_num_queries(9):  # type: ignore[attr-defined]
        assert seal_all(seconds=5) == 40


def change_row(copy: CopySubscription) -> tuple[int, int]:
    row = outcomes(copy)[2]
    Outcome.objects.filter(pk=row.pk).update(fill_price=Decimal("1.0"))
    return 3, row.event_id


def change_numbers(copy: CopySubscription) -> tuple[int, int]:
    row = outcomes(copy)[3]
    Outcome.objects.filter(pk=row.pk).update(numbers=row.numbers | {"equity": "1"})
    return 4, row.event_id


def delete_outcome(copy: CopySubscription) -> tuple[int, int]:
    row = outcomes(copy)[1]
    Outcome.objects.filter(pk=row.pk).delete()
    return 2, row.event_id


def delete_outcome_and_seal(copy: CopySubscription) -> tuple[int, int]:
    row = outcomes(copy)[1]
    Outcome.objects.filter(pk=row.pk).delete()
    OutcomeSeal.objects.filter(outcome_id=row.pk).delete()
    return 2, row.event_id


def delete_and_renumber(copy: CopySubscription) -> tuple[int, int]:
    delete_outcome_and_seal(copy)
    for seal in seals(copy):
        if seal.number > 2:
            OutcomeSeal.objects.filter(pk=seal.pk).update(number=seal.number - 1)
    return 2, outcomes(copy)[1].event_id


def delete_newest(copy: CopySubscription) -> tuple[int, int]:
    row = outcomes(copy)[-1]
    Outcome.objects.filter(pk=row.pk).delete()
    OutcomeSeal.objects.filter(outcome_id=row.pk).delete()
    return 6, row.event_id


def swap(copy: CopySubscription) -> tuple[int, int]:
    first, second = outcomes(copy)[1:3]
    Outcome.objects.filter(pk=first.pk).update(event_id=-1)
    Outcome.objects.filter(pk=second.pk).update(event_id=first.event_id)
    Outcome.objects.filter(pk=first.pk).update(event_id=second.event_id)
    return 2, second.event_id


def swap_seals(copy: CopySubscription) -> tuple[int, int]:
    first, second = outcomes(copy)[3:5]
    places = OutcomeSeal.objects
    places.filter(outcome_id=first.pk).update(outcome_id=-1)
    places.filter(outcome_id=second.pk).update(outcome_id=first.pk)
    places.filter(outcome_id=-1).update(outcome_id=second.pk)
    return 4, second.event_id


def forge_seal(copy: CopySubscription) -> tuple[int, int]:
    OutcomeSeal.objects.filter(subscription_id=copy.pk, number=6).update(digest="0" * 64)
    return 6, outcomes(copy)[5].event_id


def change_head(copy: CopySubscription) -> tuple[int, int]:
    LedgerHead.objects.filter(subscription_id=copy.pk).update(digest="0" * 64)
    return 6, outcomes(copy)[5].event_id


def set_head_back(copy: CopySubscription) -> tuple[int, int]:
    mark = seals(copy)[4].digest
    LedgerHead.objects.filter(subscription_id=copy.pk).update(count=5, digest=mark)
    return 6, 0


@pytest.mark.parametrize(
    ("tamper", "why"),
    [
        (change_row, "it was changed after it had been sealed"),
        (change_numbers, "it was changed after it had been sealed"),
        (delete_outcome, "is missing"),
        (delete_outcome_and_seal, "its seal is missing"),
        (delete_and_renumber, "it was changed after it had been sealed"),
        (delete_newest, "the newest 1 of 6 sealed outcomes are missing"),
        (swap, "it was changed after it had been sealed"),
        (swap_seals, "it was changed after it had been sealed"),
        (forge_seal, "it was changed after it had been sealed"),
        (change_head, "its digest is not the one that the head keeps"),
        (set_head_back, "1 sealed outcomes lie beyond the 5 that the head counts"),
    ],
)
def test_tampering_is_found_and_named(
    sealed: CopySubscription,
    tamper: Callable[[CopySubscription], tuple[int, int]],
    why: str,
) -> None:
    with unguarded():
        number, event_id = tamper(sealed)
    finding = checked(sealed).finding
    assert finding is not None
    if tamper is swap:  # the row of place 2 now tells of a later event
        event_id = outcomes(sealed)[2].event_id
    assert (finding.number, finding.event_id) == (number, event_id)
    assert why in finding.why


def test_an_outcome_added_among_sealed_ones_is_found(
    world: CopyWorld, sealed: CopySubscription
) -> None:
    late = world.follow()
    first = outcomes(sealed)[0]
    fields = {f.attname: getattr(first, f.attname) for f in Outcome._meta.concrete_fields}
    Outcome.objects.create(**fields | {"id": None, "subscription_id": late.pk})
    seal_all(seconds=5)
    with unguarded():
        Outcome.objects.filter(subscription_id=late.pk).update(
            subscription_id=sealed.pk, event_id=first.event_id - 1
        )
    finding = checked(sealed).finding
    assert finding is not None and finding.event_id == first.event_id - 1
    assert finding.why == "it was added after later ones had been sealed"


def test_seals_cannot_be_changed_or_erased_without_taking_the_guard_away(
    sealed: CopySubscription,
) -> None:
    for change in (
        lambda: OutcomeSeal.objects.update(digest=""),
        lambda: OutcomeSeal.objects.all().delete(),
        lambda: Outcome.objects.update(code="COPIED"),
    ):
        with pytest.raises(IntegrityError, match="written once"):
            change()


def test_a_broken_chain_does_not_keep_others_from_being_sealed(
    world: CopyWorld, sealed: CopySubscription
) -> None:
    other = world.follow()
    LedgerHead.objects.all().delete()
    world.trade("m9", 1_000)
    world.run()
    assert seal_all(seconds=5) == 1
    assert len(seals(other)) == 1 and checked(other).finding is None
    finding = checked(sealed).finding
    assert finding is not None and "beyond the 0" in finding.why


def test_a_check_goes_on_where_it_was_left(
    sealed: CopySubscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.copytrading.services.verifying.PAGE", 2)
    assert [step.number for step in verify(sealed.pk)] == [2, 4, 6]
    assert [step.number for step in verify(sealed.pk, after=4)] == [6]
    assert [step.number for step in verify(sealed.pk, after=99)] == [2, 4, 6]


def test_the_command_says_what_holds(sealed: CopySubscription) -> None:
    out = StringIO()
    call_command("verify_ledger", "--subscription", str(sealed.uuid), stdout=out)
    assert f"6 sealed outcomes hold, digest {seals(sealed)[-1].digest}" in out.getvalue()


def test_the_command_names_what_is_broken(sealed: CopySubscription) -> None:
    row = outcomes(sealed)[2]
    with unguarded():
        change_row(sealed)
    out = StringIO()
    with pytest.raises(CommandError, match="1 of 1 chains do not hold"):
        call_command("verify_ledger", "--all", stdout=out)
    assert f"broken at number 3 (event {row.event_id}): it was changed" in out.getvalue()


def test_the_command_refuses_what_it_does_not_know() -> None:
    with pytest.raises(CommandError, match="no such copy"):
        call_command("verify_ledger", "--subscription", "0a0b0c0d-0000-4000-8000-000000000000")


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_in_between_nothing_comes_to_lie_before_what_is_sealed(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Sweeps between any two steps, with market and resting orders and orders that fail."""
    monkeypatch.setattr(work_task, "delay", lambda *_: None)
    rng = random.Random(seed)
    world = PendingWorld()
    copies = [world.follow(), world.follow(risk_multiplier=Decimal("0.3"))]
    resting: list[str] = []

    def change(intent: Intent) -> dict[str, Any]:
        if rng.random() < 0.8 or intent.type is not OrderType.MARKET:
            return {}
        return {"state": rng.choice([OrderState.REJECTED, OrderState.NOT_DELIVERED])}

    for step in range(30):
        roll, key = rng.random(), f"m{rng.randrange(3)}"
        held = world.positions.get(key, (None, Decimal(0)))[1]
        if roll < 0.2:
            resting.append(f"r{step}")
            world.place(resting[-1], 50_000)
        elif roll < 0.4 and resting:
            order = resting.pop()
            if rng.random() < 0.5:
                world.cancel(order)
            else:
                world.master_fills(order, 50_000, position=f"p{step}")
        elif held > 0 and roll < 0.7:
            world.trade(key, -held if roll < 0.55 else -held / 2)
        else:
            world.trade(key, 20_000)
        if rng.random() < 0.7:
            world.work()
        seal_all(seconds=5)
        if rng.random() < 0.5:
            world.deliver(change)
        seal_all(seconds=5)
    world.run(change)
    for _ in range(8):  # closes and cancels that were refused wait for their pause
        PendingLink.objects.exclude(retry_at=None).update(retry_at=timezone.now())
        TradeLink.objects.exclude(close_cause="").update(close_not_before=timezone.now())
        world.run()
    seal_all(seconds=5)
    assert OutcomeSeal.objects.count() == Outcome.objects.count() > 50
    assert all(checked(copy).finding is None for copy in copies)
