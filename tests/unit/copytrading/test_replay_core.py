"""The pure core of replaying: links evolve as they did, and it is quick."""

from __future__ import annotations

import time
from decimal import Decimal

from apps.copytrading.domain.codes import Code
from apps.copytrading.domain.events import EventKind
from apps.copytrading.domain.replay import Answer, Begun, Ended, Given, Item, Run, Taken, replay
from apps.trading.orders import OrderState
from tests.factories.copying import event, market, opened, row

GIVEN = Given(row(), market())
CLOSED = Answer(OrderState.FILLED, "", "", Decimal(100_000), Decimal(100_000), None)


def test_what_the_record_does_not_have_is_filled_at_the_masters_price() -> None:
    first = opened(id=1)
    second = event(EventKind.CLOSED, 100_000, 0, id=2)
    found = replay([Run("p1", (first,), GIVEN), Run("p1", (second,), GIVEN)], {})
    assert [(r.code, r.filled, r.assumed) for r in found.values()] == [
        (Code.COPIED, Decimal(100_000), True),
        (Code.COPIED, Decimal(100_000), True),
    ]
    assert found[1].price == first.price


def test_events_wait_for_a_close_of_another_cause() -> None:
    reduced = event(EventKind.REDUCED, 100_000, 50_000, id=2)
    tape: list[Item] = [
        Run("p1", (opened(id=1),), GIVEN),
        Begun("p1", Decimal(100_000), "guard"),
        Run("p1", (reduced,), GIVEN),
    ]
    assert list(replay(tape, {})) == [1]
    found = replay([*tape, Ended("p1", CLOSED, GIVEN)], {})
    assert found[2].code is Code.NOT_LINKED


def test_a_position_that_somebody_else_closed_is_gone() -> None:
    increased = event(EventKind.INCREASED, 100_000, 150_000, id=2)
    tape: list[Item] = [
        Run("p1", (opened(id=1),), GIVEN),
        Taken("p1", Decimal(100_000), Decimal(0)),
        Run("p1", (increased,), GIVEN),
    ]
    assert replay(tape, {})[2].code is Code.POSITION_GONE


def test_a_thousand_events_take_less_than_a_second() -> None:
    tape: list[Item] = []
    for number in range(250):
        key, base = f"p{number}", number * 4
        events = (
            opened(id=base + 1, position_key=key),
            event(EventKind.INCREASED, 100_000, 150_000, id=base + 2, position_key=key),
            event(EventKind.REDUCED, 150_000, 75_000, id=base + 3, position_key=key),
            event(EventKind.CLOSED, 75_000, 0, id=base + 4, position_key=key),
        )
        tape += [Run(key, (each,), Given(row(), market())) for each in events]
    began = time.process_time()
    found = replay(tape, {})
    assert time.process_time() - began < 1
    assert len(found) == 1_000 and {r.code for r in found.values()} == {Code.COPIED}
