"""Guards hold back opens and increases, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.copytrading.domain.advance import advance
from apps.copytrading.domain.codes import Code
from apps.copytrading.domain.events import EventKind
from apps.copytrading.domain.link import Reply, answered
from apps.copytrading.domain.plan import plan
from apps.copytrading.domain.rows import Quote, Row, Rules
from apps.trading.orders import Leg, Side
from tests.factories.copying import EURUSD, LOT, event, funds, market, opened, row

# Each guard with a row and a market in which it refuses.
REFUSING: dict[Code, tuple[dict[str, Any], dict[str, Any]]] = {
    Code.MAX_POSITIONS: ({"rules": Rules(max_positions=2), "open_links": 2}, {}),
    Code.MIN_EQUITY: ({"rules": Rules(min_equity=Decimal(10_001))}, {}),
    Code.SLIPPAGE: (
        {"rules": Rules(max_slippage=Decimal("0.1"))},
        {"quotes": {(1, "1"): Quote(Decimal("1.0930"), Decimal("1.0933"))}},
    ),
    Code.MARGIN: (
        {
            "rules": Rules(min_margin_level=Decimal(150)),
            "leverage": Decimal(30),
            "margin_used": Decimal(4_000),
        },
        {},
    ),
    Code.MARKET_CLOSED: ({}, {"symbols": {(1, "1"): EURUSD._replace(market_open=False)}}),
    Code.KILL_SWITCH: ({"hold": Code.KILL_SWITCH}, {}),
    Code.LOSS_LIMIT: ({"hold": Code.LOSS_LIMIT}, {}),
    Code.CLOSES_ONLY: ({"hold": Code.CLOSES_ONLY}, {}),
}


@pytest.mark.parametrize("code", REFUSING)
def test_an_open_is_refused(code: Code) -> None:
    mine, around = REFUSING[code]
    step = advance(row(**mine), None, [opened(LOT)], market(**around))
    assert step.order is None
    assert not step.links
    assert [ending.code for ending in step.endings] == [code]


@pytest.mark.parametrize("code", [c for c in REFUSING if c is not Code.MAX_POSITIONS])
def test_an_increase_is_refused_and_not_bought_later(code: Code) -> None:
    mine, around = REFUSING[code]
    link = _held(row())
    more = event(EventKind.INCREASED, LOT, 2 * LOT, id=2)
    step = advance(row(**mine), link, [more], market(**around))
    assert (step.order, step.endings[0].code) == (None, code)
    (after,) = step.links
    assert (after.held, after.target, after.master_units) == (LOT, LOT, 2 * LOT)
    again = event(EventKind.INCREASED, 2 * LOT, 3 * LOT, id=3)
    free = advance(row(), after, [again], market())
    assert free.order is not None
    assert free.order.units == LOT


@pytest.mark.parametrize("code", REFUSING)
def test_closes_and_stops_pass_every_guard(code: Code) -> None:
    mine, around = REFUSING[code]
    for change, leg in (
        (event(EventKind.REDUCED, LOT, LOT / 2, id=2), Leg.CLOSE),
        (event(EventKind.CLOSED, LOT, 0, id=2), Leg.CLOSE),
        (event(EventKind.PROTECTION, LOT, LOT, id=2, stop_loss=Decimal(1)), Leg.PROTECT),
    ):
        step = advance(row(**mine), _held(row()), [change], market(**around))
        assert step.order is not None
        assert step.order.leg is leg


def test_positions_planned_together_count() -> None:
    mine = row(rules=Rules(max_positions=2), open_links=1)
    events = [opened(LOT, id=n, position_key=f"p{n}") for n in (1, 2)]
    made = plan(events, [mine], market())
    assert [planned.order.event.id for planned in made.orders] == [1]
    assert [ended.ending.code for ended in made.endings] == [Code.MAX_POSITIONS]


@given(st.sampled_from(list(Side)), st.integers(-300, 300), st.booleans())
def test_slippage_counts_in_the_worse_direction_only(
    side: Side, points: int, reverse: bool
) -> None:
    price = Decimal("1.0921")
    tolerance = Decimal("0.1")  # percent: 109.21 points
    quote = Quote(price + Decimal(points).scaleb(-5), price + Decimal(points).scaleb(-5))
    mine = row(rules=Rules(max_slippage=tolerance, reverse=reverse))
    step = advance(mine, None, [opened(LOT, side=side)], market(quotes={(1, "1"): quote}))
    traded = side.opposite if reverse else side
    worse = points * traded.sign
    assert (step.order is None) is (worse > Decimal("109.21"))
    if step.order is not None:
        assert step.order.limit_price == price + price * tolerance / 100 * traded.sign


@given(st.integers(1, 40), st.integers(0, 5_000), st.integers(100, 400))
def test_the_margin_level_that_remains(lots: int, used: int, lowest: int) -> None:
    mine = row(
        rules=Rules(min_margin_level=Decimal(lowest)),
        leverage=Decimal(100),
        margin_used=Decimal(used),
        funds=funds(10_000),
    )
    units = lots * LOT / 10
    step = advance(mine, None, [opened(units)], market())
    needed = units * Decimal("1.25") / 100  # a euro is 1.25 dollars
    level = Decimal(10_000) / (used + needed) * 100
    assert (step.order is not None) is (level >= lowest)


def test_a_size_that_was_rounded_up_is_checked_too() -> None:
    mine = row(
        round_up=True,
        rules=Rules(min_margin_level=Decimal(150)),
        leverage=Decimal(1),
        funds=funds(1_000),
        sizing=row().sizing._replace(risk_multiplier=Decimal("0.001")),
    )
    step = advance(mine, None, [opened(LOT)], market())
    assert [ending.code for ending in step.endings] == [Code.MARGIN]


@pytest.mark.parametrize(("age", "refused"), [(1, False), (0, True), (-1, True)])
def test_a_price_from_before_the_event_is_not_compared(age: int, refused: bool) -> None:
    first = opened(LOT)
    at = first.received_at - timedelta(seconds=age)
    quote = Quote(Decimal("1.0930"), Decimal("1.0933"), at)
    mine = row(rules=Rules(max_slippage=Decimal("0.1")))
    step = advance(mine, None, [first], market(quotes={(1, "1"): quote}))
    assert (step.order is None) is refused


def test_what_is_not_known_is_left_to_the_gateway() -> None:
    rules = Rules(max_slippage=Decimal("0.1"), min_margin_level=Decimal(150))
    unread = row(rules=rules, leverage=Decimal(30), funds=funds(age_s=None))
    step = advance(unread, None, [opened(LOT)], market())
    assert step.order is not None
    assert step.order.limit_price is not None


def _held(mine: Row) -> Any:
    step = advance(mine, None, [opened(LOT)], market())
    assert step.order is not None
    return answered(step.links[-1], Reply(Leg.OPEN, LOT, LOT, "f1"))
