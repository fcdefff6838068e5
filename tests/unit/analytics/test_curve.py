from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from apps.analytics.domain.curve import CurvePoint, maximum_drawdown

START = datetime(2026, 1, 5, tzinfo=UTC)
amounts = st.decimals(min_value=1, max_value=10**7, places=2)


def curve(*values: object) -> list[CurvePoint]:
    return [
        CurvePoint(START + timedelta(minutes=i), Decimal(str(v)), Decimal(str(v)))
        for i, v in enumerate(values)
    ]


def test_fall_is_measured_from_the_high_before_it() -> None:
    assert maximum_drawdown(curve(100, 120, 90, 130, 117)) == Decimal("0.25")


def test_one_point_has_no_drawdown() -> None:
    assert maximum_drawdown(curve(100)) is None
    assert maximum_drawdown([]) is None


def test_never_a_positive_high_has_none() -> None:
    assert maximum_drawdown(curve(0, -5)) is None


def test_losing_more_than_everything_exceeds_one() -> None:
    assert maximum_drawdown(curve(100, -50)) == Decimal("1.5")


@given(st.lists(amounts, min_size=2, max_size=40))
def test_agrees_with_trying_every_pair(values: list[Decimal]) -> None:
    expected = max(
        (values[i] - values[j]) / values[i]
        for i in range(len(values))
        for j in range(i, len(values))
    )
    assert maximum_drawdown(curve(*values)) == expected
