"""The parts of a gap add up to the cent, and each tells of its own cause only."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.analytics.domain.attribution import (
    Cause,
    CopiedTrade,
    MasterTrade,
    PairedTrade,
    attribute,
)
from apps.trading.money import currency_digits
from apps.trading.orders import Side

CENT = Decimal("0.01")
prices = st.decimals("0.5", "3", places=5)
units = st.integers(0, 500).map(lambda n: Decimal(n) * 1000)
money = st.decimals("-5000", "5000", places=2)
rates = st.decimals("0.2", "5", places=6)
copies = st.builds(
    CopiedTrade,
    units=units,
    entry=prices,
    exit=prices,
    profit=money,
    costs=money,
    rate=rates,
    skipped_units=units,
    late=st.booleans(),
    by_hand=st.booleans(),
)
pairs = st.builds(
    PairedTrade,
    master=st.builds(
        MasterTrade, side=st.sampled_from(Side), units=units, entry=prices, exit=prices, costs=money
    ),
    copy=st.none() | copies,
    ratio=st.decimals("0", "20", places=9),
    rate=rates,
    cost_rate=rates,
    before_start=st.booleans(),
)


def booked(trade: PairedTrade) -> PairedTrade:
    """The trade with the profit that its copy's facts make, rounded as a platform does."""
    copy = trade.copy
    if copy is None:
        return trade
    profit = (copy.exit - copy.entry) * copy.units * trade.master.side.sign * copy.rate
    return replace(trade, copy=replace(copy, profit=profit.quantize(CENT)))


@settings(deadline=None)
@given(st.lists(pairs, max_size=12), st.sampled_from(["USD", "EUR", "JPY"]))
def test_parts_add_up_to_the_last_digit(trades: list[PairedTrade], currency: str) -> None:
    gap = attribute(trades, currency)
    step = Decimal(1).scaleb(-currency_digits(currency))

    assert list(gap.parts) == list(Cause)
    assert sum(gap.parts.values()) == gap.total == gap.actual - gap.expected
    assert all(amount % step == 0 for amount in gap.parts.values())
    told = sum(t.copy.profit + t.copy.costs for t in trades if t.copy is not None)
    assert abs(gap.actual - told) <= step / 2


@settings(deadline=None)
@given(st.lists(pairs.map(booked), max_size=12))
def test_the_residual_is_rounding_where_the_facts_are_whole(trades: list[PairedTrade]) -> None:
    residual = attribute(trades, "USD").parts[Cause.RESIDUAL]
    assert abs(residual) <= CENT / 2 * (len(Cause) + 2 + len(trades))


@settings(deadline=None)
@given(pairs)
def test_a_perfect_copy_has_no_gap(trade: PairedTrade) -> None:
    master = trade.master
    moved = (master.exit - master.entry) * master.side.sign
    perfect = CopiedTrade(
        units=trade.ratio * master.units,
        entry=master.entry,
        exit=master.exit,
        profit=moved * trade.ratio * master.units * trade.rate,
        costs=trade.ratio * master.costs * trade.cost_rate,
        rate=trade.rate,
    )
    gap = attribute([replace(trade, copy=perfect)], "USD")
    assert {cause: amount for cause, amount in gap.parts.items() if amount} == {}
    assert gap.total == 0


@settings(deadline=None)
@given(st.lists(pairs, max_size=6), st.lists(pairs, max_size=6))
def test_the_order_of_trades_does_not_matter(
    one: list[PairedTrade], other: list[PairedTrade]
) -> None:
    assert attribute(one + other, "EUR") == attribute(other + one, "EUR")


MASTER = MasterTrade(Side.BUY, Decimal(100_000), Decimal("1.1000"), Decimal("1.1100"), Decimal(-5))
COPY = CopiedTrade(
    Decimal(50_000), Decimal("1.1000"), Decimal("1.1100"), Decimal(500), Decimal("-2.50")
)


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({}, {}),
        ({"units": Decimal(49_000), "profit": Decimal(490)}, {Cause.ROUNDING: Decimal(-10)}),
        (
            {"units": Decimal(39_000), "skipped_units": Decimal(10_000), "profit": Decimal(390)},
            {Cause.SKIPPED: Decimal(-100), Cause.ROUNDING: Decimal(-10)},
        ),
        (
            {"entry": Decimal("1.1002"), "profit": Decimal(490)},
            {Cause.ENTRY_SLIPPAGE: Decimal(-10)},
        ),
        (
            {"entry": Decimal("1.1050"), "profit": Decimal(250), "late": True},
            {Cause.LATE_START: Decimal(-250)},
        ),
        ({"exit": Decimal("1.1101"), "profit": Decimal(505)}, {Cause.EXIT_SLIPPAGE: Decimal(5)}),
        (
            {"exit": Decimal("1.1060"), "profit": Decimal(300), "by_hand": True},
            {Cause.MANUAL: Decimal(-200)},
        ),
        ({"costs": Decimal("-4.10")}, {Cause.COSTS: Decimal("-1.60")}),
        ({"rate": Decimal("0.99"), "profit": Decimal(495)}, {Cause.CURRENCY: Decimal(-5)}),
        ({"profit": Decimal("499.90")}, {Cause.RESIDUAL: Decimal("-0.10")}),
    ],
)
def test_each_fact_is_one_cause(changes: dict[str, object], parts: dict[Cause, Decimal]) -> None:
    trade = PairedTrade(MASTER, replace(COPY, **changes), Decimal("0.5"))
    gap = attribute([trade], "USD")
    assert gap.expected == Decimal("497.50")
    assert {cause: amount for cause, amount in gap.parts.items() if amount} == parts


@pytest.mark.parametrize(("before", "cause"), [(True, Cause.LATE_START), (False, Cause.SKIPPED)])
def test_a_trade_without_a_copy_is_missed_with_its_costs(before: bool, cause: Cause) -> None:
    gap = attribute([PairedTrade(MASTER, None, Decimal("0.5"), before_start=before)], "USD")
    assert (gap.actual, gap.parts[cause]) == (0, Decimal("-497.50"))


def test_a_sold_copy_counts_the_other_way() -> None:
    short = replace(MASTER, side=Side.SELL)
    copy = replace(COPY, entry=Decimal("1.0998"), profit=Decimal(-510))
    assert attribute([PairedTrade(short, copy, Decimal("0.5"))], "USD").parts[
        Cause.ENTRY_SLIPPAGE
    ] == Decimal(-10)
    assert attribute([], "USD").total == 0


def test_the_document_names_every_cause() -> None:
    text = (Path(__file__).parents[2] / "docs" / "figures.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert rows == list(Cause)
