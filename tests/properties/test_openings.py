"""Opens that are worked out for many copies at once are those of each copy alone."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.copytrading.domain.advance import advance
from apps.copytrading.domain.codes import Code
from apps.copytrading.domain.openings import Openings
from apps.copytrading.domain.rows import Market, Quote, Row, Rules
from apps.copytrading.domain.volume import VolumeMode
from apps.trading.orders import Side
from tests.factories.copying import EURUSD, NOW, funds, market, opened, row, sizing


def mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    """The plain value, now and then another: rows that a single one makes special."""
    return st.sampled_from([*[usual] * 20, *others])


MONEY = st.one_of(
    st.decimals(min_value=1_000, max_value=50_000, places=2),
    st.decimals(min_value=1_000, max_value=50_000, places=2),
    st.decimals(min_value=-1000, max_value=2_000_000, places=2),
)
LOTS = mostly(Decimal(0), Decimal("0.01"), Decimal("0.5"), Decimal(3))
AGES = mostly(0.1, None, 29.0, 31.0)
STOPS = st.sampled_from([None, Decimal("1.08123"), Decimal("1.101234")])

SIZINGS = st.builds(
    sizing,
    mode=st.sampled_from(VolumeMode),
    risk_multiplier=st.sampled_from([Decimal("0.333"), Decimal(1), Decimal(7)]),
    fixed_volume=st.sampled_from([Decimal(0), Decimal("0.07"), Decimal(3)]),
    base_equity=mostly(Decimal(5_000), None, Decimal(0)),
    allocated_capital=st.sampled_from([Decimal(0), Decimal(2_500)]),
)
RULES = st.builds(
    Rules,
    reverse=st.booleans(),
    opens_only=st.booleans(),
    include=mostly(None, frozenset(), frozenset({"EURUSD"})),
    exclude=mostly(frozenset(), frozenset({"EURUSD"})),
    max_positions=mostly(0, 3),
    min_equity=mostly(Decimal(0), Decimal(900)),
    max_slippage=st.sampled_from([Decimal(0), Decimal("0.1")]),
    min_margin_level=st.sampled_from([Decimal(0), Decimal(150)]),
)


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    """Copies of few settings and of many different accounts."""
    sizings = draw(st.lists(SIZINGS, min_size=1, max_size=2))
    rules = draw(st.lists(RULES, min_size=1, max_size=2))
    made = []
    for number in range(draw(st.integers(1, 8))):
        its = {"sizing": st.sampled_from(sizings), "rules": st.sampled_from(rules)}
        made.append(_row(draw, number, **{name: draw(values) for name, values in its.items()}))
    return made


def _row(draw: st.DrawFn, number: int, **its: Any) -> Row:
    money = funds(
        equity=draw(MONEY),
        balance=draw(MONEY),
        currency=draw(mostly("USD", "EUR", "XXX")),
        age_s=draw(AGES),
    )
    return row(
        subscription_id=number + 1,
        account_id=number + 70,
        connection_id=draw(mostly(1, 2)),
        netting=draw(mostly(False, True)),
        hold=draw(mostly(None, Code.PAUSED)),
        round_up=draw(st.booleans()),
        min_volume=draw(LOTS),
        max_volume=draw(mostly(Decimal(0), Decimal("0.5"))),
        copy_sl=draw(st.booleans()),
        copy_tp=draw(st.booleans()),
        max_delay=timedelta(seconds=draw(mostly(10, 1))),
        funds=money,
        own_result=draw(MONEY),
        margin_used=draw(mostly(Decimal(0), Decimal(5_000))),
        leverage=draw(mostly(Decimal(1), Decimal(0), Decimal(30))),
        revision=number,
        **its,
    )


@st.composite
def markets(draw: st.DrawFn) -> Market:
    quote = Quote(draw(mostly(Decimal("1.0920"), Decimal("1.2"))), Decimal("1.0921"))
    return market(
        master=funds(equity=draw(MONEY), balance=draw(MONEY), age_s=draw(AGES)),
        now=NOW + timedelta(seconds=draw(mostly(0, 2, 11))),
        quotes=draw(st.sampled_from([{}, {(1, "1"): quote}])),
        pairs=draw(mostly({}, {(1, "1"): None}, {(2, "1"): EURUSD})),
    )


@settings(max_examples=300)
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


#: One object each for all copies, as where thousands are set alike: they are told apart by it.
PLAIN = {
    "sizing": sizing(),
    "rules": Rules(),
    "leverage": Decimal(1),
    "funds": funds(equity=500_000),
}


@pytest.mark.parametrize(
    "changes",
    [
        {"sizing": sizing(risk_multiplier=Decimal(2))},
        {"rules": Rules(reverse=True)},
        {"rules": Rules(max_slippage=Decimal(1))},
        {"connection_id": 2},
        {"min_volume": Decimal(5)},
        {"max_volume": Decimal("0.5")},
        {"copy_sl": False},
        {"copy_tp": False},
        {"max_delay": timedelta(seconds=3)},
        {"hold": Code.PAUSED},
        {"min_volume": Decimal(5), "round_up": True},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_no_copy_is_opened_by_the_settings_of_another(changes: dict[str, Any]) -> None:
    """Whichever of two copies comes first: what one is set to says nothing of the other."""
    other = EURUSD._replace(name="EURUSD.x", instrument_id="9")
    around = market(symbols={(1, "1"): EURUSD, (2, "1"): other})
    event = opened(stop_loss=Decimal("1.08"), take_profit=Decimal("1.12"))
    one, two = row(subscription_id=1, **PLAIN), row(subscription_id=2, **{**PLAIN, **changes})
    for pair in ((one, two), (two, one)):
        openings = Openings.among([event], around)
        assert openings is not None
        for each in pair:
            made, step = openings.of(each), advance(each, None, [event], around)
            alone = (step.links[0], step.order) if step.order is not None else None
            assert made == alone


def test_money_in_another_currency_is_converted_at_its_own_rate() -> None:
    by_equity = sizing(VolumeMode.EQUITY_RATIO)
    event, around = opened(), market()
    openings = Openings.among([event], around)
    assert openings is not None
    for currency in ("USD", "EUR"):
        each = row(sizing=by_equity, funds=funds(equity=10_000, currency=currency))
        step = advance(each, None, [event], around)
        assert step.order is not None
        assert openings.of(each) == (step.links[0], step.order)
