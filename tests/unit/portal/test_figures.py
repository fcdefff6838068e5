"""How figures are written."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from apps.common.templatetags import figures


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [
        (D("1234.5"), "USD", "1,234.50"),
        (D("-0.004"), "USD", "0.00"),
        (D("-3"), "USD", "−3.00"),
        (D("1234.5"), "JPY", "1,234"),
        (None, "USD", "–"),
    ],
)
def test_money(value: D | None, currency: str, text: str) -> None:
    assert figures.amount(value, currency) == text


@pytest.mark.parametrize(
    ("value", "text", "tone"),
    [
        (D("1"), "+1.00", "money-gain"),
        (D("-1"), "−1.00", "money-loss"),
        (D("0.001"), "0.00", ""),
        (None, "–", ""),
    ],
)
def test_a_result_is_signed_in_text_and_coloured_accordingly(
    value: D | None, text: str, tone: str
) -> None:
    assert (figures.signed(value), figures.tone(value)) == (text, tone)


def test_lots_have_as_many_decimals_as_they_need() -> None:
    assert [figures.lots(D(v)) for v in ("1", "0.25", "0.2500", "0.001", "1E+1")] == [
        "1.00", "0.25", "0.25", "0.001", "10.00",
    ]  # fmt: skip


def test_prices_keep_the_symbols_digits() -> None:
    assert figures.price(D("1.0921"), 5) == "1.09210"
    assert figures.price(D("151.5")) == "151.50"


def test_durations_choose_their_unit() -> None:
    assert [figures.millis(v) for v in (1.25, 40.4, 1250, -87.1, None)] == [
        "1.2 ms", "40 ms", "1.25 s", "−87 ms", "–",
    ]  # fmt: skip


def test_hops_fill_their_scale_and_no_more() -> None:
    bars = figures.hop_bars([10.0, 30.0, None], 40)

    assert [bar["width"] for bar in bars] == ["25.00", "75.00", "0.00"]


@pytest.mark.parametrize(
    ("value", "text", "with_sign"),
    [
        (0.0512, "5.12 %", "+5.12 %"),
        (D("-0.1"), "−10.00 %", "−10.00 %"),
        (-0.00001, "0.00 %", "0.00 %"),
        (0.00001, "0.00 %", "0.00 %"),
        (None, "–", "–"),
    ],
)
def test_fractions_are_written_in_percent(
    value: D | float | None, text: str, with_sign: str
) -> None:
    assert figures.percent(value).replace("\u00a0", " ") == text
    assert figures.signed_percent(value).replace("\u00a0", " ") == with_sign
