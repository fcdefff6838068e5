"""Opens that are worked out for many copies at once are those of each copy alone."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from apps.copytrading.domain.advance import advance
from apps.copytrading.domain.codes import Code
from apps.copytrading.domain.openings import Openings
from apps.copytrading.domain.rows import Market, Quote, Row, Rules
from apps.copytrading.domain.volume import VolumeMode
from apps.trading.orders import Side
from tests.factories.copying import EURUSD, NOW, funds, market, opened, row, sizing

MONEY = st.decimals(min_value=-1000, max_value=2_000_000, places=2)
LOTS = st.sampled_from([Decimal(0), Decimal("0.01"), Decimal("0.5"), Decimal(3)])
AGES = st.sampled_from([None, 0.1, 29.0, 31.0])
STOPS = st.sampled_from([None, Decimal("1.08123"), Decimal("1.101234")])

SIZINGS = st.builds(
    sizing,
    mode=st.sampled_from(VolumeMode),
    risk_multiplier=st.sampled_from([Decimal("0.333"), Decimal(1), Decimal(7)]),
    fixed_volume=LOTS,
    base_equity=st.sampled_from([None, Decimal(0), Decimal(5_000)]),
    allocated_capital=st.sampled_from([Decimal(0), Decimal(2_500)]),
)
RULES = st.builds(
    Rules,
    reverse=st.booleans(),
    opens_only=st.booleans(),
    include=st.sampled_from([None, frozenset(), frozenset({"EURUSD"})]),
    exclude=st.sampled_from([frozenset(), frozenset({"EURUSD"})]),
    max_positions=st.sampled_from([0, 0, 3]),
    min_equity=st.sampled_from([Decimal(0), Decimal(0), Decimal(900)]),
    max_slippage=st.sampled_from([Decimal(0), Decimal("0.1")]),
    min_margin_level=st.sampled_from([Decimal(0), Decimal(150)]),
)


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    """Copies of few settings and of many different accounts."""
    settings = draw(st.lists(st.tuples(SIZINGS, RULES), min_size=1, max_size=3))
    made = []
    for number in range(draw(st.integers(1, 8))):
        sized, rules = draw(st.sampled_from(settings))
        made.append(_row(draw, number, sizing=sized, rules=rules))
    return made


def _row(draw: st.DrawFn, number: int, **settings: Any) -> Row:
    money = funds(
        equity=draw(MONEY),
        balance=draw(MONEY),
        currency=draw(st.sampled_from(["USD", "EUR", "XXX"])),
        age_s=draw(AGES),
    )
    return row(
        subscription_id=number + 1,
        account_id=number + 70,
        connection_id=draw(st.sampled_from([1, 1, 2])),
        netting=draw(st.sampled_from([False, False, True])),
        hold=draw(st.sampled_from([None, None, Code.PAUSED])),
        round_up=draw(st.booleans()),
        min_volume=draw(LOTS),
        max_volume=draw(LOTS),
        copy_sl=draw(st.booleans()),
        copy_tp=draw(st.booleans()),
        max_delay=timedelta(seconds=draw(st.sampled_from([1, 10]))),
        funds=money,
        own_result=draw(MONEY),
        margin_used=draw(st.sampled_from([Decimal(0), Decimal(5_000)])),
        leverage=draw(st.sampled_from([Decimal(0), Decimal(30)])),
        revision=number,
        **settings,
    )


@st.composite
def markets(draw: st.DrawFn) -> Market:
    quote = Quote(draw(st.sampled_from([Decimal("1.0920"), Decimal("1.2")])), Decimal("1.2001"))
    return market(
        master=funds(equity=draw(MONEY), balance=draw(MONEY), age_s=draw(AGES)),
        now=NOW + timedelta(seconds=draw(st.sampled_from([0, 2, 11]))),
        quotes=draw(st.sampled_from([{}, {(1, "1"): quote}])),
        pairs=draw(st.sampled_from([{}, {(1, "1"): None}, {(2, "1"): EURUSD}])),
    )


@given(rows(), markets(), st.integers(1, 400), st.sampled_from(Side), STOPS, STOPS)
def test_an_open_is_the_same_alone_and_among_many(
    found: list[Row],
    around: Market,
    steps: int,
    side: Side,
    stop_loss: Decimal | None,
    take_profit: Decimal | None,
) -> None:
    event = opened(steps * 777, side=side, stop_loss=stop_loss, take_profit=take_profit)
    openings = Openings.among([event], around)
    assert openings is not None
    for each in found:
        made = openings.of(each)
        if made is not None:
            step = advance(each, None, [event], around)
            assert (step.links, step.order) == ((made[0],), made[1])
            assert not (step.endings or step.waiting or step.pendings)


def test_plain_opens_are_made_among_many() -> None:
    openings = Openings.among([opened()], market())
    assert openings is not None
    made = [openings.of(row(subscription_id=number)) for number in range(1, 4)]
    assert all(made)


def test_a_copy_that_is_not_plain_is_left_alone() -> None:
    openings = Openings.among([opened()], market())
    assert openings is not None
    for changes in ({"netting": True}, {"hold": Code.PAUSED}, {"rules": Rules(max_positions=1)}):
        assert openings.of(row(**changes)) is None


def test_several_events_or_one_for_a_single_copy_are_not_for_many() -> None:
    assert Openings.among([opened(), opened(id=2)], market()) is None
    assert Openings.among([opened(only=7)], market()) is None
