"""The strictest of several limits, for any values in any order."""

from __future__ import annotations

from decimal import Decimal
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from apps.copytrading.domain.guards import strictest_maximum, strictest_minimum

LIMITS = st.one_of(
    st.just(Decimal(0)), st.decimals(min_value=Decimal("0.0001"), max_value=10**9, places=4)
)
SEVERAL = st.lists(LIMITS, min_size=1, max_size=4)


@given(SEVERAL, st.decimals(min_value=0, max_value=10**9, places=4))
def test_a_maximum_lets_through_what_every_set_maximum_lets_through(
    values: list[Decimal], tried: Decimal
) -> None:
    holds = strictest_maximum(*values)
    assert (not holds or tried <= holds) == all(tried <= value for value in values if value)


@given(SEVERAL, st.decimals(min_value=0, max_value=10**9, places=4))
def test_a_minimum_lets_through_what_every_set_minimum_lets_through(
    values: list[Decimal], tried: Decimal
) -> None:
    holds = strictest_minimum(*values)
    assert (not holds or tried >= holds) == all(tried >= value for value in values if value)


@given(SEVERAL, st.randoms())
def test_the_order_of_the_limits_is_of_no_account(values: list[Decimal], random: Random) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)
    assert strictest_maximum(*shuffled) == strictest_maximum(*values)
    assert strictest_minimum(*shuffled) == strictest_minimum(*values)


@given(SEVERAL, LIMITS)
def test_one_more_limit_never_loosens(values: list[Decimal], more: Decimal) -> None:
    before, after = strictest_maximum(*values), strictest_maximum(*values, more)
    assert not before or 0 < after <= before
    assert strictest_minimum(*values, more) >= strictest_minimum(*values)


def test_counts_stay_counts_and_nothing_set_is_nothing() -> None:
    assert (strictest_maximum(0, 0), strictest_minimum(0, 0)) == (0, 0)
    assert isinstance(strictest_maximum(0, 7, 3), int)
    assert isinstance(strictest_minimum(Decimal(0)), Decimal)
