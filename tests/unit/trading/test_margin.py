from decimal import Decimal

import pytest

from apps.trading.margin import margin_level, open_result, used_margin
from apps.trading.orders import Leg, Side

D = Decimal


def test_margin_is_notional_over_leverage() -> None:
    assert used_margin(D(100_000), D("1.1"), D(100)) == D("1100.0")
    with pytest.raises(ValueError, match="leverage"):
        used_margin(D(1), D(1), D(0))


@pytest.mark.parametrize(("side", "result"), [(Side.BUY, D(100)), (Side.SELL, D(-100))])
def test_open_result_follows_the_side(side: Side, result: Decimal) -> None:
    assert open_result(side, D(10_000), D("1.10"), D("1.11")) == result


def test_margin_level_is_none_without_margin() -> None:
    assert margin_level(D(1000), D(0)) is None
    assert margin_level(D(1500), D(1000)) == 150


def test_closes_are_sent_before_stops_and_stops_before_opens() -> None:
    assert Leg.CLOSE.priority < Leg.PROTECT.priority < Leg.OPEN.priority
