"""What a trade by hand means before it is sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from apps.demo.by_hand import LABEL, BadTrade, Wish, decide
from apps.demo.domain.words import Holding, Increase, Open, Protect, Reduce
from apps.trading.orders import Side
from apps.trading.symbols import Instrument

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
EURUSD = Instrument(
    instrument_id="1",
    name="EURUSD",
    base="EUR",
    quote="USD",
    digits=5,
    pip_digits=4,
    lot_units=Decimal(100_000),
    min_units=Decimal(1_000),
    step_units=Decimal(1_000),
    max_units=Decimal(10_000_000),
)
INSTRUMENTS = {"EURUSD": EURUSD}


def held(number: int, label: str = LABEL, units: int = 50_000) -> Holding:
    return Holding(
        str(number),
        "EURUSD",
        Side.SELL,
        Decimal(units),
        Decimal("1.10000"),
        None,
        Decimal("1.09000"),
        NOW + timedelta(minutes=number),
        label,
    )


def test_open_in_lots_and_pips() -> None:
    wish = Wish("open", lots=Decimal("0.5"), side=Side.SELL, stop_pips=Decimal(20))
    assert decide(wish, [], INSTRUMENTS) == Open(
        "EURUSD", Side.SELL, Decimal(50_000), Decimal("0.0020"), Decimal(0), LABEL
    )


def test_an_unknown_symbol_names_the_known_ones() -> None:
    with pytest.raises(BadTrade, match="it has EURUSD"):
        decide(Wish("open", symbol="EURXXX"), [], INSTRUMENTS)


def test_without_a_position_the_newest_by_hand_is_meant() -> None:
    holdings = [held(1), held(2), held(3, "harbour/50000")]
    assert decide(Wish("close"), holdings, INSTRUMENTS) == Reduce(holdings[1], Decimal(50_000))


def test_a_named_position_is_meant() -> None:
    holdings = [held(1), held(2)]
    assert decide(Wish("close", position="1"), holdings, INSTRUMENTS) == Reduce(
        holdings[0], Decimal(50_000)
    )
    with pytest.raises(BadTrade, match="7 is not open"):
        decide(Wish("close", position="7"), holdings, INSTRUMENTS)


def test_partial_closes_half_on_the_step_or_what_is_said() -> None:
    assert decide(Wish("partial"), [held(1, units=5_000)], INSTRUMENTS) == Reduce(
        held(1, units=5_000), Decimal(2_000)
    )
    wish = Wish("partial", lots=Decimal("0.2"))
    assert decide(wish, [held(1)], INSTRUMENTS) == Reduce(held(1), Decimal(20_000))


def test_more_than_is_held_cannot_be_closed() -> None:
    with pytest.raises(BadTrade, match="cannot be closed"):
        decide(Wish("partial", lots=Decimal(1)), [held(1)], INSTRUMENTS)


def test_increase_doubles_without_lots() -> None:
    assert decide(Wish("increase"), [held(1)], INSTRUMENTS) == Increase(held(1), Decimal(50_000))


def test_stop_in_pips_lies_on_the_losing_side_and_keeps_the_target() -> None:
    wish = Wish("stop", stop_pips=Decimal(10))
    assert decide(wish, [held(1)], INSTRUMENTS) == Protect(
        held(1), Decimal("1.1010"), Decimal("1.09000")
    )


def test_a_price_of_zero_takes_the_target_away() -> None:
    wish = Wish("stop", take_profit=Decimal(0))
    assert decide(wish, [held(1)], INSTRUMENTS) == Protect(held(1), None, None)


def test_a_stop_without_a_price_is_refused() -> None:
    with pytest.raises(BadTrade, match="say where"):
        decide(Wish("stop"), [held(1)], INSTRUMENTS)


def test_without_positions_there_is_nothing_to_close() -> None:
    with pytest.raises(BadTrade, match="open one first"):
        decide(Wish("close"), [], INSTRUMENTS)
