"""Exposure over several masters, hedges between them, and correlation."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.analytics.domain.portfolio import (
    Hedge,
    Holding,
    by_currency,
    by_symbol,
    correlations,
    hedges,
)
from apps.trading.errors import NoConversionRate
from apps.trading.money import Rates
from apps.trading.orders import Side

RATES = Rates({("EUR", "USD"): Decimal("1.10"), ("GBP", "USD"): Decimal("1.25")})


def held(master: int, symbol: str, side: Side, units: int, price: str = "1.10") -> Holding:
    return Holding(master, symbol, symbol[:3], symbol[3:], side, Decimal(units), Decimal(price))


BOOK = [
    held(1, "EURUSD", Side.BUY, 100_000),
    held(2, "EURUSD", Side.SELL, 30_000),
    held(3, "EURUSD", Side.SELL, 20_000),
    held(3, "EURUSD", Side.SELL, 20_000),
    held(2, "EURGBP", Side.BUY, 50_000, "0.88"),
]


def test_net_by_symbol() -> None:
    exposure = by_symbol(BOOK)
    assert list(exposure) == ["EURGBP", "EURUSD"]
    euro = exposure["EURUSD"]
    assert (euro.long, euro.short, euro.net, euro.hedged) == (100_000, 70_000, 30_000, 70_000)
    assert euro.masters == {1: 100_000, 2: -30_000, 3: -40_000}


def test_net_by_currency_in_the_account_s() -> None:
    assert by_currency(BOOK, RATES, "USD") == {
        "EUR": Decimal("88000"),  # 30,000 at 1.10, and 50,000 at 0.88 GBP of 1.25
        "GBP": Decimal("-55000"),
    }
    in_euro = by_currency(BOOK[:1], RATES, "EUR")
    assert set(in_euro) == {"USD"} and round(in_euro["USD"]) == -100_000
    with pytest.raises(NoConversionRate):
        by_currency([held(1, "USDJPY", Side.BUY, 1)], RATES, "USD")


def test_masters_that_hold_against_each_other() -> None:
    assert hedges(BOOK) == [
        Hedge("EURUSD", 1, 3, Decimal(40_000)),
        Hedge("EURUSD", 1, 2, Decimal(30_000)),
    ]
    alone = [held(1, "EURUSD", Side.BUY, 10), held(1, "EURUSD", Side.SELL, 10)]
    assert hedges(alone) == []
    assert by_symbol(alone)["EURUSD"].hedged == 10
    assert hedges([]) == [] and by_symbol([]) == {} and by_currency([], RATES, "USD") == {}


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            held,
            st.integers(1, 4),
            st.sampled_from(["EURUSD", "GBPUSD", "EURGBP"]),
            st.sampled_from(Side),
            st.integers(1, 1000),
        ),
        max_size=12,
    )
)
def test_whatever_is_held_adds_up(book: list[Holding]) -> None:
    for symbol, exposure in by_symbol(book).items():
        assert sum(exposure.masters.values()) == exposure.net
        assert exposure.long + exposure.short == sum(h.units for h in book if h.symbol == symbol)
    everything = by_currency(book, RATES, "USD")
    reversed_book = [replace(position, side=position.side.opposite) for position in book]
    opposite = by_currency(reversed_book, RATES, "USD")
    assert opposite == {currency: -value for currency, value in everything.items()}
    for hedge in hedges(book):
        net = by_symbol(book)[hedge.symbol].masters
        assert net[hedge.buyer] > 0 > net[hedge.seller]
        assert hedge.units == min(net[hedge.buyer], -net[hedge.seller])


def test_correlation_is_that_of_pandas_on_common_days() -> None:
    random = np.random.default_rng(6)
    grid = random.normal(0, 0.01, (8, 120)) + random.normal(0, 0.01, 120)
    grid[random.random(grid.shape) < 0.4] = np.nan
    grid[6, 30:] = np.nan
    grid[7] = 0.001
    ours, common = correlations(grid)

    theirs = pd.DataFrame(grid.T).corr(min_periods=20).to_numpy()
    np.testing.assert_allclose(ours[:7, :7], theirs[:7, :7], rtol=1e-9)
    assert np.isnan(ours[7]).all() and np.isnan(ours[6]).any()
    assert common[7].tolist() == [int((~np.isnan(row)).sum()) for row in grid]
    with pytest.raises(ValueError, match="records and days"):
        correlations([0.1])
