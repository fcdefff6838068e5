"""What a maximum volume and an increase make of a copy, and what its outcome says."""

from __future__ import annotations

from decimal import Decimal

from apps.copytrading.domain.advance import advance
from apps.copytrading.domain.events import EventKind
from apps.copytrading.domain.link import Reply, answered
from apps.copytrading.domain.rounding import Rounding
from apps.trading.orders import Leg
from tests.factories.copying import event, market, opened, row, sizing

LOT = Decimal(100_000)


def test_an_open_above_the_maximum_is_capped_and_called_so() -> None:
    mine = row(sizing=sizing(), max_volume=Decimal("0.25"))
    step = advance(mine, None, [opened(LOT)], market())
    assert step.order is not None
    assert (step.order.units, step.order.rounding) == (LOT / 4, Rounding.CAPPED)
    assert step.order.numbers["rounding"] == "capped"


def test_an_open_at_the_maximum_is_not() -> None:
    mine = row(sizing=sizing(), max_volume=Decimal(1))
    step = advance(mine, None, [opened(LOT)], market())
    assert step.order is not None
    assert step.order.rounding is Rounding.EXACT


def test_a_capped_copy_is_halved_with_its_master() -> None:
    mine = row(sizing=sizing(), max_volume=Decimal("0.25"))
    step = advance(mine, None, [opened(LOT)], market())
    assert step.order is not None
    link = answered(step.links[-1], Reply(Leg.OPEN, LOT / 4, LOT / 4, "f1"))
    half = advance(mine, link, [event(EventKind.REDUCED, LOT, LOT / 2, id=2)], market())
    assert half.order is not None
    # 0.125 lots should remain; what can be held of that is 0.12.
    assert (half.order.leg, half.order.units) == (Leg.CLOSE, Decimal(13_000))
    assert half.order.rounding is Rounding.DOWN


def test_an_increase_beyond_the_maximum_adds_up_to_it() -> None:
    mine = row(sizing=sizing(), max_volume=Decimal("1.5"))
    step = advance(mine, None, [opened(LOT)], market())
    link = answered(step.links[-1], Reply(Leg.OPEN, LOT, LOT, "f1"))
    more = advance(mine, link, [event(EventKind.INCREASED, LOT, 2 * LOT, id=2)], market())
    assert more.order is not None
    assert (more.order.units, more.order.rounding) == (LOT / 2, Rounding.CAPPED)


def test_the_masters_price_is_the_average_of_what_was_added() -> None:
    step = advance(row(), None, [opened(LOT, price=Decimal("1.10"))], market())
    link = answered(step.links[-1], Reply(Leg.OPEN, LOT, LOT, "f1"))
    added = event(EventKind.INCREASED, LOT, 4 * LOT, id=2, price=Decimal("1.14"))
    assert advance(row(), link, [added], market()).links[-1].master_price == Decimal("1.13")
