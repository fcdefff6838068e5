from decimal import Decimal

import pytest

from apps.trading.errors import NoConversionRate
from apps.trading.money import Money, Rates

D = Decimal


def test_sums_need_one_currency() -> None:
    assert Money(D(2), "EUR") + Money(D(3), "EUR") == Money(D(5), "EUR")
    with pytest.raises(ValueError, match="USD cannot be added to EUR"):
        Money(D(2), "EUR") + Money(D(3), "USD")


def test_floats_are_refused() -> None:
    with pytest.raises(TypeError, match="never float"):
        Money(0.1, "EUR")  # type: ignore[arg-type]


def test_booking_rounds_to_the_currency() -> None:
    assert Money(D("1.005"), "EUR").booked().amount == D("1.00")
    assert Money(D("150.5"), "JPY").booked().amount == D("150")


def test_rate_direct_inverted_and_crossed() -> None:
    rates = Rates({("EUR", "USD"): D("1.25"), ("USD", "JPY"): D("150")})
    assert rates.rate("EUR", "USD") == D("1.25")
    assert rates.rate("USD", "EUR") == D("0.8")
    assert rates.rate("EUR", "JPY") == D("187.5")
    assert rates.rate("CHF", "CHF") == 1


def test_cross_through_an_uncommon_currency() -> None:
    rates = Rates({("BTC", "USDT"): D(50000), ("ETH", "USDT"): D(2500)})
    assert rates.rate("BTC", "ETH") == D(20)


def test_unknown_rate_says_which() -> None:
    with pytest.raises(NoConversionRate, match="EUR to XAU"):
        Rates({("EUR", "USD"): D(1)}).rate("EUR", "XAU")


def test_a_price_of_zero_is_no_rate() -> None:
    with pytest.raises(NoConversionRate):
        Rates({("EUR", "USD"): D(0)}).rate("USD", "EUR")
