"""Volumes: rounding and sizing, for any numbers."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from apps.copytrading.domain.codes import Code
from apps.copytrading.domain.rounding import Limits, Rounding, holding
from apps.copytrading.domain.volume import Size, VolumeMode, size
from tests.factories.copying import LOT, RATES, funds, sizing

HALF_DIGIT = Decimal("5e-9")
targets = st.decimals("0", "1e9", places=12)
steps = st.sampled_from([Decimal(v) for v in ("0.00000001", "0.01", "1", "1000", "100000")])
money = st.decimals("0.01", "1e7", places=2)
units = st.integers(1, 10_000).map(lambda n: Decimal(n) * 1000)


@st.composite
def limits(draw: st.DrawFn) -> Limits:
    step = draw(steps)
    minimum = step * draw(st.integers(1, 50))
    maximum = draw(st.sampled_from([Decimal(0), minimum * 100]))
    own = minimum * draw(st.integers(1, 3))
    return Limits(step, minimum, own, maximum, draw(st.booleans()))


@given(targets, limits(), st.booleans())
def test_never_up_unless_it_may(target: Decimal, rules: Limits, opening: bool) -> None:
    held, rounding = holding(target, rules, opening=opening)
    if rounding is Rounding.UP:
        assert rules.round_up
    else:
        assert held <= target + HALF_DIGIT


@given(targets, limits(), st.booleans())
def test_a_holding_can_be_traded(target: Decimal, rules: Limits, opening: bool) -> None:
    held, _ = holding(target, rules, opening=opening)
    assert held % rules.step == 0
    assert held == 0 or held >= rules.minimum
    assert not rules.maximum or held <= rules.maximum


@given(targets, limits())
def test_loses_less_than_one_step(target: Decimal, rules: Limits) -> None:
    held, rounding = holding(target, rules, opening=True)
    if rounding in (Rounding.DOWN, Rounding.EXACT):
        assert target - held < rules.step + HALF_DIGIT


@given(targets, targets, limits())
def test_more_is_never_less(first: Decimal, second: Decimal, rules: Limits) -> None:
    low, high = sorted((first, second))
    assert holding(low, rules, opening=True)[0] <= holding(high, rules, opening=True)[0]


@given(st.sampled_from(VolumeMode), units, st.booleans())
def test_no_money_no_order(mode: VolumeMode, master_units: Decimal, masters: bool) -> None:
    if mode in (VolumeMode.FIXED, VolumeMode.MULTIPLIER):
        return
    if masters and mode is VolumeMode.EQUITY_BASED:
        return
    poor, rich = funds(0), funds(1_000)
    made = size(
        sizing(mode, base_equity=Decimal(500)),
        units=master_units,
        lot_units=LOT,
        master=poor if masters else rich,
        follower=rich if masters else poor,
        own_result=Decimal(0),
        stale_after_s=30,
        rates=RATES,
    )
    assert made is Code.NO_EQUITY


@given(money, money, units, st.sampled_from(["USD", "EUR", "GBP", "JPY"]))
def test_the_currency_of_an_account_changes_nothing(
    follower: Decimal, master: Decimal, master_units: Decimal, currency: str
) -> None:
    """The same wealth in another currency gives the same volume."""

    def target(equity: Decimal, in_currency: str) -> Decimal:
        made = size(
            sizing(VolumeMode.EQUITY_RATIO),
            units=master_units,
            lot_units=LOT,
            master=funds(0)._replace(equity=master),
            follower=funds(0, in_currency)._replace(equity=equity),
            own_result=Decimal(0),
            stale_after_s=30,
            rates=RATES,
        )
        assert isinstance(made, Size)
        return made.target

    plain = target(follower, "USD")
    converted = target(RATES.convert(follower, "USD", currency), currency)
    assert abs(plain - converted) <= master_units * Decimal("1e-17") + plain * Decimal("1e-20")
