"""How much of a master's trading fits an account, the smallest lots given."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.analytics.domain.minimum_lot import Lots, Opening, copyable

MINI = Lots(Decimal(1_000), Decimal(1_000), Decimal(0))

sizes = st.integers(1, 5_000_000).map(Decimal)
openings = st.lists(
    st.builds(Opening, st.sampled_from(["EURUSD", "XAUUSD"]), sizes, st.integers(1, 9)),
    min_size=1,
    max_size=6,
)
ratios = st.decimals("0.0001", "3", places=4)


def opened(*units: int, symbol: str = "EURUSD") -> list[Opening]:
    return [Opening(symbol, Decimal(size), 1) for size in units]


def test_what_fits_to_the_unit_is_copied_whole() -> None:
    share = copyable(opened(100_000, 20_000), {"EURUSD": MINI}, Decimal("0.1"))
    assert share is not None
    assert (share.share, share.copied, share.too_small, share.missing) == (1.0, 2, 0, 0)


def test_what_is_rounded_down_counts_for_the_part_that_is_held() -> None:
    # 2,500 wanted: 2,000 held.
    share = copyable(opened(25_000), {"EURUSD": MINI}, Decimal("0.1"))
    assert share is not None and share.share == pytest.approx(0.8)
    assert share.copied == 1


def test_below_the_smallest_volume_nothing_is_copied() -> None:
    # 10,000 wanted and held; 900 wanted, nothing held.
    share = copyable(opened(100_000, 9_000), {"EURUSD": MINI}, Decimal("0.1"))
    assert share is not None and share.share == pytest.approx(0.5)
    assert (share.copied, share.too_small) == (1, 1)


def test_the_minimum_may_lie_above_the_step() -> None:
    lots = {"EURUSD": Lots(Decimal(10_000), Decimal(1_000), Decimal(0))}
    share = copyable(opened(90_000), lots, Decimal("0.1"))
    assert share is not None and (share.share, share.too_small) == (0.0, 1)


def test_a_symbol_that_is_not_offered_is_not_copied() -> None:
    mixed = [*opened(100_000), *opened(100_000, symbol="XAUUSD")]
    share = copyable(mixed, {"EURUSD": MINI}, Decimal("0.1"))
    assert share is not None and share.share == pytest.approx(0.5)
    assert (share.copied, share.missing, share.trades) == (1, 1, 2)


def test_above_the_largest_volume_only_that_is_held() -> None:
    lots = {"EURUSD": Lots(Decimal(1_000), Decimal(1_000), Decimal(50_000))}
    share = copyable(opened(100_000), lots, Decimal(1))
    assert share is not None and share.share == pytest.approx(0.5)


def test_sizes_count_as_often_as_they_were_traded() -> None:
    often = [Opening("EURUSD", Decimal(100_000), 3), Opening("EURUSD", Decimal(5_000), 1)]
    share = copyable(often, {"EURUSD": MINI}, Decimal("0.1"))
    assert share is not None and share.share == pytest.approx(0.75)


@pytest.mark.parametrize("ratio", ["0", "-0.1"])
def test_without_equity_or_trades_nothing_is_said(ratio: str) -> None:
    assert copyable(opened(100_000), {"EURUSD": MINI}, Decimal(ratio)) is None
    assert copyable([], {"EURUSD": MINI}, Decimal(1)) is None


@given(openings, ratios, st.integers(2, 5))
def test_a_multiple_of_the_equity_never_copies_less(
    traded: list[Opening], ratio: Decimal, times: int
) -> None:
    lots = {"EURUSD": MINI, "XAUUSD": Lots(Decimal(10), Decimal(5), Decimal(0))}
    small, large = copyable(traded, lots, ratio), copyable(traded, lots, ratio * times)
    assert small is not None and large is not None
    assert 0 <= small.share <= large.share + 1e-12 <= 1 + 2e-12
    assert large.too_small <= small.too_small
    assert small.trades == large.trades == sum(opening.times for opening in traded)
